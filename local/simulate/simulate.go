// Package simulate is the publisher of the article: senders in one network report the Hang Seng
// stocks, each as "<code>,<epoch ms>" under the sender's address. On demand it mixes in records that
// are set aside, by every reason that whoever writes to Kafka can cause, and stocks that no reference
// knows.
//
// Unlike the article's own it reports all thirty codes and all 256 addresses, follows its rate
// without a sleep per record, and does not end before everything is acknowledged.
package simulate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/time/rate"

	"feedstream/shared/feed"
)

// Config says what to publish.
type Config struct {
	Brokers []string
	Options []kgo.Opt // SASL and TLS, where the brokers want them
	Topic   string

	Records int      // how many; 0 goes on until the context ends
	Rate    float64  // records per second; 0 is as fast as the brokers take them
	Senders int      // addresses 192.168.2.0 and up, at most 256; 0 means 256
	Codes   []string // none means those of package data
	// ValueBytes, when not 0, is how many bytes a good value has at least: an object with a member that is ignored.
	ValueBytes int
	// Seed decides senders, codes and which records are bad or unknown: equal seeds publish equal
	// records, apart from their times.
	Seed         uint64
	BadRatio     float64          // share of the records to be set aside, 0 to 1
	UnknownRatio float64          // share of the records with a stock outside of any reference, 0 to 1
	Now          func() time.Time // of the event times; nil means time.Now

	// Progress, when not nil, is told from time to time how many records are acknowledged.
	Progress func(acknowledged int)
}

// Counts say what was published and acknowledged.
type Counts struct {
	Published int                 `json:"published"` // all, the ones below included
	Unknown   int                 `json:"unknown"`
	Bad       map[feed.Reason]int `json:"bad"` // by the reason they are set aside for
}

// Validate names every problem of the configuration by the flags that set it.
func (c Config) Validate() error {
	var problems []error
	refuse := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if c.Records < 0 {
		refuse("--records %d must not be negative", c.Records)
	}
	if c.Rate < 0 {
		refuse("--rate %g must not be negative", c.Rate)
	}
	if c.Senders < 0 || c.Senders > 256 {
		refuse("--senders %d must lie between 1 and 256", c.Senders)
	}
	if c.ValueBytes < 0 {
		refuse("--value-bytes %d must not be negative", c.ValueBytes)
	}
	if !(c.BadRatio >= 0 && c.UnknownRatio >= 0 && c.BadRatio+c.UnknownRatio <= 1) {
		refuse("--bad-ratio %g and --unknown-ratio %g must not be negative, nor more than 1 together",
			c.BadRatio, c.UnknownRatio)
	}
	for _, code := range c.Codes {
		if !feed.ValidStockCode(code) {
			refuse("stock code %q does not match [0-9A-Za-z._-]{1,32}", code)
		}
	}
	return errors.Join(problems...)
}

// chunks per second are what the rate is kept by: at 50 records/s one at a time, at 50,000 in
// hundreds, so that no record costs a timer.
const chunksPerSecond = 100

// unlimitedChunk is how many records go to the client between two looks at the context.
const unlimitedChunk = 1000

// Run publishes until all records are acknowledged, the context ends or the brokers refuse one. It
// returns what was acknowledged by then in every case; that the context ended is no error.
func Run(ctx context.Context, cfg Config) (Counts, error) {
	if err := cfg.Validate(); err != nil {
		return Counts{}, err
	}
	client, err := kgo.NewClient(cfg.options()...)
	if err != nil {
		return Counts{}, fmt.Errorf("publish to topic %s: %w", cfg.Topic, err)
	}
	defer client.Close()
	if err := askLeaders(ctx, cfg); err != nil {
		return Counts{}, fmt.Errorf("publish to topic %s: %w", cfg.Topic, err)
	}
	p := publication{cfg: cfg, client: client, generator: newGenerator(cfg)}
	return p.run(ctx)
}

