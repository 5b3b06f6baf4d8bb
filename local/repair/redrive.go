package repair

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"feedstream/shared/feed"
)

// DefaultMaxRedrives is how often one record is sent again unless somebody wants more: what was set aside
// that often needs another cure.
const DefaultMaxRedrives = 5

// Redrive says what to take, what to do about it and how to send it.
type Redrive struct {
	Filter
	Mend
	DryRun      bool    // sends nothing
	Max         int     // at most so many records; 0 is all
	Rate        float64 // records per second; 0 is as fast as it goes
	MaxRedrives int     // 0 is DefaultMaxRedrives
	// EvenTwice takes records of which nobody can tell any more whether they were redriven before.
	EvenTwice bool
	// Progress, when not nil, is told from time to time how many of how many records are done.
	Progress func(done, of int)
}

// Validate names the first problem by the flag that sets it.
func (r *Redrive) Validate() error {
	for _, flag := range []struct {
		name  string
		value float64
	}{{"--max", float64(r.Max)}, {"--rate", r.Rate}, {"--max-redrives", float64(r.MaxRedrives)}} {
		if flag.value < 0 {
			return fmt.Errorf("%s %g must not be negative", flag.name, flag.value)
		}
	}
	return nil
}

// Tally counts records by what became of them.
type Tally struct {
	Redriven  int `json:"redriven"` // or would be, in a dry run
	Overtaken int `json:"overtaken"`
	Before    int `json:"redrivenBefore"`
	Filtered  int `json:"filtered"` // by the filter, or left out by the editor
	Refused   int `json:"refused"`
	Left      int `json:"left"` // beyond Max
}

// Refusal is a record that was not redriven, and why.
type Refusal struct {
	Origin string `json:"origin"`
	Why    string `json:"why"`
}

// firstRefusals is how many refusals are named; all are counted.
const firstRefusals = 10

// Summary is what a redrive did.
type Summary struct {
	DryRun   bool                   `json:"dryRun"`
	Total    Tally                  `json:"total"`
	ByReason map[feed.Reason]*Tally `json:"byReason"`           // nil before the first record was looked at
	Refusals []Refusal              `json:"refusals,omitempty"` // the first ten
	// StillBad are those of the redriven that the checks of this release set aside again.
	StillBad int `json:"stillBad"`
}

func (s *Summary) count(reason feed.Reason, which func(*Tally) *int) {
	if s.ByReason[reason] == nil {
		s.ByReason[reason] = new(Tally)
	}
	*which(&s.Total)++
	*which(s.ByReason[reason])++
}

func redriven(t *Tally) *int  { return &t.Redriven }
func overtaken(t *Tally) *int { return &t.Overtaken }
func before(t *Tally) *int    { return &t.Before }
func filtered(t *Tally) *int  { return &t.Filtered }
func refused(t *Tally) *int   { return &t.Refused }
func left(t *Tally) *int      { return &t.Left }

// ready is a record on its way: err says why it cannot go.
type ready struct {
	aside   *Aside
	content content
	err     error
}

// redrive is one under way.
type redrive struct {
	Redrive
	feed *Feed
	open []*Aside

	mu      sync.Mutex // acknowledgements come while the next records are mended
	summary Summary
}

func (r *redrive) count(a *Aside, which func(*Tally) *int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.count(a.Reason, which)
}

func (r *redrive) refuse(a *Aside, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.summary.count(a.Reason, refused)
	if len(r.summary.Refusals) < firstRefusals {
		r.summary.Refusals = append(r.summary.Refusals, Refusal{a.Origin, why.Error()})
	}
}

// Redrive sends records that were set aside once more. The summary is right with an error too: of what was
// done until then. Started again after an error, or after its context has ended, it goes on.
func (f *Feed) Redrive(ctx context.Context, from Source, r Redrive) (Summary, error) {
	if err := r.Validate(); err != nil {
		return Summary{}, err
	}
	if err := f.validate(ctx, from, &r.Filter); err != nil {
		return Summary{}, err
	}
	if r.MaxRedrives == 0 {
		r.MaxRedrives = DefaultMaxRedrives
	}
	run := redrive{Redrive: r, feed: f, summary: Summary{DryRun: r.DryRun, ByReason: map[feed.Reason]*Tally{}}}
	err := run.choose(ctx, from)
	if err == nil {
		err = run.send(ctx)
	}
	if err != nil {
		return run.summary, fmt.Errorf("redrive to topic %s after %d records, start it again to go on: %w",
			f.topics.Input, run.summary.Total.Redriven, err)
	}
	return run.summary, nil
}

