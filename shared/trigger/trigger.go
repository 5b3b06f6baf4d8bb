// Package trigger reads the events by which the platform invokes a function: pushes of a Kafka
// event stream, in each form they have had, and timers.
//
// Source of the forms: Function Compute "Event formats" for the ApsaraMQ for Kafka trigger
// (2026-02) and the event stream's EventSchema setting; the golden files under testdata show them.
package trigger

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-json"

	"feedstream/shared/feed"
)

// Decode reads one push of a Kafka event stream: a JSON array of
//
//   - CloudEvents, the current form;
//   - strings, each holding one CloudEvent as JSON: the form of 2022, which has no key;
//   - the CloudEvents' data members alone: the stream's RawData schema.
//
// There is one delivery for each element, in order. An element whose coordinates (topic, partition,
// offset) are readable and whose data is not becomes a delivery with Undecodable set. A body that
// is no JSON array, or an element without readable coordinates, is an error: nothing could be set
// aside under a name, so the push as a whole must fail.
func Decode(body []byte) ([]feed.Delivery, error) {
	var events []event
	if err := json.Unmarshal(body, &events); err == nil && events != nil {
		if deliveries, ok := readAll(events); ok {
			return deliveries, nil
		}
	}
	// Something in this push has another shape than expected: take it apart element by element, so
	// that each is judged on its own.
	return decodeEach(body)
}

// event is one element: a CloudEvent with its data, or, in the RawData form, the data itself.
type event struct {
	Data *kafkaRecord `json:"data"`
	kafkaRecord
}

// kafkaRecord is the data member as documented. Raw members have been seen in more than one type.
type kafkaRecord struct {
	Topic     string          `json:"topic"`
	Partition *int            `json:"partition"`
	Offset    *int64          `json:"offset"`
	Timestamp json.RawMessage `json:"timestamp"`
	Headers   json.RawMessage `json:"headers"`
	Key       json.RawMessage `json:"key"`
	Value     json.RawMessage `json:"value"`
}

func readAll(events []event) ([]feed.Delivery, bool) {
	deliveries := make([]feed.Delivery, len(events))
	for i := range events {
		record := &events[i].kafkaRecord
		if events[i].Data != nil {
			record = events[i].Data
		}
		if record.Topic == "" || record.Partition == nil || record.Offset == nil ||
			*record.Partition < 0 || *record.Partition > math.MaxInt32 || *record.Offset < 0 {
			return nil, false
		}
		deliveries[i].Origin = feed.Origin{Topic: record.Topic, Partition: *record.Partition, Offset: *record.Offset}
		if err := record.read(&deliveries[i]); err != nil {
			return nil, false
		}
	}
	return deliveries, true
}

func decodeEach(body []byte) ([]feed.Delivery, error) {
	var elements []json.RawMessage
	if err := json.Unmarshal(body, &elements); err != nil {
		return nil, fmt.Errorf("the push is not a JSON array of events: %w", err)
	}
	if elements == nil {
		return nil, fmt.Errorf("the push is null, not a JSON array of events")
	}
	deliveries := make([]feed.Delivery, len(elements))
	for i, element := range elements {
		if err := decodeOne(element, &deliveries[i]); err != nil {
			return nil, fmt.Errorf("event %d of %d in the push: %w", i+1, len(elements), err)
		}
	}
	return deliveries, nil
}

