// Package logs shows what the functions of a running local stack print.
package logs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"feedstream/local/target"
)

const ending = ".log"

// pause between two looks at a file that is followed.
const pause = 200 * time.Millisecond

// Options of what is shown.
type Options struct {
	Lines  int  // the last so many; negative shows all of them
	Follow bool // go on with what comes, until the context ends
}

// Print writes the log of a function to w. The error names the functions that have one when this one has not. The end
// of the context is no error.
func Print(ctx context.Context, w io.Writer, data, function string, o Options) error {
	path := filepath.Join(data, target.LogFolder, function+ending)
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) || function != filepath.Base(function) {
		return fmt.Errorf("%s has printed nothing; logs are there of: %s", function, strings.Join(functions(data), ", "))
	}
	if err != nil {
		return fmt.Errorf("read the log of %s: %w", function, err)
	}
	content, err := io.ReadAll(file)
	if err == nil {
		_, err = w.Write(last(content, o.Lines))
	}
	if err == nil && o.Follow {
		return follow(ctx, w, file)
	}
	return errors.Join(err, file.Close())
}

// functions lists those that have a log.
func functions(data string) (names []string) {
	files, _ := filepath.Glob(filepath.Join(data, target.LogFolder, "*"+ending))
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ending))
	}
	if len(names) == 0 {
		names = []string{"none"}
	}
	return names
}

// last cuts content to its last lines.
func last(content []byte, lines int) []byte {
	if lines < 0 {
		return content
	}
	all := slices.Collect(bytes.Lines(content))
	return bytes.Join(all[max(0, len(all)-lines):], nil)
}

// follow copies what is appended to a file. A full log gets another name and a new one is begun under its own: the old
// one is read to its end first.
func follow(ctx context.Context, w io.Writer, file *os.File) (err error) {
	defer func() { err = errors.Join(err, file.Close()) }()
	for {
		replaced := begunAnew(file)
		if _, err := io.Copy(w, file); err != nil {
			return fmt.Errorf("follow a log: %w", err)
		}
		if replaced != nil {
			_ = file.Close()
			file = replaced
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// begunAnew opens the file that has the name of another by now; nil while there is none.
func begunAnew(file *os.File) *os.File {
	now, err := os.Open(file.Name())
	if err != nil {
		return nil // between its two names
	}
	was, err := file.Stat()
	is, err2 := now.Stat()
	if err != nil || err2 != nil || os.SameFile(was, is) {
		_ = now.Close()
		return nil
	}
	return now
}
