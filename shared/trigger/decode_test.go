package trigger

import (
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"feedstream/shared/feed"
	"feedstream/shared/testkit"
)

func golden(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestGoldenPushes(t *testing.T) {
	keyed := []feed.Delivery{
		{
			Origin: feed.Origin{Topic: "feed-updates", Partition: 3, Offset: 25}, Timestamp: 1655952591589,
			Key: "192.168.2.17", Value: "2318.HK,1605760851123", Form: feed.Text,
		},
		{
			Origin: feed.Origin{Topic: "feed-updates", Partition: 0, Offset: 0}, Timestamp: 1655952591589,
			Key: "192.168.2.18", Value: `{"stockCode":"0700.HK","timestamp":1605760851124}`, Form: feed.Parsed,
		},
	}
	keyless := append([]feed.Delivery(nil), keyed...)
	for i := range keyless {
		keyless[i].Key = ""
	}
	for name, want := range map[string][]feed.Delivery{"cloudevents.json": keyed, "rawdata.json": keyed, "strings.json": keyless} {
		t.Run(name, func(t *testing.T) {
			got, err := Decode(golden(t, name))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// at is an event whose data has these members beside its coordinates.
func at(members string) string {
	if members != "" {
		members = "," + members
	}
	return `{"specversion":"1.0","data":{"topic":"t","partition":1,"offset":2` + members + `}}`
}

func deep(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

// Nothing of such a push could be set aside under a name.
func TestPushesThatFail(t *testing.T) {
	for name, test := range map[string]struct{ body, want string }{
		"empty":              {"", "not a JSON array"},
		"null":               {"null", "null"},
		"an object":          {at(""), "not a JSON array"},
		"a string":           {`"x"`, "not a JSON array"},
		"cut off":            {"[" + at(""), "not a JSON array"},
		"cut off when deep":  {"[" + at(`"value":` + deep(10_001))[:9000], "not a JSON array"},
		"partition with +":   {`[{"data":{"topic":"t","partition":"+1","offset":2}}]`, `partition "+1"`},
		"offset with +":      {`[{"data":{"topic":"t","partition":1,"offset":"+2"}}]`, `offset "+2"`},
		"two unreadable":     {`[{"data":{"topic":"t"},"data":{"offset":2}}]`, "topic (absent)"},
		"more behind":        {"[" + at("") + "]x", "not a JSON array"},
		"no JSON":            {"[" + at(`"value":tru`) + "]", ""},
		"null event":         {"[null]", "event 1 of 1"},
		"number":             {"[7]", "event 1 of 1"},
		"list":               {"[[]]", "event 1 of 1"},
		"no data":            {"[{}]", "topic"},
		"data is text":       {`[{"data":"x"}]`, "no JSON object"},
		"second of two":      {"[" + at("") + ",{}]", "event 2 of 2"},
		"empty topic":        {`[{"data":{"topic":"","partition":1,"offset":2}}]`, "topic"},
		"topic is a number":  {`[{"data":{"topic":1,"partition":1,"offset":2}}]`, "topic"},
		"no partition":       {`[{"data":{"topic":"t","offset":2}}]`, "partition (absent)"},
		"partition null":     {`[{"data":{"topic":"t","partition":null,"offset":2}}]`, "partition null"},
		"negative partition": {`[{"data":{"topic":"t","partition":-1,"offset":2}}]`, "partition -1"},
		"huge partition":     {`[{"data":{"topic":"t","partition":4294967296,"offset":2}}]`, "partition 4294967296"},
		"no offset":          {`[{"data":{"topic":"t","partition":1}}]`, "offset (absent)"},
		"negative offset":    {`[{"data":{"topic":"t","partition":1,"offset":-2}}]`, "offset -2"},
		"broken offset":      {`[{"data":{"topic":"t","partition":1,"offset":2.5}}]`, "offset 2.5"},
		"offset overflows":   {`[{"data":{"topic":"t","partition":1,"offset":9223372036854775808}}]`, "offset 9223372036854775808"},
		"string of no JSON":  {`["x"]`, "event 1 of 1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Decode([]byte(test.body))
			testkit.WantError(t, err, test.want)
		})
	}
}

func TestEvents(t *testing.T) {
	big := strings.Repeat("v", 1<<20)
	for name, test := range map[string]struct {
		members string
		want    feed.Delivery // without the origin
	}{
		"nothing":              {``, feed.Delivery{Form: feed.Text}},
		"nulls":                {`"key":null,"value":null,"timestamp":null,"headers":null`, feed.Delivery{Form: feed.Text}},
		"empty":                {`"key":"","value":""`, feed.Delivery{Form: feed.Text}},
		"escapes":              {`"key":"\u8d35\"\\","value":"a\u0000\n"`, feed.Delivery{Key: `贵"\`, Value: "a\x00\n", Form: feed.Text}},
		"surrogates":           {`"value":"\ud83d\ude00"`, feed.Delivery{Value: "😀", Form: feed.Text}},
		"half a surrogate":     {`"value":"\ud83d"`, feed.Delivery{Value: "\ufffd", Form: feed.Lossy}},
		"was not UTF-8":        {`"value":"a\ufffd"`, feed.Delivery{Value: "a\ufffd", Form: feed.Lossy}},
		"is not UTF-8":         {"\"value\":\"a\xff\"", feed.Delivery{Value: "a\ufffd", Form: feed.Lossy}},
		"key was not UTF-8":    {`"key":"\ufffd","value":"v"`, feed.Delivery{Key: "\ufffd", Value: "v", Form: feed.Text}},
		"object":               {`"value":{ "a" : 1.0e5 }`, feed.Delivery{Value: `{"a":1.0e5}`, Form: feed.Parsed}},
		"array":                {`"value":[1, 2]`, feed.Delivery{Value: `[1,2]`, Form: feed.Parsed}},
		"number":               {`"value":12345678901234567890123`, feed.Delivery{Value: `12345678901234567890123`, Form: feed.Parsed}},
		"boolean":              {`"value":true`, feed.Delivery{Value: `true`, Form: feed.Parsed}},
		"member twice inside":  {`"value":{"a":1,"a":2}`, feed.Delivery{Value: `{"a":1,"a":2}`, Form: feed.Parsed}},
		"deep":                 {`"value":` + deep(9_000), feed.Delivery{Value: deep(9_000), Form: feed.Parsed}},
		"1 MB":                 {`"value":"` + big + `"`, feed.Delivery{Value: big, Form: feed.Text}},
		"timestamp as text":    {`"timestamp":"1655952591589"`, feed.Delivery{Timestamp: 1655952591589, Form: feed.Text}},
		"unknown members":      {`"valueSize":3,"x":{"topic":"y"},"value":"v"`, feed.Delivery{Value: "v", Form: feed.Text}},
		"headers of any shape": {`"headers":7,"value":"v"`, feed.Delivery{Value: "v", Form: feed.Text}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Decode([]byte("[" + at(test.members) + "]"))
			if err != nil {
				t.Fatal(err)
			}
			test.want.Origin = feed.Origin{Topic: "t", Partition: 1, Offset: 2}
			if diff := cmp.Diff([]feed.Delivery{test.want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// An element with coordinates and unreadable data is set aside whole; its neighbours are not touched.
func TestUndecodableEvents(t *testing.T) {
	for name, bad := range map[string]string{
		"key is a number":      at(`"key":7,"value":"v"`),
		"key is an object":     at(`"key":{},"value":"v"`),
		"timestamp is a word":  at(`"timestamp":"now","value":"v"`),
		"timestamp broken":     at(`"timestamp":1.5`),
		"timestamp with +":     at(`"timestamp":"+1"`),
		"value too deep":       at(`"value":` + deep(10_001)),
		"value far too deep":   at(`"value":` + deep(100_000)),
		"too deep elsewhere":   at(`"x":` + deep(10_001) + `,"key":7`),
		"data twice":           `{"data":{"topic":"t","partition":1,"offset":1,"key":"a"},"data":{"topic":"t","partition":1,"offset":2}}`,
		"data and no data":     `{"data":{"topic":"t","partition":1,"offset":2},"data":{"key":"a"}}`,
		"data in another case": `{"data":{"topic":"t","partition":1,"offset":1},"DATA":{"topic":"t","partition":1,"offset":2}}`,
		"data with Data":       `{"data":{"topic":"t","partition":1,"offset":1},"Data":{"topic":"t","partition":1,"offset":2}}`,
		"data escaped":         `{"data":{"topic":"t","partition":1,"offset":1},"d\u0061ta":{"topic":"t","partition":1,"offset":2}}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Decode([]byte("[" + at(`"key":"a","value":"1"`) + "," + bad + "," + at(`"key":"b","value":"2"`) + "]"))
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 3 || got[0].Value != "1" || got[2].Value != "2" || got[0].Undecodable+got[2].Undecodable != "" {
				t.Errorf("deliveries = %+v", got)
			}
			if got[1].Undecodable == "" || got[1].Value != bad || got[1].Origin.Offset != 2 {
				t.Errorf("delivery = %+v, want it undecodable with its bytes", got[1])
			}
			update, rejection := got[1].Update(testNow)
			if rejection == nil || rejection.Reason != feed.UndecodableEvent {
				t.Errorf("update %+v, rejection %+v", update, rejection)
			}
		})
	}
}

func TestRedrives(t *testing.T) {
	for headers, want := range map[string]int{
		``:                                  0,
		`{"headers":[],"isReadOnly":false}`: 0,
		`{"headers":[{"key":"feed-redrives","value":"2"}],"isReadOnly":false}`: 2,
		`{"headers":[{"key":"feed-redrives","value":"Mg=="}]}`:                 2,
		`{"headers":[{"key":"feed-redrives","value":[49,50]}]}`:                12,
		`{"headers":[{"key":"x","value":"9"},{"feed-redrives":"3"}]}`:          3,
		`{"headers":["feed-redrives=4"]}`:                                      4,
		`["feed-redrives: 5"]`:                                                 5,
		`{"feed-redrives":6}`:                                                  6,
		`{"feed-redrives":"-6"}`:                                               0,
		`{"feed-redrives":"many"}`:                                             0,
		`{"feed-redrives":null}`:                                               0,
		`{"headers":[{"key":"x","value":"feed-redrives"}]}`:                    0,
		`"feed-redrives"`:                                                      0,
	} {
		members := `"value":"v"`
		if headers != "" {
			members += `,"headers":` + headers
		}
		got, err := Decode([]byte("[" + at(members) + "]"))
		if err != nil || got[0].Redrives != want {
			t.Errorf("headers %s: %+v, %v; want %d redrives", headers, got, err, want)
		}
	}
}

func TestTraceparent(t *testing.T) {
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for headers, want := range map[string]string{
		`{"headers":[{"key":"traceparent","value":"` + trace + `"}]}`:                                            trace,
		`{"headers":[{"key":"traceparent","value":"` + base64.StdEncoding.EncodeToString([]byte(trace)) + `"}]}`: trace,
		`{"headers":["traceparent=` + trace + `",{"feed-redrives":3}]}`:                                          trace,
		`{"traceparent":"` + trace + `"}`:                                                                        trace,
		`{"traceparent":"` + trace + `0"}`:                                                                       "",
		`{"traceparent":"00-00000000000000000000000000000000-00f067aa0ba902b7-01"}`:                              "",
		`{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"}`:                              "",
		`{"traceparent":"00-0000000000000000a3ce929d0e0e4736-00f067aa0ba902b7-00"}`:                              "00-0000000000000000a3ce929d0e0e4736-00f067aa0ba902b7-00",
		`{"traceparent":7}`: "",
	} {
		body := []byte("[" + at(`"value":"v","headers":`+headers) + "]")
		got, err := Decode(body)
		if err != nil || got[0].Traceparent != want {
			t.Errorf("headers %s: %+v, %v", headers, got, err)
		}
		var decoder Decoder
		for range 3 { // learned, and read by what was learned
			if got, err = decoder.Decode(body); err != nil || got[0].Traceparent != want {
				t.Errorf("headers %s: %+v, %v", headers, got, err)
			}
		}
	}
}

// A decoder that has learned says the same of a push as the way that takes each event apart.
func TestBothWaysAgree(t *testing.T) {
	var decoder Decoder
	rapid.Check(t, func(t *rapid.T) {
		var elements []string
		for range rapid.IntRange(0, 5).Draw(t, "events") {
			members := []string{
				rapid.SampledFrom([]string{`"key":null`, `"key":"a"`, `"key":"\u0041\n"`, `"key":""`, `"x":1`}).Draw(t, "key"),
				rapid.SampledFrom([]string{`"value":null`, `"value":"2318.HK,1"`, `"value":{"a": 1}`, `"value":-0`, `"value":"\ufffd"`, `"y":2`}).Draw(t, "value"),
				rapid.SampledFrom([]string{`"timestamp":1`, `"timestamp":"1"`, `"timestamp":null`, `"z":3`}).Draw(t, "timestamp"),
				fmt.Sprintf(`"headers":{"headers":[{"key":"feed-redrives","value":"%d"}]}`, rapid.IntRange(0, 9).Draw(t, "redrives")),
			}
			data := fmt.Sprintf(`{"topic":"t","partition":%d,"offset":%d,%s}`, rapid.IntRange(0, 9).Draw(t, "partition"),
				rapid.Int64Range(0, 1<<62).Draw(t, "offset"), strings.Join(rapid.Permutation(members).Draw(t, "order"), ","))
			switch rapid.IntRange(0, 2).Draw(t, "form") {
			case 0:
				data = `{"specversion":"1.0","data":` + data + `}`
			case 1:
				data = `{"data":null,` + data[1:]
			}
			elements = append(elements, data)
		}
		body := []byte("[" + strings.Join(elements, ",") + "]")
		alike(t, &decoder, body)
	})
}
