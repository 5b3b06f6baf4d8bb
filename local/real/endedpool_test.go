package real

import (
	"errors"
	"fmt"
	"testing"

	avatica "github.com/apache/calcite-avatica-go/v5/errors"
)

// refusal is what the region server said, as far as it is told by.
const refusal = "java.io.IOException: Task org.apache.phoenix.job.JobManager$InstrumentedJobFutureTask@4c5d " +
	"rejected from org.apache.phoenix.job.JobManager$InstrumentedThreadPoolExecutor@7f1b[%s, pool size = 0, active threads = 0]\n" +
	"\tat org.apache.phoenix.coprocessor.%s.submitTasks(Scanner.java:202)\n" +
	"Caused by: java.util.concurrent.%s: Task rejected"

func TestOnlyAnEndedPoolIsRepeated(t *testing.T) {
	for _, test := range []struct {
		state, scanner, exception string
		want                      bool
	}{
		{"Terminated", "UncoveredGlobalIndexRegionScanner", "RejectedExecutionException", true},
		{"Shutting down", "UncoveredGlobalIndexRegionScanner", "RejectedExecutionException", true},
		{"Running", "UncoveredGlobalIndexRegionScanner", "RejectedExecutionException", false},
		{"Terminated", "UngroupedAggregateRegionScanner", "RejectedExecutionException", false},
		{"Terminated", "UncoveredGlobalIndexRegionScanner", "CancellationException", false},
	} {
		said := fmt.Sprintf(refusal, test.state, test.scanner, test.exception)
		for driver, err := range map[string]error{
			"thick": errors.New(said),
			"thin":  fmt.Errorf("query: %w", avatica.ResponseError{ErrorMessage: "rejected", Exceptions: []string{said}}),
		} {
			if got := metEndedPool(err); got != test.want {
				t.Errorf("%s driver, %+v: %v, want %v", driver, test, got, test.want)
			}
		}
	}
}

func TestRepeat(t *testing.T) {
	ended := fmt.Errorf(refusal, "Terminated", "UncoveredGlobalIndexRegionScanner", "RejectedExecutionException")
	other := errors.New("another")
	for _, test := range []struct {
		name      string
		answers   []error
		want      error
		runs, met int
	}{
		{"an answer", []error{nil}, nil, 1, 0},
		{"another error", []error{other}, other, 1, 0},
		{"an answer at last", []error{ended, ended, nil}, nil, 3, 2},
		{"another error at last", []error{ended, other}, other, 2, 1},
		{"never an answer", []error{ended, ended, ended, ended, ended, nil}, ended, attempts, attempts},
	} {
		runs := 0
		var pool endedPool
		err := pool.repeat(func() error { runs++; return test.answers[runs-1] })
		if err != test.want || runs != test.runs || pool.met != test.met {
			t.Errorf("%s: %v after %d runs, %d of them met", test.name, err, runs, pool.met)
		}
	}
}
