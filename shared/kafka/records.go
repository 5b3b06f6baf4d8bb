package kafka

import (
	"encoding/binary"
	"fmt"
	"slices"

	"feedstream/shared/feed"
)

const (
	// RecordType is the ce_type of an output record.
	RecordType = "feedstream.record.v1"
	// RecordSource is the ce_source of an output record.
	RecordSource = "/feedstream/enrich"
)

// The values that are the same in each record; nobody writes to them.
var (
	specVersion = []byte("1.0")
	source      = []byte(RecordSource)
	recordType  = []byte(RecordType)
	contentType = []byte("application/json")
)

// RecordMessage returns the record in the form of the output topic: the row key as key, the JSON line
// as value, the CloudEvents attributes as headers. Its ce_id is the origin's name, so records of a
// repeated push share it.
func RecordMessage(topic string, r *feed.Record) Message {
	var buffer []byte
	slice := func(appended []byte) []byte { // what was appended to the buffer, cut to its own capacity
		from := len(buffer)
		buffer = appended
		return buffer[from:len(buffer):len(buffer)]
	}
	buffer = make([]byte, 0, 512)
	key := slice(append(append(append(buffer, r.Sender...), '|'), r.StockCode...))
	id := slice(append(buffer, r.Origin.String()...))
	at := slice(feed.AppendTime(buffer, r.Time))
	value := slice(r.AppendJSON(buffer))
	return Message{
		Topic: topic,
		Key:   key,
		Value: value,
		Headers: []Header{
			{feed.HeaderSpecVersion, specVersion},
			{feed.HeaderID, id},
			{feed.HeaderSource, source},
			{feed.HeaderType, recordType},
			{feed.HeaderSubject, key},
			{feed.HeaderTime, at},
			{feed.HeaderContentType, contentType},
		},
	}
}

// Whole returns the message with the key, value and headers for which its record stands.
func (m *Message) Whole() Message {
	if m.Record == nil {
		return *m
	}
	whole := RecordMessage(m.Topic, m.Record)
	whole.Headers = append(whole.Headers, m.Headers...)
	whole.Time, whole.Partition, whole.Offset = m.Time, m.Partition, m.Offset
	return whole
}

// AppendOutput appends what an output message holds, as it stands in a batch: key, value and headers.
func AppendOutput(dst []byte, m *Message) []byte { return m.appendTo(dst) }

// appendKey appends the key of a record's message.
func appendKey(dst []byte, r *feed.Record) []byte {
	return append(append(append(dst, r.Sender...), '|'), r.StockCode...)
}

// appendOutput appends what RecordMessage returns as it stands in a batch, with more headers behind its own.
func appendOutput(dst []byte, r *feed.Record, more []Header) []byte {
	const usual = 2
	keySize := len(r.Sender) + 1 + len(r.StockCode)
	dst = appendKey(binary.AppendVarint(dst, int64(keySize)), r)
	key, from := len(dst)-keySize, len(dst)
	dst, places := r.AppendLine(append(dst, 0, 0))
	size := len(dst) - from - usual
	dst = setLength(dst, from, usual)

	line := len(dst) - size
	partition := places.Offset - len(feed.BehindPartition) - places.Partition
	offset := size - len(feed.BehindOffset) - places.Offset
	at := len(dst)
	dst = slices.Grow(dst, headersRoom+len(r.Origin.Topic)+keySize)
	dst = dst[:cap(dst)]
	at += binary.PutVarint(dst[at:], int64(outputHeaders+len(more)))
	at = beforeID.Put(dst, at)
	at += binary.PutVarint(dst[at:], int64(len(r.Origin.Topic)+1+partition+1+offset))
	at += copy(dst[at:], r.Origin.Topic)
	dst[at] = '/'
	at = feed.Repeat(dst, at+1, line+places.Partition, partition)
	dst[at] = '/'
	at = feed.Repeat(dst, at+1, line+places.Offset, offset)
	at = headerSubject.Put(dst, headerType.Put(dst, headerSource.Put(dst, at)))
	at += binary.PutVarint(dst[at:], int64(keySize))
	at = headerTime.Put(dst, feed.Repeat(dst, at, key, keySize))
	at += binary.PutVarint(dst[at:], int64(places.BehindTime-places.Time))
	at = feed.Repeat(dst, at, line+places.Time, places.BehindTime-places.Time)
	dst = dst[:headerContentType.Put(dst, at)]
	for _, h := range more {
		dst = appendHeader(dst, h.Key, h.Value)
	}
	return dst
}

const (
	// outputHeaders is how many headers an output message has of its own.
	outputHeaders = 7
	// headersRoom bounds what of them does not depend on its texts: the literals, the numbers of the origin, a
	// time, five lengths, and what is copied too far.
	headersRoom = 6*feed.Wide + 2*20 + 40 + 5*binary.MaxVarintLen64 + feed.Wide
)

// What stands between the parts of the headers that are different in each message: headers that are the same in
// all, and the names of the others.
var (
	beforeID          = feed.LiteralOf(string(appendName(appendHeader(nil, feed.HeaderSpecVersion, specVersion), feed.HeaderID)))
	headerSource      = feed.LiteralOf(string(appendHeader(nil, feed.HeaderSource, source)))
	headerType        = feed.LiteralOf(string(appendHeader(nil, feed.HeaderType, recordType)))
	headerSubject     = feed.LiteralOf(string(appendName(nil, feed.HeaderSubject)))
	headerTime        = feed.LiteralOf(string(appendName(nil, feed.HeaderTime)))
	headerContentType = feed.LiteralOf(string(appendHeader(nil, feed.HeaderContentType, contentType)))
)

// ParseRecord reads what RecordMessage wrote. A message of another ce_type, or one whose key or ce_id
// disagrees with its value, is an error.
func ParseRecord(m *Message) (feed.Record, error) {
	if kind, _ := m.Header(feed.HeaderType); string(kind) != RecordType {
		return feed.Record{}, fmt.Errorf("ce_type is %q, want %s", kind, RecordType)
	}
	var r feed.Record
	if err := r.UnmarshalJSON(m.Value); err != nil {
		return feed.Record{}, err
	}
	if key := r.RowKey(); key != string(m.Key) {
		return feed.Record{}, fmt.Errorf("key %q beside a record of row %q", m.Key, key)
	}
	if id, _ := m.Header(feed.HeaderID); string(id) != r.Origin.String() {
		return feed.Record{}, fmt.Errorf("ce_id %q beside a record of origin %s", id, r.Origin)
	}
	return r, nil
}
