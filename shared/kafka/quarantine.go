package kafka

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"time"

	"feedstream/shared/feed"
)

// Quarantined is one record of the quarantine topic.
type Quarantined struct {
	Delivery  feed.Delivery
	Rejection feed.Rejection
	Time      time.Time // when it was set aside, to the millisecond
	// WholeValue and WholeKey say what the value, and the key, were before they were cut; nil where the
	// form is not feed.Cut, and WholeKey where the key stands in full.
	WholeValue, WholeKey *feed.Whole
}

// QuarantineMessage returns the delivery in the form of the quarantine topic: key and value as the
// trigger delivered them, null when it delivered none, and why it was set aside as headers; and the trace that
// the delivery belongs to. An origin without timestamp is written as 0.
func QuarantineMessage(topic string, d *feed.Delivery, r *feed.Rejection, now time.Time) Message {
	form := d.Form
	if form == "" {
		form = feed.Text
	}
	m := Message{
		Topic: topic,
		Key:   nullable(d.Key),
		Value: nullable(d.Value),
		Headers: []Header{
			{feed.HeaderValueForm, []byte(form)},
			{feed.HeaderReason, []byte(r.Reason)},
			{feed.HeaderDetail, []byte(r.Detail)},
			{feed.HeaderSetAside, feed.AppendTime(nil, now.UnixMilli())},
			{feed.HeaderOriginTopic, []byte(d.Origin.Topic)},
			{feed.HeaderOriginPartition, strconv.AppendInt(nil, int64(d.Origin.Partition), 10)},
			{feed.HeaderOriginOffset, strconv.AppendInt(nil, d.Origin.Offset, 10)},
			{feed.HeaderOriginTimestamp, strconv.AppendInt(nil, d.Timestamp, 10)},
			{feed.HeaderRedrives, strconv.AppendInt(nil, int64(d.Redrives), 10)},
		},
	}
	m.SetTraceparent(d.Traceparent)
	return m
}

// CutQuarantineMessage is QuarantineMessage for a delivery that the topic does not take whole: key and value
// are cut so that a batch with the message alone has at most limit bytes. fits is false when that is too
// little for what is said of the delivery.
func CutQuarantineMessage(topic string, d *feed.Delivery, r *feed.Rejection, now time.Time, limit int) (m Message, fits bool) {
	shell := *d
	shell.Key, shell.Value, shell.Form = "", "", feed.Cut
	m = QuarantineMessage(topic, &shell, r, now)
	value, key := feed.WholeOf(d.Value), feed.WholeOf(d.Key)
	m.Headers = append(m.Headers,
		Header{feed.HeaderValueBytes, strconv.AppendInt(nil, int64(value.Bytes), 10)},
		Header{feed.HeaderValueSHA256, []byte(value.SHA256)},
		Header{feed.HeaderKeyBytes, strconv.AppendInt(nil, int64(key.Bytes), 10)},
		Header{feed.HeaderKeySHA256, []byte(key.SHA256)})
	const lengths = 3 * (binary.MaxVarintLen32 - 1) // of record, key and value, once these are there
	room := limit - m.Size() - lengths
	keptKey, keptValue := feed.CutTo(d.Key, d.Value, room)
	m.Key, m.Value = nullable(keptKey), nullable(keptValue)
	if len(keptKey) == len(d.Key) {
		const ofKey = 2
		m.Headers = m.Headers[:len(m.Headers)-ofKey]
	}
	return m, room >= 0
}

func nullable(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

// ParseQuarantine reads what QuarantineMessage or CutQuarantineMessage wrote. The error names the header that is missing or
// unreadable.
func ParseQuarantine(m *Message) (Quarantined, error) {
	h := headerReader{message: m}
	q := Quarantined{
		Delivery: feed.Delivery{
			Key:       string(m.Key),
			Value:     string(m.Value),
			Form:      feed.ValueForm(h.text(feed.HeaderValueForm)),
			Origin:    h.origin(),
			Timestamp: h.number(feed.HeaderOriginTimestamp, 64),
			Redrives:  int(h.number(feed.HeaderRedrives, 32)),
		},
		Rejection: feed.Rejection{Reason: feed.Reason(h.text(feed.HeaderReason)), Detail: h.text(feed.HeaderDetail)},
	}
	if q.Delivery.Form == feed.Cut {
		q.WholeValue = h.whole(feed.HeaderValueBytes, feed.HeaderValueSHA256)
		if _, cut := m.Header(feed.HeaderKeyBytes); cut {
			q.WholeKey = h.whole(feed.HeaderKeyBytes, feed.HeaderKeySHA256)
		}
	}
	at, err := time.Parse(time.RFC3339, h.text(feed.HeaderSetAside))
	if h.err == nil && err != nil {
		h.err = fmt.Errorf("header %s: %w", feed.HeaderSetAside, err)
	}
	if h.err != nil {
		return Quarantined{}, fmt.Errorf("read quarantined record: %w", h.err)
	}
	if q.Rejection.Reason == feed.UndecodableEvent {
		q.Delivery.Undecodable = q.Rejection.Detail
	}
	q.Time = at
	return q, nil
}

// QuarantineOrigin reads which input record a quarantined one is, and nothing else of it.
func QuarantineOrigin(m *Message) (feed.Origin, error) {
	h := headerReader{message: m}
	origin := h.origin()
	if h.err != nil {
		return feed.Origin{}, fmt.Errorf("read quarantined record: %w", h.err)
	}
	return origin, nil
}

// headerReader keeps the first error, so that its caller need not ask after each header.
type headerReader struct {
	message *Message
	err     error
}

func (h *headerReader) text(name string) string {
	value, ok := h.message.Header(name)
	if !ok && h.err == nil {
		h.err = fmt.Errorf("header %s is missing", name)
	}
	return string(value)
}

func (h *headerReader) number(name string, bits int) int64 {
	n, err := strconv.ParseInt(h.text(name), 10, bits)
	if err != nil && h.err == nil {
		h.err = fmt.Errorf("header %s: %w", name, err)
	}
	return n
}

func (h *headerReader) whole(bytes, sha256 string) *feed.Whole {
	return &feed.Whole{Bytes: int(h.number(bytes, strconv.IntSize)), SHA256: h.text(sha256)}
}

func (h *headerReader) origin() feed.Origin {
	return feed.Origin{
		Topic:     h.text(feed.HeaderOriginTopic),
		Partition: int(h.number(feed.HeaderOriginPartition, 32)),
		Offset:    h.number(feed.HeaderOriginOffset, 64),
	}
}
