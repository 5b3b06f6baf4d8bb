package fc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"feedstream/shared/testkit"
)

// When ctx ends, Run lets the running request finish before it returns.
func TestRunDrains(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	entered, leave := make(chan struct{}), make(chan struct{})
	f := Function{Invoke: func(context.Context, []byte) ([]byte, error) {
		close(entered)
		<-leave
		return []byte(`"done"`), nil
	}}
	ended := make(chan error, 1)
	started := &announcing{seen: make(chan struct{})}
	go func() {
		ended <- Run(ctx, Config{Addr: addr, Logger: NewLogger(started, slog.LevelInfo, Instance{}), RequestLines: io.Discard}, f)
	}()
	<-started.seen
	for _, want := range []string{`"addr":"` + addr, `"release":"`, `"commit":"`, `"go":"` + runtime.Version()} {
		if !bytes.Contains(started.line, []byte(want)) {
			t.Errorf("the first line %s lacks %s", started.line, want)
		}
	}
	answer := make(chan string, 1)
	go func() {
		response, err := http.Post("http://"+addr+"/invoke", "application/json", strings.NewReader("[]"))
		if err != nil {
			answer <- err.Error()
			return
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body) // an error shows as a wrong answer
		answer <- string(body)
	}()
	<-entered
	stop()
	select {
	case err := <-ended:
		t.Errorf("Run returned %v while a request was running", err)
	default:
	}
	close(leave)
	if got := <-answer; got != `"done"` {
		t.Errorf("the running request got %s", got)
	}
	if err := <-ended; err != nil {
		t.Errorf("Run = %v", err)
	}
}

// announcing keeps the first line logged, which says that the function serves, and closes seen then.
type announcing struct {
	seen chan struct{}
	line []byte
}

func (a *announcing) Write(b []byte) (int, error) {
	if a.line == nil {
		a.line = bytes.Clone(b)
		close(a.seen)
	}
	return len(b), nil
}

func TestRunNamesTheTakenAddress(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	addr := listener.Addr().String()
	err = Run(t.Context(), Config{Addr: addr, Logger: testkit.Quiet()}, Function{})
	testkit.WantError(t, err, addr)
}

func TestLogger(t *testing.T) {
	var out bytes.Buffer
	logger := NewLogger(&out, slog.LevelWarn, InstanceOf([]string{"FC_FUNCTION_NAME=feed-enrich", "FC_INSTANCE_ID=c-1"}))
	ctx := context.WithValue(t.Context(), contextKey{}, invocation{requestID: "1-abc"})
	logger.InfoContext(ctx, "not at this level")
	logger.WarnContext(ctx, "stale", "age", 3)
	line := out.String()
	if strings.Count(line, "\n") != 1 {
		t.Fatalf("logged %q, want one line", line)
	}
	for _, want := range []string{`"function":"feed-enrich"`, `"age":3`, `"requestId":"1-abc"`, `"level":"WARN"`} {
		if !strings.Contains(line, want) {
			t.Errorf("%s lacks %s", line, want)
		}
	}
}

func TestTheLoggerBoundsTextsAndNamesUnits(t *testing.T) {
	var out bytes.Buffer
	logger := NewLogger(&out, slog.LevelInfo, Instance{})
	long := strings.Repeat("\x00", MaxLineBytes)
	logger.Info(long, "error", errors.New(long), "stack", long, "took", 1500*time.Microsecond, "none", error(nil))
	if out.Len() > MaxLineBytes {
		t.Errorf("the line has %d bytes", out.Len())
	}
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	if line["tookMs"] != 1.5 || !strings.HasSuffix(line["error"].(string), "bytes more)") {
		t.Errorf("took %v, error %.40q", line["tookMs"], line["error"])
	}
}

// What is clipped is a JSON string within the bound, and what fits is left as it is.
func FuzzClip(f *testing.F) {
	f.Add("plain", 3)
	f.Add("\"\\\x00\u2028\xff\ue000€", 9)
	f.Fuzz(func(t *testing.T, text string, most int) {
		most = min(max(most, 0), 1<<20)
		clipped := Clip(text, most)
		kept, rest, cut := strings.Cut(clipped, "… (")
		if !cut {
			kept = clipped
		}
		if strings.Contains(text, "… (") {
			return
		}
		var quoted bytes.Buffer
		encoder := json.NewEncoder(&quoted)
		encoder.SetEscapeHTML(false) // as a logger does
		if err := encoder.Encode(kept); err != nil {
			t.Fatal(err)
		}
		if size := quoted.Len() - len("\"\"\n"); size > most || !strings.HasPrefix(text, kept) {
			t.Errorf("Clip(%q, %d) = %q takes %d bytes", text, most, clipped, size)
		}
		if want := fmt.Sprintf("%d bytes more)", len(text)-len(kept)); cut && rest != want || !cut && clipped != text {
			t.Errorf("Clip(%q, %d) = %q", text, most, clipped)
		}
	})
}
