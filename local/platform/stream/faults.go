package stream

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// quiet is how long an error of fetching must not have come back to count as over, while nothing is there
// to be fetched. The client tells of one that stays every second or so.
const quiet = 10 * time.Second

// faults tells of what goes wrong: each thing once, however often it is tried.
//
// An outage of Kafka is told when it begins and when all of it is over. Each thing that failed ends by its
// own success: that a broker answers does not say that the one with the partition or the group does.
type faults struct {
	logger  *slog.Logger
	brokers []string

	mu      sync.Mutex
	last    string
	failing map[string]time.Time // what of Kafka does not work, and when it failed last
}

// failed reports an error unless it is the one before.
func (f *faults) failed(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last != err.Error() {
		f.last = err.Error()
		f.logger.Warn("event stream", "error", err)
	}
}

// kafka reports the first error of an outage; those that follow show in the status only.
func (f *faults) kafka(what string, err error) {
	err = fmt.Errorf("reach Kafka at %s: %s: %w", strings.Join(f.brokers, ","), what, err)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = err.Error()
	if len(f.failing) == 0 {
		f.logger.Warn("event stream", "error", err)
	}
	f.failing[what] = time.Now()
}

// works takes note that something has succeeded; the outage is over when it was the last that failed.
func (f *faults) works(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over(func(failing string, _ time.Time) bool { return failing == what })
}

// settle counts as over what was fetched in vain before then and not since.
func (f *faults) settle(then time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.over(func(failing string, at time.Time) bool {
		return strings.HasPrefix(failing, fetching) && at.Before(then)
	})
}

// over ends what matches; the mutex is held.
func (f *faults) over(matches func(what string, at time.Time) bool) {
	before := len(f.failing)
	for what, at := range f.failing {
		if matches(what, at) {
			delete(f.failing, what)
		}
	}
	if before > 0 && len(f.failing) == 0 {
		f.last = ""
		f.logger.Info("event stream: Kafka answers again")
	}
}

// fails says whether something has failed and not succeeded since.
func (f *faults) fails(what string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, failing := f.failing[what]
	return failing
}

func (f *faults) lastError() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last
}
