package hbase

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tsuna/gohbase"
	"github.com/tsuna/gohbase/hrpc"
	"github.com/tsuna/gohbase/pb"

	"feedstream/shared/phoenix"
)

// allColumns chooses whole rows.
var allColumns = hrpc.Families(map[string][]string{phoenix.Family: nil})

// pieceRows is how many keys a scan reads before it asks anew which rows are old enough to be left out.
const pieceRows = 128

// keysSince chooses the one cell that every row has, of rows that are not older. The range of time has a
// beginning and no end: with an end HBase returns versions that are superseded, until a compaction; with a
// beginning alone the newest version of a cell decides.
func keysSince(since int64) []func(hrpc.Call) error {
	options := []func(hrpc.Call) error{
		hrpc.Families(map[string][]string{phoenix.Family: {phoenix.EmptyColumn}}), hrpc.NumberOfRows(pieceRows),
	}
	if since > 0 {
		options = append(options, hrpc.TimeRangeUint64(uint64(since), math.MaxInt64))
	}
	return options
}

// Get returns the rows with the given keys, in the same order. A row that does not exist has its key
// and no cells. Any error means that no row is returned.
func (c *Client) Get(ctx context.Context, table string, keys [][]byte) ([]phoenix.Stored, error) {
	ctx, cancel := c.deadline(ctx)
	defer cancel()
	rows := make([]phoenix.Stored, len(keys))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(c.cfg.InFlight)
	for from := 0; from < len(keys); from += c.cfg.BatchRows {
		to := min(from+c.cfg.BatchRows, len(keys))
		group.Go(func() error { return c.getBatch(groupCtx, table, keys[from:to], rows[from:to]) })
	}
	if err := group.Wait(); err != nil {
		return nil, c.explain(ctx, err, fmt.Sprintf("get %d rows of %s", len(keys), table), "")
	}
	return rows, nil
}

func (c *Client) getBatch(ctx context.Context, table string, keys [][]byte, rows []phoenix.Stored) error {
	calls, results, allOK, err := c.batch(ctx, func(ctx context.Context) ([]hrpc.Call, error) {
		return newGets(ctx, table, keys)
	})
	if err != nil {
		return fmt.Errorf("make the call: %w", err)
	}
	var failed failures
	for i, result := range results {
		if !allOK && result.Error != nil {
			failed.add(withServer(classify(result.Error), calls[i]))
			continue
		}
		response, ok := result.Msg.(*pb.GetResponse)
		if !ok {
			return fmt.Errorf("%w: the answer to a get is a %T", ErrUnavailable, result.Msg)
		}
		rows[i] = stored(keys[i], hrpc.ToLocalResult(response.Result).Cells)
	}
	return failed.worst
}

func newGets(ctx context.Context, table string, keys [][]byte) ([]hrpc.Call, error) {
	calls := make([]hrpc.Call, len(keys))
	for i, key := range keys {
		get, err := hrpc.NewGet(ctx, []byte(table), key, allColumns)
		if err != nil {
			return nil, err
		}
		calls[i] = get
	}
	return calls, nil
}

// Scan reads the rows of a range in the order of their keys. The rows are read as they are asked for;
// breaking off ends the scan. An error comes last, with an empty row. A scan whose region moves or
// whose connection dies goes on behind the last row.
//
// Without a deadline in the context the whole scan has Config.Timeout: give a long one its own.
func (c *Client) Scan(ctx context.Context, table string, r phoenix.Range) iter.Seq2[phoenix.Stored, error] {
	return func(yield func(phoenix.Stored, error) bool) {
		ctx, cancel := c.deadline(ctx)
		defer cancel()
		err := c.scan(ctx, table, r, []func(hrpc.Call) error{allColumns}, func(row phoenix.Stored) bool { return yield(row, nil) })
		if err != nil {
			yield(phoenix.Stored{}, c.explain(ctx, err, "scan "+table, ""))
		}
	}
}

// ScanKeys reads the keys of the rows in some ranges, each with the timestamp of its empty column, and calls
// found for one after the other. Ranges are read side by side, so that there is no order between them.
//
// Rows older than what since returns may be left out. It is asked again and again, never while found runs:
// whoever looks for the newest rows raises it as it finds them, and what is older then costs the region
// servers a look and does not travel.
func (c *Client) ScanKeys(ctx context.Context, table string, ranges []phoenix.Range, since func() int64,
	found func(key []byte, timestamp int64)) error {
	ctx, cancel := c.deadline(ctx)
	defer cancel()
	keys := keyScan{table: table, since: since, found: found}
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(c.cfg.InFlight)
	for _, r := range ranges {
		group.Go(func() error { return keys.read(groupCtx, c, r) })
	}
	if err := group.Wait(); err != nil {
		return c.explain(ctx, err, fmt.Sprintf("scan %d ranges of %s", len(ranges), table), "")
	}
	return nil
}

// keyScan is what the ranges of one ScanKeys share.
type keyScan struct {
	table string
	mu    sync.Mutex // held while since or found runs
	since func() int64
	found func(key []byte, timestamp int64)
}

