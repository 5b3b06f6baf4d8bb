package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"time"

	"feedstream/shared/fc"
	"feedstream/shared/feed"
	"feedstream/shared/hbase"
	"feedstream/shared/phoenix"
	"feedstream/shared/reference"
)

// phase is a part of a push. Its name in the line is that of its duration too.
type phase int

const (
	decode phase = iota
	takeSnapshot
	checkLayout
	judgeAll // and merge, and encode the rows: what the function itself computes
	dataRows
	indexRows
	produce
	phases // how many there are
)

func (p phase) String() string {
	return [phases]string{"decode", "snapshot", "layout", "judge", "dataRows", "indexRows", "produce"}[p]
}

// step is a phase as it happened. Phases come again when a sink rejects records.
type step struct {
	phase phase
	began time.Time
}

// line gathers what one push logs. It starts empty, so that a push which fails early says nothing of what it
// did not come to.
type line struct {
	now   func() time.Time
	began time.Time
	bytes int
	steps []step // each ends where the next begins, the last with the push

	deliveries []feed.Delivery // nil until the body is decoded
	snapshot   *reference.View // nil until it is taken
	layout     *phoenix.Layout
	verdicts   []verdict // nil until they are given
	rows       int
	complete   bool

	summary Summary // as far as the push came, from count on
	reasons []reasonCount
}

func newLine(now func() time.Time, bytes int) *line {
	return &line{now: now, began: now(), bytes: bytes, steps: make([]step, 0, phases)}
}

func (l *line) enter(p phase) { l.steps = append(l.steps, step{p, l.now()}) }

func (l *line) enterRows(p hbase.Phase) {
	if p == hbase.DataRows {
		l.enter(dataRows)
	} else {
		l.enter(indexRows)
	}
}

// count counts the verdicts, of which the sinks change none any more.
func (l *line) count() {
	s := &l.summary
	s.Rows = l.rows
	if l.snapshot != nil {
		s.ReferenceVersion = l.snapshot.Snapshot.Version()
		s.ReferenceAge, s.ReferenceStale = l.snapshot.Age.Seconds(), l.snapshot.Stale
	}
	reasons := map[feed.Reason]int{}
	for i := range l.verdicts {
		switch v := &l.verdicts[i]; {
		case v.why != nil:
			s.Quarantined++
			reasons[v.why.Reason]++
		case v.record.Matched:
			s.Enriched++
		default:
			s.Unmatched++
		}
	}
	l.reasons = sorted(reasons)
}

// succeed says that every sink has acknowledged, and returns what the push answers.
func (l *line) succeed() Summary {
	l.count()
	l.complete = true
	return l.summary
}

// errPanicked stands for the error of a push that ended in a panic; whoever recovers it logs the stack.
var errPanicked = errors.New("the push panicked: the stack is in the line \"panic\" of the same request")

// end logs the push and tells of it.
func (l *line) end(ctx context.Context, e *Enricher, err error) {
	if err == nil && !l.complete {
		err = errPanicked
	}
	if !l.complete {
		l.count()
	}
	ended := l.now()
	l.log(ctx, e.Logger, ended, err)
	if e.Telemetry != nil {
		e.Telemetry.Push(ctx, l.told(ctx, e, ended, err))
	}
}

// log writes the line: of a failed push as an error, of one joined with a stale snapshot as a warning.
func (l *line) log(ctx context.Context, logger *slog.Logger, ended time.Time, err error) {
	level := slog.LevelInfo
	switch {
	case err != nil:
		level = slog.LevelError
	case l.snapshot.Stale:
		level = slog.LevelWarn
	}
	if !logger.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{slog.Bool("failed", err != nil), slog.Bool("coldStart", fc.ColdStart(ctx))}
	if attempt := fc.Attempt(ctx); attempt > 0 {
		attrs = append(attrs, slog.Int("attempt", attempt))
	}
	if deadline, ok := ctx.Deadline(); ok {
		attrs = append(attrs, slog.Duration("deadlineLeft", deadline.Sub(ended)))
	}
	attrs = append(attrs, slog.Int("bytes", l.bytes))
	attrs = append(attrs, l.batch()...)
	attrs = append(attrs, l.outcome()...)
	attrs = append(attrs, l.durations(ended)...)
	if err != nil {
		attrs = append(attrs, slog.String("failedPhase", l.steps[len(l.steps)-1].phase.String()), slog.Any("error", err))
	}
	logger.LogAttrs(ctx, level, "push", attrs...)
}

// batch says what the push holds.
func (l *line) batch() []slog.Attr {
	if l.deliveries == nil {
		return nil
	}
	attrs := []slog.Attr{slog.Int("events", len(l.deliveries))}
	if oldest, newest := ages(l.deliveries); newest != 0 {
		began := l.began.UnixMilli()
		attrs = append(attrs, slog.Int64("oldestRecordAgeMs", began-oldest), slog.Int64("newestRecordAgeMs", began-newest))
	}
	kept, left := firstOf(offsetsOf(l.deliveries), maxOffsetsBytes)
	attrs = append(attrs, slog.Any("offsets", kept))
	if left > 0 {
		attrs = append(attrs, slog.Int("offsetsLeftOut", left))
	}
	return attrs
}

