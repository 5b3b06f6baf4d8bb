package runtime

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
)

// maxLogBytes bounds a log file; the one before it is kept beside it as <name>.1.
const maxLogBytes = 64 << 20

// logFile appends what the instances of a function print to one file, and line by line to another writer.
type logFile struct {
	path, prefix string
	also         io.Writer // nil: nobody
	limit        int64

	mu   sync.Mutex
	file *os.File
	size int64
}

func (l *logFile) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.also != nil {
		for line := range bytes.Lines(b) {
			fmt.Fprintf(l.also, "%s | %s\n", l.prefix, bytes.TrimRight(line, "\n"))
		}
	}
	if err := l.open(); err != nil {
		return 0, err
	}
	n, err := l.file.Write(b)
	l.size += int64(n)
	return n, err
}

// open makes sure that there is a file with room.
func (l *logFile) open() error {
	if l.file != nil && l.size < l.limit {
		return nil
	}
	if l.file != nil {
		if err := l.closeFile(); err != nil {
			return err
		}
		if err := os.Rename(l.path, l.path+".1"); err != nil {
			return err
		}
	}
	file, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return err
	}
	l.file, l.size = file, info.Size()
	return nil
}

func (l *logFile) closeFile() error {
	file := l.file
	l.file = nil
	return file.Close()
}

// Close ends the file; a later Write opens it again.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	return l.closeFile()
}
