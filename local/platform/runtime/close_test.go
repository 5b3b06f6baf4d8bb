package runtime

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"feedstream/local/platform/manifest"
)

func newRuntime(t *testing.T) *Runtime {
	t.Helper()
	return New(Config{LogDir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)}, []manifest.Function{{
		Name: "f", Command: []string{"/bin/sh", "-c", "sleep 60"}, CodeDir: t.TempDir(), Timeout: time.Second, InstanceConcurrency: 1,
	}})
}

// A request that has its instance and comes to start it when the runtime has closed is refused.
func TestAStartAfterCloseIsRefused(t *testing.T) {
	r := newRuntime(t)
	f := r.Function("f")
	i, err := f.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := i.ready(t.Context()); err == nil || !strings.Contains(err.Error(), "stopping") {
		t.Errorf("error = %v", err)
	}
}

// Requests that come while the runtime closes end with an error, whatever they were about to do.
func TestCloseAmongRequests(t *testing.T) {
	for range 20 {
		r := newRuntime(t)
		var calls sync.WaitGroup
		for range 8 {
			calls.Go(func() {
				_, err := r.Function("f").Invoke(context.Background(), []byte("[]"))
				if err == nil {
					t.Error("a process without a port has answered")
				}
			})
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
		calls.Wait()
	}
}
