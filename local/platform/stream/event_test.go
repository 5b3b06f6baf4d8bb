package stream

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func TestEventForm(t *testing.T) {
	at := time.UnixMilli(1655952591589)
	for _, test := range []struct {
		name  string
		key   []byte
		value []byte
		want  string // of the members key and value
	}{
		{"text", []byte("keytest"), []byte("hello kafka msg"), `"key":"keytest","value":"hello kafka msg"`},
		{"article", []byte("192.168.2.17"), []byte("2318.HK,1605760851123"), `"key":"192.168.2.17","value":"2318.HK,1605760851123"`},
		{"object", nil, []byte(`{"a": 1}`), `"key":null,"value":{"a":1}`},
		{"number", []byte{}, []byte(`12`), `"key":"","value":12`},
		{"null", nil, nil, `"key":null,"value":null`},
		{"no UTF-8", []byte{0xff}, []byte("a\xff"), `"key":"` + "\ufffd" + `","value":"a` + "\ufffd" + `"`},
		{"broken JSON", nil, []byte(`{"a":`), `"key":null,"value":"{\"a\":"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := &kgo.Record{Topic: "mytopic", Partition: 7, Offset: 25, Timestamp: at, Key: test.key, Value: test.value}
			got := string(encoder{account: "164901546557", instance: "alikafka_pre-cn-i7m2t7t1"}.event(nil, r))
			want := `{"specversion":"1.0","id":"mytopic-7-25","source":"acs:alikafka","type":"alikafka:Topic:Message",` +
				`"subject":"acs:alikafka_pre-cn-i7m2t7t1:topic:mytopic","datacontenttype":"application/json; charset=utf-8",` +
				`"time":"2022-06-23T02:49:51.589Z","aliyunaccountid":"164901546557","data":{"topic":"mytopic","partition":7,"offset":25,` +
				`"timestamp":1655952591589,"headers":{"headers":[],"isReadOnly":false},` + test.want + `}}`
			if strings.ReplaceAll(got, `\ufffd`, "\ufffd") != want {
				t.Errorf("event\n%s\nwant\n%s", got, want)
			}
			if !json.Valid([]byte(got)) {
				t.Error("the event is not JSON")
			}
		})
	}
}

// FuzzEvent proves that whatever a record holds, its event is JSON that gives key and value back.
func FuzzEvent(f *testing.F) {
	f.Add([]byte("192.168.2.17"), []byte("2318.HK,1605760851123"), []byte("0"))
	f.Add([]byte{0xff, 0}, []byte(`{"a": "\u0000"}`), []byte(nil))
	f.Add([]byte(`"`), []byte(`-`), []byte(`\`))
	f.Fuzz(func(t *testing.T, key, value, header []byte) {
		r := &kgo.Record{Topic: "in", Key: key, Value: value, Headers: []kgo.RecordHeader{{Key: string(header), Value: header}}}
		for _, rawData := range []bool{true, false} {
			body, taken := encoder{rawData: rawData}.push([]*kgo.Record{r})
			if taken != 1 || !json.Valid(body) {
				t.Fatalf("event %s", body)
			}
		}
		var data struct{ Key *string }
		if err := json.Unmarshal(encoder{}.data(nil, r), &data); err != nil {
			t.Fatal(err)
		}
		if want := strings.ToValidUTF8(string(key), ""); key != nil && (data.Key == nil || strings.ReplaceAll(*data.Key, "\uFFFD", "") !=
			strings.ReplaceAll(want, "\uFFFD", "")) {
			t.Fatalf("key %q became %v", key, data.Key)
		}
	})
}
