package osstest_test

import (
	"context"
	"errors"
	"testing"

	"feedstream/shared/oss/osstest"
	"feedstream/shared/reference"
)

func TestMemoryConforms(t *testing.T) {
	store := osstest.NewMemory(nil)
	osstest.Run(t, func(testing.TB) osstest.Port { return store })
}

func TestMemoryFaults(t *testing.T) {
	broken := errors.New("broken")
	store := osstest.NewMemory(nil)
	ctx := t.Context()

	store.Fault(func(osstest.Op, string) osstest.Fault { return osstest.Fault{Err: broken} })
	if err := store.Put(ctx, "k", []byte("refused"), true); !errors.Is(err, broken) {
		t.Errorf("put under a fault: got %v", err)
	}
	store.Fault(nil)
	if _, err := store.Get(ctx, "k", ""); !errors.Is(err, reference.ErrNotFound) {
		t.Errorf("a failed put was applied: %v", err)
	}

	store.Fault(func(osstest.Op, string) osstest.Fault { return osstest.Fault{Err: broken, Applied: true} })
	if err := store.Put(ctx, "k", []byte("applied"), true); !errors.Is(err, broken) {
		t.Errorf("put under a fault: got %v", err)
	}
	store.Fault(func(osstest.Op, string) osstest.Fault {
		return osstest.Fault{Body: func(stored []byte) []byte { return stored[:3] }}
	})
	if object, err := store.Get(ctx, "k", ""); err != nil || string(object.Body) != "app" {
		t.Errorf("truncated get: got %q, %v", object.Body, err)
	}

	waiting := make(chan struct{})
	store.Fault(func(osstest.Op, string) osstest.Fault {
		close(waiting)
		return osstest.Fault{Wait: make(chan struct{})}
	})
	ctx, cancel := context.WithCancel(ctx)
	go func() { <-waiting; cancel() }()
	if _, err := store.Get(ctx, "k", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("get held back: got %v", err)
	}
	if got := store.Calls(osstest.OpGet); got != 3 {
		t.Errorf("calls: got %d, want 3", got)
	}
}
