package simulate

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/data"
	"feedstream/shared/feed"
)

// Unknown are valid codes that stand in no reference.
var Unknown = []string{"0000.XX", "0001.XX", "NONE.XX", "no-such-stock"}

// kind of a record: what becomes of it.
type kind int

const (
	good kind = iota
	unknown
	firstBad // and on: an index into flaws
)

// kinds is how many there are.
const kinds = int(firstBad) + 16

// flaw is one way to write a record that is set aside.
type flaw struct {
	reason feed.Reason
	spoil  func(key, code string, at time.Time) (spoilt, value []byte)
}

// flaws holds every reason that whoever writes to Kafka can cause, some of them in several ways. That
// an event cannot be decoded, or that a sink refuses a record, is not among them.
var flaws = [kinds - int(firstBad)]flaw{
	{feed.MissingKey, withKey(nil)},
	{feed.InvalidKey, withKey([]byte{0xff, 0xfe, '1'})},
	{feed.MissingValue, withValue(func(string, time.Time) []byte { return nil })},
	{feed.MalformedValue, withValue(func(code string, _ time.Time) []byte { return []byte(code) })},
	{feed.InvalidStockCode, withValue(func(_ string, at time.Time) []byte { return value("2318 HK", at) })},
	{feed.InvalidTimestamp, withValue(func(code string, _ time.Time) []byte { return []byte(code + ",soon") })},
	{feed.FutureTimestamp, withValue(func(code string, at time.Time) []byte { return value(code, at.Add(24*time.Hour)) })},
	{feed.MissingKey, withKey([]byte{})},
	{feed.InvalidKey, withKey([]byte("192.168.2.1|2"))},
	{feed.MissingValue, withValue(func(string, time.Time) []byte { return []byte{} })},
	{feed.MalformedValue, withValue(func(code string, at time.Time) []byte { return append(value(code, at), ",1"...) })},
	{feed.InvalidStockCode, withValue(func(_ string, at time.Time) []byte { return value(strings.Repeat("9", 33), at) })},
	{feed.InvalidTimestamp, withValue(func(code string, _ time.Time) []byte { return []byte(code + ",946684799999") })},
	{feed.InvalidKey, withKey([]byte(strings.Repeat("1", feed.MaxKeyBytes+1)))},
	{feed.InvalidKey, withKey([]byte("192.168.2.1\x00"))},
	{feed.MalformedValue, withValue(func(code string, _ time.Time) []byte { return []byte(`{"stockCode":"` + code + `"}`) })},
}

func withKey(bad []byte) func(string, string, time.Time) ([]byte, []byte) {
	return func(_, code string, at time.Time) ([]byte, []byte) { return bad, value(code, at) }
}

func withValue(bad func(code string, at time.Time) []byte) func(string, string, time.Time) ([]byte, []byte) {
	return func(key, code string, at time.Time) ([]byte, []byte) { return []byte(key), bad(code, at) }
}

// value is the article's form.
func value(code string, at time.Time) []byte {
	v := make([]byte, 0, len(code)+14)
	v = append(append(v, code...), ',')
	return strconv.AppendInt(v, at.UnixMilli(), 10)
}

// long is the JSON form, with a member that nobody reads, in so many bytes or a few more.
func long(code string, at time.Time, size int) []byte {
	v := make([]byte, 0, size+64)
	v = append(append(v, `{"stockCode":"`...), code...)
	v = strconv.AppendInt(append(v, `","timestamp":`...), at.UnixMilli(), 10)
	v = append(v, `,"remark":"`...)
	v = append(v, bytes.Repeat([]byte("x"), max(0, size-len(v)-len(`"}`)))...)
	return append(v, `"}`...)
}

// generator makes one record after the other out of its seed.
type generator struct {
	random  *rand.Rand
	now     func() time.Time
	senders []string
	codes   []string
	size    int     // of a good value; 0 is the article's form
	bad     float64 // below it a draw is bad,
	odd     float64 // below this it is unknown
	turn    int     // of the flaws
}

func newGenerator(cfg Config) *generator {
	g := &generator{
		random: rand.New(rand.NewPCG(cfg.Seed, 0)),
		now:    cfg.Now,
		codes:  cfg.Codes,
		size:   cfg.ValueBytes,
		bad:    cfg.BadRatio,
		odd:    cfg.BadRatio + cfg.UnknownRatio,
	}
	if g.now == nil {
		g.now = time.Now
	}
	if len(g.codes) == 0 {
		g.codes = data.Codes()
	}
	senders := cfg.Senders
	if senders == 0 {
		senders = 256
	}
	for i := range senders {
		g.senders = append(g.senders, "192.168.2."+strconv.Itoa(i))
	}
	return g
}

// sample is a record and what becomes of it.
type sample struct {
	record *kgo.Record
	kind   kind
}

func (g *generator) next() sample {
	sender := g.senders[g.random.IntN(len(g.senders))]
	code := g.codes[g.random.IntN(len(g.codes))]
	at := g.now()
	switch draw := g.random.Float64(); {
	case draw < g.bad:
		k := firstBad + kind(g.turn%len(flaws))
		g.turn++
		key, value := flaws[k-firstBad].spoil(sender, code, at)
		return sample{&kgo.Record{Key: key, Value: value, Timestamp: at}, k}
	case draw < g.odd:
		code = Unknown[g.random.IntN(len(Unknown))]
		return sample{&kgo.Record{Key: []byte(sender), Value: value(code, at), Timestamp: at}, unknown}
	}
	text := value(code, at)
	if g.size > 0 {
		text = long(code, at, g.size)
	}
	return sample{&kgo.Record{Key: []byte(sender), Value: text, Timestamp: at}, good}
}
