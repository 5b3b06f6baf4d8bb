package platform

import (
	"context"
	"encoding/json"
	"fmt"
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
		p.invokeAsync(ctx, p.functions.Function(name), "timer "+timer.Name, timerEvent(timer, at))
	}
}

// RunTimer calls a function with the event of its first timer, now.
func (p *Platform) RunTimer(ctx context.Context, name string) ([]byte, error) {
	f := p.functions.Function(name)
	if f == nil || len(f.Declared().Timers) == 0 {
		return nil, fmt.Errorf("there is no function %q with a timer in %s", name, p.cfg.Manifest.Path)
	}
	return f.Invoke(ctx, timerEvent(f.Declared().Timers[0], time.Now()))
}

// timerEvent is the event of a time trigger. Source: "Event formats", time trigger.
func timerEvent(t manifest.Timer, at time.Time) []byte {
	event, _ := json.Marshal(struct { // three strings always marshal
		TriggerTime string `json:"triggerTime"`
		TriggerName string `json:"triggerName"`
		Payload     string `json:"payload"`
	}{at.UTC().Format(time.RFC3339), t.Name, t.Payload})
	return event
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
