package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"feedstream/shared/feed"
	"feedstream/shared/kafka"
	"feedstream/shared/phoenix"
	"feedstream/shared/reference"
)

const benchRecords = 10_000

// BenchmarkHotPath is the function's own work on a push of 10,000 records, of which one in a hundred has no
// reference entry: from its bytes to the cells and the output records that the sinks are given. The sinks
// only take them. ratio holds it against encoding/json's json.Valid over the same body, in turns with it: the
// quickest turn of each, as a neighbour on the machine only ever makes one slower.
func BenchmarkHotPath(b *testing.B) {
	for name, entries := range map[string]int{"entries=30": 30, "entries=1000000": 1_000_000} {
		b.Run(name, func(b *testing.B) {
			e := newBench(b, entries)
			body := benchPush(entries)
			pushing, validating := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
			b.ReportAllocs()
			for b.Loop() {
				start := time.Now()
				if _, err := e.Push(b.Context(), body); err != nil {
					b.Fatal(err)
				}
				pushed := time.Now()
				if !json.Valid(body) {
					b.Fatal("the push is not JSON")
				}
				pushing, validating = min(pushing, pushed.Sub(start)), min(validating, time.Since(pushed))
			}
			each := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / benchRecords }
			b.ReportMetric(each(pushing), "ns/record")
			b.ReportMetric(each(validating), "ns/valid")
			b.ReportMetric(pushing.Seconds()/validating.Seconds(), "ratio")
		})
	}
}

// taker is a pair of sinks that have everything made as bytes, a thousand rows or messages at a time as the real
// ones do, and acknowledge it.
type taker struct{ bytes []byte }

func (t *taker) WriteRows(_ context.Context, _, _ string, batch *phoenix.Batch) error {
	for _, side := range []phoenix.Side{batch.Data(), batch.Index()} {
		for i := range batch.Len() {
			t.bytes = side.AppendCells(t.room(i), i)
		}
	}
	return nil
}

func (t *taker) Prepare(_ context.Context, messages []kafka.Message) func(context.Context) error {
	return func(context.Context) error { return t.produce(messages) }
}

func (t *taker) produce(messages []kafka.Message) error {
	for i := range messages {
		t.bytes = kafka.AppendOutput(t.room(i), &messages[i])
	}
	return nil
}

func (t *taker) room(i int) []byte {
	if i%1000 == 0 {
		return t.bytes[:0]
	}
	return t.bytes
}

func newBench(b *testing.B, entries int) *Enricher {
	w := newWorld(b)
	known := make(map[string]feed.Entry, entries)
	for i := range entries {
		price := feed.Price(782_500 + i)
		known[benchCode(i)] = feed.Entry{Name: fmt.Sprintf("Company number %d", i), Price: &price}
	}
	var err error
	if w.snapshot, err = reference.Decode("20261123T021500Z-3f2a91c4", reference.Encode(known)); err != nil {
		b.Fatal(err)
	}
	e := w.enricher()
	sinks := &taker{}
	e.Rows, e.Topics = sinks, sinks
	return e
}

func benchCode(i int) string { return fmt.Sprintf("%04d.HK", i) }

// benchPush is a push as the platform sends them, about 489 bytes a record, of 255 senders. With 30 entries every
// sender sends every code, which makes 7,650 rows; with many, the codes jump over the reference and every record
// is a row of its own.
func benchPush(entries int) []byte {
	var body strings.Builder
	for i := range benchRecords {
		code := benchCode(i / 255 * 7919 % entries)
		if entries > 30 {
			code = benchCode(i * 7919 % entries)
		}
		if i%100 == 99 {
			code = "NONE.HK"
		}
		separator := ','
		if i == 0 {
			separator = '['
		}
		fmt.Fprintf(&body, `%c{"specversion":"1.0","id":"8e215af8-ca18-4249-8645-f96c1026%04x","source":"acs:alikafka","type":"alikafka:Topic:Message",`+
			`"subject":"acs:alikafka_pre-cn-i7m2t7t1:topic:feed-updates","datacontenttype":"application/json; charset=utf-8",`+
			`"time":"2022-06-23T02:49:51.%03dZ","aliyunaccountid":"164901546557","data":{"topic":"feed-updates","partition":%d,`+
			`"offset":%d,"timestamp":%d,"headers":{"headers":[],"isReadOnly":false},"key":"192.168.2.%d",`+
			`"value":"%s,%d"}}`, separator, i, i%1000, i%4, 1_000_000+i/4, 1655952591589+i, i%255, code, 1605760851123+i)
	}
	return []byte(body.String() + "]")
}