// read reads one range, in pieces: a scan that was begun keeps its range of time, so that one behind the last
// row takes its place when rows of that age are wanted no more.
func (k *keyScan) read(ctx context.Context, c *Client, r phoenix.Range) error {
	for {
		k.mu.Lock()
		since := k.since()
		k.mu.Unlock()
		rows, risen := 0, false
		err := c.scan(ctx, k.table, r, keysSince(since), func(row phoenix.Stored) bool {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.found(row.Key, row.Timestamp)
			rows++
			if risen = rows%pieceRows == 0 && k.since() > since; risen {
				r.Start = append(bytes.Clone(row.Key), 0)
			}
			return !risen
		})
		if err != nil || !risen {
			return err
		}
	}
}

// scan yields the rows of a range until yield returns false. What is unavailable is tried again from
// behind the last row, once for each row of progress; a call that the library has lost is made again on a
// new client, as those of batch are.
func (c *Client) scan(ctx context.Context, table string, r phoenix.Range, options []func(hrpc.Call) error,
	yield func(phoenix.Stored) bool) error {
	for triedAgain := false; ; {
		client := c.current()
		last, lost, err := c.scanOnce(ctx, client, table, r, options, yield)
		if last != nil {
			r.Start, triedAgain = append(bytes.Clone(last), 0), false
		}
		if err == nil || ctx.Err() != nil {
			return err
		}
		if lost || client != c.current() {
			c.replace(client)
			continue
		}
		if triedAgain || !errors.Is(err, ErrUnavailable) {
			return err
		}
		triedAgain = true
	}
}

// scanOnce returns the key of the last row it has yielded, and whether the library has lost a call.
func (c *Client) scanOnce(ctx context.Context, client gohbase.Client, table string, r phoenix.Range,
	options []func(hrpc.Call) error, yield func(phoenix.Stored) bool) (last []byte, lost bool, err error) {
	attempt, cancel := context.WithCancel(ctx)
	defer cancel()
	scan, err := hrpc.NewScanRange(attempt, []byte(table), r.Start, r.Stop, options...)
	if err != nil {
		return nil, false, fmt.Errorf("make the call: %w", err)
	}
	scanner := client.Scan(scan)
	defer func() { _ = scanner.Close() }() // an error here only means that the server closes it later
	for {
		patience := time.AfterFunc(c.cfg.ReadTimeout+lostAfter, cancel) // with one answer, not with the caller
		result, err := scanner.Next()
		patience.Stop()
		if errors.Is(err, io.EOF) {
			return last, false, nil
		}
		if err != nil {
			return last, attempt.Err() != nil, withServer(classify(err), scan)
		}
		if len(result.Cells) == 0 {
			continue
		}
		row := stored(result.Cells[0].Row, result.Cells)
		last = row.Key
		if !yield(row) {
			return last, false, nil
		}
	}
}

// stored turns the cells of a row into the form of package phoenix.
func stored(key []byte, cells []*hrpc.Cell) phoenix.Stored {
	row := phoenix.Stored{Key: key, Cells: make([]phoenix.Cell, len(cells))}
	for i, cell := range cells {
		row.Timestamp = max(row.Timestamp, int64(*cell.Timestamp))
		row.Cells[i] = phoenix.Cell{Qualifier: string(cell.Qualifier), Value: cell.Value}
	}
	return row
}

// Catalog reads what SYSTEM.CATALOG says of a table and its index, for phoenix.Preflight.
func (c *Client) Catalog(ctx context.Context, table, index string) ([]phoenix.Stored, error) {
	ctx, cancel := c.deadline(ctx)
	defer cancel()
	if !c.reached.Load() {
		if err := c.look(ctx); err != nil {
			return nil, err
		}
	}
	var rows []phoenix.Stored
	for _, r := range phoenix.CatalogRanges(table, index) {
		for row, err := range c.Scan(ctx, phoenix.CatalogTable, r) {
			if err != nil {
				return nil, explainCatalog(err)
			}
			rows = append(rows, row)
		}
	}
	c.reached.Store(true)
	return rows, nil
}

// Fingerprint reads the two header rows of table and index and returns their phoenix.Fingerprint,
// which differs from that of a phoenix.Layout when the layout has to be read again.
func (c *Client) Fingerprint(ctx context.Context, table, index string) (string, error) {
	rows, err := c.Get(ctx, phoenix.CatalogTable, phoenix.CatalogKeys(table, index))
	if err != nil {
		return "", explainCatalog(err)
	}
	present := rows[:0]
	for _, row := range rows {
		if len(row.Cells) > 0 {
			present = append(present, row)
		}
	}
	return phoenix.Fingerprint(table, index, present), nil
}

func explainCatalog(err error) error {
	if errors.Is(err, ErrTableNotFound) {
		return fmt.Errorf("%w; Phoenix has never been used here, or it runs with namespace mapping, "+
			"which must be off (phoenix.schema.isNamespaceMappingEnabled=false)", err)
	}
	return err
}
