package kafka

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"feedstream/shared/feed"
	"feedstream/shared/testkit"
)

func price(p feed.Price) *feed.Price { return &p }

var records = map[string]feed.Record{
	"matched": {
		Update:  feed.Update{Sender: "192.168.2.17", StockCode: "2318.HK", Time: 1605760851123},
		Origin:  feed.Origin{Topic: "feed-updates", Partition: 3, Offset: 25},
		Matched: true, StockName: "Ping An Insurance", LastPrice: price(782_500),
		ReferenceVersion: "20261123T021500Z-3f2a91c4",
	},
	"unmatched": {
		Update:           feed.Update{Sender: `a "sender", 平安`, StockCode: "0000.XX", Time: 946684800000},
		Origin:           feed.Origin{Topic: "feed-updates", Partition: 0, Offset: 0},
		ReferenceVersion: "20261123T021500Z-3f2a91c4",
	},
}

var quarantined = map[string]Quarantined{
	"text": {
		Delivery: feed.Delivery{Origin: feed.Origin{Topic: "feed-updates", Partition: 1, Offset: 77},
			Timestamp: 1605760851999, Key: "192.168.2.17", Value: "2318.HK", Form: feed.Text},
		Rejection: feed.Rejection{Reason: feed.MalformedValue, Detail: "not exactly one comma"},
		Time:      noon,
	},
	"parsed, redriven": {
		Delivery: feed.Delivery{Origin: feed.Origin{Topic: "feed-updates", Partition: 2, Offset: 1 << 40}, Timestamp: 1605760851999,
			Key: "192.168.2.17", Value: `{"stockCode":"2318.HK"}`, Form: feed.Parsed, Redrives: 2},
		Rejection: feed.Rejection{Reason: feed.MalformedValue, Detail: `the member "timestamp" is missing`},
		Time:      noon.Add(123 * time.Millisecond),
	},
	"no key, no value, undecodable": {
		Delivery: feed.Delivery{Origin: feed.Origin{Topic: "feed-updates"}, Form: feed.Lossy,
			Undecodable: "the data is no JSON"},
		Rejection: feed.Rejection{Reason: feed.UndecodableEvent, Detail: "the data is no JSON"},
		Time:      noon,
	},
}

// golden renders a message for people and compares it with testdata/<name>.golden.
func golden(t *testing.T, name string, m Message) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "topic %s\nkey %s\nvalue %s\n", m.Topic, orNull(m.Key), orNull(m.Value))
	for _, h := range m.Headers {
		fmt.Fprintf(&b, "header %s: %s\n", h.Key, h.Value)
	}
	file := filepath.Join("testdata", strings.NewReplacer(" ", "-", ",", "").Replace(name)+".golden")
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v\nit would hold:\n%s", err, b.String())
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s: %s", file, diff)
	}
}

func orNull(b []byte) string {
	if b == nil {
		return "is null"
	}
	return string(b)
}

