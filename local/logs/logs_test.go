package logs

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"feedstream/local/target"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPrint(t *testing.T) {
	data := t.TempDir()
	write(t, filepath.Join(data, target.LogFolder, "feed-enrich.log"), "one\ntwo\nthree")
	for lines, want := range map[int]string{-1: "one\ntwo\nthree", 0: "", 2: "two\nthree", 9: "one\ntwo\nthree"} {
		var out strings.Builder
		if err := Print(t.Context(), &out, data, "feed-enrich", Options{Lines: lines}); err != nil || out.String() != want {
			t.Errorf("%d lines: %q, %v", lines, out.String(), err)
		}
	}
	for _, function := range []string{"feed-query", "../logs/feed-enrich"} {
		if err := Print(t.Context(), io.Discard, data, function, Options{}); err == nil || !strings.Contains(err.Error(), "feed-enrich") {
			t.Errorf("%s: %v", function, err)
		}
	}
}

// Whoever follows a log sees what is appended, and goes on when a full log is begun anew.
func TestFollow(t *testing.T) {
	data := t.TempDir()
	path := filepath.Join(data, target.LogFolder, "f.log")
	write(t, path, "before\n")
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- Print(ctx, writer, data, "f", Options{Lines: -1, Follow: true})
		_ = writer.Close()
	}()
	lines := bufio.NewScanner(reader)
	next := func(want string) {
		t.Helper()
		if !lines.Scan() || lines.Text() != want {
			t.Fatalf("line %q, want %q", lines.Text(), want)
		}
	}
	next("before")
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"appended\n", "the last\n"} {
		if _, err := file.WriteString(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(file.Close(), os.Rename(path, path+".1")); err != nil {
		t.Fatal(err)
	}
	write(t, path, "anew, and longer than all that was there before\n")
	next("appended")
	next("the last")
	next("anew, and longer than all that was there before")
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
