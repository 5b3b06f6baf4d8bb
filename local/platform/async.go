package platform

import (
	"context"
	"net/http"
	"time"

	"feedstream/local/platform/runtime"
)

// maxAsyncBody bounds the event of an asynchronous invocation.
const maxAsyncBody = 128 << 10

// acceptAsync answers at once; the invocation and its retries follow.
func (p *Platform) acceptAsync(w http.ResponseWriter, f *runtime.Function, event []byte) {
	if len(event) > maxAsyncBody {
		apiError(w, http.StatusRequestEntityTooLarge, "PayloadTooLarge", "an asynchronous event has at most 128 KB: use Sync")
		return
	}
	if !p.goBackground(func() { p.invokeAsync(p.ctx, f, "API", event) }) {
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
