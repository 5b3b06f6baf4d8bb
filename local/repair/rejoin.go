package repair

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/audit"
	"feedstream/local/target"
	"feedstream/shared/feed"
	"feedstream/shared/reference"
)

// Rejoin says which rows are joined anew with the current reference: those to which all of this applies. It
// hands the input record that each of them was made from to the enrich function again. Row and event time
// stay; only what the reference says of the stock changes.
type Rejoin struct {
	Unmatched        bool   // rows whose stock the reference did not know
	ReferenceVersion string // rows that were joined with this version
	Code             string // rows of this stock code
	DryRun           bool   // counts only
	Progress         func(done int)
	// Waiting, when not nil, is told once that the function still joins with another version than the current one.
	Waiting func(joins, current string)

	snapshots []reference.Version // those in the store, with a ReferenceVersion
}

// Any reports whether the rejoin names any rows.
func (r *Rejoin) Any() bool { return r.Unmatched || r.ReferenceVersion != "" || r.Code != "" }

func (r *Rejoin) admits(record *feed.Record) bool {
	return record.Origin.Topic != feed.SampleTopic && (!r.Unmatched || !record.Matched) && (r.Code == "" || r.Code == record.StockCode) &&
		(r.ReferenceVersion == "" || r.ReferenceVersion == record.ReferenceVersion)
}

// Rejoined is what a rejoin did.
type Rejoined struct {
	Replayed
	Rows int `json:"rows"` // that it was for
	// Gone are those whose record the input topic does not hold any more; the first ten of them by key.
	Gone      int      `json:"gone"`
	FirstGone []string `json:"firstGone,omitempty"`
}

// firstGone is how many rows are named; all are counted.
const firstGone = 10

// Rejoin joins rows of the feed's table anew.
func (f *Feed) Rejoin(ctx context.Context, r Rejoin) (done Rejoined, err error) {
	var current string
	switch {
	case r.DryRun:
	case f.push == nil:
		return Rejoined{}, errNoFunction
	default:
		if current, err = f.currentVersion(ctx); err != nil {
			return Rejoined{}, err
		}
	}
	if r.ReferenceVersion != "" && f.target.Has(target.OSS) {
		if r.snapshots, err = f.snapshots(ctx); err != nil {
			return Rejoined{}, err
		}
	}
	table, closeTable, err := audit.Open(ctx, f.target)
	if err != nil {
		return Rejoined{}, err
	}
	defer func() { err = errors.Join(err, closeTable()) }()
	return f.rejoin(ctx, table, current, r)
}

func (f *Feed) currentVersion(ctx context.Context) (string, error) {
	announcer, err := f.target.Announcer()
	if err != nil {
		return "", err
	}
	manifest, found, err := announcer.Current(ctx)
	if err == nil && !found {
		err = errors.New("none was ever announced: run `feedstream refresh`")
	}
	if err != nil {
		return "", fmt.Errorf("find the current version of the reference: %w", err)
	}
	return manifest.Version, nil
}

func (f *Feed) snapshots(ctx context.Context) ([]reference.Version, error) {
	announcer, err := f.target.Announcer()
	if err != nil {
		return nil, err
	}
	return announcer.Versions(ctx)
}

// known refuses a version that neither a row nor a snapshot has, naming those that there are. One that a snapshot has
// is good without a row: a rejoin that is made again finds all rows joined anew.
func (r *Rejoin) known(ofRows map[string]bool) error {
	is := func(v reference.Version) bool { return v.Version == r.ReferenceVersion }
	if r.ReferenceVersion == "" || ofRows[r.ReferenceVersion] || slices.ContainsFunc(r.snapshots, is) {
		return nil
	}
	rows := "no row is joined with any"
	if len(ofRows) > 0 {
		rows = "rows are joined with " + strings.Join(slices.Sorted(maps.Keys(ofRows)), ", ")
	}
	return fmt.Errorf("%w; %s", &reference.UnknownVersionError{Asked: r.ReferenceVersion, Known: r.snapshots}, rows)
}

// rejoin takes the rows of table to the current version. The function looks for a new one from time to time
// only, so a push that it joins with another one is made again.
func (f *Feed) rejoin(ctx context.Context, table audit.Table, current string, r Rejoin) (Rejoined, error) {
	rows := make(map[feed.Origin]feed.Update)
	var origins []feed.Origin
	versions := make(map[string]bool)
	for row, err := range table.Rows(ctx) {
		if err != nil {
			return Rejoined{}, fmt.Errorf("read the table: %w", err)
		}
		if row.Problem != "" {
			continue
		}
		versions[row.Record.ReferenceVersion] = true
		if r.admits(&row.Record) {
			rows[row.Record.Origin] = row.Record.Update
			origins = append(origins, row.Record.Origin)
		}
	}
	if err := r.known(versions); err != nil {
		return Rejoined{}, err
	}
	done := Rejoined{Rows: len(origins)}
	p := pusher{push: f.push, progress: r.Progress, most: 1, done: Replayed{DryRun: r.DryRun}}
	p.accept = joinedWith(current, func() { p.most = pushRecords }, r.Waiting) // what is pushed in vain is one record
	err := f.kafka.ReadAt(ctx, f.topics.Input, origins, func(record *kgo.Record) error {
		origin := originOf(record)
		if !tellsOf(record, rows[origin]) {
			return nil // the topic was made again, and this is another record
		}
		delete(rows, origin)
		if r.DryRun {
			p.done.Records++
			return nil
		}
		return p.add(ctx, record)
	})
	if err == nil {
		err = p.flush(ctx)
	}
	done.Replayed = p.done
	if err != nil {
		return done, fmt.Errorf("join %d rows anew, after %d, which may be joined again: %w", done.Rows, p.done.Records, err)
	}
	for _, origin := range origins {
		if gone, is := rows[origin]; is {
			if done.Gone++; len(done.FirstGone) < firstGone {
				done.FirstGone = append(done.FirstGone, gone.RowKey())
			}
		}
	}
	return done, nil
}

// tellsOf says that a record of the input topic is of that event.
func tellsOf(r *kgo.Record, u feed.Update) bool {
	told, valid := audit.Event(r)
	return valid && told == u
}

const (
	// freshPause is the first wait before a push is made again, and each one is twice the one before, up to mostPause:
	// until then consumers get the old join of that record once more each time.
	freshPause = time.Second
	mostPause  = 8 * time.Second
	// freshWait is how long that goes on: longer than functions go on with a version by default.
	freshWait = 90 * time.Second
)

// joinedWith accepts the pushes that were joined with a version.
func joinedWith(current string, accepted func(), waiting func(joins, current string)) func(context.Context, answer) error {
	var waited time.Duration
	pause := freshPause
	return func(ctx context.Context, a answer) error {
		if a.ReferenceVersion == current {
			accepted()
			return nil
		}
		if waited == 0 && waiting != nil {
			waiting(a.ReferenceVersion, current)
		}
		if waited >= freshWait {
			return fmt.Errorf("the function still joins with version %s and not with %s: look at its REFERENCE_CHECK_INTERVAL and "+
				"at its logs", a.ReferenceVersion, current)
		}
		timer := time.NewTimer(pause)
		defer timer.Stop()
		waited, pause = waited+pause, min(2*pause, mostPause)
		select {
		case <-timer.C:
			return errAgain
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
