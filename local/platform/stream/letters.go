package stream

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// MaxLetterBytes is what a dead-letter topic takes where nothing else is set: Kafka's default for a
	// record, and 64 KiB.
	MaxLetterBytes = 1_048_588 + 64<<10
	// letterBatchBytes bounds a letter before it is compressed.
	letterBatchBytes = 4 << 20
)

// Headers of a dead letter in which key or value of the event is cut: that it is, what was cut, as the event
// would have carried it, and where the whole is. Those of the key stand there only when it is the key that
// is cut.
const (
	HeaderValueForm       = "feed-value-form"
	FormCut               = "cut"
	HeaderValueBytes      = "feed-value-bytes"
	HeaderValueSHA256     = "feed-value-sha256"
	HeaderKeyBytes        = "feed-key-bytes"
	HeaderKeySHA256       = "feed-key-sha256"
	HeaderOriginTopic     = "feed-origin-topic"
	HeaderOriginPartition = "feed-origin-partition"
	HeaderOriginOffset    = "feed-origin-offset"
	HeaderOriginTimestamp = "feed-origin-timestamp"
	HeaderRedrives        = "feed-redrives"
)

// letter is the dead letter of one event, always as a CloudEvent, until it is in its topic.
type letter struct {
	event *kgo.Record
	alone bool // it was in a batch that was too large: it goes in one of its own
	limit int  // the size to which it is cut; 0: it is not
	size  int  // of the last attempt
	bare  bool // the last attempt had neither key nor value left to cut
	err   error
}

// writeLetters sets a push aside in the dead-letter topic, each event once, and tries until that is done; false
// means that the stream closes before. What is too large for the topic is cut, however small that makes it.
func (s *Stream) writeLetters(p push) bool {
	what := "write dead letters to " + s.declared.DeadLetterTopic
	pending := make([]*letter, len(p.items))
	for i, held := range p.items {
		pending[i] = &letter{event: held.record}
	}
	for len(pending) > 0 {
		left, err := s.tryLetters(pending)
		s.deadLettered.Add(int64(len(pending) - len(left)))
		pending = left
		switch {
		case err == nil:
			s.faults.works(what)
		case s.ctx.Err() != nil:
			return false
		default:
			s.faults.kafka(what, err)
			s.failing.failed(p, 0, fmt.Errorf("%s: %w", what, err))
			if s.retries.wait(s.ctx, time.Second) == closed {
				return false
			}
		}
	}
	return true
}

// tryLetters writes letters, each once, and returns those to be written again. The error is one that only
// time or a person ends, not one that a smaller letter does.
func (s *Stream) tryLetters(pending []*letter) (left []*letter, err error) {
	var together []*letter
	for _, l := range pending {
		if !l.alone {
			together = append(together, l)
		}
	}
	s.produce(together...)
	for _, l := range pending {
		if l.alone {
			s.produce(l)
		}
	}
	for _, l := range pending {
		if l.err == nil {
			continue
		}
		left = append(left, l)
		if !tooLarge(l.err) || !l.shrink() {
			err = l.err
		}
	}
	return left, err
}

func tooLarge(err error) bool {
	return errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge)
}

// produce waits for the outcome of each letter.
func (s *Stream) produce(letters ...*letter) {
	var written sync.WaitGroup
	written.Add(len(letters))
	for _, l := range letters {
		s.client.Produce(s.ctx, s.message(l), func(_ *kgo.Record, err error) {
			l.err = err
			written.Done()
		})
	}
	written.Wait()
}

// shrink takes the next step after a topic has found a letter too large; false means that there is none.
func (l *letter) shrink() bool {
	switch {
	case !l.alone:
		l.alone = true
	case l.bare:
		return false
	case l.size > MaxLetterBytes:
		l.limit = MaxLetterBytes
	default:
		l.limit = l.size / 2
	}
	return true
}

