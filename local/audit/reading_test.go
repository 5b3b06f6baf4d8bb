package audit

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"

	"feedstream/local/platform/stream"
	"feedstream/shared/feed"
	"feedstream/shared/trigger"
)

// unlike says where the audit reads a record otherwise than the trigger does its event, in any of the forms
// that an event has had, alone or among others.
func unlike(r *kgo.Record) string {
	got := Reading(r)
	cloudEvent, data := stream.AppendEvent(nil, r, false), stream.AppendEvent(nil, r, true)
	quoted, err := json.Marshal(string(cloudEvent))
	if err != nil {
		return err.Error()
	}
	forms := map[string]string{"CloudEvent": string(cloudEvent), "RawData": string(data), "string": string(quoted)}
	for form, event := range forms {
		for _, body := range []string{"[" + event + "]", "[" + forms["CloudEvent"] + "," + event + "," + forms["string"] + "]"} {
			deliveries, err := trigger.Decode([]byte(body))
			if err != nil {
				return fmt.Sprintf("%s: %v\n%s", form, err, body)
			}
			for _, want := range deliveries {
				if diff := cmp.Diff(want, got); diff != "" {
					return fmt.Sprintf("%s (-trigger +audit):\n%s\n%s", form, diff, body)
				}
			}
		}
	}
	return ""
}

func inputRecord(key, value []byte, headers ...kgo.RecordHeader) *kgo.Record {
	return &kgo.Record{
		Topic: topics.Input, Partition: 3, Offset: 25, Timestamp: time.UnixMilli(1655952591589),
		Key: key, Value: value, Headers: headers,
	}
}

// odd are values as people write them; the audit once took some of these for other events.
var odd = []string{
	"", "2318.HK,1605760851123", `"2318.HK,1605760851123"`, `"{\"stockCode\":\"2318.HK\",\"timestamp\":1605760851123}"`,
	`{"stockCode":"2318.HK","timestamp":1605760851123}`, "\n" + `{"stockCode":"2318.HK","timestamp":1605760851123}`,
	` {"stockCode":"2318.HK","timestamp":1605760851123} `, `{"stockCode":"2318.HK","timestamp":1605760851123`,
	"\ufeff{}", `"\"2318.HK,1\""`, "12", "-0", "1e400", "null", "true", "[1]",
	`""`, `" "`, " 2318.HK,1", "2318.HK,1\n", "700,1605760851123",
	"0700,1605760851123", "\"\\ud800\"", "a\xff", "{\"a\":\"\xff\"}", "\ufffd", "\u2028<>&",
	`{"data":{"topic":"t","partition":1,"offset":2}}`,
	`{"data":1,"Data":2}`, `"data"`, "data", `{"a":1,"a":2}`, strings.Repeat("[", 9_999) + strings.Repeat("]", 9_999),
	strings.Repeat("[", 10_001) + strings.Repeat("]", 10_001),
}

func TestReadingIsThatOfTheTrigger(t *testing.T) {
	for _, value := range odd {
		if problem := unlike(inputRecord([]byte("192.168.2.17"), []byte(value))); problem != "" {
			t.Errorf("value %.80q: %s", value, problem)
		}
	}
	if problem := unlike(inputRecord(nil, nil)); problem != "" {
		t.Error(problem)
	}
	redriven := inputRecord([]byte("k"), []byte("2318.HK,1"),
		kgo.RecordHeader{Key: feed.HeaderRedrives, Value: []byte("2")})
	if problem := unlike(redriven); problem != "" || Reading(redriven).Redrives != 2 {
		t.Errorf("%+v: %s", Reading(redriven), problem)
	}
}

func TestReadingOfAnything(t *testing.T) {
	pieces := append([]string{`"`, `\`, `{`, `}`, `[`, `]`, `:`, `,`, " ", "\n", "\t", "2318.HK",
		"1605760851123", "1", "-", ".5", "e9", "null", "true",
		`"stockCode"`, `"timestamp"`, `"data"`, `"value"`, "\xff", "\ufffd", "é", "\x00"}, odd[:len(odd)-2]...)
	text := rapid.OneOf(
		rapid.Map(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 12), func(parts []string) []byte {
			return []byte(strings.Join(parts, ""))
		}),
		rapid.SliceOf(rapid.Byte()),
		rapid.Just([]byte(nil)),
	)
	rapid.Check(t, func(t *rapid.T) {
		var headers []kgo.RecordHeader
		for range rapid.IntRange(0, 2).Draw(t, "headers") {
			headers = append(headers, kgo.RecordHeader{
				Key:   rapid.OneOf(rapid.Just(feed.HeaderRedrives), rapid.String()).Draw(t, "name"),
				Value: rapid.OneOf(rapid.SampledFrom([][]byte{[]byte("1"), []byte("feed-redrives=3")}), text).Draw(t, "header"),
			})
		}
		value := text.Draw(t, "value")
		if rapid.IntRange(0, 3).Draw(t, "encode") == 0 { // once more, as a JSON string
			value, _ = json.Marshal(string(value))
		}
		if problem := unlike(inputRecord(text.Draw(t, "key"), value, headers...)); problem != "" {
			t.Fatal(problem)
		}
	})
}

// FuzzReading proves the same of arbitrary bytes.
func FuzzReading(f *testing.F) {
	for _, value := range odd {
		f.Add([]byte("192.168.2.17"), []byte(value), []byte(nil))
	}
	f.Add([]byte("data"), []byte("1"), []byte("1"))
	f.Fuzz(func(t *testing.T, key, value, header []byte) {
		r := inputRecord(key, value)
		if header != nil {
			r.Headers = []kgo.RecordHeader{{Key: feed.HeaderRedrives, Value: header}, {Key: string(header), Value: header}}
		}
		if problem := unlike(r); problem != "" {
			t.Fatal(problem)
		}
	})
}

func BenchmarkReading(b *testing.B) {
	for name, value := range map[string]string{
		"text": "2318.HK,1605760851123", "object": `{"stockCode":"2318.HK","timestamp":1605760851123}`,
	} {
		b.Run(name, func(b *testing.B) {
			r := inputRecord([]byte("192.168.2.17"), []byte(value))
			b.ReportAllocs()
			for b.Loop() {
				Reading(r)
			}
		})
	}
}