// decodeOne reads one element. Its error means that the coordinates could not be read.
func decodeOne(element []byte, d *feed.Delivery) error {
	if len(element) > 0 && element[0] == '"' {
		var inner string
		if err := json.Unmarshal(element, &inner); err != nil {
			return fmt.Errorf("read the string: %w", err)
		}
		element = []byte(inner)
	}
	var wrapper struct {
		Data json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(element, &wrapper); err != nil {
		return fmt.Errorf("no JSON object: %w", err)
	}
	data := element
	if !isNull(wrapper.Data) {
		data = wrapper.Data
	}
	var raw struct {
		Topic     json.RawMessage `json:"topic"`
		Partition json.RawMessage `json:"partition"`
		Offset    json.RawMessage `json:"offset"`
		Timestamp json.RawMessage `json:"timestamp"`
		Headers   json.RawMessage `json:"headers"`
		Key       json.RawMessage `json:"key"`
		Value     json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return fmt.Errorf("the data is no JSON object: %w", err)
	}
	topic, err := readString(raw.Topic)
	if err != nil || topic == "" {
		return fmt.Errorf("the topic %s is no name", orAbsent(raw.Topic))
	}
	partition, err := readInteger(raw.Partition, 32)
	if err != nil || partition < 0 {
		return fmt.Errorf("the partition %s is no partition number", orAbsent(raw.Partition))
	}
	offset, err := readInteger(raw.Offset, 64)
	if err != nil || offset < 0 {
		return fmt.Errorf("the offset %s is no offset", orAbsent(raw.Offset))
	}
	d.Origin = feed.Origin{Topic: topic, Partition: int(partition), Offset: offset}
	record := kafkaRecord{Timestamp: raw.Timestamp, Headers: raw.Headers, Key: raw.Key, Value: raw.Value}
	if err := record.read(d); err != nil {
		d.Undecodable = err.Error()
		d.Value = string(bytes.ToValidUTF8(element, []byte("\uFFFD")))
		d.Form = feed.Text
	}
	return nil
}

// read fills everything but the origin. On an error d holds what could be read.
func (r *kafkaRecord) read(d *feed.Delivery) error {
	d.Redrives = readRedrives(r.Headers)
	var err error
	if d.Key, err = readString(r.Key); err != nil {
		return fmt.Errorf("the key is not a string: %w", err)
	}
	if !isNull(r.Timestamp) {
		if d.Timestamp, err = readInteger(r.Timestamp, 64); err != nil {
			return fmt.Errorf("the timestamp %s is not epoch milliseconds", orAbsent(r.Timestamp))
		}
	}
	if isNull(r.Value) {
		d.Form = feed.Text
		return nil
	}
	if r.Value[0] != '"' {
		var compact bytes.Buffer
		if err := stdjson.Compact(&compact, r.Value); err != nil {
			return fmt.Errorf("compact the value: %w", err)
		}
		d.Value, d.Form = compact.String(), feed.Parsed
		return nil
	}
	if d.Value, err = readString(r.Value); err != nil {
		return fmt.Errorf("read the value: %w", err)
	}
	d.Form = feed.Text
	if strings.ContainsRune(d.Value, utf8.RuneError) {
		d.Form = feed.Lossy
	}
	return nil
}

func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// readString returns "" for null and absent. Bytes that are not UTF-8 become U+FFFD.
func readString(raw json.RawMessage) (string, error) {
	if isNull(raw) {
		return "", nil
	}
	if inner, plain := unescaped(raw); plain {
		return inner, nil
	}
	var s string
	if err := stdjson.Unmarshal(raw, &s); err != nil {
		return "", err
	}
	return s, nil
}

// unescaped returns the inside of a JSON string that needs no decoding: printable ASCII without
// escapes, which nearly every key and value of a feed is.
func unescaped(raw json.RawMessage) (string, bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return "", false
	}
	inner := raw[1 : len(raw)-1]
	for _, c := range inner {
		if c < 0x20 || c >= utf8.RuneSelf || c == '\\' || c == '"' {
			return "", false
		}
	}
	return string(inner), true
}

// readInteger reads a JSON integer, or a string holding one: the documents say string where the
// samples show numbers.
func readInteger(raw json.RawMessage, bits int) (int64, error) {
	return strconv.ParseInt(strings.Trim(string(raw), `"`), 10, bits)
}

func orAbsent(raw json.RawMessage) string {
	const most = 64
	switch {
	case len(raw) == 0:
		return "(absent)"
	case len(raw) > most:
		return strings.ToValidUTF8(string(raw[:most]), "") + "…"
	}
	return string(raw)
}
