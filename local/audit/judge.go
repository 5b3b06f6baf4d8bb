package audit

import "feedstream/shared/feed"

// judge counts the verdicts, the gaps and the strays.
func (a *auditor) judge() {
	a.report.QuarantinedByReason, a.report.Gaps = make(map[feed.Reason]int), []Gap{}
	for _, partition := range sorted(a.part) {
		a.judgePartition(partition, a.part[partition])
	}
	a.ledger.each(a.judgeStray)
	a.judgeRows()
	a.judgeTogether()
	a.report.Faults = a.faults.list()
	a.report.Balanced = len(a.report.Faults) == 0
}

func (a *auditor) judgePartition(partition int, part stretch) {
	commit := a.commits[partition]
	var gap Gap
	for offset := part.from; offset < part.to; offset++ {
		m, _ := a.ledger.at(partition, offset)
		if m&exists == 0 {
			continue
		}
		a.report.count(m)
		missing := m&evidence == 0 && offset < commit
		if m&evidence == 0 && !missing {
			a.report.Pending++
		}
		switch {
		case missing && gap.Records == 0:
			gap = Gap{Partition: partition, From: offset, To: offset, Records: 1}
		case missing:
			gap.To = offset
			gap.Records++
		default:
			a.addGap(gap)
			gap = Gap{}
		}
	}
	a.addGap(gap)
}

// mostGaps bounds the gaps in a report; the missing records are all counted.
const mostGaps = 1000

func (a *auditor) addGap(gap Gap) {
	if gap.Records == 0 {
		return
	}
	a.report.Missing += gap.Records
	if len(a.report.Gaps) < mostGaps {
		a.report.Gaps = append(a.report.Gaps, gap)
	}
	first := a.origin(gap.Partition, gap.From)
	if gap.Records == 1 {
		a.faults.add(Missing, 1, "%s", first)
		return
	}
	a.faults.add(Missing, gap.Records, "%s to %d, %d records", first, gap.To, gap.Records)
}

func (a *auditor) origin(partition int, offset int64) feed.Origin {
	return feed.Origin{Topic: a.cfg.Topics.Input, Partition: partition, Offset: offset}
}

// judgeStray finds evidence of records that the input topic does not hold. What lies before its start
// was there once; what lies outside of the audited stretch is not looked at.
func (a *auditor) judgeStray(partition int, offset int64, m mark) {
	if m&exists != 0 || !a.beyond(partition, offset) && !a.inside(partition, offset) {
		return
	}
	a.report.Strays++
	a.faults.add(Stray, 1, "there is evidence of %s, which does not exist", a.origin(partition, offset))
}

// beyond says that an offset lies behind the end of its partition, or in none.
func (a *auditor) beyond(partition int, offset int64) bool {
	all, present := a.all[partition]
	return !present || offset >= all.to
}

// inside says that an offset lies in what is audited.
func (a *auditor) inside(partition int, offset int64) bool {
	part, audited := a.part[partition]
	return audited && offset >= part.from && offset < part.to
}

// judgeTogether finds that the verdicts are those of another topic than the one under the input's name: it
// was deleted and made again, or began anew. Then each of its records seems lost, altered or strange, and
// only the cause is worth a word. Either most of what all verdicts tell of lies beyond its end, or most of
// what they tell otherwise was told before its first record came.
func (a *auditor) judgeTogether() {
	var known, beyond, wrong, foretold, agreeing int
	a.ledger.each(func(partition int, offset int64, m mark) {
		before := int(m&early) / int(early) // 1 when told before the first record came
		if m&evidence == 0 || offset < a.all[partition].from {
			return
		}
		known++
		switch {
		case a.beyond(partition, offset):
			beyond++
			wrong++
			foretold += before
		case m&disagrees != 0 || m&exists == 0 && a.inside(partition, offset):
			wrong++
			foretold += before
		case m&recorded != 0:
			agreeing += before
		}
	})
	behind := a.begin.from == nil && 2*beyond > known // a stretch has too few verdicts for that
	if wrong == 0 || !behind && (2*foretold < wrong || foretold <= agreeing) {
		return
	}
	a.faults.add(Apart, wrong,
		"of the records of %s that its verdicts tell of, %d in all, %d lie beyond its end, and of %d others they tell otherwise",
		a.cfg.Topics.Input, known, beyond, wrong-beyond)
	if foretold > 0 {
		a.faults.add(Apart, 0, "%d of these were told before its first record came", foretold)
	}
}
