package reference_test

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"feedstream/shared/feed"
	"feedstream/shared/reference"
)

var found reference.Entry

func BenchmarkFind(b *testing.B) {
	for _, n := range []int{30, 10_000, 1_000_000} {
		b.Run(fmt.Sprintf("entries=%d", n), func(b *testing.B) {
			snapshot := decoded(b, manyEntries(n))
			codes := make([]string, n)
			for i := range codes {
				codes[i] = fmt.Sprintf("S%d", i*7919%n) // far from each other
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				found, _ = snapshot.Find(codes[i%n])
			}
		})
	}
}

// BenchmarkLoad is what a function does with an object it has read: sha256 and all checks.
func BenchmarkLoad(b *testing.B) {
	for _, megabytes := range []int{10, 100} {
		for _, format := range []string{reference.Format, reference.FormatV1} {
			b.Run(fmt.Sprintf("format=%s/MB=%d", format[len(format)-2:], megabytes), func(b *testing.B) {
				const each = 75 // bytes of an entry of manyEntries in a snapshot, about
				m, body := described(format, manyEntries(megabytes*1_000_000/each))
				b.SetBytes(int64(len(body)))
				b.ReportAllocs()
				for b.Loop() {
					if _, err := m.Verify(body); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// described is a snapshot's object in one of the formats, and its manifest.
func described(format string, entries map[string]feed.Entry) (reference.Manifest, []byte) {
	encode := map[string]func(map[string]feed.Entry) []byte{
		reference.Format: reference.Encode, reference.FormatV1: reference.EncodeV1,
	}
	body := encode[format](entries)
	sum := fmt.Sprintf("%x", sha256.Sum256(body))
	at := time.Date(2026, 11, 23, 2, 15, 0, 0, time.UTC)
	version := at.Format("20060102T150405Z") + "-" + sum[:8]
	return reference.Manifest{
		Revision: 1, Version: version, Object: reference.SnapshotKey("stock/", version), Format: format,
		SHA256: sum, Bytes: int64(len(body)), Entries: len(entries), BuiltAt: at, CheckedAt: at,
	}, body
}
