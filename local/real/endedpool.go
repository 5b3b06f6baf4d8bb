package real

import (
	"errors"
	"slices"
	"strings"

	avatica "github.com/apache/calcite-avatica-go/v5/errors"
)

// endedPool repeats queries that met the one fault that is known of Phoenix 5.2.1: its scans through an
// uncovered index share a thread pool that ends with its last user, and a scan that comes at that moment
// is refused (PHOENIX-7670, mended after 5.2.1). The next scan gets a new pool.
type endedPool struct{ met int }

// attempts bound the repetitions: that a query meets the moment so often in a row is another fault.
const attempts = 5

// repeat runs a query, and again for as long as it meets the fault; any other error is returned at once.
func (p *endedPool) repeat(query func() error) error {
	for attempt := 1; ; attempt++ {
		err := query()
		if !metEndedPool(err) {
			return err
		}
		p.met++
		if attempt == attempts {
			return err
		}
	}
}

// metEndedPool knows the fault by everything it says, so that no other one hides behind it.
func metEndedPool(err error) bool {
	if err == nil {
		return false
	}
	said := err.Error()
	var thin avatica.ResponseError // which keeps to itself what the server said
	if errors.As(err, &thin) {
		said += strings.Join(thin.Exceptions, "\n")
	}
	ended := slices.ContainsFunc([]string{"[Terminated, pool size", "[Shutting down, pool size"}, func(state string) bool {
		return strings.Contains(said, state)
	})
	return ended && strings.Contains(said, "java.util.concurrent.RejectedExecutionException") &&
		strings.Contains(said, "UncoveredGlobalIndexRegionScanner")
}
