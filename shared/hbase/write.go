package hbase

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/tsuna/gohbase/hrpc"

	"feedstream/shared/feed"
	"feedstream/shared/phoenix"
)

// WriteRows writes rows into a table and its index, in two phases: all data rows, and only when they
// are acknowledged their index rows. An index row never exists without its data row; a crash between
// the phases leaves rows out of the index until they are written again.
//
// Nil means that HBase has acknowledged everything. With a *feed.RejectedError the rows it names are
// missing, those whose index row was rejected from the index only, and all others are complete in table and
// index. With any other error some of it may be missing and all of it is to be written again.
//
// Rows with equal keys must have been merged before: their order in a batch is not defined.
//
// Nothing looks at the batch once it has returned: the calls carry bytes of their own.
//
// Whoever wants to know how long each phase takes says so with WithPhases.
func (c *Client) WriteRows(ctx context.Context, table, index string, batch *phoenix.Batch) error {
	ctx, cancel := c.deadline(ctx)
	defer cancel()

	all := make([]int, batch.Len())
	for i := range all {
		all[i] = i
	}
	EnterPhase(ctx, DataRows)
	next := make(chan *plan, 1)
	go func() { next <- c.plan(c.first(rows{index, batch.Index(), all})) }() // while HBase writes
	data, err := c.phase(ctx, "data", rows{table, batch.Data(), all}, nil)
	planned := <-next
	if err != nil {
		return err
	}
	EnterPhase(ctx, IndexRows)
	indexed, err := c.phase(ctx, "index", rows{index, batch.Index(), data.acknowledged}, planned)
	if err != nil {
		return err
	}
	rejected := append(data.rejected, indexed.rejected...)
	if len(rejected) == 0 {
		return nil
	}
	slices.SortFunc(rejected, func(a, b feed.SinkRejection) int { return a.Index - b.Index })
	return &feed.RejectedError{Sink: c.where(), Rejections: rejected}
}

// Phase is a part of WriteRows.
type Phase int

// The phases, in their order.
const (
	DataRows Phase = iota
	IndexRows
)

type phasesKey struct{}

// WithPhases has WriteRows under the returned context call entered at the beginning of each of its phases,
// in its caller's goroutine. A phase that WriteRows does not come to is not entered.
func WithPhases(ctx context.Context, entered func(Phase)) context.Context {
	return context.WithValue(ctx, phasesKey{}, entered)
}

// EnterPhase tells whoever asked with WithPhases that a phase begins.
func EnterPhase(ctx context.Context, phase Phase) {
	if entered, ok := ctx.Value(phasesKey{}).(func(Phase)); ok {
		entered(phase)
	}
}

// outcome is what became of the rows of one phase when none of them failed.
type outcome struct {
	acknowledged []int // their numbers
	rejected     []feed.SinkRejection
}

// rows are rows of one table.
type rows struct {
	table   string
	side    phoenix.Side
	numbers []int // theirs in the batch
}

func (r rows) part(from, to int) rows {
	r.numbers = r.numbers[from:to]
	return r
}

// key returns a copy of the key of the i-th.
func (r rows) key(i int) []byte { return slices.Clone(r.side.Key(r.numbers[i])) }

// phase writes rows, in bounded batches side by side. The error tells of rows whose failure may pass. The first batch
// goes out as it was planned, when it was and is to be written whole.
func (c *Client) phase(ctx context.Context, kind string, all rows, planned *plan) (outcome, error) {
	errs := make([]error, len(all.numbers)) // each batch has its own part
	write := func(part span) {
		batch := all.part(part.from, part.to)
		how := planned
		if part.from > 0 || how == nil || !slices.Equal(how.batch.numbers, batch.numbers) {
			how = c.plan(batch)
		}
		c.writeBatch(ctx, how, errs[part.from:part.to]) // failures are in errs, row by row
	}
	if parts := c.split(all); len(parts) == 1 { // as most are; it needs no goroutine of its own
		write(parts[0])
	} else {
		var group errgroup.Group
		group.SetLimit(c.cfg.InFlight)
		for _, part := range parts {
			group.Go(func() error { write(part); return nil })
		}
		_ = group.Wait()
	}
	result := outcome{acknowledged: make([]int, 0, len(all.numbers))}
	var failed failures
	for i, err := range errs {
		switch {
		case err == nil:
			result.acknowledged = append(result.acknowledged, all.numbers[i])
		case isRejection(err):
			reason := fmt.Sprintf("row %q of table %s: %v", all.key(i), all.table, err)
			result.rejected = append(result.rejected, feed.SinkRejection{Index: all.numbers[i], Reason: reason})
		default:
			failed.add(err)
		}
	}
	if failed.count > 0 {
		return outcome{}, c.explain(ctx, failed.worst,
			fmt.Sprintf("write %s rows to %s: %d of %d not acknowledged", kind, all.table, failed.count, len(all.numbers)),
			"; they may have been applied all the same")
	}
	return result, nil
}

