package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// The row that is asked for is the row that comes, whatever stands in the sender's address.
func TestQueryByRowKey(t *testing.T) {
	s, data := running(t)
	senders := []string{"plant/line3", "press#7", "a?b", "50%", "x//y", "a%2Fb", "line-7", "line%2D7", "two words", "ä+:\\", "..", "&limit=1"}
	where := s.Target()
	options, err := where.KafkaOptions()
	must(t, err)
	client, err := kgo.NewClient(options...)
	must(t, err)
	defer client.Close()
	for _, sender := range senders {
		value := fmt.Sprintf("2318.HK,%d", time.Now().UnixMilli())
		record := &kgo.Record{Topic: where.Names.Topics.Input, Key: []byte(sender), Value: []byte(value)}
		must(t, client.ProduceSync(t.Context(), record).FirstErr())
	}
	must(t, s.Settle(t.Context()))
	for _, sender := range senders {
		key := sender + "|2318.HK"
		var row struct{ RowKey, Sender string }
		must(t, json.Unmarshal([]byte(verb(t, data, "query", "--row", key, "--json")), &row))
		if row.RowKey != key || row.Sender != sender {
			t.Errorf("asked for %q, got %+v", key, row)
		}
	}
	exit, problem := answer(t, data, &struct{}{}, "query", "--row", "nobody|2318.HK")
	if exit != 1 || !strings.Contains(problem, `feed-query answers 404 Not Found: there is no row "nobody|2318.HK"`) {
		t.Errorf("of a row that is not there: %d, %s", exit, problem)
	}
	var page struct{ Items []any }
	for _, code := range []string{"2318%2EHK", "2318.HK?x", "2318.HK/x"} {
		if exit, _ := answer(t, data, &page, "query", "--code", code, "--json"); exit == 0 && len(page.Items) > 0 {
			t.Errorf("code %q has %d rows, it is none", code, len(page.Items))
		}
	}
}
