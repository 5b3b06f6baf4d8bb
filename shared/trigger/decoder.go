package trigger

import (
	"encoding/json"
	"unsafe"

	"feedstream/shared/feed"
)

// Decoder reads pushes as Decode does and learns from them: the events of a stream differ in a few values,
// and the bytes between those need only be compared with those of an earlier event. An event that is written
// otherwise is taken apart as a whole, and learned. The zero value has learned nothing. Not for concurrent use.
type Decoder struct {
	shape      shape
	deliveries []feed.Delivery
}

// Decode is the function of that name. The deliveries are the decoder's memory, valid until its next call, and
// their texts may lie in the body, which is not to be changed as long as they are in use.
func (d *Decoder) Decode(body []byte) ([]feed.Delivery, error) {
	if d.deliveries = d.deliveries[:0]; d.deliveries == nil {
		d.deliveries = []feed.Delivery{}
	}
	if d.walk(body) {
		return d.deliveries, nil
	}
	return decodeEach(body) // which knows what to say of it
}

// walk reads the events one by one, and gives up at one that cannot be read.
func (d *Decoder) walk(body []byte) bool {
	text := unsafe.String(unsafe.SliceData(body), len(body)) // nobody changes it: see Decode
	missed := 0
	err := list(body, '[', ']', func(i int) (int, error) {
		d.deliveries = append(d.deliveries, feed.Delivery{})
		delivery := &d.deliveries[len(d.deliveries)-1]
		if end, ok := d.shape.read(text, body, i, delivery); ok {
			return end, nil
		}
		*delivery = feed.Delivery{}
		end := valueEnd(body, i)
		if end == i {
			return 0, errNoList
		}
		if err := decodeOne(body[i:end], delivery); err != nil {
			return 0, err
		}
		// A push in which every other event is written otherwise is not worth learning.
		if missed++; missed <= mostMisses+len(d.deliveries)/mostMisses {
			d.shape.learn(body[i:end], delivery)
		}
		return end, nil
	})
	return err == nil
}

const mostMisses = 16

// shape is how the events of a stream are written: the bytes that are the same in all of them, and between
// these the values that change. One without values fits nothing.
type shape struct {
	values []value
	end    string // behind the last value

	// What the events have in common.
	topic       string
	redrives    int
	traceparent string

	last     map[string]string // the members of the event learned last
	changing map[string]bool   // those that were different in an earlier one
}

// value is one that changes.
type value struct {
	before string // the bytes between it and the one before
	member string // of the record that it is, "" for anything else
}

// read reads the event that begins at i, if it has the shape. What it reads decodeOne would read alike.
func (s *shape) read(text string, body []byte, i int, d *feed.Delivery) (end int, ok bool) {
	if len(s.values) == 0 {
		return 0, false
	}
	d.Origin.Topic, d.Redrives, d.Traceparent, d.Form = s.topic, s.redrives, s.traceparent, feed.Text
	for v := range s.values {
		next := &s.values[v]
		from := i + len(next.before)
		if from >= len(text) || text[i:from] != next.before {
			return 0, false
		}
		if i, ok = next.read(text, body, from, d); !ok {
			return 0, false
		}
	}
	end = i + len(s.end)
	return end, end <= len(text) && text[i:end] == s.end
}

// read reads the value at i and returns the index behind it.
func (v *value) read(text string, body []byte, i int, d *feed.Delivery) (end int, ok bool) {
	if body[i] == '"' {
		quote := feed.PlainEnd(text, i+1)
		if quote < 0 {
			return v.readOdd(text, body, i, d)
		}
		switch v.member {
		case "":
		case memberKey:
			d.Key = text[i+1 : quote]
		case memberValue:
			d.Value = text[i+1 : quote]
		default:
			return v.readOdd(text, body, i, d)
		}
		return quote + 1, true
	}
	number, end := feed.PlainInteger(text, i)
	if end == i {
		return v.readOdd(text, body, i, d)
	}
	switch v.member {
	case "":
	case memberPartition:
		d.Origin.Partition = int(number)
		return end, number <= mostPartition
	case memberOffset:
		d.Origin.Offset = number
	case memberTimestamp:
		d.Timestamp = number
	default:
		return v.readOdd(text, body, i, d)
	}
	return end, true
}

// readOdd reads a value that is no plain string and no plain number, or stands where such a one is unusual.
func (v *value) readOdd(text string, body []byte, i int, d *feed.Delivery) (end int, ok bool) {
	end = valueEnd(body, i)
	raw := body[i:end]
	if !json.Valid(raw) {
		return 0, false
	}
	var err error
	switch v.member {
	case memberTopic:
		d.Origin.Topic, err = readString(raw)
		ok = d.Origin.Topic != ""
		return end, ok && err == nil
	case memberPartition:
		var number int64
		number, err = readInteger(raw, 32)
		d.Origin.Partition = int(number)
		return end, err == nil && number >= 0
	case memberOffset:
		d.Origin.Offset, err = readInteger(raw, 64)
		return end, err == nil && d.Origin.Offset >= 0
	case memberTimestamp:
		d.Timestamp, err = readTimestamp(raw)
	case memberHeaders:
		readHeaders(raw, d)
	case memberKey:
		d.Key, err = readString(raw)
	case memberValue:
		if isCompact(raw) {
			d.Value, d.Form = text[i:end], feed.Parsed
			return end, true
		}
		err = readValue(raw, d)
	}
	return end, err == nil
}

// isCompact reports whether a JSON object or array is without white space, and the same when compacted.
func isCompact(raw []byte) bool {
	if raw[0] != '{' && raw[0] != '[' {
		return false
	}
	for _, c := range raw {
		if c <= ' ' {
			return false
		}
	}
	return true
}
