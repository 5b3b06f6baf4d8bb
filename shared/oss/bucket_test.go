package oss_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"feedstream/local/services/fault"
	embedded "feedstream/local/services/oss"
	"feedstream/shared/oss"
	"feedstream/shared/reference"
	"feedstream/shared/testkit"
)

func TestNewReportsEveryProblem(t *testing.T) {
	for _, test := range []struct {
		name string
		cfg  oss.Config
		want []string
	}{
		{"nothing set", oss.Config{}, []string{"endpoint", "region is not set", "bucket"}},
		{"prefixed region", oss.Config{Endpoint: "https://h.example", Region: "oss-cn-hangzhou", Bucket: "feed"},
			[]string{`write "cn-hangzhou"`}},
		{"other scheme", oss.Config{Endpoint: "ftp://h.example", Region: "r", Bucket: "feed"}, []string{"neither http nor"}},
		{"bucket in front", oss.Config{Endpoint: "https://feed.oss-cn-hangzhou-internal.aliyuncs.com", Region: "cn-hangzhou", Bucket: "feed"},
			[]string{"begins with the bucket", "https://oss-cn-hangzhou-internal.aliyuncs.com"}},
		{"bucket in front, no scheme", oss.Config{Endpoint: "feed.oss-cn-hangzhou.aliyuncs.com", Region: "cn-hangzhou", Bucket: "feed"},
			[]string{"write it like https://oss-cn-hangzhou.aliyuncs.com"}},
		{"path", oss.Config{Endpoint: "https://h.example/feed", Region: "r", Bucket: "feed"}, []string{"more than scheme"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := oss.New(test.cfg, nil)
			for _, want := range test.want {
				testkit.WantError(t, err, want)
			}
		})
	}
	if _, err := oss.New(oss.Config{Endpoint: "oss-cn-hangzhou.aliyuncs.com", Region: "cn-hangzhou", Bucket: "feed"}, nil); err != nil {
		t.Errorf("an endpoint without a scheme: %v", err)
	}
}

func failing(code string) embedded.Fault { return embedded.Fault{Fault: fault.Fault{Err: code}} }

func TestFailuresAreClassed(t *testing.T) {
	server := startEmbedded(t)
	for _, test := range []struct {
		name      string
		fault     embedded.Fault
		transient bool
	}{
		{"busy", failing("ServiceUnavailable"), true},
		{"forbidden", failing("AccessDenied"), false},
		{"bucket gone", failing("NoSuchBucket"), false},
		{"not implemented", failing("NotImplemented"), false},
		{"truncated", embedded.Fault{Truncate: true}, true},
		{"corrupt", embedded.Fault{Corrupt: true}, true},
		{"dropped", embedded.Fault{Fault: fault.Fault{Drop: true}}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			bucket := open(t, "http://"+server.Addr(), time.Second)
			server.Fault(nil)
			if err := bucket.Put(t.Context(), "k", []byte("0123456789"), true); err != nil {
				t.Fatal(err)
			}
			server.Fault(func(embedded.Call) embedded.Fault { return test.fault })
			_, err := bucket.Get(t.Context(), "k", "")
			if err == nil || errors.Is(err, reference.ErrNotFound) {
				t.Fatalf("error = %v", err)
			}
			if got := errors.Is(err, reference.ErrCorrupt); got != test.fault.Corrupt {
				t.Errorf("corrupt = %v: %v", got, err)
			}
			if got := oss.Transient(err); got != test.transient {
				t.Errorf("transient = %v, want %v: %v", got, test.transient, err)
			}
			for _, want := range []string{server.Addr(), "feed-reference", "k"} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %v does not name %s", err, want)
				}
			}
			for _, secret := range []string{"the-secret", "the-token"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error tells %s: %v", secret, err)
				}
			}
		})
	}
}

func TestServerThatNeverAnswers(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	_, err := open(t, server.URL, 50*time.Millisecond).Get(t.Context(), "k", "")
	if !errors.Is(err, context.DeadlineExceeded) || !oss.Transient(err) {
		t.Errorf("error = %v, transient %v, want a deadline that is transient", err, oss.Transient(err))
	}
}

// TestDeadConnectionIsRetriedOnce drops the first request of each operation after it was carried out.
func TestDeadConnectionIsRetriedOnce(t *testing.T) {
	done := fault.Fault{When: fault.After, Drop: true}
	server := startEmbedded(t)
	bucket := open(t, "http://"+server.Addr(), 5*time.Second)
	ctx := t.Context()
	for _, step := range []struct {
		name string
		call func() error
	}{
		{"put", func() error { return bucket.Put(ctx, "k", []byte("v"), true) }},
		{"get", func() error { _, err := bucket.Get(ctx, "k", ""); return err }},
		{"list", func() error { _, err := bucket.List(ctx, ""); return err }},
		{"delete", func() error { return bucket.Delete(ctx, "k") }},
	} {
		plan := fault.MustPlan(embedded.Faults(), fault.Rule{Count: 1, Fault: done})
		server.Fault(func(c embedded.Call) embedded.Fault { return embedded.Fault{Fault: plan.Next(c.Name)} })
		if err := step.call(); err != nil {
			t.Errorf("%s: %v", step.name, err)
		}
	}
	server.Fault(func(embedded.Call) embedded.Fault { return embedded.Fault{Fault: done} })
	if err := bucket.Put(ctx, "fresh", []byte("v"), false); err == nil || errors.Is(err, reference.ErrExists) {
		t.Errorf("put without overwrite on a dropped connection: %v, want an unclear end", err)
	}
}

func TestCredentialsAreAskedForAtEachCall(t *testing.T) {
	server := startEmbedded(t)
	asked := 0
	bucket, err := oss.New(oss.Config{Endpoint: "http://" + server.Addr(), Region: "cn-local", Bucket: "feed-reference"},
		func(context.Context) (oss.Credentials, error) {
			asked++
			if asked > 1 {
				return oss.Credentials{}, nil
			}
			return oss.Credentials{AccessKeyID: "id", AccessKeySecret: "the-secret"}, nil
		})
	if err != nil {
		t.Fatal(err)
	}
	if err := bucket.Put(t.Context(), "k", nil, true); err != nil {
		t.Fatal(err)
	}
	if _, err := bucket.Get(t.Context(), "k", ""); err == nil || !strings.Contains(err.Error(), "no access key") {
		t.Errorf("get without a key: %v", err)
	}
}
