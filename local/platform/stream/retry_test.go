package stream

import (
	"testing"
	"time"
)

func TestRetrySchedules(t *testing.T) {
	var total time.Duration
	failed := 1
	for ; ; failed++ {
		wait, ok := delay(false, failed, nil)
		if !ok {
			break
		}
		total += wait
	}
	if failed-1 != 176 || total != (511+167*512)*time.Second {
		t.Errorf("%d retries over %s", failed-1, total)
	}
	if wait, ok := delay(true, 3, func() float64 { return 0.5 }); !ok || wait != 15*time.Second {
		t.Errorf("third retry after %s, %v", wait, ok)
	}
	if _, ok := delay(true, 4, func() float64 { return 0 }); ok {
		t.Error("a fourth retry of the backoff strategy")
	}
}
