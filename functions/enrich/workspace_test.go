package main

import (
	"slices"
	"testing"

	"feedstream/shared/phoenix"
)

var reported = input{"192.168.2.17", "2318.HK,1605760851123"}

// A workspace that a panic leaves behind is never used again: a sink may still look at it.
func TestAWorkspaceIsNotUsedAfterAPanic(t *testing.T) {
	w := newWorld(t)
	w.refuseRow = func(*phoenix.Row) string { panic("boom") }
	e := w.enricher()
	func() {
		defer func() { _ = recover() }()
		_, _ = e.Push(t.Context(), push(t, 0, reported))
		t.Error("the push did not panic")
	}()
	if kept := e.workspaces.Get(); kept != nil {
		t.Errorf("kept %+v", kept)
	}
}

// What a large push has taken goes with it, and a kept workspace knows nothing of the push that it served.
func TestAWorkspaceForgets(t *testing.T) {
	for _, events := range []int{1, mostKept + 1} {
		w := newWorld(t)
		e := w.enricher()
		if _, err := e.Push(t.Context(), push(t, 0, slices.Repeat([]input{reported}, events)...)); err != nil {
			t.Fatal(err)
		}
		work, kept := e.workspaces.Get().(*workspace) // under the race detector a pool loses things on purpose
		if kept && events > mostKept {
			t.Errorf("that of a push of %d events is kept", events)
		}
		if !kept {
			continue
		}
		for i, d := range work.deliveries[:cap(work.deliveries)] {
			if d.Key != "" || d.Value != "" {
				t.Errorf("delivery %d is still known: %+v", i, d)
			}
		}
		for i, v := range work.verdicts[:cap(work.verdicts)] {
			if v.record.Sender != "" || v.why != nil {
				t.Errorf("verdict %d is still known: %+v", i, v)
			}
		}
	}
}
