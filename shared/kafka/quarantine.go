package kafka

import (
	"fmt"
	"strconv"
	"time"

	"feedstream/shared/feed"
)

// Headers of a quarantined record.
const (
	headerValueForm       = "feed-value-form"
	headerReason          = "feed-reason"
	headerDetail          = "feed-detail"
	headerSetAside        = "feed-time"
	headerOriginTopic     = "feed-origin-topic"
	headerOriginPartition = "feed-origin-partition"
	headerOriginOffset    = "feed-origin-offset"
	headerOriginTimestamp = "feed-origin-timestamp"
	headerRedrives        = "feed-redrives"
)

// Quarantined is one record of the quarantine topic.
type Quarantined struct {
	Delivery  feed.Delivery
	Rejection feed.Rejection
	Time      time.Time // when it was set aside, to the millisecond
}

// QuarantineMessage returns the delivery in the form of the quarantine topic: key and value as the
// trigger delivered them, null when it delivered none, and why it was set aside as headers. An origin
// without timestamp is written as 0.
func QuarantineMessage(topic string, d *feed.Delivery, r *feed.Rejection, now time.Time) Message {
	form := d.Form
	if form == "" {
		form = feed.Text
	}
	return Message{
		Topic: topic,
		Key:   nullable(d.Key),
		Value: nullable(d.Value),
		Headers: []Header{
			{headerValueForm, []byte(form)},
			{headerReason, []byte(r.Reason)},
			{headerDetail, []byte(r.Detail)},
			{headerSetAside, feed.AppendTime(nil, now.UnixMilli())},
			{headerOriginTopic, []byte(d.Origin.Topic)},
			{headerOriginPartition, strconv.AppendInt(nil, int64(d.Origin.Partition), 10)},
			{headerOriginOffset, strconv.AppendInt(nil, d.Origin.Offset, 10)},
			{headerOriginTimestamp, strconv.AppendInt(nil, d.Timestamp, 10)},
			{headerRedrives, strconv.AppendInt(nil, int64(d.Redrives), 10)},
		},
	}
}

func nullable(s string) []byte {
	if s == "" {
		return nil
	}
	return []byte(s)
}

// ParseQuarantine reads what QuarantineMessage wrote. The error names the header that is missing or
// unreadable.
func ParseQuarantine(m *Message) (Quarantined, error) {
	h := headerReader{message: m}
	q := Quarantined{
		Delivery: feed.Delivery{
			Key:   string(m.Key),
			Value: string(m.Value),
			Form:  feed.ValueForm(h.text(headerValueForm)),
			Origin: feed.Origin{
				Topic:     h.text(headerOriginTopic),
				Partition: int(h.number(headerOriginPartition, 32)),
				Offset:    h.number(headerOriginOffset, 64),
			},
			Timestamp: h.number(headerOriginTimestamp, 64),
			Redrives:  int(h.number(headerRedrives, 32)),
		},
		Rejection: feed.Rejection{Reason: feed.Reason(h.text(headerReason)), Detail: h.text(headerDetail)},
	}
	at, err := time.Parse(time.RFC3339, h.text(headerSetAside))
	if h.err == nil && err != nil {
		h.err = fmt.Errorf("header %s: %w", headerSetAside, err)
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
