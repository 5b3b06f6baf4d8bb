package runtime

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

func runCall(c *calls, event string, err error, printed ...string) *call {
	made := newCall("/invoke", []byte(event))
	c.begin(made, "i", false)
	for _, line := range printed {
		c.line([]byte(strings.ReplaceAll(line, "ID", made.ID)))
	}
	made.answered([]byte("answer of " + event))
	c.end(made, err)
	return made
}

// The last invocations are kept, the newest first, with the lines that name them.
func TestInvocations(t *testing.T) {
	f := &Function{}
	for n := range mostCalls + 7 {
		runCall(&f.calls, fmt.Sprint("event ", n), nil, "FC Invoke Start RequestId: ID", `{"msg":"push","requestId":"ID"}`, "other")
	}
	list := f.Invocations()
	if len(list) != mostCalls {
		t.Fatalf("%d invocations are kept", len(list))
	}
	for n, each := range list {
		if want := fmt.Sprint("event ", mostCalls+6-n); string(each.Event) != want || string(each.Answer) != "answer of "+want || len(each.Lines) != 2 {
			t.Fatalf("invocation %d is %+v, want that of %s", n, each, want)
		}
	}
	f.calls.line([]byte("FC Invoke End RequestId: " + list[3].ID))
	if lines := f.Invocations()[3].Lines; len(lines) != 3 {
		t.Errorf("a line that came late is not kept: %q", lines)
	}
}

func TestAttemptsOfAnEvent(t *testing.T) {
	var c calls
	failed := errors.New("no")
	runCall(&c, "a", failed)
	runCall(&c, "b", nil)
	runCall(&c, "a", failed)
	if third := runCall(&c, "a", nil); third.Attempt != 3 || third.Error != "" {
		t.Errorf("the third try of an event is %+v", third.Invocation)
	}
	if again := runCall(&c, "b", nil); again.Attempt != 1 {
		t.Errorf("an event that succeeded before is attempt %d", again.Attempt)
	}
}

// What is kept of an invocation is bounded, whatever comes.
func TestAnInvocationIsBounded(t *testing.T) {
	f := &Function{}
	long := strings.Repeat("x", 1<<20)
	made := newCall("/invoke", []byte(long))
	f.calls.begin(made, "i", true)
	for range 100 {
		f.calls.line([]byte("RequestId: " + made.ID + long))
	}
	made.answered([]byte(long))
	f.calls.end(made, errors.New(long))
	kept := f.Invocations()[0]
	log := strings.Join(kept.Lines, "")
	if len(kept.Event) != mostEvent || len(kept.Answer) != mostAnswer || len(kept.Error) != mostError || len(log) != mostLog ||
		len(kept.Lines[0]) != mostLine || kept.EventBytes != len(long) || !kept.Cold {
		t.Errorf("kept %d bytes of the event, %d of the answer, %d of the error, %d of %d lines",
			len(kept.Event), len(kept.Answer), len(kept.Error), len(log), len(kept.Lines))
	}
	short := newCall("/invoke", nil)
	f.calls.begin(short, "i", true)
	for range 100 {
		f.calls.line([]byte("RequestId: " + short.ID))
	}
	f.calls.end(short, nil)
	if lines := f.Invocations()[0].Lines; len(lines) != mostLines {
		t.Errorf("%d short lines are kept", len(lines))
	}
}

// Lines are told whole however they are written, and all is passed on.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\nbc\n\nd"), 2)
	f.Fuzz(func(t *testing.T, printed []byte, size int) {
		size = 1 + int(uint(size)%64)
		printed = printed[:min(len(printed), 1<<10)]
		var passed bytes.Buffer
		var told []string
		w := &lines{to: &passed, each: func(line []byte) { told = append(told, string(line)) }}
		for from := 0; from < len(printed); from += size {
			if _, err := w.Write(printed[from:min(from+size, len(printed))]); err != nil {
				t.Fatal(err)
			}
		}
		want := strings.Split(string(printed), "\n")
		want = want[:len(want)-1]
		if fmt.Sprint(told) != fmt.Sprint(want) || !bytes.Equal(passed.Bytes(), printed) {
			t.Errorf("told %q of %q", told, printed)
		}
	})
}

func TestALineWithoutEndIsBounded(t *testing.T) {
	w := &lines{to: io.Discard, each: func([]byte) {}}
	for range 100 {
		_, _ = w.Write(bytes.Repeat([]byte("x"), 10_000))
	}
	if cap(w.unended) > 2*mostUnended {
		t.Errorf("%d bytes are kept of it", cap(w.unended))
	}
}

// BenchmarkCall is what keeping an invocation costs: a push of 500 records with its log line.
func BenchmarkCall(b *testing.B) {
	var c calls
	event := bytes.Repeat([]byte("x"), 220_000)
	for b.Loop() {
		made := newCall("/invoke", event)
		c.begin(made, "i", false)
		c.line([]byte(`{"msg":"push","requestId":"` + made.ID + `"}`))
		c.end(made, nil)
	}
}
