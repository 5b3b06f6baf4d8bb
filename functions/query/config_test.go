package main

import (
	"strings"
	"testing"

	"feedstream/shared/config"
)

func TestConfigNamesEveryMissingVariable(t *testing.T) {
	err := config.Load(&Config{}, nil)
	for _, name := range []string{"HBASE_ZOOKEEPER", "OSS_ENDPOINT", "OSS_REGION"} {
		if err == nil || !strings.Contains(err.Error(), name+" is missing") {
			t.Errorf("the error does not name %s: %v", name, err)
		}
	}
}