// failures counts rows that failed and keeps the error that tells most.
type failures struct {
	count int
	worst error
}

// add prefers a named cause over the end of the time and over being cancelled, which often only
// follow from it.
func (f *failures) add(err error) {
	f.count++
	if f.worst == nil || isTimeEnd(f.worst) && !isTimeEnd(err) {
		f.worst = err
	}
}

func isTimeEnd(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// span is a part of a slice.
type span struct{ from, to int }

// split cuts rows into batches within the bounds.
func (c *Client) split(all rows) []span {
	var spans []span
	from, size := 0, 0
	for i, n := range all.numbers {
		next := all.side.Size(n)
		if i > from && (i-from >= c.cfg.BatchRows || size+next > c.cfg.BatchBytes) {
			spans = append(spans, span{from, i})
			from, size = i, 0
		}
		size += next
	}
	if from < len(all.numbers) {
		spans = append(spans, span{from, len(all.numbers)})
	}
	return spans
}

// first is the first batch.
func (c *Client) first(all rows) rows {
	if parts := c.split(all); len(parts) > 0 {
		return all.part(parts[0].from, parts[0].to)
	}
	return all
}

// writeBatch writes one batch and sets the outcome of each row: by one call a region server where the regions
// are known, and what that does not acknowledge by a call a row. HBase refuses all rows that share a region
// with one it does not take, so those are sent again one by one to find it.
func (c *Client) writeBatch(ctx context.Context, planned *plan, outcome []error) {
	left := c.writeMulti(ctx, planned)
	if len(left) == 0 {
		return
	}
	batch := planned.batch
	again, errs := batch, make([]error, len(left))
	again.numbers = make([]int, len(left))
	for i, n := range left {
		again.numbers[i] = batch.numbers[n]
	}
	c.send(ctx, again, errs)
	for i, err := range errs {
		if isRejection(err) && len(left) > 1 {
			c.send(ctx, again.part(i, i+1), errs[i:i+1])
		}
		outcome[left[i]] = errs[i]
	}
}

// send writes rows, all of them again when calls were lost: equal cells at equal timestamps change nothing.
func (c *Client) send(ctx context.Context, batch rows, outcome []error) {
	calls, results, allOK, err := c.batch(ctx, func(ctx context.Context) ([]hrpc.Call, error) {
		return newPuts(ctx, batch)
	})
	if err != nil {
		for i := range outcome {
			outcome[i] = fmt.Errorf("make the call: %w", err)
		}
		return
	}
	for i := range outcome {
		outcome[i] = nil
		if !allOK && results[i].Error != nil {
			outcome[i] = withServer(classify(results[i].Error), calls[i])
		}
	}
	if allOK {
		c.regions.learn(batch.table, calls)
	}
}

// withServer names the region server, when one is known.
func withServer(err error, call hrpc.Call) error {
	if r := call.Region(); r != nil {
		if server := r.Client(); server != nil {
			return &serverError{addr: server.Addr(), err: err}
		}
	}
	return err
}

// serverError is an error with the address of the region server it came from.
type serverError struct {
	addr string
	err  error
}

func (e *serverError) Error() string { return "region server " + e.addr + ": " + e.err.Error() }
func (e *serverError) Unwrap() error { return e.err }

// explain completes an error with what was being done, where, and what follows from it. An error by
// the end of the time says so.
func (c *Client) explain(ctx context.Context, err error, doing, follows string) error {
	where := c.where()
	if errors.Is(err, ErrTableNotFound) {
		return fmt.Errorf("%s: %s: %w", where, doing, err)
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("%s: %s: no answer before the time ran out%s: %w", where, doing, follows, err)
	}
	return fmt.Errorf("%s: %s%s: %w", where, doing, follows, err)
}

func (c *Client) where() string {
	return fmt.Sprintf("HBase at ZooKeeper %s%s", c.cfg.ZooKeeper, c.cfg.Root)
}
