package stream

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Failing is a push that has failed and has no verdict yet. Nothing from its first record on is committed
// in that partition.
type Failing struct {
	Topic     string
	Partition int32
	Offset    int64 // of its first record
	Records   int
	Attempts  int
	Since     time.Time // when it failed first
	Error     string    // of the last attempt
}

// failing are the pushes of a stream that keep failing, by their first record.
type failing struct {
	mu     sync.Mutex
	pushes map[*kgo.Record]Failing
}

func (f *failing) failed(p push, attempts int, err error) {
	first := p.items[0].record
	f.mu.Lock()
	defer f.mu.Unlock()
	told, known := f.pushes[first]
	if !known {
		told = Failing{
			Topic: first.Topic, Partition: first.Partition, Offset: first.Offset, Records: len(p.items), Since: time.Now(),
		}
	}
	told.Attempts, told.Error = max(told.Attempts, attempts), err.Error()
	f.pushes[first] = told
}

func (f *failing) over(p push) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.pushes, p.items[0].record)
}

func (f *failing) list() []Failing {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []Failing
	for _, told := range f.pushes {
		list = append(list, told)
	}
	slices.SortFunc(list, func(a, b Failing) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	return list
}
