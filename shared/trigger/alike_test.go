package trigger

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"feedstream/shared/feed"
)

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// alike holds what a decoder says of a push against the way that takes each event apart, and returns it.
func alike(t fataler, decoder *Decoder, body []byte) []feed.Delivery {
	t.Helper()
	slow, slowErr := decodeEach(bytes.Clone(body))
	fast, fastErr := decoder.Decode(body)
	if fmt.Sprint(slowErr) != fmt.Sprint(fastErr) {
		t.Fatalf("errors %v (slow) and %v (fast) of %q", slowErr, fastErr, body)
	}
	if diff := cmp.Diff(slow, fast, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%q (-slow +fast):\n%s", body, diff)
	}
	return fast
}

// streams are events as three streams write them, two a stream.
var streams = [][2]string{
	{
		`{"specversion":"1.0","id":"a1","time":"2022-06-23T02:49:51Z","data":{"topic":"t","partition":1,"offset":2,"timestamp":3,"headers":{"headers":[]},"key":"k","value":"2318.HK,1"}}`,
		`{"specversion":"1.0","id":"b2","time":"2022-06-23T02:49:52Z","data":{"topic":"t","partition":0,"offset":3,"timestamp":4,"headers":{"headers":[]},"key":"l","value":{"stockCode":"A","timestamp":2}}}`,
	},
	{
		`{"topic":"t","partition":1,"offset":2,"timestamp":3,"key":"k","value":"2318.HK,1"}`,
		`{"topic":"u","partition":1,"offset":3,"timestamp":null,"key":null,"value":"\u0041"}`,
	},
	{
		`{"data": {"value":null, "offset":"7", "partition":"1", "topic":"t", "headers":{"feed-redrives":1}}, "id":1, "x":[1,{"data":2}]}`,
		`{"data": {"value":[1, 2], "offset":"8", "partition":"1", "topic":"t", "headers":{"feed-redrives":2}}, "id":2, "x":[1,{"data":3}]}`,
	},
}

// FuzzAlikeEvent puts an event between others of a stream that the decoder knows.
func FuzzAlikeEvent(f *testing.F) {
	for n, stream := range streams {
		for _, event := range stream {
			f.Add(n, []byte(event))
		}
	}
	f.Add(0, []byte(`{"specversion":"1.0","id":"a1","time":"2022-06-23T02:49:51Z","data":{"topic":"t","partition":01,"offset":-0,"timestamp":3,"headers":{"headers":[]},"key":"k","key":"l"}}`))
	f.Add(0, []byte(`{"specversion":"1.0","id":"a1","time":"2022-06-23T02:49:51Z","data":{"topic":"t","partition":2147483648,"offset":1e3,"timestamp":3,"headers":{"headers":[]},"key":"`+"\xff"+`","Value":"l"},"data":1}`))
	f.Fuzz(func(t *testing.T, n int, event []byte) {
		stream := streams[uint(n)%uint(len(streams))]
		body := fmt.Appendf(nil, `[%s,%s,%s,%s,%s]`, stream[0], stream[1], event, stream[0], event)
		var decoder Decoder
		alike(t, &decoder, body)
		alike(t, &decoder, body)
	})
}

// FuzzAlikePush decodes whatever stands in the place of a push.
func FuzzAlikePush(f *testing.F) {
	for _, name := range []string{"cloudevents.json", "rawdata.json", "strings.json"} {
		f.Add(golden(f, name))
	}
	f.Add(pushOf(3))
	f.Add([]byte("[" + streams[0][0] + " ,\n" + streams[0][1] + "," + streams[0][0] + "] "))
	f.Add([]byte("[" + at(`"value":`+deep(10_001)) + "," + at(`"key":"a"`) + "]"))
	f.Fuzz(func(t *testing.T, body []byte) {
		var decoder Decoder
		alike(t, &decoder, body)
		alike(t, &decoder, body)
		alike(t, &decoder, pushOf(2))
	})
}

// A stream that is known is read without taking its events apart, and without memory for them.
func TestAStreamIsLearned(t *testing.T) {
	var decoder Decoder
	body := pushOf(1000)
	if got := alike(t, &decoder, body); len(got) != 1000 {
		t.Fatalf("%d deliveries", len(got))
	}
	if allocations := testing.AllocsPerRun(5, func() { _, _ = decoder.Decode(body) }); allocations > 5 {
		t.Errorf("%v allocations for a push of 1,000 events that are known", allocations)
	}
}
