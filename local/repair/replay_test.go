package repair

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/audit"
	"feedstream/shared/feed"
	"feedstream/shared/reference"
	"feedstream/shared/testkit"
	"feedstream/shared/trigger"
)

// function stands for the enrich function: it keeps the deliveries of the pushes that it took.
type function struct {
	taken   []feed.Delivery
	pushes  int
	version string
	fail    error
}

func (f *function) push(_ context.Context, body []byte) ([]byte, error) {
	f.pushes++
	if f.fail != nil {
		return nil, f.fail
	}
	deliveries, err := trigger.Decode(body)
	if err != nil {
		return nil, err
	}
	f.taken = append(f.taken, deliveries...)
	return json.Marshal(map[string]any{"enriched": len(deliveries), "referenceVersion": f.version})
}

// Input records go through the function again under the names that they have, from one bound to another.
func TestReplay(t *testing.T) {
	w := newWorld(t)
	var records []*kgo.Record
	for i := range 1200 {
		records = append(records, update(fmt.Sprint("s", i), "2318.HK"))
	}
	w.publish(records...)
	fn := &function{}
	w.feed.push = fn.push

	dry, err := w.feed.Replay(w.context(), Replay{DryRun: true})
	must(t, err)
	if dry.Records != 1200 || fn.pushes != 0 {
		t.Errorf("dry run: %+v, %d pushes", dry, fn.pushes)
	}
	done, err := w.feed.Replay(w.context(), Replay{})
	must(t, err)
	if done.Records != 1200 || done.Enriched != 1200 || fn.pushes != 3 {
		t.Errorf("%+v in %d pushes", done, fn.pushes)
	}
	seen := map[feed.Origin]string{}
	for _, d := range fn.taken {
		seen[d.Origin] = d.Key + d.Value
	}
	for _, r := range w.input() {
		if seen[originOf(r)] != string(r.Key)+string(r.Value) {
			t.Fatalf("%s was replayed as %q", originOf(r), seen[originOf(r)])
		}
	}
	from, err := audit.ParseBound("1:10")
	must(t, err)
	to, err := audit.ParseBound("1:17")
	must(t, err)
	fn.taken = nil
	done, err = w.feed.Replay(w.context(), Replay{From: from, To: to})
	must(t, err)
	if done.Records != 7 || fn.taken[0].Origin != (feed.Origin{Topic: topics.Input, Partition: 1, Offset: 10}) {
		t.Errorf("bounded: %+v from %+v", done, fn.taken[0].Origin)
	}
	fn.fail = errors.New("no snapshot")
	if _, err = w.feed.Replay(w.context(), Replay{From: from}); err == nil || !strings.Contains(err.Error(), "feed-updates/1/10") {
		t.Errorf("a push that fails: %v", err)
	}
	w.feed.push = nil
	if _, err = w.feed.Replay(w.context(), Replay{}); !errors.Is(err, errNoFunction) {
		t.Errorf("without a function: %v", err)
	}
}

// rows make a table.
type rows []audit.Row

func (r rows) Rows(context.Context) iter.Seq2[audit.Row, error] {
	return func(yield func(audit.Row, error) bool) {
		for _, row := range r {
			if !yield(row, nil) {
				return
			}
		}
	}
}

func (rows) IndexRows(context.Context) iter.Seq2[audit.IndexRow, error] { return nil }

