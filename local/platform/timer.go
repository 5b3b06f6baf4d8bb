package platform

import (
	"context"
	"encoding/json"
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
		p.invokeAsync(ctx, p.runtime.Function(name), "timer "+timer.Name, timerEvent(timer, at))
	}
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
