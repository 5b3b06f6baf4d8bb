//go:build real

package real

import (
	"database/sql"
	"strconv"
	"testing"
	"time"

	_ "github.com/apache/calcite-avatica-go/v5"
)

// testThinDriver reads the rows through the Query Server.
func (j *judge) testThinDriver(t *testing.T, h *HBase) {
	began := time.Now()
	q, err := StartQueryServer(patient(t), h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(q.Stop)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of its log:\n%s", tail(q.process.log))
		}
	})
	t.Logf("the Query Server is ready after %.1f s", time.Since(began).Seconds())
	j.agreesByThinDriver(t, q.URL)
}

// agreesByThinDriver reads every row by its stock code, as a thin client does.
func (j *judge) agreesByThinDriver(t *testing.T, url string) {
	t.Helper()
	db, err := sql.Open("avatica", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	codes := map[string]bool{}
	for _, r := range j.want {
		codes[r.StockCode] = true
	}
	read := 0
	for code := range codes {
		var n int
		err := j.pool.repeat(func() (err error) {
			n, err = j.readByThinDriver(t, db, code)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		read += n
	}
	if read != len(j.want) {
		t.Errorf("the thin driver reads %d rows, want %d", read, len(j.want))
	}
	t.Logf("%d rows through the Query Server agree with what was written", read)
}

// readByThinDriver reads the rows of a stock code and returns their number.
func (j *judge) readByThinDriver(t *testing.T, db *sql.DB, code string) (read int, err error) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), "SELECT ROWKEY, STOCK_NAME, LAST_PRICE, \"TIMESTAMP\", MATCHED, SOURCE_OFFSET FROM "+
		table+" WHERE STOCK_CODE = ?", code)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for ; rows.Next(); read++ {
		var key string
		var name, price sql.NullString
		var at time.Time
		var matched bool
		var offset int64
		if err := rows.Scan(&key, &name, &price, &at, &matched, &offset); err != nil {
			return read, err
		}
		r, ok := j.want[key]
		if !ok || r.StockCode != code || name.String != r.StockName || at.UnixMilli() != r.Time || matched != r.Matched ||
			offset != r.Origin.Offset || price.Valid != (r.LastPrice != nil) {
			t.Fatalf("%s by the thin driver: %v %v %v %v %v, want %+v", key, name, price, at, matched, offset, r)
		}
		if r.LastPrice != nil {
			got, err := strconv.ParseFloat(price.String, 64) // 10 comes as 1E+1
			want, _ := strconv.ParseFloat(r.LastPrice.String(), 64)
			if err != nil || got != want {
				t.Fatalf("%s: the price is %s by the thin driver, want %s", key, price.String, r.LastPrice)
			}
		}
	}
	return read, rows.Err()
}
