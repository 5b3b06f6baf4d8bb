package repair

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/audit"
	"feedstream/local/platform/stream"
)

// push hands one push of the event stream to the enrich function and returns its answer.
type push func(ctx context.Context, body []byte) ([]byte, error)

// Replay says which records of the input topic go through the enrich function again.
type Replay struct {
	From, To audit.Bound
	DryRun   bool // counts only
	// Progress, when not nil, is told from time to time how many records are done.
	Progress func(done int)
}

var errNoFunction = errors.New("a replay calls the enrich function of a running local stack: leave --env out, or add --dry-run")

// Replayed is what a replay did.
type Replayed struct {
	DryRun      bool `json:"dryRun"`
	Records     int  `json:"records"` // or would be, in a dry run
	Enriched    int  `json:"enriched"`
	Unmatched   int  `json:"unmatched"`
	Quarantined int  `json:"quarantined"`
}

// Replay hands records of the input topic to the enrich function again, as the event stream does and under
// the names that they have, so that outputs carry the ids they had. It needs no consumer group: it reads
// beside that of the trigger. The newest event of a row still wins, so a replay may be repeated, and one
// that was interrupted is started again.
func (f *Feed) Replay(ctx context.Context, r Replay) (Replayed, error) {
	if f.push == nil && !r.DryRun {
		return Replayed{}, errNoFunction
	}
	p := pusher{push: f.push, most: pushRecords, done: Replayed{DryRun: r.DryRun}, progress: r.Progress}
	err := f.kafka.Read(ctx, f.topics.Input, r.From, r.To, func(batch []*kgo.Record) error {
		if r.DryRun {
			p.done.Records += len(batch)
			return nil
		}
		return p.add(ctx, batch...)
	})
	if err == nil {
		err = p.flush(ctx)
	}
	if err != nil {
		err = fmt.Errorf("replay topic %s after %d records, which may be replayed again: %w", f.topics.Input, p.done.Records, err)
	}
	return p.done, err
}

// Sizes of a push. The platform's limits are far above: a push of these sizes is a fraction of a second.
const (
	pushRecords = 500
	pushBytes   = 4 << 20
)

// pusher gathers records into pushes.
type pusher struct {
	push     push
	accept   func(ctx context.Context, a answer) error // nil takes every answer; errAgain asks for the push again
	most     int                                       // records of a push
	progress func(int)
	done     Replayed

	body    []byte
	records []*kgo.Record
}

// answer is what the enrich function says of a push.
type answer struct {
	Enriched, Unmatched, Quarantined int
	ReferenceVersion                 string
}

var errAgain = errors.New("the push is to be made again")

func (p *pusher) add(ctx context.Context, records ...*kgo.Record) error {
	for _, r := range records {
		p.body = append(p.body, "[,"[min(len(p.records), 1)])
		p.body = stream.AppendEvent(p.body, r, false)
		if p.records = append(p.records, r); len(p.records) >= p.most || len(p.body) >= pushBytes {
			if err := p.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush pushes what was gathered.
func (p *pusher) flush(ctx context.Context) error {
	if len(p.records) == 0 {
		return ctx.Err()
	}
	p.body = append(p.body, ']')
	for {
		a, err := p.once(ctx)
		if errors.Is(err, errAgain) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%d records from %s on: %w", len(p.records), originOf(p.records[0]), err)
		}
		p.done.Enriched += a.Enriched
		p.done.Unmatched += a.Unmatched
		p.done.Quarantined += a.Quarantined
		break
	}
	p.done.Records += len(p.records)
	p.body, p.records = p.body[:0], p.records[:0]
	if p.progress != nil {
		p.progress(p.done.Records)
	}
	return nil
}

func (p *pusher) once(ctx context.Context) (a answer, err error) {
	if err := ctx.Err(); err != nil {
		return a, err
	}
	said, err := p.push(ctx, p.body)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(said, &a); err != nil {
		return a, fmt.Errorf("read the answer %.200q: %w", said, err)
	}
	if p.accept != nil {
		err = p.accept(ctx, a)
	}
	return a, err
}
