package main

import (
	"slices"
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
	price  feed.Price // to which the record points
	why    *feed.Rejection
}

// decode reads the push, whose body must stay as it is while the workspace is in use.
func (w *workspace) decode(body []byte) (err error) {
	w.deliveries, err = w.decoder.Decode(body)
	return err
}

// judge checks each delivery and joins what passes with the snapshot.
func (w *workspace) judge(snapshot *reference.Snapshot, now time.Time) {
	w.verdicts = slices.Grow(w.verdicts[:0], len(w.deliveries))[:len(w.deliveries)]
	version := snapshot.Version()
	for i := range w.deliveries {
		v := &w.verdicts[i]
		update, why := w.deliveries[i].Update(now)
		if why != nil {
			*v = verdict{why: why}
			continue
		}
		*v = verdict{record: feed.Join(update, w.deliveries[i].Origin, nil, version)}
		v.match(snapshot)
	}
}

// match adds what the snapshot knows of the record's stock, as feed.Join does, without memory for the price.
func (v *verdict) match(snapshot *reference.Snapshot) {
	entry, known := snapshot.Find(v.record.StockCode)
	if !known {
		return
	}
	v.record.Matched, v.record.StockName = true, entry.Name
	if entry.Price != "" {
		v.price, v.record.LastPrice = entry.Amount(), &v.price
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