func TestRecordMessage(t *testing.T) {
	for name, r := range records {
		t.Run(name, func(t *testing.T) {
			m := RecordMessage("feed-records", &r)
			golden(t, "record "+name, m)
			got, err := ParseRecord(&m)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(r, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseRecordRefuses(t *testing.T) {
	whole := records["matched"]
	for want, spoil := range map[string]func(*Message){
		`ce_type is ""`:                 func(m *Message) { m.Headers = nil },
		`ce_type is "other.v1"`:         func(m *Message) { m.Headers[3].Value = []byte("other.v1") },
		`key "k" beside`:                func(m *Message) { m.Key = []byte("k") },
		`ce_id "feed-updates/3/26"`:     func(m *Message) { m.Headers[1].Value = []byte("feed-updates/3/26") },
		"read record":                   func(m *Message) { m.Value = nil },
		"timestamp are required":        func(m *Message) { m.Value = []byte("{}") },
		`price "1e3": not a plain deci`: func(m *Message) { m.Value = []byte(strings.Replace(string(m.Value), "78.25", "1e3", 1)) },
	} {
		m := RecordMessage("feed-records", &whole)
		spoil(&m)
		_, err := ParseRecord(&m)
		testkit.WantError(t, err, want)
	}
}

func TestQuarantineMessage(t *testing.T) {
	for name, q := range quarantined {
		t.Run(name, func(t *testing.T) {
			m := QuarantineMessage("feed-quarantine", &q.Delivery, &q.Rejection, q.Time)
			golden(t, "quarantined "+name, m)
			got, err := ParseQuarantine(&m)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(q, got); diff != "" {
				t.Error(diff)
			}
			if origin, err := QuarantineOrigin(&m); err != nil || origin != q.Delivery.Origin {
				t.Errorf("QuarantineOrigin = %v, %v, want %v", origin, err, q.Delivery.Origin)
			}
		})
	}
}

func TestCutQuarantineMessage(t *testing.T) {
	long := strings.Repeat("平", 3000)
	whole := feed.WholeOf(long)
	for name, test := range map[string]struct {
		key, value        string
		wantKey, wantText *feed.Whole
	}{
		"value": {"k", long, nil, &whole},
		"key":   {long, "v", &whole, new(feed.WholeOf("v"))},
		"both":  {long, long, &whole, &whole},
	} {
		t.Run(name, func(t *testing.T) {
			q := quarantined["text"]
			q.Delivery.Key, q.Delivery.Value = test.key, test.value
			const limit = 4000
			m, fits := CutQuarantineMessage("q", &q.Delivery, &q.Rejection, q.Time, limit)
			if size := m.Size(); !fits || size > limit || size < limit-130 {
				t.Errorf("a message of %d bytes, fits %v; the limit is %d", size, fits, limit)
			}
			got, err := ParseQuarantine(&m)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(test.key, got.Delivery.Key) || !strings.HasPrefix(test.value, got.Delivery.Value) {
				t.Errorf("key and value are not the beginnings: %.40q, %.40q", got.Delivery.Key, got.Delivery.Value)
			}
			q.Delivery.Key, q.Delivery.Value, q.Delivery.Form = got.Delivery.Key, got.Delivery.Value, feed.Cut
			q.WholeKey, q.WholeValue = test.wantKey, test.wantText
			if diff := cmp.Diff(q, got); diff != "" {
				t.Error(diff)
			}
			if _, fits := CutQuarantineMessage("q", &q.Delivery, &q.Rejection, q.Time, 300); fits {
				t.Error("what is said of it fits into 300 bytes")
			}
			m.Headers = m.Headers[:len(m.Headers)-1]
			_, err = ParseQuarantine(&m)
			testkit.WantError(t, err, "sha256 is missing")
		})
	}
}

// The size of a message is that of the batch that it is sent in.
func TestSize(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, 8191, 8192, 1 << 20} {
		m := Message{Key: []byte("k"), Value: make([]byte, n), Headers: []Header{{"a", []byte("b")}, {"c", nil}}}
		set, _ := appendBatch(nil, all([]Message{m}), 1<<30, noon)
		if got, want := m.Size(), len(set)-batchAt; got != want {
			t.Errorf("a message with a value of %d bytes: size %d, its batch has %d", n, got, want)
		}
	}
}

func TestParseQuarantineNamesTheHeader(t *testing.T) {
	q := quarantined["text"]
	for i, h := range QuarantineMessage("q", &q.Delivery, &q.Rejection, q.Time).Headers {
		m := QuarantineMessage("q", &q.Delivery, &q.Rejection, q.Time)
		m.Headers = append(m.Headers[:i:i], m.Headers[i+1:]...)
		_, err := ParseQuarantine(&m)
		testkit.WantError(t, err, h.Key)
	}
	m := QuarantineMessage("q", &q.Delivery, &q.Rejection, q.Time)
	m.Headers[6].Value = []byte("seven")
	if _, err := ParseQuarantine(&m); err == nil || !strings.Contains(err.Error(), feed.HeaderOriginOffset) {
		t.Errorf("unreadable offset: error = %v", err)
	}
}

func BenchmarkRecordMessage(b *testing.B) {
	r := records["matched"]
	b.ReportAllocs()
	for range b.N {
		RecordMessage("feed-records", &r)
	}
}

func BenchmarkParseRecord(b *testing.B) {
	r := records["matched"]
	m := RecordMessage("feed-records", &r)
	b.ReportAllocs()
	for range b.N {
		if _, err := ParseRecord(&m); err != nil {
			b.Fatal(err)
		}
	}
}
