package kafka

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go/protocol"
	"pgregory.net/rapid"

	"feedstream/shared/feed"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// decodeSet reads a record set by the library's own decoder, which checks the checksum.
func decodeSet(t testing.TB, set []byte) []Message {
	t.Helper()
	var rs protocol.RecordSet
	if _, err := rs.ReadFrom(bytes.NewReader(set)); err != nil {
		t.Fatal(err)
	}
	var messages []Message
	for {
		r, err := rs.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return messages
		}
		if err != nil {
			t.Fatal(err)
		}
		m := Message{Time: r.Time.UTC(), Offset: r.Offset, Key: readAll(t, r.Key), Value: readAll(t, r.Value)}
		for _, h := range r.Headers {
			m.Headers = append(m.Headers, Header(h))
		}
		messages = append(messages, m)
	}
}

func readAll(t testing.TB, b protocol.Bytes) []byte {
	t.Helper()
	if b == nil {
		return nil
	}
	all, err := protocol.ReadAll(b)
	if err != nil {
		t.Fatal(err)
	}
	if all == nil {
		return []byte{}
	}
	return all
}

func TestBatchIsWhatItWasMadeOf(t *testing.T) {
	bytesOrNull := rapid.Custom(func(t *rapid.T) []byte {
		if rapid.Bool().Draw(t, "null") {
			return nil
		}
		return append([]byte{}, rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "bytes")...)
	})
	message := rapid.Custom(func(t *rapid.T) Message {
		m := Message{Key: bytesOrNull.Draw(t, "key"), Value: bytesOrNull.Draw(t, "value")}
		for range rapid.IntRange(0, 3).Draw(t, "headers") {
			m.Headers = append(m.Headers, Header{rapid.StringN(1, 80, 80).Draw(t, "name"), bytesOrNull.Draw(t, "header")})
		}
		if rapid.Bool().Draw(t, "timed") {
			m.Time = time.UnixMilli(rapid.Int64Range(0, 4e12).Draw(t, "ms")).UTC()
		}
		return m
	})
	rapid.Check(t, func(r *rapid.T) {
		messages := rapid.SliceOfN(message, 1, 200).Draw(r, "messages")
		set, n := appendBatch([]byte("kept"), all(messages), 1<<20, noon)
		if n != len(messages) || string(set[:4]) != "kept" {
			r.Fatalf("took %d of %d", n, len(messages))
		}
		want := make([]Message, n)
		for i, m := range messages {
			want[i] = m
			want[i].Offset = int64(i)
			if m.Time.IsZero() {
				want[i].Time = noon
			}
		}
		if diff := cmp.Diff(want, decodeSet(t, set[4:])); diff != "" {
			r.Fatal(diff)
		}
	})
}

func TestBatchStaysWithinItsLimit(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(0, 700), 1, 60).Draw(r, "sizes")
		limit := rapid.IntRange(500, 5000).Draw(r, "limit")
		messages := make([]Message, len(sizes))
		for i, size := range sizes {
			messages[i].Value = make([]byte, size)
		}
		for rest := all(messages); len(rest) > 0; {
			set, n := appendBatch(nil, rest, limit, noon)
			if n < 1 || n > 1 && len(set) > limit {
				r.Fatalf("%d messages in %d bytes, limit %d", n, len(set), limit)
			}
			if got := int(binary.BigEndian.Uint32(set)); got != len(set)-4 {
				r.Fatalf("set size %d in %d bytes", got, len(set))
			}
			rest = rest[n:]
		}
	})
}

func drawRecord(t *rapid.T) feed.Record {
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]{0,80}`))
	r := feed.Record{
		Update: feed.Update{Sender: text.Draw(t, "sender"), StockCode: text.Draw(t, "code"), Time: rapid.Int64Range(-1e12, 4e14).Draw(t, "time")},
		Origin: feed.Origin{Topic: text.Draw(t, "topic"), Partition: rapid.IntRange(0, 1<<31-1).Draw(t, "partition"),
			Offset: rapid.Int64Range(0, 1<<62).Draw(t, "offset")},
		Matched: rapid.Bool().Draw(t, "matched"), StockName: text.Draw(t, "name"), ReferenceVersion: text.Draw(t, "version"),
	}
	if rapid.Bool().Draw(t, "priced") {
		r.LastPrice = price(feed.Price(rapid.Int64().Draw(t, "price")))
	}
	if rapid.IntRange(0, 20).Draw(t, "long") == 0 {
		r.StockName = strings.Repeat(r.StockName, 1000)
	}
	return r
}

func BenchmarkAppendBatch(b *testing.B) {
	messages := make([]Message, 1000)
	for i := range messages {
		messages[i] = Message{Key: []byte("192.168.2.17|2318.HK"), Value: make([]byte, 294), Time: noon,
			Headers: []Header{{"ce_id", []byte("feed-updates/3/25")}, {"ce_type", []byte(RecordType)}}}
	}
	work := all(messages)
	buffer, n := appendBatch(nil, work, 1<<20, noon)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		buffer, n = appendBatch(buffer[:0], work, 1<<20, noon)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/record")
}

// A message that stands for its record is sent as the one that is made of it.
func TestARecordIsSentAsItsMessage(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		record := drawRecord(r)
		short := Message{Topic: "out", Record: &record, Time: noon}
		short.SetTraceparent(rapid.SampledFrom([]string{"", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}).Draw(r, "trace"))
		whole := short.Whole()
		if whole.Record != nil || !cmp.Equal(whole.Value, record.AppendJSON(nil)) {
			r.Fatalf("the whole of %+v is %+v", record, whole)
		}
		if got, want := AppendOutput(nil, &short), AppendOutput(nil, &whole); !bytes.Equal(got, want) {
			r.Fatalf("sent as\n%q, want\n%q", got, want)
		}
		got, _ := appendBatch(nil, all([]Message{short, whole}), 1<<20, noon)
		want, _ := appendBatch(nil, all([]Message{whole, short}), 1<<20, noon)
		if !bytes.Equal(got, want) || short.Size() != whole.Size() {
			r.Fatal("batches of the two differ")
		}
	})
}
