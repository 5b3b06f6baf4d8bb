# What the official image does with a mounted server.properties: format an empty disk, then run.
set -euo pipefail
settings=/mnt/shared/config/server.properties
java -cp '/opt/kafka/libs/*' kafka.tools.StorageTool format --ignore-formatted -t 5L6g3nShT-eMCtK--X86sw -c "$settings"
exec java $KAFKA_HEAP_OPTS -cp '/opt/kafka/libs/*' kafka.Kafka "$settings"
