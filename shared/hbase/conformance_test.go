package hbase_test

import (
	"testing"

	"feedstream/shared/hbase/hbasetest"
)

// TestConformance runs against a real HBase when one is named in the environment. The embedded one
// runs the suite in its own folder.
func TestConformance(t *testing.T) {
	for _, target := range hbasetest.Targets() {
		t.Run(target.Name, func(t *testing.T) { hbasetest.Run(t, target) })
	}
}
