package main

import (
	"time"

	"feedstream/shared/feed"
	"feedstream/shared/kafka"
	"feedstream/shared/phoenix"
	"feedstream/shared/reference"
	"feedstream/shared/trigger"
)

// workspace is the memory of one push, which later ones use again. The sinks are given parts of it and look at
// none once they have returned.
type workspace struct {
	decoder    trigger.Decoder
	deliveries []feed.Delivery
	verdicts   []verdict // one for each delivery
	numbers    []int
	merger     merger
	rows       phoenix.Batch
	left       []outgoing
	messages   []kafka.Message
}

// verdict is what became of one delivery: its record, or why it is set aside.
type verdict struct {
	record feed.Record
	why    *feed.Rejection
}

// decode reads the push, whose body must stay as it is while the workspace is in use.
func (w *workspace) decode(body []byte) (err error) {
	w.deliveries, err = w.decoder.Decode(body)
	return err
}

// judge checks each delivery and joins what passes with the snapshot.
func (w *workspace) judge(snapshot *reference.Snapshot, now time.Time) {
	w.verdicts = w.verdicts[:0]
	version := snapshot.Version()
	for i := range w.deliveries {
		update, why := w.deliveries[i].Update(now)
		if why != nil {
			w.verdicts = append(w.verdicts, verdict{why: why})
			continue
		}
		var entry *feed.Entry
		if found, ok := snapshot.Lookup(update.StockCode); ok {
			entry = &found
		}
		w.verdicts = append(w.verdicts, verdict{record: feed.Join(update, w.deliveries[i].Origin, entry, version)})
	}
}

// accepted are the numbers of the verdicts that are records.
func (w *workspace) accepted() []int {
	w.numbers = w.numbers[:0]
	for i := range w.verdicts {
		if w.verdicts[i].why == nil {
			w.numbers = append(w.numbers, i)
		}
	}
	return w.numbers
}

// all are the messages of all verdicts.
func (w *workspace) all() []outgoing {
	w.left = w.left[:0]
	for i := range w.verdicts {
		w.left = append(w.left, outgoing{verdict: i})
	}
	return w.left
}
