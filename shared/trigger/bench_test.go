package trigger

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
)

// pushOf is a push of n events as the current platform sends them.
func pushOf(n int) []byte {
	var body bytes.Buffer
	for i := range n {
		separator := ','
		if i == 0 {
			separator = '['
		}
		fmt.Fprintf(&body, `%c{"specversion":"1.0","id":"feed-updates-%d-%d","source":"acs:alikafka","type":"alikafka:Topic:Message",`+
			`"subject":"acs:alikafka_pre-cn-i7m2t7t1:topic:feed-updates","datacontenttype":"application/json; charset=utf-8",`+
			`"time":"2022-06-23T02:49:51.589Z","aliyunaccountid":"164901546557","data":{"topic":"feed-updates","partition":%[2]d,`+
			`"offset":%[3]d,"timestamp":1655952591589,"headers":{"headers":[],"isReadOnly":false},"key":"192.168.2.%d",`+
			`"value":"2318.HK,%d"}}`, separator, i%4, i, i%250, 1605760851123+i)
	}
	return append(body.Bytes(), ']')
}

const benchEvents = 1000

func perRecord(b *testing.B) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchEvents, "ns/record")
}

// BenchmarkDecode reads a push of 1,000 events.
func BenchmarkDecode(b *testing.B) {
	body := pushOf(benchEvents)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	var decoder Decoder
	for b.Loop() {
		if deliveries, err := decoder.Decode(body); err != nil || len(deliveries) != benchEvents {
			b.Fatal(len(deliveries), err)
		}
	}
	perRecord(b)
}

// BenchmarkDecodeEach takes every event apart, as is done with those that no shape fits.
func BenchmarkDecodeEach(b *testing.B) {
	body := pushOf(benchEvents)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decodeEach(body); err != nil {
			b.Fatal(err)
		}
	}
	perRecord(b)
}

// BenchmarkValid only walks over the same bytes: the standard library's floor.
func BenchmarkValid(b *testing.B) {
	body := pushOf(benchEvents)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if !json.Valid(body) {
			b.Fatal("not JSON")
		}
	}
	perRecord(b)
}
