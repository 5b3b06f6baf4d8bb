package stream

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"
)

// MaxBody bounds the body of a synchronous push, and of any synchronous invocation.
const MaxBody = 32 << 20

// envelopeBytes is about what surrounds the key and the value of an event.
const envelopeBytes = 480

// eventBytes estimates the size of an event before it is encoded.
func eventBytes(r *kgo.Record) int {
	n := envelopeBytes + len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value) + 20
	}
	return n
}

// encoder writes events as the event stream does. Source: "Event formats", ApsaraMQ for Kafka
// trigger, and the event stream's EventSchema setting.
//
// Not documented, and chosen here: headers as {"key","value"} objects, null for a null key or value.
type encoder struct {
	account, instance string
	rawData           bool
	textOnly          bool // values are written as strings, whatever they hold
}

// push encodes records from the front until the body is full and says how many it took, at least one.
func (e encoder) push(records []*kgo.Record) (body []byte, taken int) {
	body = append(make([]byte, 0, 600*len(records)), '[')
	for i, r := range records {
		before := len(body)
		if i > 0 {
			body = append(body, ',')
		}
		body = e.event(body, r)
		if len(body) >= MaxBody && i > 0 {
			return append(body[:before], ']'), i
		}
	}
	return append(body, ']'), len(records)
}

// AppendEvent appends what a push holds of one record: a CloudEvent, or in the RawData form its data alone.
// Whoever must know what a function makes of a record hands this to the function's own decoder.
func AppendEvent(dst []byte, r *kgo.Record, rawData bool) []byte {
	return encoder{rawData: rawData}.event(dst, r)
}

// IsText says of a value at one look that it reaches the function as a string of the same text: it is
// printable ASCII and begins as no JSON does. Nearly every value of a feed is.
func IsText(value []byte) bool {
	for _, c := range value {
		if c < 0x20 || c >= 0x7f {
			return false
		}
	}
	return !mayBeJSON(value)
}

func (e encoder) event(dst []byte, r *kgo.Record) []byte {
	if e.rawData {
		return e.data(dst, r)
	}
	dst = append(dst, `{"specversion":"1.0","id":"`...)
	dst = append(dst, r.Topic...)
	dst = append(dst, '-')
	dst = strconv.AppendInt(dst, int64(r.Partition), 10)
	dst = append(dst, '-')
	dst = strconv.AppendInt(dst, r.Offset, 10)
	dst = append(dst, `","source":"acs:alikafka","type":"alikafka:Topic:Message","subject":"acs:`...)
	dst = append(dst, e.instance...)
	dst = append(dst, ":topic:"...)
	dst = append(dst, r.Topic...)
	dst = append(dst, `","datacontenttype":"application/json; charset=utf-8","time":"`...)
	dst = r.Timestamp.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
	dst = append(dst, `","aliyunaccountid":"`...)
	dst = append(dst, e.account...)
	dst = append(dst, `","data":`...)
	dst = e.data(dst, r)
	return append(dst, '}')
}

func (e encoder) data(dst []byte, r *kgo.Record) []byte {
	dst = append(dst, `{"topic":"`...)
	dst = append(dst, r.Topic...)
	dst = append(dst, `","partition":`...)
	dst = strconv.AppendInt(dst, int64(r.Partition), 10)
	dst = append(dst, `,"offset":`...)
	dst = strconv.AppendInt(dst, r.Offset, 10)
	dst = append(dst, `,"timestamp":`...)
	dst = strconv.AppendInt(dst, r.Timestamp.UnixMilli(), 10)
	dst = append(dst, `,"headers":{"headers":[`...)
	for i, h := range r.Headers {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"key":`...)
		dst = appendString(dst, []byte(h.Key))
		dst = append(dst, `,"value":`...)
		dst = appendText(dst, h.Value)
		dst = append(dst, '}')
	}
	dst = append(dst, `],"isReadOnly":false},"key":`...)
	dst = appendText(dst, r.Key)
	dst = append(dst, `,"value":`...)
	if e.textOnly {
		dst = appendText(dst, r.Value)
	} else {
		dst = appendValue(dst, r.Value)
	}
	return append(dst, '}')
}

// appendValue renders a value as the stream's default data format does: bytes decoded as UTF-8 and
// parsed as JSON; what is no JSON is a string.
func appendValue(dst, value []byte) []byte {
	if value == nil {
		return append(dst, "null"...)
	}
	if mayBeJSON(value) {
		text := bytes.ToValidUTF8(value, []byte("\uFFFD"))
		var compact bytes.Buffer
		if json.Compact(&compact, text) == nil {
			return append(dst, compact.Bytes()...)
		}
	}
	return appendString(dst, value)
}

// mayBeJSON saves the parser a look at the plain text that most values are.
func mayBeJSON(value []byte) bool {
	trimmed := bytes.TrimLeft(value, " \t\r\n")
	if len(trimmed) == 0 {
		return false
	}
	switch c := trimmed[0]; c {
	case '{', '[', '"', 't', 'f', 'n', '-':
		return true
	default:
		return '0' <= c && c <= '9' && !bytes.ContainsRune(value, ',')
	}
}

func appendText(dst, text []byte) []byte {
	if text == nil {
		return append(dst, "null"...)
	}
	return appendString(dst, text)
}

// appendString writes a JSON string; bytes that are not UTF-8 become U+FFFD.
func appendString(dst, text []byte) []byte {
	for _, c := range text {
		if c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			encoded, _ := json.Marshal(string(text)) // a string always marshals
			return append(dst, encoded...)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, text...)
	return append(dst, '"')
}
