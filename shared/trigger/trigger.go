// Package trigger reads the events by which the platform invokes a function: pushes of a Kafka
// event stream, in each form they have had, and timers.
//
// Source of the forms: Function Compute "Event formats" for the ApsaraMQ for Kafka trigger
// (2026-02) and the event stream's EventSchema setting; the golden files under testdata show them.
package trigger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

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
//
// For many pushes a Decoder is far cheaper.
func Decode(body []byte) ([]feed.Delivery, error) {
	return new(Decoder).Decode(bytes.Clone(body))
}

// kafkaRecord holds members of the data that have been seen in more than one type.
type kafkaRecord struct{ timestamp, headers, key, value []byte }

func decodeEach(body []byte) ([]feed.Delivery, error) {
	if !valid(body) {
		return nil, errors.New("the push is not a JSON array of events")
	}
	events, err := elements(body)
	if err != nil {
		return nil, fmt.Errorf("the push is not a JSON array of events: %s: %w", orAbsent(body), err)
	}
	deliveries := make([]feed.Delivery, len(events))
	for i, element := range events {
		if err := decodeOne(element, &deliveries[i]); err != nil {
			return nil, fmt.Errorf("event %d of %d in the push: %w", i+1, len(events), err)
		}
	}
	return deliveries, nil
}

// decodeOne reads one element. Its error means that the coordinates could not be read.
func decodeOne(element []byte, d *feed.Delivery) error {
	if element[0] == '"' {
		inner, err := readString(element)
		if err != nil {
			return fmt.Errorf("read the string: %w", err)
		}
		element = []byte(inner)
	}
	if !valid(element) {
		return fmt.Errorf("%s is no JSON object", orAbsent(element))
	}
	var datas [][]byte
	err := members(element, func(name string, value []byte) {
		if name == "data" && !isNull(value) {
			datas = append(datas, value)
		}
	})
	if err != nil {
		return fmt.Errorf("%s is no JSON object: %w", orAbsent(element), err)
	}
	if len(datas) == 0 {
		datas = [][]byte{element}
	}
	record, err := locate(datas, d)
	if err != nil {
		return err
	}
	if err := record.read(d); err != nil {
		d.Undecodable = err.Error()
	}
	if len(datas) > 1 {
		d.Undecodable = `the member "data" stands twice`
	}
	if d.Undecodable != "" {
		d.Value = string(bytes.ToValidUTF8(element, []byte("\uFFFD")))
		d.Form = feed.Text
	}
	return nil
}

// locate sets the origin by the last of the datas that names one, and returns the rest of it. Where there
// is more than one they are set aside under that name.
func locate(datas [][]byte, d *feed.Delivery) (record kafkaRecord, err error) {
	for _, data := range datas {
		var found kafkaRecord
		var origin feed.Origin
		if found, origin, err = coordinates(data); err == nil {
			record, d.Origin = found, origin
		}
	}
	if d.Origin.Topic == "" {
		return kafkaRecord{}, err
	}
	return record, nil
}

// coordinates reads which record a data member is of, and leaves what else it holds as it is.
func coordinates(data []byte) (record kafkaRecord, origin feed.Origin, err error) {
	var topic, partition, offset []byte
	err = members(data, func(name string, value []byte) {
		switch name {
		case "topic":
			if !isNull(value) || topic == nil { // as the decoder, to which null is nothing
				topic = value
			}
		case "partition":
			partition = value
		case "offset":
			offset = value
		case "timestamp":
			record.timestamp = value
		case "headers":
			record.headers = value
		case "key":
			record.key = value
		case "value":
			record.value = value
		}
	})
	if err != nil {
		return record, origin, fmt.Errorf("the data is no JSON object: %w", err)
	}
	if origin.Topic, err = readString(topic); err != nil || origin.Topic == "" {
		return record, origin, fmt.Errorf("the topic %s is no name", orAbsent(topic))
	}
	number, err := readInteger(partition, 32)
	if err != nil || number < 0 {
		return record, origin, fmt.Errorf("the partition %s is no partition number", orAbsent(partition))
	}
	origin.Partition = int(number)
	if origin.Offset, err = readInteger(offset, 64); err != nil || origin.Offset < 0 {
		return record, origin, fmt.Errorf("the offset %s is no offset", orAbsent(offset))
	}
	return record, origin, nil
}

// read fills everything but the origin. On an error d holds what could be read.
func (r *kafkaRecord) read(d *feed.Delivery) error {
	readHeaders(r.headers, d)
	var err error
	if d.Key, err = readString(r.key); err != nil {
		return fmt.Errorf("the key is not a string: %w", err)
	}
	if d.Timestamp, err = readTimestamp(r.timestamp); err != nil {
		return fmt.Errorf("the timestamp %s is not epoch milliseconds", orAbsent(r.timestamp))
	}
	return readValue(r.value, d)
}

// readTimestamp returns 0 for null and absent.
func readTimestamp(raw []byte) (int64, error) {
	if isNull(raw) {
		return 0, nil
	}
	return readInteger(raw, 64)
}

func readValue(raw []byte, d *feed.Delivery) (err error) {
	if isNull(raw) {
		d.Form = feed.Text
		return nil
	}
	if raw[0] != '"' {
		d.Form = feed.Parsed
		if d.Value, err = compact(raw); err != nil {
			return fmt.Errorf("compact the value: %w", err)
		}
		return nil
	}
	if d.Value, err = readString(raw); err != nil {
		return fmt.Errorf("read the value: %w", err)
	}
	d.Form = feed.Text
	if strings.ContainsRune(d.Value, utf8.RuneError) {
		d.Form = feed.Lossy
	}
	return nil
}

// compact returns the JSON of a value without white space between its parts.
func compact(raw []byte) (string, error) {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return "", err
	}
	return b.String(), nil
}

func isNull(raw []byte) bool { return len(raw) == 0 || string(raw) == "null" }

// readString returns "" for null and absent. Bytes that are not UTF-8 become U+FFFD.
func readString(raw []byte) (string, error) {
	if isNull(raw) {
		return "", nil
	}
	if inner, plain := unescaped(raw); plain {
		return inner, nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return "", err
	}
	return s, nil
}

// unescaped returns the inside of a JSON string that needs no decoding: printable ASCII without
// escapes, which nearly every key and value of a feed is.
func unescaped(raw []byte) (string, bool) {
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

// readInteger reads a JSON integer, or a string holding one as JSON would write it: the documents say
// string where the samples show numbers.
func readInteger(raw []byte, bits int) (int64, error) {
	digits := strings.Trim(string(raw), `"`)
	if strings.HasPrefix(digits, "+") {
		return 0, fmt.Errorf("%s has a sign that no JSON number has", orAbsent(raw))
	}
	return strconv.ParseInt(digits, 10, bits)
}

func orAbsent(raw []byte) string {
	const most = 64
	switch {
	case len(raw) == 0:
		return "(absent)"
	case len(raw) > most:
		return strings.ToValidUTF8(string(raw[:most]), "") + "…"
	}
	return string(raw)
}
