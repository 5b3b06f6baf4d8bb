package main

import (
	"testing"

	"feedstream/shared/config"
	"feedstream/shared/testkit"
)

func TestConfigNamesEveryMissingVariable(t *testing.T) {
	err := config.Load(&Config{}, nil)
	for _, name := range []string{"MONGODB_URI", "OSS_ENDPOINT", "OSS_REGION"} {
		testkit.WantError(t, err, name+" is missing")
	}
}
