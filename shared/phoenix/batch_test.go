package phoenix

import (
	"bytes"
	"encoding/binary"
	"testing"

	"pgregory.net/rapid"

	"feedstream/shared/feed"
)

// appendPut appends the cells of a row one by one: the plain way.
func appendPut(dst []byte, put *Put) []byte {
	for _, cell := range put.Cells {
		key := binary.BigEndian.AppendUint16(nil, uint16(len(put.Key)))
		key = append(key, put.Key...)
		key = append(key, byte(len(Family)))
		key = append(key, Family+cell.Qualifier...)
		key = binary.BigEndian.AppendUint64(key, uint64(put.Timestamp))
		key = append(key, 4)
		dst = binary.BigEndian.AppendUint32(dst, uint32(8+len(key)+len(cell.Value)))
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(key)))
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(cell.Value)))
		dst = append(append(dst, key...), cell.Value...)
	}
	return dst
}

func checkSide(t *rapid.T, side Side, i int, put *Put) {
	t.Helper()
	if key := side.Key(i); !bytes.Equal(key, put.Key) {
		t.Fatalf("key %q, want %q", key, put.Key)
	}
	want := appendPut([]byte("kept"), put)
	if got := side.AppendCells([]byte("kept"), i); !bytes.Equal(got, want) {
		t.Fatalf("cells\n%q, want\n%q", got, want)
	}
	if side.Cells() != len(put.Cells) {
		t.Fatalf("%d cells, want %d", side.Cells(), len(put.Cells))
	}
	if size := len(want) - len("kept"); side.Size(i) < size || side.Size(i) > size+decimalMaxLen {
		t.Fatalf("size %d of %d bytes", side.Size(i), size)
	}
}

// TestABatchIsItsRows: what a batch appends is what Rows returns, also in a batch that is filled again.
func TestABatchIsItsRows(t *testing.T) {
	var batch Batch
	rapid.Check(t, func(t *rapid.T) {
		records := rapid.SliceOfN(rapid.Custom(drawRecord), 0, 5).Draw(t, "records")
		layout := testLayout
		layout.Uncovered = rapid.Bool().Draw(t, "uncovered")
		batch.Reset(&layout)
		for i := range records {
			batch.Add(&records[i])
		}
		if batch.Len() != len(records) {
			t.Fatalf("%d rows of %d records", batch.Len(), len(records))
		}
		for i, row := range layout.Rows(records) {
			checkSide(t, batch.Data(), i, &row.Data)
			checkSide(t, batch.Index(), i, &row.Index)
		}
	})
}

func TestSaltIsJavas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SliceOf(rapid.Byte()).Draw(t, "key")
		buckets := rapid.IntRange(1, MaxSaltBuckets).Draw(t, "buckets")
		want := int32(1)
		for _, b := range key {
			want = 31*want + int32(int8(b))
		}
		if got := Salt(key, buckets); int64(got) != max(int64(want)%int64(buckets), -(int64(want)%int64(buckets))) {
			t.Fatalf("salt %d of hash %d", got, want)
		}
	})
}

// BenchmarkBatch encodes both rows of one record.
func BenchmarkBatch(b *testing.B) {
	price := feed.Price(782_500)
	record := feed.Record{
		Update:  feed.Update{Sender: "192.168.2.17", StockCode: "2318.HK", Time: 1605760851123},
		Origin:  feed.Origin{Topic: "feed-updates", Partition: 3, Offset: 25},
		Matched: true, StockName: "Ping An Insurance", LastPrice: &price, ReferenceVersion: "20261123T021500Z-3f2a91c4",
	}
	var batch Batch
	var cells []byte
	b.ReportAllocs()
	for b.Loop() {
		batch.Reset(&testLayout)
		batch.Add(&record)
		cells = batch.Data().AppendCells(cells[:0], 0)
		cells = batch.Index().AppendCells(cells, 0)
	}
}
