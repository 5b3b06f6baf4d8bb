package oss_test

import (
	"context"
	"testing"

	embedded "feedstream/local/services/oss"
	"feedstream/shared/oss"
	"feedstream/shared/oss/osstest"
)

// TestEmbedded runs the port's suite through the SDK against the embedded server.
func TestEmbedded(t *testing.T) {
	osstest.Run(t, func(t *testing.T) osstest.Port {
		server, err := embedded.Start(embedded.Options{
			Addr: "127.0.0.1:0", Dir: t.TempDir(), AccessKeyID: "id", AccessKeySecret: "secret",
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
		bucket, err := oss.New(oss.Config{Endpoint: "http://" + server.Addr(), Region: "cn-local", Bucket: "feed-reference"},
			func(context.Context) (oss.Credentials, error) {
				return oss.Credentials{AccessKeyID: "id", AccessKeySecret: "secret", SecurityToken: "token"}, nil
			})
		if err != nil {
			t.Fatal(err)
		}
		return bucket
	})
}
