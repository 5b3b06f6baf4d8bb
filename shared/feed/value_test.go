package feed

import (
	"testing"
	"time"
)

// FuzzAlikeUpdate holds the short way of reading the JSON form against the one that reads all of JSON.
func FuzzAlikeUpdate(f *testing.F) {
	for _, value := range []string{
		`{"stockCode":"2318.HK","timestamp":1605760851123}`, `{"timestamp":"2020-11-19T04:40:51.123Z","stockCode":"2318.HK"}`,
		`{"stockCode":"2318.HK","timestamp":01}`, `{"stockCode":"2318.HK","timestamp":-1}`, `{"stockCode":7,"timestamp":1}`,
		`{"stockCode":"a","stockCode":"b","timestamp":1}`, `{"stockCode":"a","timestamp":1,}`, `{"stockCode":"a","timestamp":1}}`,
		`{"stockCode":"","timestamp":""}`, `{"stockCode":"\\u0041","timestamp":1,"x":2}`, `{"stockCode":"a" ,"timestamp":1}`, `{`, `{"`, `{"a":`,
		`{"timestamp":,"timestamp":1605760851123,"stockCode":"2318.HK"}`, `{"timestamp":,"stockCode":"A","timestamp":"1"}`, `{"stockCode":,"timestamp":1}`,
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		short, ok := plainUpdate(value)
		if !ok {
			return
		}
		if long, err := parseJSON(value); err != nil || long != short {
			t.Fatalf("%q: %+v, the long way says %+v, %v", value, short, long, err)
		}
	})
}

func TestTheUsualFormsTakeNoMemory(t *testing.T) {
	for _, value := range []string{"2318.HK,1605760851123", `{"stockCode":"2318.HK","timestamp":1605760851123}`} {
		d := Delivery{Key: "192.168.2.17", Value: value, Form: Text}
		now := time.UnixMilli(1605760851123)
		if n := testing.AllocsPerRun(100, func() {
			if _, why := d.Update(now); why != nil {
				t.Fatal(why)
			}
		}); n != 0 {
			t.Errorf("%v allocations for %s", n, value)
		}
	}
}
