package feed

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// ValueForm says in which form the trigger handed the value over. The names are those of the
// quarantine header feed-value-form.
type ValueForm string

const (
	// Text: the value came as a JSON string.
	Text ValueForm = "text"
	// Parsed: the platform had parsed the value; Delivery.Value is its compact JSON.
	Parsed ValueForm = "parsed"
	// Lossy: the text contains U+FFFD, so the platform decoded bytes that were not UTF-8. The true
	// bytes are at the origin offset while the input topic keeps them.
	Lossy ValueForm = "lossy"
	// Cut stands on a record set aside only: key or value was too large for the topic, and what is there
	// is the beginning. The whole is at the origin offset while the input topic keeps it.
	Cut ValueForm = "cut"
)

// Delivery is one input record as the trigger handed it over.
type Delivery struct {
	Origin    Origin
	Timestamp int64 // Kafka record timestamp, epoch milliseconds; 0 when the event carries none
	// Key and Value are empty when absent or null; the checks treat the three alike.
	Key   string
	Value string
	Form  ValueForm
	// Redrives counts how often the record was taken out of the quarantine and sent again.
	Redrives int
	// Traceparent is the input record's header of that name; empty when it has none that is well-formed.
	Traceparent string
	// Undecodable, when not empty, says why the data of an element with readable coordinates
	// could not be read. Value then holds the element's bytes.
	Undecodable string
}

const (
	// MaxKeyBytes bounds the Kafka key, the sender's address.
	MaxKeyBytes = 256
	// MinTime is the earliest event time accepted, 2000-01-01T00:00:00Z, in epoch milliseconds.
	MinTime = 946_684_800_000
	// MaxAhead is how far ahead of the clock an event time may lie. The event time is the cell
	// timestamp: one from the far future would win over every later event for ever.
	MaxAhead = 5 * time.Minute
)

// Update checks the delivery and returns its update, or the rejection with the first reason that
// applies. Exactly one of the two is meaningful: the rejection is nil when the update is valid.
func (d *Delivery) Update(now time.Time) (Update, *Rejection) {
	if d.Undecodable != "" {
		return Update{}, reject(UndecodableEvent, "%s", d.Undecodable)
	}
	if r := checkKey(d.Key); r != nil {
		return Update{}, r
	}
	if d.Value == "" {
		return Update{}, reject(MissingValue, "the value is absent, null or empty")
	}
	raw, r := d.parse()
	if r != nil {
		return Update{}, r
	}
	if !ValidStockCode(raw.code) {
		return Update{}, reject(InvalidStockCode, "stock code %q does not match [0-9A-Za-z._-]{1,32}", clip(raw.code))
	}
	ms, err := parseTimestamp(raw.timestamp)
	if err != nil {
		return Update{}, reject(InvalidTimestamp, "timestamp %q %v", clip(raw.timestamp), err)
	}
	if ms < MinTime {
		return Update{}, reject(InvalidTimestamp, "timestamp %s lies before 2000-01-01 (a time in seconds does, read as milliseconds)",
			clip(raw.timestamp))
	}
	if ms > now.UnixMilli()+MaxAhead.Milliseconds() {
		return Update{}, reject(FutureTimestamp, "timestamp %s is more than %s ahead of the clock, %s",
			clip(raw.timestamp), MaxAhead, FormatTime(now.UnixMilli()))
	}
	return Update{Sender: d.Key, StockCode: raw.code, Time: ms}, nil
}

func checkKey(key string) *Rejection {
	if key == "" {
		return reject(MissingKey, "the key is absent, null or empty")
	}
	if len(key) > MaxKeyBytes {
		return reject(InvalidKey, "the key has %d bytes, at most %d are allowed", len(key), MaxKeyBytes)
	}
	if plainASCII(key) {
		return nil
	}
	if !utf8.ValidString(key) || strings.ContainsRune(key, utf8.RuneError) {
		return reject(InvalidKey, "the key is not UTF-8")
	}
	if strings.Contains(key, "|") {
		return reject(InvalidKey, "the key %q contains '|', which separates sender and stock code in the row key", clip(key))
	}
	if strings.ContainsFunc(key, unicode.IsControl) {
		return reject(InvalidKey, "the key %q contains a control character", clip(key))
	}
	return nil
}

// plainASCII decides the common case: printable ASCII without '|'.
func plainASCII(s string) bool { return without(s, '|', 0x7f) }

// ValidStockCode reports whether code matches [0-9A-Za-z._-]{1,32}. Codes are case-sensitive.
func ValidStockCode(code string) bool {
	if len(code) == 0 || len(code) > 32 {
		return false
	}
	for i := range len(code) {
		if !inCodes[code[i]] {
			return false
		}
	}
	return true
}

// inCodes are the bytes of stock codes.
var inCodes = func() (in [256]bool) {
	for _, c := range []byte("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz._-") {
		in[c] = true
	}
	return in
}()