// choose finds the records to redrive, and counts all others.
func (r *redrive) choose(ctx context.Context, from Source) error {
	all, err := r.feed.read(ctx, from, &r.Filter)
	if err != nil {
		return err
	}
	chosen := make([]Aside, 0, len(all))
	for i := range all {
		if all[i].out {
			r.count(&all[i], filtered)
		} else {
			chosen = append(chosen, all[i])
		}
	}
	if err := r.feed.setStates(ctx, from, chosen); err != nil {
		return err
	}
	unknown, err := r.feed.unknownUntil(ctx)
	if err != nil {
		return err
	}
	for i := range chosen {
		r.judge(&chosen[i], unknown)
	}
	return nil
}

func (r *redrive) judge(a *Aside, unknown time.Time) {
	switch {
	case a.State == Overtaken:
		r.count(a, overtaken)
	case a.State == Redriven:
		r.count(a, before)
	case a.State == Unreadable:
		r.refuse(a, errors.New(a.Detail))
	case a.delivery.Origin.Topic != r.feed.topics.Input:
		r.refuse(a, fmt.Errorf("it is no record of topic %s", r.feed.topics.Input))
	case a.Redrives >= r.MaxRedrives:
		r.refuse(a, fmt.Errorf("it was redriven %d times: mend it, and allow more with --max-redrives", a.Redrives))
	case !a.written.After(unknown) && !r.EvenTwice:
		r.refuse(a, fmt.Errorf("it was set aside before the oldest record of topic %s, so nobody can tell whether it "+
			"was redriven before: --even-twice takes it", r.feed.topics.Input))
	case r.Max > 0 && len(r.open) == r.Max:
		r.count(a, left)
	default:
		r.open = append(r.open, a)
	}
}

const (
	// chunk is how many records are read, mended and sent together.
	chunk = 1000
	// mostFetched is how many of them may have to be fetched whole from the input topic: each may be large.
	mostFetched = 50
)

// together is how many of the first of these records go together.
func (r *redrive) together(all []*Aside) int {
	if r.Edit != nil {
		return len(all)
	}
	fetched := 0
	for i, a := range all {
		if a.damaged() {
			fetched++
		}
		if i == r.feed.chunk || fetched > mostFetched {
			return i
		}
	}
	return len(all)
}

// send mends and sends chunk by chunk, or all together when they are to be edited together.
func (r *redrive) send(ctx context.Context) error {
	sender, err := newSender(ctx, r)
	if err != nil {
		return err
	}
	r.progress(0)
	for from := 0; from < len(r.open) && err == nil; {
		to := from + r.together(r.open[from:])
		var mended []ready
		if mended, err = r.mend(ctx, r.open[from:to]); err == nil {
			err = sender.send(ctx, mended)
		}
		from = to
		r.progress(to)
	}
	return sender.close(ctx, err)
}

func (r *redrive) progress(done int) {
	if r.Progress != nil {
		r.Progress(done, len(r.open))
	}
}

// mend returns what there is to send, mended.
func (r *redrive) mend(ctx context.Context, all []*Aside) ([]ready, error) {
	whole, err := r.feed.contents(ctx, all, &r.Mend)
	if err != nil {
		return nil, err
	}
	mended := whole[:0]
	for _, w := range whole {
		if w.err == nil {
			w.content, w.err = r.apply(w.content)
		}
		if w.err != nil {
			r.refuse(w.aside, w.err)
			continue
		}
		mended = append(mended, w)
	}
	if r.Edit == nil || len(mended) == 0 {
		return mended, nil
	}
	kept, err := r.Edit.edit(ctx, mended)
	if err != nil {
		return nil, err
	}
	stays := make(map[*Aside]bool, len(kept))
	for _, k := range kept {
		stays[k.aside] = true
	}
	for _, m := range mended {
		if !stays[m.aside] {
			r.count(m.aside, filtered)
		}
	}
	return kept, nil
}
