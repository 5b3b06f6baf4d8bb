package feed_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"feedstream/shared/feed"
)

// A time is the same in both forms of a value, and what is wrong with one is said in a true sentence.
func TestTimestamps(t *testing.T) {
	const ms = 1605760851123
	for _, test := range []struct {
		text string
		want string // of the detail; empty when the time is good
	}{
		{"1605760851123", ""},
		{"2020-11-19T04:40:51.123Z", ""},
		{"2020-11-19T12:40:51.1239+08:00", ""},
		{"2020-11-19t04:40:51.123z", ""},
		{"1605760851123.0", "has a fraction or an exponent"},
		{"1.605760851123e12", "has a fraction or an exponent"},
		{"1.605e12", "has a fraction or an exponent"},
		{" 1605760851123", "has white space around it"},
		{"1605760851123\r\n", "has white space around it"},
		{"+1605760851123", "begins with a plus sign"},
		{"16057608511230000000000", "has more digits than epoch milliseconds can have"},
		{"1605760851", "lies before 2000-01-01 (a time in seconds does, read as milliseconds)"},
		{"2020-11-19 04:40:51.123Z", "has a blank between date and time"},
		{"2026-11-25 04:22:22", "has a blank between date and time, and no zone: write it like 2020-11-19T04:40:51.123Z"},
		{"2020-11-19 12:40:51.123+0800", "has a blank between date and time: write T"},
		{"2020-11-19T04:40:51", "has no zone"},
		{"2016-12-31T23:59:60Z", "is a leap second"},
		{"2020-02-30T00:00:00Z", "names a day or a time of day that does not exist"},
		{"2020-11-19T24:00:00+08:00", "names a day or a time of day that does not exist"},
		{"2020-11-19", "is neither digits, as epoch milliseconds, nor RFC 3339"},
		{"2020-11-19T12:40:51.123+0800", "has a zone without a colon"},
		{"19 November 2020", "is neither digits, as epoch milliseconds, nor RFC 3339"},
		{"", "is neither digits"},
	} {
		for form, value := range map[string]string{
			"text": "2318.HK," + test.text,
			"JSON": `{"stockCode":"2318.HK","timestamp":` + quoted(test.text) + `}`,
		} {
			d := feed.Delivery{Key: "s", Value: value, Form: feed.Text}
			update, rejection := d.Update(now)
			switch {
			case test.want == "" && (rejection != nil || update.Time != ms):
				t.Errorf("%s %q: %+v, %v", form, test.text, update, rejection)
			case test.want != "" && (rejection == nil || rejection.Reason != feed.InvalidTimestamp || !strings.Contains(rejection.Detail, test.want)):
				t.Errorf("%s %q: %v, want %q", form, test.text, rejection, test.want)
			}
		}
	}
}

func quoted(text string) string {
	literal, _ := json.Marshal(text) // a string always marshals
	return string(literal)
}

// Any text is a time or has a reason, and both forms agree on which.
func FuzzTimestamp(f *testing.F) {
	for _, text := range []string{"1605760851123", "2020-11-19T04:40:51.123Z", "1e3", "+1", "-1", "2020-11-19 04:40Z", ""} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsAny(text, ",") || strings.ToValidUTF8(text, "") != text {
			return // a comma is malformed in the text form alone
		}
		plain := feed.Delivery{Key: "s", Value: "a," + text, Form: feed.Text}
		update, rejection := plain.Update(now)
		object := feed.Delivery{Key: "s", Value: `{"stockCode":"a","timestamp":` + quoted(text) + `}`, Form: feed.Text}
		again, alike := object.Update(now)
		if update != again || (rejection == nil) != (alike == nil) || rejection != nil && rejection.Reason != alike.Reason {
			t.Errorf("text: %+v %v, JSON: %+v %v", update, rejection, again, alike)
		}
		if rejection == nil && (update.Time < feed.MinTime || update.Time > now.Add(feed.MaxAhead).UnixMilli()) {
			t.Errorf("accepted %s", time.UnixMilli(update.Time))
		}
	})
}
