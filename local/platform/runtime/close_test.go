package runtime

import (
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"feedstream/local/platform/manifest"
)

func newRuntime(t *testing.T, command ...string) (*Runtime, *Function) {
	t.Helper()
	dir := t.TempDir()
	r, err := New(Config{LogDir: dir, Logger: slog.New(slog.DiscardHandler)}, []manifest.Function{{
		Name: "f", Command: command, CodeDir: dir, Timeout: 10 * time.Second, InstanceConcurrency: 4, ReservedConcurrency: 1,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return r, r.Function("f")
}

// A request has its instance and has not come to starting it when the platform closes.
func TestCloseBeforeAnInstanceStarts(t *testing.T) {
	r, f := newRuntime(t, "/bin/sleep", "600")
	i, err := f.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := i.ready(t.Context()); !errors.Is(err, errStopping) {
		t.Errorf("err = %v", err)
	}
	if i.cmd != nil {
		t.Error("a process was started that nobody stops")
	}
}

// Requests that come, wait and start while the platform closes end with an error, and no process stays.
func TestCloseAgainstRequestsThatStartInstances(t *testing.T) {
	for range 20 {
		r, f := newRuntime(t, "/bin/sleep", "600") // its port never answers
		var requests sync.WaitGroup
		for range 8 {
			requests.Go(func() {
				if _, err := f.Invoke(t.Context(), nil); !errors.Is(err, errStopping) {
					t.Errorf("err = %v", err)
				}
			})
		}
		if err := r.Close(t.Context()); err != nil {
			t.Error(err)
		}
		requests.Wait()
		if n := f.Status().Instances; n > 1 {
			t.Errorf("%d instances", n)
		}
	}
}

// Those who wait for an instance that does not start get its error and start nothing behind its back.
func TestAnInstanceThatDidNotStartIsForgotten(t *testing.T) {
	r, f := newRuntime(t, "/bin/false")
	defer func() { _ = r.Close(t.Context()) }()
	i, err := f.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.ready(t.Context()); err == nil {
		t.Fatal("/bin/false was ready")
	}
	first := i.cmd
	if _, err := i.ready(t.Context()); err == nil || i.cmd != first {
		t.Errorf("the second request: %v", err)
	}
}
