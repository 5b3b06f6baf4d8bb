package oss_test

import (
	"context"
	"testing"
	"time"

	embedded "feedstream/local/services/oss"
	"feedstream/shared/oss"
	"feedstream/shared/oss/osstest"
)

// TestEmbedded runs the port's suite through the SDK against the embedded server.
func TestEmbedded(t *testing.T) {
	server := startEmbedded(t)
	osstest.Run(t, func(t *testing.T) osstest.Port {
		return open(t, "http://"+server.Addr(), 0)
	})
}

func startEmbedded(t *testing.T) *embedded.Server {
	t.Helper()
	server, err := embedded.Start(embedded.Options{
		Addr: "127.0.0.1:0", Dir: t.TempDir(), AccessKeyID: "id", AccessKeySecret: "the-secret",
		Region: "cn-local", Buckets: []string{"feed-reference"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func open(t *testing.T, endpoint string, timeout time.Duration) *oss.Bucket {
	t.Helper()
	bucket, err := oss.New(
		oss.Config{Endpoint: endpoint, Region: "cn-local", Bucket: "feed-reference", Timeout: timeout},
		func(context.Context) (oss.Credentials, error) {
			return oss.Credentials{AccessKeyID: "id", AccessKeySecret: "the-secret", SecurityToken: "the-token"}, nil
		})
	if err != nil {
		t.Fatal(err)
	}
	return bucket
}
