package trigger

import (
	"encoding/json"
	"fmt"
	"time"
)

// Timer is the event of a time trigger.
type Timer struct {
	TriggerTime time.Time `json:"triggerTime"`
	TriggerName string    `json:"triggerName"`
	Payload     string    `json:"payload"` // as written in the trigger's configuration
}

// DecodeTimer reads the event of a time trigger. An event without triggerName and triggerTime is an
// error: it came from something else.
func DecodeTimer(event []byte) (Timer, error) {
	var timer Timer
	if err := json.Unmarshal(event, &timer); err != nil {
		return Timer{}, fmt.Errorf("read the timer event: %w", err)
	}
	if timer.TriggerName == "" || timer.TriggerTime.IsZero() {
		return Timer{}, fmt.Errorf("read the timer event: triggerName and triggerTime are required")
	}
	return timer, nil
}
