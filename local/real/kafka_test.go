//go:build real

package real

import (
	"testing"

	"feedstream/shared/kafka/kafkatest"
)

// TestKafka runs the suite of the Kafka port on Apache Kafka.
func TestKafka(t *testing.T) {
	k := startKafka(t, t.TempDir(), nil)
	kafkatest.Run(t, func(testing.TB) string { return k.Addr })
}
