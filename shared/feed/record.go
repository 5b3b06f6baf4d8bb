package feed

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"
)

// AppendJSON appends the record as one line of JSON, without a newline, in the member order of the
// output topic:
//
//	{"rowKey":"192.168.2.17|2318.HK","sender":"192.168.2.17","stockCode":"2318.HK",
//	 "stockName":"Ping An Insurance","lastPrice":"78.25","timestamp":"2020-11-19T04:40:51.123Z",
//	 "matched":true,"referenceVersion":"20261123T021500Z-3f2a91c4",
//	 "origin":{"topic":"feed-updates","partition":3,"offset":25}}
//
// Prices are strings in plain notation; an unmatched record has stockName and lastPrice null.
func (r *Record) AppendJSON(dst []byte) []byte {
	dst, _ = r.AppendLine(dst)
	return dst
}

// Places are where a line, counted from its first byte, has what the headers of its message repeat: the event
// time up to BehindTime, the partition up to BehindPartition, the offset up to BehindOffset, with which the line ends.
type Places struct{ Time, BehindTime, Partition, Offset int }

// What stands behind parts of a line.
const (
	BehindPartition = `,"offset":`
	BehindOffset    = `}}`
)

// What stands between the parts of a line that are different in each.
var (
	beforeRowKey    = LiteralOf(`{"rowKey":"`)
	beforeSender    = LiteralOf(`","sender":"`)
	beforeCode      = LiteralOf(`","stockCode":"`)
	beforeName      = LiteralOf(`","stockName":"`)
	behindName      = LiteralOf(`","lastPrice":`)
	noName          = LiteralOf(`","stockName":null,"lastPrice":`)
	behindPrice     = LiteralOf(`","timestamp":"`)
	noPrice         = LiteralOf(`null,"timestamp":"`)
	behindPartition = LiteralOf(BehindPartition)
)

// lineRoom bounds what of a line does not depend on its texts: some 150 bytes between the parts, the time, 20 bytes
// for each number, and what a literal is copied too far.
const lineRoom = 150 + 2*timeBytes + 3*20 + Wide

// AppendLine appends what AppendJSON does, and says where parts of it stand.
func (r *Record) AppendLine(dst []byte) ([]byte, Places) {
	name := r.jsonName()
	sender, code := escaped(r.Sender), escaped(r.StockCode)
	behind := r.middle()
	first := len(dst)
	dst = slices.Grow(dst, lineRoom+2*len(sender)+2*len(code)+len(name)+len(behind))
	dst = dst[:cap(dst)]

	at := beforeRowKey.Put(dst, first)
	at += copy(dst[at:], sender)
	dst[at] = '|'
	at++
	at += copy(dst[at:], code)
	at = beforeSender.Put(dst, at)
	at += copy(dst[at:], sender)
	at = beforeCode.Put(dst, at)
	at += copy(dst[at:], code)
	at = r.putEntry(dst, at, name)

	places := Places{Time: at - first}
	at = len(AppendTime(dst[:at], r.Time)) // of years beyond 9999 it is longer
	places.BehindTime = at - first
	at += copy(dst[at:], behind)
	places.Partition = at - first
	at = behindPartition.Put(dst, putInt(dst, at, int64(r.Origin.Partition)))
	places.Offset = at - first
	at = putInt(dst, at, r.Origin.Offset)
	at += copy(dst[at:], BehindOffset)
	return dst[:at], places
}

// putInt writes a number at a place, from which on there is room for any, and returns the place behind it.
func putInt(dst []byte, at int, n int64) int {
	if n < 0 {
		return len(strconv.AppendInt(dst[:at], n, 10))
	}
	size := 1
	for limit := int64(10); n >= limit && size < 18; limit *= 10 {
		size++
	}
	if size == 18 {
		return len(strconv.AppendInt(dst[:at], n, 10))
	}
	end := at + size
	i := end
	for ; n >= 10; n /= 100 {
		i -= 2
		*(*[2]byte)(dst[i:]) = upToHundred[n%100]
	}
	if i > at {
		dst[at] = byte('0' + n)
	}
	return end
}

// middle is what stands between time and partition. It is the same in all records of a push that are matched, and
// in all others.
type middle struct{ version, topic, text string }

// lastMiddles are the ones that were written last, of records unmatched and matched.
var lastMiddles [2]atomic.Pointer[middle]

func (r *Record) middle() string {
	remembered := &lastMiddles[0]
	if r.Matched {
		remembered = &lastMiddles[1]
	}
	if last := remembered.Load(); last != nil && last.version == r.ReferenceVersion && last.topic == r.Origin.Topic {
		return last.text
	}
	text := strconv.AppendBool([]byte(`","matched":`), r.Matched)
	text = AppendEscaped(append(text, `,"referenceVersion":"`...), r.ReferenceVersion)
	text = AppendEscaped(append(text, `","origin":{"topic":"`...), r.Origin.Topic)
	made := &middle{
		version: strings.Clone(r.ReferenceVersion), topic: strings.Clone(r.Origin.Topic), // they may lie in a body that goes
		text: string(append(text, `","partition":`...)),
	}
	remembered.Store(made)
	return made.text
}

