package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"feedstream/shared/feed"
	"feedstream/shared/kafka"
	"feedstream/shared/phoenix"
	"feedstream/shared/reference"
	"feedstream/shared/trigger"
)

// written is what the sinks are given for a push: messages as bytes, and rows.
type written struct {
	messages []string
	rows     []phoenix.Row
}

func (w *written) WriteRows(_ context.Context, _, _ string, batch *phoenix.Batch) error {
	for i := range batch.Len() {
		row := batch.Row(i)
		w.rows = append(w.rows, row)
		if data, index := batch.Data().Key(i), batch.Index().Key(i); !bytes.Equal(data, row.Data.Key) || !bytes.Equal(index, row.Index.Key) {
			return fmt.Errorf("keys %q and %q of the row %+v", data, index, row)
		}
	}
	return nil
}

func (w *written) Prepare(_ context.Context, messages []kafka.Message) func(context.Context) error {
	return func(context.Context) error { return w.produce(messages) }
}

func (w *written) produce(messages []kafka.Message) error {
	for i := range messages {
		w.messages = append(w.messages, messages[i].Topic+" "+string(kafka.AppendOutput(nil, &messages[i])))
	}
	return nil
}

// plainly is a push in the plain way: every event decoded, judged, joined and written by itself, with nothing that
// is used again.
func plainly(w *world, events []string) (out written, err error) {
	layout, _ := w.Layout(context.Background())
	at := map[string]int{}
	var records []feed.Record
	for _, event := range events {
		deliveries, err := trigger.Decode([]byte("[" + event + "]"))
		if err != nil {
			return written{}, err
		}
		for i := range deliveries {
			d := &deliveries[i]
			update, why := d.Update(now)
			var m kafka.Message
			if why != nil {
				m = kafka.QuarantineMessage("bad", d, why, now)
			} else {
				var entry *feed.Entry
				if found, ok := w.snapshot.Lookup(update.StockCode); ok {
					entry = &found
				}
				record := feed.Join(update, d.Origin, entry, w.snapshot.Version())
				m = kafka.RecordMessage("out", &record)
				m.SetTraceparent(d.Traceparent)
				if n, seen := at[record.RowKey()]; !seen {
					at[record.RowKey()] = len(records)
					records = append(records, record)
				} else if record.Supersedes(&records[n]) {
					records[n] = record
				}
			}
			out.messages = append(out.messages, m.Topic+" "+string(kafka.AppendOutput(nil, &m)))
		}
	}
	out.rows = layout.Rows(records)
	return out, nil
}

// FuzzAlike puts an event, and other senders, codes and times, between those of a stream that the function knows
// from the push before, and holds what it writes against the plain way: for every reason, and every form.
func FuzzAlike(f *testing.F) {
	const event = `{"specversion":"1.0","id":"%d","data":{"topic":"feed-updates","partition":3,"offset":%d,"timestamp":9,"headers":{},"key":%s,"value":%s}}`
	for _, values := range [][2]string{
		{`"s"`, `"2318.HK,1605760851123"`}, {`"s"`, `{"stockCode":"0941.HK","timestamp":1605760851123}`}, {`"s"`, `{"stockCode": "9.HK", "timestamp": "2020-11-19T04:40:51Z"}`},
		{`null`, `"2318.HK,1605760851123"`}, {`"a|b"`, `"2318.HK,1605760851123"`}, {`"s"`, `null`}, {`"s"`, `"2318.HK"`}, {`"s"`, `[1]`},
		{`"s"`, `"23 18,1605760851123"`}, {`"s"`, `"2318.HK,1"`}, {`"s"`, `"2318.HK,4605760851123"`}, {`7`, `"2318.HK,1605760851123"`}, {`"\u5e73\""`, `"\ufffd"`},
	} {
		f.Add(fmt.Sprintf(event, 1, 2, values[0], values[1]), "192.168.2.17", "0941.HK", int64(eventTime+1))
	}
	f.Add(`"{\"data\":{\"topic\":\"t\",\"partition\":0,\"offset\":1,\"value\":\"2318.HK,1605760851123\"}}"`, "s", "x", int64(1))
	f.Add(`{"topic":"t","partition":0,"offset":1,"key":"k","value":"2318.HK,1605760851123","headers":{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}}`, "k", "2318.HK", int64(eventTime))
	w := newWorld(f)
	prices := []feed.Price{782_500, 1, 123_456_789_012_345_678}
	var err error
	if w.snapshot, err = reference.Decode("20261123T021500Z-3f2a91c4", reference.Encode(map[string]feed.Entry{
		"2318.HK": {Name: "Ping An Insurance", Price: &prices[0]}, "0941.HK": {Name: "China Mobile"},
		"9.HK": {Name: `中国 "平安" \`, Price: &prices[1]}, "x": {Name: strings.Repeat("long-", 40), Price: &prices[2]},
	})); err != nil {
		f.Fatal(err)
	}
	e := w.enricher()
	f.Fuzz(func(t *testing.T, odd, sender, code string, ms int64) {
		if !json.Valid([]byte("[0," + odd + "]")) {
			return // no event, or half of one that the next could complete
		}
		known := func(i int, key, value string) string { return fmt.Sprintf(event, i, i, quoted(key), quoted(value)) }
		events := []string{
			known(0, "s", updateOf("2318.HK", eventTime)), known(1, sender, updateOf(code, ms)), odd,
			known(2, sender, updateOf(code, ms+1)), known(3, "s", updateOf("0941.HK", eventTime)), odd, known(4, sender, code),
		}
		want, slowErr := plainly(w, events)
		var got written
		e.Rows, e.Topics = &got, &got
		_, err := e.Push(context.Background(), []byte("["+strings.Join(events, ",")+"]"))
		if (err == nil) != (slowErr == nil) {
			t.Fatalf("errors %v, plainly %v", err, slowErr)
		}
		if err != nil || slowErr != nil {
			return
		}
		if diff := cmp.Diff(want.messages, got.messages); diff != "" {
			t.Errorf("messages (-plainly +got):\n%s", diff)
		}
		if diff := cmp.Diff(want.rows, got.rows); diff != "" {
			t.Errorf("rows (-plainly +got):\n%s", diff)
		}
	})
}

// quoted is a text in JSON, as inJSON reads it.
func quoted(text string) string {
	r := feed.Record{StockName: text, Matched: true}
	line := string(r.AppendJSON(nil))
	from := strings.Index(line, `"stockName":`) + len(`"stockName":`)
	return line[from:strings.LastIndex(line, `,"lastPrice":`)]
}
