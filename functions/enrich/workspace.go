package main

import (
	"slices"
	"time"
	"unsafe"

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
	texts      []byte
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
	forms  feed.Forms // and these
	why    *feed.Rejection
}

// decode reads the push, whose body must stay as it is while the workspace is in use.
func (w *workspace) decode(body []byte) (err error) {
	w.deliveries, err = w.decoder.Decode(body)
	return err
}

// together is how many records are judged at a time: what they need of the snapshot is asked for at once.
const together = 64

// judge checks each delivery and joins what passes with the snapshot.
func (w *workspace) judge(snapshot *reference.Snapshot, now time.Time) {
	w.verdicts = slices.Grow(w.verdicts[:0], len(w.deliveries))[:len(w.deliveries)]
	w.texts = w.texts[:0]
	version := snapshot.Version()
	for from := 0; from < len(w.deliveries); from += together {
		to := min(from+together, len(w.deliveries))
		w.check(w.deliveries[from:to], w.verdicts[from:to], version, now)
		w.match(w.verdicts[from:to], snapshot)
	}
}

// check gives each delivery the verdict that it has without the reference.
func (w *workspace) check(deliveries []feed.Delivery, verdicts []verdict, version string, now time.Time) {
	for i := range deliveries {
		update, why := deliveries[i].Update(now)
		if why != nil {
			verdicts[i] = verdict{why: why}
			continue
		}
		v := &verdicts[i]
		v.why = nil
		v.record.Reset(&update, &deliveries[i].Origin, version)
	}
}

// match adds what the snapshot knows of the records' stocks. Its texts are copied: where the snapshot is large, what
// lies far apart in it is far away again when rows and messages are made.
func (w *workspace) match(verdicts []verdict, snapshot *reference.Snapshot) {
	var codes [together]string
	var found [together]reference.Found
	for i := range verdicts {
		codes[i] = verdicts[i].record.StockCode
	}
	snapshot.FindAll(codes[:len(verdicts)], found[:])
	for i := range verdicts {
		v := &verdicts[i]
		if v.why != nil || !found[i].Known() {
			continue
		}
		v.forms = w.copied(found[i].Forms())
		var price *feed.Price
		if plain := v.forms.Price(); plain != "" {
			v.price, price = reference.Amount(plain), &v.price
		}
		v.record.Match(v.forms.Name(), price, &v.forms)
	}
}

// copied returns forms in a copy of their text, which is valid until the next push is judged.
func (w *workspace) copied(forms feed.Forms) feed.Forms {
	from := len(w.texts)
	w.texts = append(w.texts, forms.Text()...) // copies handed out before stay where they are when it moves
	copied := w.texts[from:]
	return forms.At(unsafe.String(unsafe.SliceData(copied), len(copied)))
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
