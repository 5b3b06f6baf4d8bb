package oss_test

import (
	"context"
	"os"
	"testing"
	"time"

	embedded "feedstream/local/services/oss"
	"feedstream/shared/fc"
	"feedstream/shared/oss"
	"feedstream/shared/oss/osstest"
	"feedstream/shared/testkit"
)

// TestConformance holds the embedded OSS and a real bucket to the port's suite, both through the SDK.
func TestConformance(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		server := startEmbedded(t)
		osstest.Run(t, func(t testing.TB) osstest.Port { return open(t, "http://"+server.Addr(), 0) })
	})
	testkit.Real(t, "OSS", func(t *testing.T, endpoint string) {
		cfg := oss.Config{Endpoint: endpoint, Region: os.Getenv("OSS_REGION"), Bucket: os.Getenv("OSS_BUCKET")}
		bucket := testkit.Must(oss.New(cfg, func(context.Context) (oss.Credentials, error) {
			return oss.Credentials(fc.EnvironmentCredentials(os.Environ())), nil
		}))(t)
		osstest.Run(t, func(testing.TB) osstest.Port { return bucket })
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

func open(t testing.TB, endpoint string, timeout time.Duration) *oss.Bucket {
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
