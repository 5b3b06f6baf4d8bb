package feed_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"feedstream/shared/feed"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func TestReasons(t *testing.T) {
	const good = "2318.HK,1605760851123"
	limit := now.Add(feed.MaxAhead)
	for _, test := range []struct {
		name, key, value string
		form             feed.ValueForm
		want             feed.Reason // "" when the update is valid
	}{
		{"article", "s", good, feed.Text, ""},
		{"JSON text", "s", `{"stockCode":"2318.HK","timestamp":1605760851123}`, feed.Text, ""},
		{"JSON parsed, other members", "s", `{"x":[1],"timestamp":"2020-11-19T12:40:51.1239+08:00","stockCode":"a"}`, feed.Parsed, ""},
		{"key of 256 bytes", strings.Repeat("k", 256), good, feed.Text, ""},
		{"key with letters of other scripts", "贵州", good, feed.Text, ""},
		{"no key", "", good, feed.Text, feed.MissingKey},
		{"key of 257 bytes", strings.Repeat("k", 257), good, feed.Text, feed.InvalidKey},
		{"key with |", "a|b", good, feed.Text, feed.InvalidKey},
		{"key with NUL", "a\x00", good, feed.Text, feed.InvalidKey},
		{"key with DEL", "a\x7f", good, feed.Text, feed.InvalidKey},
		{"key with C1 control", "a\u0085", good, feed.Text, feed.InvalidKey},
		{"key that was not UTF-8", "a\ufffd", good, feed.Text, feed.InvalidKey},
		{"key before value", "", "", feed.Text, feed.MissingKey},
		{"no value", "s", "", feed.Text, feed.MissingValue},
		{"no comma", "s", "2318.HK", feed.Text, feed.MalformedValue},
		{"two commas", "s", good + ",", feed.Text, feed.MalformedValue},
		{"parsed number", "s", "12", feed.Parsed, feed.MalformedValue},
		{"parsed array", "s", "[1,2]", feed.Parsed, feed.MalformedValue},
		{"cut off JSON", "s", `{"stockCode":"a"`, feed.Text, feed.MalformedValue},
		{"JSON and more", "s", `{"stockCode":"a","timestamp":1605760851123}x`, feed.Text, feed.MalformedValue},
		{"duplicate member", "s", `{"stockCode":"a","stockCode":"a","timestamp":1605760851123}`, feed.Text, feed.MalformedValue},
		{"duplicate unknown member", "s", `{"stockCode":"a","timestamp":1605760851123,"x":1,"x":2}`, feed.Text, feed.MalformedValue},
		{"missing member", "s", `{"stockCode":"a"}`, feed.Text, feed.MalformedValue},
		{"null member", "s", `{"stockCode":"a","timestamp":null}`, feed.Text, feed.MalformedValue},
		{"code is a number", "s", `{"stockCode":2318,"timestamp":1605760851123}`, feed.Text, feed.MalformedValue},
		{"code of 33", "s", strings.Repeat("c", 33) + ",1605760851123", feed.Text, feed.InvalidStockCode},
		{"no trimming", "s", " 2318.HK,1605760851123", feed.Text, feed.InvalidStockCode},
		{"code before time", "s", ",x", feed.Text, feed.InvalidStockCode},
		{"time with space", "s", "a, 1605760851123", feed.Text, feed.InvalidTimestamp},
		{"time with plus", "s", "a,+1605760851123", feed.Text, feed.InvalidTimestamp},
		{"time overflows", "s", "a,99999999999999999999", feed.Text, feed.InvalidTimestamp},
		{"float", "s", `{"stockCode":"a","timestamp":1.6e12}`, feed.Text, feed.InvalidTimestamp},
		{"without zone", "s", `{"stockCode":"a","timestamp":"2020-11-19T04:40:51"}`, feed.Text, feed.InvalidTimestamp},
		{"before 2000", "s", "a,946684799999", feed.Text, feed.InvalidTimestamp},
		{"from 2000", "s", "a,946684800000", feed.Text, ""},
		{"5 minutes ahead", "s", `{"stockCode":"a","timestamp":"` + feed.FormatTime(limit.UnixMilli()) + `"}`, feed.Text, ""},
		{"a millisecond more", "s", `{"stockCode":"a","timestamp":"` + feed.FormatTime(limit.UnixMilli()+1) + `"}`, feed.Text, feed.FutureTimestamp},
	} {
		t.Run(test.name, func(t *testing.T) {
			d := feed.Delivery{Key: test.key, Value: test.value, Form: test.form}
			update, rejection := d.Update(now)
			switch {
			case rejection == nil && test.want != "":
				t.Errorf("accepted as %+v, want %s", update, test.want)
			case rejection != nil && rejection.Reason != test.want:
				t.Errorf("rejected: %v, want %q", rejection, test.want)
			}
		})
	}
}

