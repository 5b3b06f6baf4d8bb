package platform

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"feedstream/local/platform/runtime"
)

// maxAsyncBody bounds the event of an asynchronous invocation.
const maxAsyncBody = 128 << 10

// The most asynchronous events that wait or run at a time. Each is kept through its retries, a minute apart.
const (
	maxWaiting      = 5000
	maxWaitingBytes = 64 << 20
)

// waiting are the asynchronous events that are not over.
type waiting struct {
	mu     sync.Mutex
	events int
	bytes  int
}

// enter counts an event in, unless there are too many.
func (w *waiting) enter(bytes int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.events == maxWaiting || w.bytes+bytes > maxWaitingBytes {
		return false
	}
	w.events++
	w.bytes += bytes
	return true
}

func (w *waiting) leave(bytes int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.events--
	w.bytes -= bytes
}

// acceptAsync answers at once; the invocation and its retries follow.
func (p *Platform) acceptAsync(w http.ResponseWriter, f *runtime.Function, event []byte) {
	if len(event) > maxAsyncBody {
		apiError(w, http.StatusRequestEntityTooLarge, "PayloadTooLarge", "an asynchronous event has at most 128 KB: use Sync")
		return
	}
	if !p.waiting.enter(len(event)) {
		apiError(w, http.StatusTooManyRequests, "ResourceThrottled",
			fmt.Sprintf("%d asynchronous events, or %d MB of them, wait already: try again later", maxWaiting, maxWaitingBytes>>20))
		return
	}
	if !p.goBackground(func() {
		defer p.waiting.leave(len(event))
		p.invokeAsync(p.ctx, f, "API", event)
	}) {
		p.waiting.leave(len(event))
		apiError(w, http.StatusServiceUnavailable, "ServiceUnavailable", "the platform is stopping")
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// invokeAsync returns when the invocation has succeeded, was given up, or ctx ended.
func (p *Platform) invokeAsync(ctx context.Context, f *runtime.Function, caller string, event []byte) {
	for try := 0; ; try++ {
		_, err := f.Invoke(ctx, event)
		if err == nil || ctx.Err() != nil {
			return
		}
		p.cfg.Logger.Warn("asynchronous invocation failed",
			"function", f.Manifest().Name, "caller", caller, "try", try+1, "error", err)
		wait := time.Duration(float64(time.Minute) / p.cfg.TimeScale)
		if try == f.Manifest().AsyncRetries || !sleepUntil(ctx, time.Now().Add(wait)) {
			return
		}
	}
}
