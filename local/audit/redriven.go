package audit

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/shared/feed"
)

// addSuccessor notes which record that was set aside an input record takes the place of, if it does of any.
func (a *auditor) addSuccessor(r *kgo.Record) {
	if len(r.Headers) == 0 {
		return
	}
	origin, err := feed.ParseOrigin(header(r, feed.HeaderRedrivenFrom))
	if err != nil || origin.Topic != a.cfg.Topics.Input {
		return
	}
	if m, _ := a.ledger.at(origin.Partition, origin.Offset); m&evidence != 0 { // it is evidence of nothing itself
		a.ledger.add(origin.Partition, origin.Offset, redriven)
	}
}

// repaired says that a record that was set aside needs no repair any more: another one took its place, which
// has a verdict of its own.
func (m mark) repaired() bool {
	return m&redriven != 0 && (m.verdict() == quarantined || m.verdict() == deadLettered)
}