func TestTimestampsAreTruncatedToMilliseconds(t *testing.T) {
	d := feed.Delivery{Key: "s", Value: `{"stockCode":"a","timestamp":"2020-11-19T12:40:51.1239+08:00"}`, Form: feed.Text}
	if update, rejection := d.Update(now); rejection != nil || update.Time != 1605760851123 {
		t.Errorf("update = %+v, %v", update, rejection)
	}
}

func TestRecordJSON(t *testing.T) {
	price := feed.Price(782_500)
	r := feed.Join(feed.Update{Sender: "192.168.2.17", StockCode: "2318.HK", Time: 1605760851123},
		feed.Origin{Topic: "feed-updates", Partition: 3, Offset: 25}, &feed.Entry{Name: "Ping An Insurance", Price: &price},
		"20261123T021500Z-3f2a91c4")
	const head = `{"rowKey":"192.168.2.17|2318.HK","sender":"192.168.2.17","stockCode":"2318.HK",`
	const tail = `"referenceVersion":"20261123T021500Z-3f2a91c4","origin":{"topic":"feed-updates","partition":3,"offset":25}}`
	want := head + `"stockName":"Ping An Insurance","lastPrice":"78.25","timestamp":"2020-11-19T04:40:51.123Z","matched":true,` + tail
	if got := string(r.AppendJSON(nil)); got != want {
		t.Errorf("matched:\n%s\nwant\n%s", got, want)
	}
	r = feed.Join(r.Update, r.Origin, nil, r.ReferenceVersion)
	want = head + `"stockName":null,"lastPrice":null,"timestamp":"2020-11-19T04:40:51.123Z","matched":false,` + tail
	if got := string(r.AppendJSON(nil)); got != want {
		t.Errorf("unmatched:\n%s\nwant\n%s", got, want)
	}
}

func TestRecordRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		price := feed.Price(rapid.Int64Range(-int64(feed.MaxPrice), int64(feed.MaxPrice)).Draw(t, "price"))
		want := feed.Record{
			Update: feed.Update{Sender: rapid.String().Draw(t, "sender"), StockCode: rapid.String().Draw(t, "code"),
				Time: rapid.Int64Range(feed.MinTime, 4e12).Draw(t, "time")},
			Origin:  feed.Origin{Topic: rapid.String().Draw(t, "topic"), Partition: 3, Offset: rapid.Int64Min(0).Draw(t, "offset")},
			Matched: true, StockName: rapid.String().Draw(t, "name"), LastPrice: &price, ReferenceVersion: "v",
		}
		var got feed.Record
		if err := json.Unmarshal(want.AppendJSON(nil), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestPrice(t *testing.T) {
	for text, want := range map[string]feed.Price{"0": 0, "78.25": 782_500, "-0.0001": -1, "5": 50_000, "99999999999999.9999": feed.MaxPrice} {
		got, err := feed.ParsePrice(text)
		if err != nil || got != want || got.String() != text {
			t.Errorf("%s = %d (%s), %v", text, got, got, err)
		}
	}
	for _, text := range []string{"", "-", ".5", "5.", "1e3", "+1", " 1", "1.00000", "100000000000000", "1.2.3"} {
		if got, err := feed.ParsePrice(text); err == nil {
			t.Errorf("%q was read as %s", text, got)
		}
	}
}

func FuzzUpdate(f *testing.F) {
	f.Add("s", `{"stockCode":"a","timestamp":1605760851123}`)
	f.Add("s", "2318.HK,1605760851123")
	f.Fuzz(func(t *testing.T, key, value string) {
		d := feed.Delivery{Key: key, Value: value, Form: feed.Text}
		update, rejection := d.Update(now)
		if rejection == nil && (!feed.ValidStockCode(update.StockCode) || update.Time < feed.MinTime || strings.Contains(update.Sender, "|")) {
			t.Errorf("accepted %+v", update)
		}
	})
}
