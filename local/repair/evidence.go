package repair

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/audit"
	"feedstream/shared/feed"
	"feedstream/shared/kafka"
)

// setStates looks for stronger evidence of each record, and for the record that takes its place.
func (f *Feed) setStates(ctx context.Context, from Source, all []Aside) error {
	if len(all) == 0 {
		return nil
	}
	at := make(map[feed.Origin]*Aside, len(all))
	for i := range all {
		at[all[i].delivery.Origin] = &all[i]
	}
	if err := f.findStronger(ctx, from, at); err != nil {
		return err
	}
	// Last, for a record may have been redriven while the others were read.
	return f.findSuccessors(ctx, at)
}

func (f *Feed) findStronger(ctx context.Context, from Source, at map[feed.Origin]*Aside) error {
	overtakes := func(origin feed.Origin, err error) {
		if a := at[origin]; err == nil && a != nil {
			a.State = Overtaken
		}
	}
	err := f.kafka.Read(ctx, f.topics.Output, audit.Bound{}, audit.Bound{}, func(batch []*kgo.Record) error {
		for _, r := range batch {
			overtakes(feed.ParseOrigin(audit.Header(r, feed.HeaderID)))
		}
		return nil
	})
	if err != nil || from == Quarantine {
		return err
	}
	return f.kafka.Read(ctx, f.topics.Quarantine, audit.Bound{}, audit.Bound{}, func(batch []*kgo.Record) error {
		for _, r := range batch {
			overtakes(kafka.QuarantineOrigin(audit.Message(r)))
		}
		return nil
	})
}

func (f *Feed) findSuccessors(ctx context.Context, at map[feed.Origin]*Aside) error {
	var oldest time.Time
	for _, a := range at {
		if oldest.IsZero() || a.written.Before(oldest) {
			oldest = a.written
		}
	}
	return f.kafka.Read(ctx, f.topics.Input, audit.Since(oldest), audit.Bound{}, func(batch []*kgo.Record) error {
		for _, r := range batch {
			origin, err := feed.ParseOrigin(audit.Header(r, feed.HeaderRedrivenFrom))
			if a := at[origin]; err == nil && a != nil {
				a.State = Redriven
			}
		}
		return nil
	})
}

// unknownUntil is the time until which a successor may have been deleted from the input topic: that of the
// oldest record in any partition that has lost its beginning.
func (f *Feed) unknownUntil(ctx context.Context) (time.Time, error) {
	client, err := f.client()
	if err != nil {
		return time.Time{}, err
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	starts, err := admin.ListStartOffsets(ctx, f.topics.Input)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("list the offsets of topic %s: %w", f.topics.Input, err)
	}
	firsts, err := admin.ListOffsetsAfterMilli(ctx, 0, f.topics.Input)
	if err == nil {
		err = firsts.Error()
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("list the offsets of topic %s: %w", f.topics.Input, err)
	}
	var latest time.Time
	firsts.Each(func(first kadm.ListedOffset) {
		start, _ := starts.Lookup(f.topics.Input, first.Partition)
		at := time.UnixMilli(first.Timestamp)
		if first.Timestamp < 0 { // the partition is empty now
			at = f.now()
		}
		if start.Offset > 0 && at.After(latest) {
			latest = at
		}
	})
	return latest, nil
}