// outcome says what became of it, so far as it came.
func (l *line) outcome() []slog.Attr {
	s := &l.summary
	var attrs []slog.Attr
	if l.snapshot != nil {
		attrs = append(attrs, slog.String("referenceVersion", s.ReferenceVersion),
			slog.Float64("referenceAgeSeconds", s.ReferenceAge), slog.Bool("referenceStale", s.ReferenceStale))
	}
	if l.verdicts == nil {
		return attrs
	}
	attrs = append(attrs, slog.Int("enriched", s.Enriched), slog.Int("unmatched", s.Unmatched),
		slog.Int("quarantined", s.Quarantined), slog.Int("rows", s.Rows))
	kept, left := firstOf(l.reasons, maxReasonsBytes)
	reasons := make([]slog.Attr, len(kept))
	for i, r := range kept {
		reasons[i] = slog.Int(r.Reason, r.Count)
	}
	attrs = append(attrs, slog.GroupAttrs("reasons", reasons...))
	if left > 0 {
		attrs = append(attrs, slog.Int("reasonsLeftOut", left))
	}
	return attrs
}

// durations are those of the phases that the push came to, and its own.
func (l *line) durations(ended time.Time) []slog.Attr {
	var took [phases]time.Duration
	var came [phases]bool
	for i, s := range l.steps {
		took[s.phase] += l.until(i, ended).Sub(s.began)
		came[s.phase] = true
	}
	attrs := make([]slog.Attr, 0, phases+1)
	for p := range phases {
		if came[p] {
			attrs = append(attrs, slog.Duration(p.String(), took[p]))
		}
	}
	return append(attrs, slog.Duration("duration", ended.Sub(l.began)))
}

// until is when a step ended.
func (l *line) until(i int, ended time.Time) time.Time {
	if i+1 < len(l.steps) {
		return l.steps[i+1].began
	}
	return ended
}

// ages are the Kafka timestamps of the oldest and the newest record, in epoch milliseconds; 0 when the events
// carry none.
func ages(deliveries []feed.Delivery) (oldest, newest int64) {
	for i := range deliveries {
		at := deliveries[i].Timestamp
		if at <= 0 { // -1 is Kafka's own word for none
			continue
		}
		if oldest == 0 || at < oldest {
			oldest = at
		}
		newest = max(newest, at)
	}
	return oldest, newest
}

// What the lists of a line may take of it, as JSON. With an error of 8 KB the line stays below the 32 KB that
// the platform's log takes.
const (
	maxOffsetsBytes = 8 << 10
	maxReasonsBytes = 4 << 10
	maxTopicBytes   = 249 // Kafka allows no longer name
)

// offsets are the records of one partition in a push. Between the first and the last some may be missing.
type offsets struct {
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	First     int64  `json:"first"`
	Last      int64  `json:"last"`
	Records   int    `json:"records"`
}

// offsetsOf are those of the deliveries, by topic and partition.
func offsetsOf(deliveries []feed.Delivery) []offsets {
	type partition struct {
		topic  string
		number int
	}
	at := map[partition]int{}
	found := []offsets{}
	var last partition // most records follow one of their own partition
	n := -1
	for i := range deliveries {
		origin := &deliveries[i].Origin
		if key := (partition{origin.Topic, origin.Partition}); n < 0 || key != last {
			seen := false
			if n, seen = at[key]; !seen {
				n = len(found)
				at[key] = n
				found = append(found, offsets{fc.Clip(origin.Topic, maxTopicBytes), origin.Partition, origin.Offset, origin.Offset, 0})
			}
			last = key
		}
		o := &found[n]
		o.First, o.Last = min(o.First, origin.Offset), max(o.Last, origin.Offset)
		o.Records++
	}
	slices.SortFunc(found, func(a, b offsets) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	return found
}

// reasonCount is how many records of a push were set aside for one reason.
type reasonCount struct {
	Reason string
	Count  int
}

// sorted are the reasons, the most frequent first.
func sorted(counts map[feed.Reason]int) []reasonCount {
	found := make([]reasonCount, 0, len(counts))
	for reason, count := range counts {
		found = append(found, reasonCount{string(reason), count})
	}
	slices.SortFunc(found, func(a, b reasonCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Reason, b.Reason))
	})
	return found
}

// firstOf keeps of a list what fits into so many bytes of JSON, and counts the rest.
func firstOf[T any](list []T, most int) (kept []T, left int) {
	size := 0
	for i := range list {
		encoded, err := json.Marshal(list[i]) // numbers and strings: it cannot fail
		if size += len(encoded) + 1; err != nil || size > most {
			return list[:i], len(list) - i
		}
	}
	return list, 0
}