func (s *Stream) message(l *letter) *kgo.Record {
	encoder := s.encoder
	encoder.rawData = false
	m := &kgo.Record{Topic: s.declared.DeadLetterTopic, Key: l.event.Key, Value: encoder.event(nil, l.event)}
	if l.limit > 0 {
		m, l.bare = encoder.cut(l.event, l.limit)
		m.Topic = s.declared.DeadLetterTopic
	}
	l.size = letterBytes(m)
	return m
}

// letterBytes is about the size of a record in its topic, and not less.
func letterBytes(r *kgo.Record) int {
	const around = 100 // of batch and record
	size := around + len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		size += len(h.Key) + len(h.Value) + 10
	}
	return size
}

// cut writes an event of which the letter has at most limit bytes, with as much of key and value as that
// allows; bare means that nothing of them is left. Of the event's headers only the count of redrives stays.
func (e encoder) cut(r *kgo.Record, limit int) (m *kgo.Record, bare bool) {
	key, value := delivered(appendText(nil, r.Key)), delivered(appendValue(nil, r.Value))
	headers := append(cutHeaders(r, value), keyHeaders(key)...)
	e.textOnly = true
	with := func(room int) *kgo.Record {
		k, v := cutTo(key, value, room)
		event := *r
		event.Key, event.Value, event.Headers = kept(k, r.Key), kept(v, r.Value), redrives(r)
		return &kgo.Record{Key: event.Key, Value: e.event(nil, &event), Headers: headers}
	}
	most := min(len(key)+len(value), limit)
	room := max(0, sort.Search(most+1, func(room int) bool { return letterBytes(with(room)) > limit })-1)
	if m = with(room); len(m.Key) == len(key) {
		m.Headers = cutHeaders(r, value)
	}
	return m, room == 0
}

// delivered is a text as whoever reads the event sees it: that of a string, else the JSON that stands there.
func delivered(encoded []byte) string {
	var text string
	if json.Unmarshal(encoded, &text) == nil {
		return text
	}
	return string(encoded)
}

// cutTo returns the beginnings of key and value that together take at most room bytes. A key that is cut
// keeps half of the room, or what the value leaves. No character is cut in two.
func cutTo(key, value string, room int) (keptKey, keptValue string) {
	keptKey = beginning(key, max(room/2, room-len(value)))
	return keptKey, beginning(value, room-len(keptKey))
}

func beginning(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// kept is what is kept of something, null if that was null.
func kept(text string, of []byte) []byte {
	if of == nil {
		return nil
	}
	return []byte(text)
}

func cutHeaders(r *kgo.Record, value string) []kgo.RecordHeader {
	number := func(n int64) []byte { return strconv.AppendInt(nil, n, 10) }
	return append([]kgo.RecordHeader{
		{Key: HeaderValueForm, Value: []byte(FormCut)},
		{Key: HeaderOriginTopic, Value: []byte(r.Topic)},
		{Key: HeaderOriginPartition, Value: number(int64(r.Partition))},
		{Key: HeaderOriginOffset, Value: number(r.Offset)},
		{Key: HeaderOriginTimestamp, Value: number(r.Timestamp.UnixMilli())},
	}, whole(value, HeaderValueBytes, HeaderValueSHA256)...)
}

func keyHeaders(key string) []kgo.RecordHeader { return whole(key, HeaderKeyBytes, HeaderKeySHA256) }

func whole(text, bytes, sum string) []kgo.RecordHeader {
	digest := sha256.Sum256([]byte(text))
	return []kgo.RecordHeader{
		{Key: bytes, Value: strconv.AppendInt(nil, int64(len(text)), 10)},
		{Key: sum, Value: []byte(hex.EncodeToString(digest[:]))},
	}
}

// redrives is the header that counts how often an event was set aside and sent again, if it has a sane one.
func redrives(r *kgo.Record) []kgo.RecordHeader {
	const digits = 20
	for _, h := range r.Headers {
		if h.Key == HeaderRedrives && len(h.Value) <= digits {
			return []kgo.RecordHeader{h}
		}
	}
	return nil
}
