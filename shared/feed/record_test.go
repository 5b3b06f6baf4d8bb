package feed_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"feedstream/shared/feed"
)

// lineOf is a record as encoding/json writes it.
func lineOf(t *rapid.T, r *feed.Record) string {
	type origin struct {
		Topic     string `json:"topic"`
		Partition int    `json:"partition"`
		Offset    int64  `json:"offset"`
	}
	line := struct {
		RowKey    string  `json:"rowKey"`
		Sender    string  `json:"sender"`
		StockCode string  `json:"stockCode"`
		StockName *string `json:"stockName"`
		LastPrice *string `json:"lastPrice"`
		Timestamp string  `json:"timestamp"`
		Matched   bool    `json:"matched"`
		Version   string  `json:"referenceVersion"`
		Origin    origin  `json:"origin"`
	}{
		RowKey: r.RowKey(), Sender: r.Sender, StockCode: r.StockCode, Timestamp: feed.FormatTime(r.Time),
		Matched: r.Matched, Version: r.ReferenceVersion, Origin: origin(r.Origin),
	}
	if r.Matched {
		line.StockName = &r.StockName
	}
	if r.LastPrice != nil {
		price := r.LastPrice.String()
		line.LastPrice = &price
	}
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(line); err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSuffix(buffer.Bytes(), []byte("\n")))
}

// TestALine: whatever texts, times and numbers a record has, its line is the one that encoding/json writes, behind
// what was there before, and the places are where it says.
func TestALine(t *testing.T) {
	// encoding/json writes \b, \f, \n, \r, \t and the two line separators in forms of its own.
	text := rapid.StringMatching(`[^\x08-\x0d\x{2028}\x{2029}]{0,70}`)
	rapid.Check(t, func(t *rapid.T) {
		r := feed.Record{
			Update:  feed.Update{Sender: text.Draw(t, "sender"), StockCode: text.Draw(t, "code"), Time: rapid.Int64().Draw(t, "time")},
			Origin:  feed.Origin{Topic: text.Draw(t, "topic"), Partition: rapid.Int().Draw(t, "partition"), Offset: rapid.Int64().Draw(t, "offset")},
			Matched: rapid.Bool().Draw(t, "matched"), ReferenceVersion: text.Draw(t, "version"), StockName: text.Draw(t, "name"),
		}
		if rapid.Bool().Draw(t, "priced") {
			price := feed.Price(rapid.Int64().Draw(t, "price"))
			r.LastPrice = &price
		}
		want := lineOf(t, &r)
		line, at := r.AppendLine([]byte("kept"))
		if string(line) != "kept"+want {
			t.Fatalf("line\n%s, want\nkept%s", line, want)
		}
		line = line[len("kept"):]
		time := string(line[at.Time:at.BehindTime])
		partition := string(line[at.Partition : at.Offset-len(feed.BehindPartition)])
		offset := string(line[at.Offset : len(line)-len(feed.BehindOffset)])
		if time != feed.FormatTime(r.Time) || r.Origin.Topic+"/"+partition+"/"+offset != r.Origin.String() {
			t.Fatalf("time %s, partition %s, offset %s of the record %+v", time, partition, offset, r)
		}
	})
}
