package audit

import "feedstream/shared/feed"

// mark is what is known of one input offset: bits of evidence, and above them the reason of its
// quarantine.
type mark uint16

const (
	exists       mark = 1 << iota // the input topic holds a record there
	matched                       // an output record joined with the reference
	unmatched                     // an output record that the reference did not know
	quarantined                   // a quarantine record
	deadLettered                  // a dead letter
	redriven                      // the input topic holds the record that takes its place
	disagrees                     // an output record tells of another event than another one, or than the input record
	early                         // some evidence is older than the first record that the input topic holds
	reasonShift  = iota
)

const (
	recorded = matched | unmatched
	evidence = recorded | quarantined | deadLettered
)

// verdict keeps the strongest evidence alone: output record, quarantine record, dead letter, none. An
// offset with output records of both kinds, from a push repeated across a refresh, counts as matched.
func (m mark) verdict() mark {
	for _, strongest := range []mark{matched, unmatched, quarantined, deadLettered} {
		if m&strongest != 0 {
			return strongest
		}
	}
	return 0
}

// overtaken reports whether weaker evidence stands beside stronger.
func (m mark) overtaken() bool {
	return m&recorded != 0 && m&(quarantined|deadLettered) != 0 || m&quarantined != 0 && m&deadLettered != 0
}

// repaired says that a record that was set aside needs no repair any more: another one took its place, which
// has a verdict of its own.
func (m mark) repaired() bool {
	return m&redriven != 0 && (m.verdict() == quarantined || m.verdict() == deadLettered)
}

// reasons in the order of their numbers in a mark; number 0 is "none known".
var reasons = []feed.Reason{"", feed.UndecodableEvent, feed.MissingKey, feed.InvalidKey, feed.MissingValue,
	feed.MalformedValue, feed.InvalidStockCode, feed.InvalidTimestamp, feed.FutureTimestamp, feed.SinkRejected}

func markOf(reason feed.Reason) mark {
	for i, r := range reasons {
		if r == reason {
			return quarantined | mark(i)<<reasonShift
		}
	}
	return quarantined
}

func (m mark) reason() feed.Reason {
	if i := int(m >> reasonShift); i < len(reasons) && i > 0 {
		return reasons[i]
	}
	return "other"
}

// pageSize is how many offsets a page covers.
const pageSize = 1 << 13

// page holds a stretch of offsets of one partition.
type page struct {
	marks [pageSize]mark
	// identities are hashes of what the output record of an offset says happened, nil until there is one.
	identities *[pageSize]uint64
}

// ledger holds two bytes for each offset of the input topic that anything is known of, and eight more
// once there are output records, so that millions fit.
type ledger struct {
	partitions map[int]map[int64]*page
}

func newLedger() *ledger { return &ledger{partitions: make(map[int]map[int64]*page)} }

// page returns the page of an offset and the place in it.
func (l *ledger) page(partition int, offset int64) (*page, int) {
	pages := l.partitions[partition]
	if pages == nil {
		pages = make(map[int64]*page)
		l.partitions[partition] = pages
	}
	number := offset / pageSize
	p := pages[number]
	if p == nil {
		p = new(page)
		pages[number] = p
	}
	return p, int(offset % pageSize)
}

// add adds evidence to an offset and returns what was known before.
func (l *ledger) add(partition int, offset int64, m mark) (before mark) {
	p, at := l.page(partition, offset)
	before = p.marks[at]
	if before&quarantined != 0 && m&quarantined != 0 {
		m &= 1<<reasonShift - 1 // the first reason stays
	}
	p.marks[at] |= m
	return before
}

// identify records what happened at an offset according to an output record, and reports whether that
// agrees with the output records before. 0 is no identity.
func (l *ledger) identify(partition int, offset int64, identity uint64) (agrees bool) {
	p, at := l.page(partition, offset)
	if p.identities == nil {
		p.identities = new([pageSize]uint64)
	}
	if known := p.identities[at]; known != 0 {
		return known == identity
	}
	p.identities[at] = identity
	return true
}

// at returns what is known of an offset; it makes no page.
func (l *ledger) at(partition int, offset int64) (m mark, identity uint64) {
	p := l.partitions[partition][offset/pageSize]
	if offset < 0 || p == nil {
		return 0, 0
	}
	if p.identities != nil {
		identity = p.identities[offset%pageSize]
	}
	return p.marks[offset%pageSize], identity
}

// each calls f for every offset of a partition that anything is known of, in no particular order.
func (l *ledger) each(f func(partition int, offset int64, m mark)) {
	for partition, pages := range l.partitions {
		for number, p := range pages {
			for at, m := range p.marks {
				if m != 0 {
					f(partition, number*pageSize+int64(at), m)
				}
			}
		}
	}
}
