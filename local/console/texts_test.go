package console

import (
	"context"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"feedstream/shared/feed"
)

// No text of a record is a formula of a spreadsheet; its price stays a number.
func TestCellsAreNoFormulas(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "2318.HK": "2318.HK", "a=1": "a=1", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)",
		"\t=1": "'\t=1", "\r=1": "'\r=1", "'=1": "'=1",
	} {
		if got := plain(text); got != want {
			t.Errorf("plain(%q) = %q, want %q", text, got, want)
		}
	}
	price, err := feed.ParsePrice("78.25")
	if err != nil {
		t.Fatal(err)
	}
	r := feed.Record{Update: feed.Update{Sender: "=cmd()", StockCode: "-2318.HK"}, StockName: "@name", LastPrice: &price}
	got := cells(&r)
	for _, want := range []string{"'" + r.RowKey(), "'=cmd()", "'-2318.HK", "'@name", "78.25"} {
		if !slices.Contains(got, want) {
			t.Errorf("the cells %q have no %q", got, want)
		}
	}
}

// Nothing that a job does happens after the console has closed, whenever it was started.
func TestNoJobOutlivesTheConsole(t *testing.T) {
	for range 20_000 {
		c := &Console{}
		c.ctx, c.stop = context.WithCancel(t.Context())
		var closed atomic.Bool
		ready := make(chan struct{})
		var starting sync.WaitGroup
		starting.Go(func() {
			close(ready)
			(&job{}).begin(c, func(ctx context.Context, _ func(string, int64, int64)) outcome {
				<-ctx.Done()
				if closed.Load() {
					t.Error("a job goes on after Close")
				}
				return outcome{}
			})
		})
		<-ready
		c.Close()
		closed.Store(true)
		starting.Wait()
		c.ended.Wait()
	}
}

// Who starts a job while it runs is told that theirs was not started, as long as the other's is shown.
func TestASecondRunOfAJobIsRefusedAloud(t *testing.T) {
	c := &Console{}
	c.ctx, c.stop = context.WithCancel(t.Context())
	defer c.stop()
	j := &job{name: "audit", path: tryPath}
	end := make(chan struct{})
	work := func(context.Context, func(string, int64, int64)) outcome { <-end; return outcome{Text: "done"} }
	start := func() string {
		w := httptest.NewRecorder()
		j.start(c, w, work)
		return w.Body.String()
	}
	const refused = "Yours was not started"
	if first := start(); strings.Contains(first, refused) || !strings.Contains(first, `hx-get="/jobs/audit"`) {
		t.Errorf("the first run is answered with %s", first)
	}
	if second := start(); !strings.Contains(second, refused) || !strings.Contains(second, `hx-get="/jobs/audit?refused=1"`) {
		t.Errorf("a second run is answered with %s", second)
	}
	close(end)
	c.ended.Wait()
	if third := start(); strings.Contains(third, refused) {
		t.Errorf("a run after the end of the first is answered with %s", third)
	}
	c.ended.Wait()
}
