package cost

import (
	"math"
	"testing"

	"feedstream/shared/fc"
	"feedstream/shared/feed"
	"feedstream/shared/phoenix"
)

// The functions bound the bytes in flight by the same factor.
func TestMemoryIsThatOfTheFunctions(t *testing.T) {
	if bytesInMemory != fc.MemoryPerEventByte {
		t.Errorf("a plan takes %g bytes of memory for one of an event, the functions %d", bytesInMemory, fc.MemoryPerEventByte)
	}
}

// What a plan takes a record to become is about what the encoders make of it.
func TestSizesAreThoseOfTheEncoders(t *testing.T) {
	price, err := feed.ParsePrice("78.25")
	if err != nil {
		t.Fatal(err)
	}
	record := feed.Record{
		Update:  feed.Update{Sender: "192.168.2.18", StockCode: "2318.HK", Time: 1605760851124},
		Origin:  feed.Origin{Topic: "feed-updates", Partition: 3, Offset: 1_234_567_890},
		Matched: true, StockName: "Ping An Insurance", LastPrice: &price, ReferenceVersion: "20261130T014747Z-15401689",
	}
	layout := phoenix.Layout{SaltBuckets: 16, IndexSaltBuckets: 16, Uncovered: true}
	row := layout.Row(&record)
	stored := func(p phoenix.Put) (bytes int) {
		const family, fixed = 1, 4 + 4 + 2 + 1 + 8 + 1 // lengths, time and type of a cell
		for _, c := range p.Cells {
			bytes += fixed + len(p.Key) + family + len(c.Qualifier) + len(c.Value)
		}
		return bytes
	}
	input := len(record.Sender) + len(record.StockCode) + len(",1605760851124")
	for name, sizes := range map[string][2]float64{
		"data row":      {dataRowBytes, float64(stored(row.Data))},
		"index row":     {indexRowBytes, float64(stored(row.Index))},
		"record growth": {recordGrowth, float64(len(record.AppendJSON(nil)) - input)},
	} {
		t.Logf("%s: %g, of the encoders %g", name, sizes[0], sizes[1])
		if math.Abs(sizes[0]-sizes[1]) > 0.15*sizes[1] {
			t.Errorf("%s is taken for %g bytes, and is %g", name, sizes[0], sizes[1])
		}
	}
}
