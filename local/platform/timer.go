package platform

import (
	"context"
	"time"

	"feedstream/local/platform/cron"
	"feedstream/local/platform/manifest"
)

// runTimer calls a function on its schedule until ctx ends. A run that fails is repeated as an
// asynchronous invocation is: up to the function's limit, a minute apart.
func (p *Platform) runTimer(ctx context.Context, name string, timer manifest.Timer) {
	schedule, err := cron.Parse(timer.Cron)
	if err != nil {
		p.cfg.Logger.Error("timer", "function", name, "trigger", timer.Name, "error", err) // the manifest was checked
		return
	}
	for at := schedule.Next(time.Now()); sleepUntil(ctx, at); at = schedule.Next(time.Now()) {
		p.invokeAsync(ctx, p.functions[name], "timer "+timer.Name, timerEvent(timer, at))
	}
}

// invokeAsync returns when the invocation has succeeded, was given up, or ctx ended.
func (p *Platform) invokeAsync(ctx context.Context, f *function, caller string, event []byte) {
	for try := 0; ; try++ {
		_, err := f.invoke(ctx, event)
		if err == nil || ctx.Err() != nil {
			return
		}
		p.cfg.Logger.Warn("asynchronous invocation failed",
			"function", f.manifest.Name, "caller", caller, "try", try+1, "error", err)
		wait := time.Duration(float64(time.Minute) / p.cfg.TimeScale)
		if try == f.manifest.AsyncRetries || !sleepUntil(ctx, time.Now().Add(wait)) {
			return
		}
	}
}

// sleepUntil reports false when ctx ended first.
func sleepUntil(ctx context.Context, at time.Time) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