// options are the client's defaults, acknowledged by all replicas in sync, without duplicates, murmur2 over the key, but
// for one: a feed that keeps a rate hands over what is due together, so waiting for more would only make it late.
func (c Config) options() []kgo.Opt {
	options := []kgo.Opt{kgo.SeedBrokers(c.Brokers...), kgo.DefaultProduceTopic(c.Topic),
		kgo.MaxBufferedRecords(50_000), kgo.ProducerBatchCompression(kgo.NoCompression())}
	if c.Rate > 0 {
		options = append(options, kgo.ProducerLinger(0))
	}
	return append(options, c.Options...)
}

// askTimeout is how long the leaders of the topic have to answer before the first record.
const askTimeout = 10 * time.Second

// askLeaders fails when a leader of the topic's partitions is out of reach, which the producer would wait
// for in silence.
func askLeaders(ctx context.Context, cfg Config) error {
	client, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(cfg.Brokers...), kgo.RetryTimeout(askTimeout / 2)}, cfg.Options...)...)
	if err != nil {
		return err
	}
	defer client.Close()
	limited, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	ends, err := kadm.NewClient(client).ListEndOffsets(limited, cfg.Topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("ask the leaders of its partitions at %s: %w", strings.Join(cfg.Brokers, ","), err)
	}
	return nil
}

// publication is one run.
type publication struct {
	cfg       Config
	client    *kgo.Client
	generator *generator

	tally  tally
	failed atomic.Pointer[error]
}

func (p *publication) run(ctx context.Context) (Counts, error) {
	chunk, wait := p.pace()
	producing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	for sent := 0; (p.cfg.Records == 0 || sent < p.cfg.Records) && p.failed.Load() == nil; {
		n := chunk
		if p.cfg.Records > 0 {
			n = min(n, p.cfg.Records-sent)
		}
		if wait(ctx, n) != nil {
			break
		}
		for range n {
			s := p.generator.next()
			p.client.Produce(producing, s.record, func(_ *kgo.Record, err error) { p.acknowledged(s.kind, err) })
		}
		sent += n
		p.report()
	}
	if err := p.flush(ctx); err != nil {
		p.fail(err)
	}
	p.report()
	counts := p.tally.counts()
	if err := p.failed.Load(); err != nil {
		return counts, fmt.Errorf("publish to topic %s: after %d records: %w", p.cfg.Topic, counts.Published, *err)
	}
	return counts, nil
}

// flushTimeout is what the brokers have to acknowledge the rest once the context has ended.
const flushTimeout = 10 * time.Second

func (p *publication) flush(ctx context.Context) error {
	if ctx.Err() == nil {
		if err := p.client.Flush(ctx); err == nil {
			return nil
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	return p.client.Flush(last)
}

// pace returns how many records go out together, and a wait for their time.
func (p *publication) pace() (chunk int, wait func(context.Context, int) error) {
	if p.cfg.Rate == 0 {
		return unlimitedChunk, func(ctx context.Context, _ int) error { return ctx.Err() }
	}
	chunk = max(1, int(p.cfg.Rate/chunksPerSecond))
	return chunk, rate.NewLimiter(rate.Limit(p.cfg.Rate), chunk).WaitN
}

func (p *publication) acknowledged(k kind, err error) {
	if err != nil {
		p.fail(err)
		return
	}
	p.tally[k].Add(1)
}

func (p *publication) fail(err error) { p.failed.CompareAndSwap(nil, &err) }

func (p *publication) report() {
	if p.cfg.Progress != nil {
		p.cfg.Progress(p.tally.counts().Published)
	}
}

// tally counts acknowledged records by their kind.
type tally [kinds]atomic.Int64

func (t *tally) counts() Counts {
	c := Counts{Bad: make(map[feed.Reason]int)}
	for k := range t {
		n := int(t[k].Load())
		c.Published += n
		switch {
		case kind(k) == unknown:
			c.Unknown = n
		case kind(k) >= firstBad && n > 0:
			c.Bad[flaws[kind(k)-firstBad].reason] += n
		}
	}
	return c
}
