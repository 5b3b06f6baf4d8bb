package runtime

import (
	"bytes"
	"io"
)

// mostUnended bounds what is kept of a line that has not ended.
const mostUnended = 64 << 10

// lines passes on what a process prints, and tells of each line that has ended. One goroutine writes to it.
type lines struct {
	to      io.Writer
	each    func(line []byte)
	unended []byte
}

func (l *lines) Write(b []byte) (int, error) {
	for part := range bytes.Lines(b) {
		line, ended := bytes.CutSuffix(part, []byte("\n"))
		if !ended || len(l.unended) > 0 {
			l.unended = append(l.unended, line[:min(len(line), mostUnended-len(l.unended))]...)
			line = l.unended
		}
		if ended {
			l.each(line)
			l.unended = l.unended[:0]
		}
	}
	return l.to.Write(b)
}
