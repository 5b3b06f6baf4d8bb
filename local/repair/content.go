package repair

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kgo"

	"feedstream/local/platform/stream"
	"feedstream/shared/feed"
	"feedstream/shared/trigger"
)

// damaged says that what was set aside is not what the input topic holds: the platform has replaced bytes
// that were no UTF-8, what was set aside is the event and not its value, or it is only the beginning.
func (a *Aside) damaged() bool {
	d := &a.delivery
	return d.Form == feed.Lossy || d.Form == feed.Cut || d.Undecodable != "" ||
		strings.ContainsRune(d.Key, utf8.RuneError) || strings.ContainsRune(d.Value, utf8.RuneError)
}

// keyless says that no key was delivered. There may have been one: the events of 2022 have none.
func (a *Aside) keyless() bool { return a.delivery.Key == "" }

var errGone = errors.New("what was set aside is not all of the record, and the input topic does not hold it any more: " +
	"give it a whole with --set value=…, and --set key=… where the key is not whole either, or leave it")

// contents returns what each of these records said, from the input topic where what was set aside is not
// enough. Those that cannot be had have an error.
func (f *Feed) contents(ctx context.Context, all []*Aside, m *Mend) ([]ready, error) {
	var wanted []feed.Origin
	for _, a := range all {
		if a.damaged() || a.keyless() {
			wanted = append(wanted, a.delivery.Origin)
		}
	}
	found := make(map[feed.Origin]*kgo.Record)
	if len(wanted) > 0 {
		err := f.kafka.ReadAt(ctx, f.topics.Input, wanted, func(r *kgo.Record) error {
			found[originOf(r)] = r
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	whole := make([]ready, len(all))
	for i, a := range all {
		whole[i] = ready{aside: a, content: content{a.delivery.Key, a.delivery.Value}}
		r := found[a.delivery.Origin]
		switch {
		case r != nil && a.isOf(r):
			whole[i].content = content{string(r.Key), string(r.Value)}
		case a.damaged() && !m.givesAll(a):
			whole[i].err = errGone
		}
	}
	return whole, nil
}

// isOf says that a record of the input topic is the one that was set aside, and not one of a topic that was
// made again since.
func (a *Aside) isOf(r *kgo.Record) bool {
	return a.delivery.Timestamp == 0 || a.delivery.Timestamp == r.Timestamp.UnixMilli()
}

// givesAll says that nothing of what was set aside is needed.
func (m *Mend) givesAll(a *Aside) bool {
	sets := func(names ...string) bool {
		for _, s := range m.Set {
			for _, name := range names {
				if s.Member == name {
					return true
				}
			}
		}
		return false
	}
	keyIsWhole := a.delivery.Undecodable == "" && !strings.ContainsRune(a.delivery.Key, utf8.RuneError) && a.delivery.Form != feed.Cut
	return sets("value") && (keyIsWhole || sets("key", "sender"))
}

func originOf(r *kgo.Record) feed.Origin {
	return feed.Origin{Topic: r.Topic, Partition: int(r.Partition), Offset: r.Offset}
}

// delivered is what the enrich function gets of a record of the input topic.
func delivered(records ...*kgo.Record) ([]feed.Delivery, error) {
	body := []byte{'['}
	for i, r := range records {
		if i > 0 {
			body = append(body, ',')
		}
		body = stream.AppendEvent(body, r, false)
	}
	return trigger.Decode(append(body, ']'))
}
