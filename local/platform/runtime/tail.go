package runtime

import (
	"bytes"
	"io"
)

// tailBytes is enough for the lines that say why a process could not start.
const tailBytes = 2000

// tail passes on what a process prints and keeps the end of it. It is read only after the process
// has ended, so it needs no lock.
type tail struct {
	to   io.Writer
	last []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.last = append(t.last, b...)
	if extra := len(t.last) - tailBytes; extra > 0 {
		t.last = append(t.last[:0], t.last[extra:]...)
	}
	return t.to.Write(b)
}

func (t *tail) text() string {
	text := bytes.TrimSpace(t.last)
	if len(text) == 0 {
		return "nothing"
	}
	return string(text)
}