// Rows are joined anew by the record that each was made from; those whose record is gone are told.
func TestRejoin(t *testing.T) {
	w := newWorld(t)
	w.publish(update("a", "2318.HK"), update("b", "2318.HK"), update("c", "0005.HK"), update("d", "0005.HK"))
	var table rows
	for i, r := range w.input() {
		deliveries, err := delivered(r)
		must(t, err)
		u, why := deliveries[0].Update(time.Now())
		if why != nil {
			t.Fatal(why)
		}
		record := feed.Join(u, deliveries[0].Origin, nil, fmt.Sprint("v", i%2))
		record.Matched = u.Sender == "d"
		table = append(table, audit.Row{Record: record})
	}
	table = append(table, audit.Row{Problem: "written by SQL"})
	gone := table[0]
	gone.Record.Sender, gone.Record.Origin.Offset = "gone", 99
	other := table[0] // its offset holds another record now
	other.Record.Sender, other.Record.Origin = "other", table[1].Record.Origin
	for _, test := range []struct {
		name  string
		r     Rejoin
		want  []string // senders
		extra rows
		gone  []string
	}{
		{"unmatched", Rejoin{Unmatched: true}, []string{"a", "b", "c"}, nil, nil},
		{"code", Rejoin{Code: "0005.HK"}, []string{"c", "d"}, nil, nil},
		{"unmatched of a code", Rejoin{Code: "0005.HK", Unmatched: true}, []string{"c"}, nil, nil},
		{"record gone", Rejoin{Unmatched: true}, []string{"a", "b", "c"}, rows{gone}, []string{"gone|" + gone.Record.StockCode}},
		{"version", Rejoin{ReferenceVersion: "v9", snapshots: []reference.Version{{Version: "v9"}}}, nil, nil, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			fn := &function{version: "current"}
			w.feed.push = fn.push
			all := append(slices.Clone(table), test.extra...)
			test.r.DryRun = true
			dry, err := w.feed.rejoin(w.context(), all, "", test.r)
			must(t, err)
			if fn.pushes != 0 || dry.Records != len(test.want) {
				t.Errorf("dry run: %+v", dry)
			}
			test.r.DryRun = false
			done, err := w.feed.rejoin(w.context(), all, "current", test.r)
			must(t, err)
			var senders []string
			for _, d := range fn.taken {
				senders = append(senders, d.Key)
			}
			slices.Sort(senders)
			if !slices.Equal(senders, test.want) || done.Records != len(test.want) || !slices.Equal(done.FirstGone, test.gone) {
				t.Errorf("joined %v anew: %+v", senders, done)
			}
		})
	}
	t.Run("topic made again", func(t *testing.T) {
		fn := &function{version: "current"}
		w.feed.push = fn.push
		done, err := w.feed.rejoin(w.context(), rows{other}, "current", Rejoin{Unmatched: true})
		must(t, err)
		if done.Gone != 1 || fn.pushes != 0 {
			t.Errorf("%+v after %d pushes", done, fn.pushes)
		}
	})
}

// A version that nothing has is a mistake, and not the answer that there is nothing to do.
func TestAVersionThatNothingHasIsRefused(t *testing.T) {
	w := newWorld(t)
	table := rows{{Record: feed.Join(feed.Update{Sender: "a", StockCode: "2318.HK"}, feed.Origin{Topic: topics.Input}, nil, "v1")}}
	for known, r := range map[string]Rejoin{
		`no snapshot "v2"; there are v7; rows are joined with v1`: {ReferenceVersion: "v2", snapshots: []reference.Version{{Version: "v7"}}},
		`nor any other; rows are joined with v1`:                  {ReferenceVersion: "v2"},
		"":                                                        {ReferenceVersion: "v1"},
	} {
		r.DryRun = true
		_, err := w.feed.rejoin(w.context(), table, "", r)
		if known == "" {
			must(t, err)
		} else {
			testkit.WantError(t, err, known)
		}
	}
}

// The function goes on with the version that it has for a while: a push is made again until it has the
// current one, and that with one record.
func TestRejoinWaitsForTheCurrentVersion(t *testing.T) {
	w := newWorld(t)
	w.publish(update("a", "2318.HK"), update("b", "2318.HK"))
	var table rows
	for _, r := range w.input() {
		deliveries, err := delivered(r)
		must(t, err)
		u, _ := deliveries[0].Update(time.Now())
		table = append(table, audit.Row{Record: feed.Join(u, deliveries[0].Origin, nil, "v1")})
	}
	fn := &function{version: "old"}
	w.feed.push = func(ctx context.Context, body []byte) ([]byte, error) {
		if fn.pushes == 1 {
			fn.version = "current"
		}
		return fn.push(ctx, body)
	}
	var told []string
	done, err := w.feed.rejoin(w.context(), table, "current", Rejoin{Unmatched: true, Waiting: func(joins, current string) {
		told = append(told, joins+" "+current)
	}})
	must(t, err)
	if !slices.Equal(told, []string{"old current"}) {
		t.Errorf("told to wait: %q", told)
	}
	if done.Records != 2 || done.Enriched != 2 || len(fn.taken) != 3 {
		t.Errorf("%+v with %d deliveries", done, len(fn.taken))
	}
}
