package main

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"testing"
	"time"

	embedded "feedstream/local/services/hbase"
	"feedstream/shared/feed"
	"feedstream/shared/hbase"
	"feedstream/shared/phoenix"
	"feedstream/shared/testkit"
)

// BenchmarkFirstPage reads the newest 100 rows of a stock code that has many, from the embedded HBase.
// Their event times have nothing to do with the order of their keys.
func BenchmarkFirstPage(b *testing.B) {
	for _, rows := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("rows=%d", rows), func(b *testing.B) {
			server := testkit.Must(embedded.Start(embedded.Options{Dir: b.TempDir()}))(b)
			defer server.Close()
			client := testkit.Must(hbase.New(hbase.Config{ZooKeeper: server.ZooKeeperAddr(), Logger: slog.New(slog.DiscardHandler)}))(b)
			defer client.Close()
			layouts := &hbase.Layouts{Catalog: client, Table: "USER_TEST.STOCK", Index: "USER_TEST.STOCK_CODE_INDEX", Now: time.Now, Logger: slog.New(slog.DiscardHandler)}
			fillTable(b, client, testkit.Must(layouts.Layout(b.Context()))(b), rows)
			finder := &Finder{Layouts: layouts, Rows: client, Logger: slog.New(slog.DiscardHandler)}
			b.ReportAllocs()
			for b.Loop() {
				page, err := finder.ByCode(b.Context(), Query{Code: "2318.HK", To: 1 << 62, Limit: 100})
				if err != nil || len(page.Items) != 100 || page.Next == nil {
					b.Fatalf("%d items, %v", len(page.Items), err)
				}
			}
		})
	}
}

func fillTable(b *testing.B, client *hbase.Client, layout *phoenix.Layout, rows int) {
	order := rand.New(rand.NewPCG(1, 2)).Perm(rows)
	const batch = 10_000
	records := make([]feed.Record, 0, batch)
	for i, n := range order {
		records = append(records, record(fmt.Sprintf("10.%d.%d.%d", n>>16, n>>8&0xff, n&0xff), "2318.HK", 1_700_000_000_000+int64(i)*10))
		if len(records) == batch || i == rows-1 {
			if err := client.WriteRows(b.Context(), layout.Table, layout.Index, layout.Batch(records)); err != nil {
				b.Fatal(err)
			}
			records = records[:0]
		}
	}
}
