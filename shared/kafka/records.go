package kafka

import (
	"encoding/binary"
	"fmt"

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
	const usual, short = 2, 1
	keySize := int64(len(r.Sender) + 1 + len(r.StockCode))
	dst = appendKey(binary.AppendVarint(dst, keySize), r)
	from := len(dst)
	dst, places := r.AppendLine(append(dst, 0, 0))
	size := len(dst) - from - usual
	dst = setLength(dst, from, usual)
	line := dst[len(dst)-size:]
	partition := line[places.Partition : places.Offset-len(feed.BehindPartition)]
	offset := line[places.Offset : size-len(feed.BehindOffset)]

	dst = append(binary.AppendVarint(dst, int64(outputHeaders+len(more))), beforeID...)
	from = len(dst)
	dst = append(append(append(dst, make([]byte, short)...), r.Origin.Topic...), '/')
	dst = append(append(dst, partition...), '/')
	dst = setLength(append(dst, offset...), from, short)
	dst = append(dst, beforeSubject...)
	dst = appendKey(binary.AppendVarint(dst, keySize), r)
	dst = append(dst, beforeTime...)
	dst = appendBytes(dst, line[places.Time:places.BehindTime])
	dst = append(dst, behindTime...)
	for _, h := range more {
		dst = appendHeader(dst, h.Key, h.Value)
	}
	return dst
}

// outputHeaders is how many headers an output message has of its own.
const outputHeaders = 7

// What stands between the parts of an output message that are different in each.
var (
	beforeID      = appendName(appendHeader(nil, feed.HeaderSpecVersion, specVersion), feed.HeaderID)
	beforeSubject = appendName(appendHeader(appendHeader(nil, feed.HeaderSource, source), feed.HeaderType, recordType), feed.HeaderSubject)
	beforeTime    = appendName(nil, feed.HeaderTime)
	behindTime    = appendHeader(nil, feed.HeaderContentType, contentType)
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
