package runtime

import (
	"bytes"
	"io"
	"sync"
	"time"
)

// tailBytes is how much of what a process prints is kept: as much as the platform gives of an invocation's log.
const tailBytes = 4 << 10

// tail passes on what a process prints and keeps the end of it.
type tail struct {
	to io.Writer

	mu    sync.Mutex
	last  []byte
	total int // bytes that were printed
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total += len(b)
	t.last = append(t.last, b...)
	if extra := len(t.last) - tailBytes; extra > 0 {
		t.last = append(t.last[:0], t.last[extra:]...)
	}
	return t.to.Write(b)
}

// text is what there is to say of a process that has ended.
func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := bytes.TrimSpace(t.last)
	if len(text) == 0 {
		return "nothing"
	}
	return string(text)
}

// since is what was printed behind a number of bytes, as far as it is kept.
func (t *tail) since(begin int) []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(t.last[len(t.last)-min(t.total-begin, len(t.last)):])
}

// endLine is how a custom runtime ends the log of an invocation.
const endLine = "FC Invoke End RequestId: "

// lateLine is how long the last line of an invocation may come after its answer, which takes another way.
const lateLine = 100 * time.Millisecond

// from begins to watch what is printed under a request; the function it returns gives the end of it, once the line
// that ends the request's log is there. Other requests of the instance print into the same lines.
func (t *tail) from(id string) func() []byte {
	t.mu.Lock()
	begin := t.total
	t.mu.Unlock()
	return func() []byte {
		for deadline := time.Now().Add(lateLine); ; time.Sleep(time.Millisecond) { // a pipe announces itself to nobody
			printed := t.since(begin)
			if bytes.Contains(printed, []byte(endLine+id)) || time.Now().After(deadline) {
				return printed
			}
		}
	}
}