// jsonName is the name of the stock as the inside of a JSON string.
func (r *Record) jsonName() string {
	if r.Forms != nil {
		return r.Forms.JSON()
	}
	return escaped(r.StockName)
}

// putEntry writes what the reference knows of the stock, its name as it stands in JSON.
func (r *Record) putEntry(dst []byte, at int, name string) int {
	if r.Matched {
		at = beforeName.Put(dst, at)
		at += copy(dst[at:], name)
		at = behindName.Put(dst, at)
	} else {
		at = noName.Put(dst, at)
	}
	if r.LastPrice == nil {
		return noPrice.Put(dst, at)
	}
	dst[at] = '"'
	at++
	if r.Forms != nil {
		at += copy(dst[at:], r.Forms.Price())
	} else {
		at = len(r.LastPrice.Append(dst[:at]))
	}
	return behindPrice.Put(dst, at)
}

// escaped is a text as the inside of a JSON string.
func escaped(s string) string {
	if without(s, '"', '\\') {
		return s
	}
	return string(AppendEscaped(nil, s))
}

// MarshalJSON makes a record inside any other JSON document look as AppendJSON writes it.
func (r Record) MarshalJSON() ([]byte, error) { return r.AppendJSON(nil), nil }

// UnmarshalJSON reads what AppendJSON wrote. Unknown members are ignored.
func (r *Record) UnmarshalJSON(data []byte) error {
	var wire struct {
		Sender           *string   `json:"sender"`
		StockCode        *string   `json:"stockCode"`
		StockName        *string   `json:"stockName"`
		LastPrice        *string   `json:"lastPrice"`
		Timestamp        time.Time `json:"timestamp"`
		Matched          bool      `json:"matched"`
		ReferenceVersion string    `json:"referenceVersion"`
		Origin           struct {
			Topic     string `json:"topic"`
			Partition int    `json:"partition"`
			Offset    int64  `json:"offset"`
		} `json:"origin"`
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return fmt.Errorf("read record: %w", err)
	}
	if wire.Sender == nil || wire.StockCode == nil || wire.Timestamp.IsZero() {
		return fmt.Errorf("read record %s: sender, stockCode and timestamp are required", clip(string(data)))
	}
	*r = Record{
		Update:           Update{Sender: *wire.Sender, StockCode: *wire.StockCode, Time: wire.Timestamp.UnixMilli()},
		Origin:           Origin(wire.Origin),
		Matched:          wire.Matched,
		ReferenceVersion: wire.ReferenceVersion,
	}
	if wire.StockName != nil {
		r.StockName = *wire.StockName
	}
	if wire.LastPrice != nil {
		price, err := ParsePrice(*wire.LastPrice)
		if err != nil {
			return fmt.Errorf("read record: %w", err)
		}
		r.LastPrice = &price
	}
	return nil
}

// AppendEscaped appends s as the inside of a JSON string. Bytes that are not UTF-8 become U+FFFD,
// as in encoding/json; '<', '>' and '&' stay as they are.
func AppendEscaped(dst []byte, s string) []byte {
	if without(s, '"', '\\') {
		return append(dst, s...)
	}
	const hex = "0123456789abcdef"
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			if r, size := utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		dst = append(dst, s[start:i]...)
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c < 0x20:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
		default:
			dst = utf8.AppendRune(dst, utf8.RuneError)
		}
		i++
		start = i
	}
	return append(dst, s[start:]...)
}

// Wide bounds a Literal, and is how much of it is copied.
const Wide = 32

// Literal is a short text that stands again and again between others. It is copied with what lies behind it,
// always as much, which costs less than to copy just the text. What comes next is written over the rest.
type Literal struct {
	text [Wide]byte
	size int
}

// LiteralOf returns a text of at most Wide bytes as a literal. A longer one is a mistake of the program: it panics.
func LiteralOf(text string) *Literal {
	l := &Literal{size: len(text)}
	if copy(l.text[:], text) < len(text) {
		panic("feed: a literal is too long: " + text)
	}
	return l
}

// Put writes the literal at a place, from which on dst has at least Wide bytes, and returns the place behind it.
func (l *Literal) Put(dst []byte, at int) int {
	*(*[Wide]byte)(dst[at:]) = l.text
	return at + l.size
}

// Repeat writes what dst has at another place once more, and returns the place behind it. There are at least Wide
// bytes from either on.
func Repeat(dst []byte, at, from, size int) int {
	if size <= Wide {
		*(*[Wide]byte)(dst[at:]) = *(*[Wide]byte)(dst[from:])
	} else {
		copy(dst[at:], dst[from:from+size])
	}
	return at + size
}
