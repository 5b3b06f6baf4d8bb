package kafka

import (
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
