# The four topics; `feedstream doctor --live` holds them to what the functions need.
set -euo pipefail
create() { /opt/kafka/bin/kafka-topics.sh --bootstrap-server localhost:9092 --create --if-not-exists --topic "$@"; }
create feed-updates --partitions 4
create feed-records --partitions 4
# A record that is set aside is larger than the one that came: it carries its reason.
create feed-quarantine --partitions 1 --config max.message.bytes=1114124
create feed-deadletter --partitions 1 --config max.message.bytes=1114124
