package trigger

import (
	"encoding/json"
	"testing"
	"time"

	"feedstream/shared/feed"
)

var testNow = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// FuzzDecode proves that a push is an error or one delivery for each element, each with coordinates.
func FuzzDecode(f *testing.F) {
	for _, name := range []string{"cloudevents.json", "rawdata.json", "strings.json", "timer.json"} {
		f.Add(golden(f, name))
	}
	for _, seed := range []string{
		`[{"data":{"topic":"t","partition":"1","offset":"2","key":7}}]`,
		`[{"data":{"topic":"t","partition":"+1","offset":2}}]`,
		`[{"data":{"topic":"t","partition":1,"offset":2},"data":{"key":"a"}},{"topic":"t","topic":null,"partition":1,"offset":2}]`,
		`[{"Data":{"Topic":"t","PARTITION":1,"offset":2,"offset":3}}]`,
		"[" + at(`"value":`+deep(10_001)) + "," + at(`"key":"a"`) + "]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		deliveries, err := Decode(body)
		if err != nil {
			return
		}
		var elements []json.RawMessage
		if err := json.Unmarshal(body, &elements); err == nil && len(elements) != len(deliveries) {
			t.Fatalf("%d deliveries of %d elements", len(deliveries), len(elements))
		}
		for _, d := range deliveries {
			if d.Origin.Topic == "" || d.Origin.Partition < 0 || d.Origin.Offset < 0 {
				t.Fatalf("origin %+v", d.Origin)
			}
			switch d.Form {
			case feed.Text, feed.Parsed, feed.Lossy:
			default:
				t.Fatalf("form %q", d.Form)
			}
			d.Update(testNow)
		}
	})
}

func FuzzDecodeTimer(f *testing.F) {
	f.Add(golden(f, "timer.json"))
	f.Fuzz(func(t *testing.T, event []byte) {
		if timer, err := DecodeTimer(event); err == nil && (timer.TriggerName == "" || timer.TriggerTime.IsZero()) {
			t.Fatalf("timer %+v", timer)
		}
	})
}

func TestDecodeTimer(t *testing.T) {
	timer, err := DecodeTimer(golden(t, "timer.json"))
	want := Timer{TriggerTime: time.Date(2026, 11, 24, 2, 56, 40, 0, time.UTC), TriggerName: "every-five-minutes", Payload: "refresh"}
	if err != nil || timer != want {
		t.Errorf("timer = %+v, %v", timer, err)
	}
	for _, event := range []string{
		``, `[]`, `{}`, `{"triggerName":"x"}`, `{"triggerTime":"2026-11-24T02:56:40Z"}`, `{"triggerName":"x","triggerTime":"soon"}`,
	} {
		if timer, err := DecodeTimer([]byte(event)); err == nil {
			t.Errorf("%s is taken for the timer %+v", event, timer)
		}
	}
}
