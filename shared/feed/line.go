package feed

import (
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
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
	beforeRowKey    = literalOf(`{"rowKey":"`)
	beforeSender    = literalOf(`","sender":"`)
	beforeCode      = literalOf(`","stockCode":"`)
	beforeName      = literalOf(`","stockName":"`)
	behindName      = literalOf(`","lastPrice":`)
	noName          = literalOf(`","stockName":null,"lastPrice":`)
	behindPrice     = literalOf(`","timestamp":"`)
	noPrice         = literalOf(`null,"timestamp":"`)
	behindPartition = literalOf(BehindPartition)
)

// lineRoom bounds what of a line does not depend on its texts: some 150 bytes between the parts, the time, 20 bytes
// for each number, and what a literal is copied too far.
const lineRoom = 150 + 2*timeBytes + 3*20 + literalBytes

// AppendLine appends what AppendJSON does, and says where parts of it stand.
func (r *Record) AppendLine(dst []byte) ([]byte, Places) {
	name := r.jsonName()
	sender, code := escaped(r.Sender), escaped(r.StockCode)
	behind := r.middle()
	first := len(dst)
	dst = slices.Grow(dst, lineRoom+2*len(sender)+2*len(code)+len(name)+len(behind))
	dst = dst[:cap(dst)]

	at := beforeRowKey.put(dst, first)
	at += copy(dst[at:], sender)
	dst[at] = '|'
	at++
	at += copy(dst[at:], code)
	at = beforeSender.put(dst, at)
	at += copy(dst[at:], sender)
	at = beforeCode.put(dst, at)
	at += copy(dst[at:], code)
	at = r.putEntry(dst, at, name)

	places := Places{Time: at - first}
	at = len(AppendTime(dst[:at], r.Time)) // of years beyond 9999 it is longer
	places.BehindTime = at - first
	at += copy(dst[at:], behind)
	places.Partition = at - first
	at = behindPartition.put(dst, len(strconv.AppendInt(dst[:at], int64(r.Origin.Partition), 10)))
	places.Offset = at - first
	return append(strconv.AppendInt(dst[:at], r.Origin.Offset, 10), BehindOffset...), places
}

// middle is what stands between time and partition. It is the same in all records of a push, but for whether they
// are matched.
type middle struct {
	matched        bool
	version, topic string
	text           string
}

// lastMiddle is the one that was written last.
var lastMiddle atomic.Pointer[middle]

func (r *Record) middle() string {
	last := lastMiddle.Load()
	if last != nil && last.matched == r.Matched && last.version == r.ReferenceVersion && last.topic == r.Origin.Topic {
		return last.text
	}
	text := strconv.AppendBool([]byte(`","matched":`), r.Matched)
	text = AppendEscaped(append(text, `,"referenceVersion":"`...), r.ReferenceVersion)
	text = AppendEscaped(append(text, `","origin":{"topic":"`...), r.Origin.Topic)
	made := &middle{
		matched: r.Matched, version: strings.Clone(r.ReferenceVersion), topic: strings.Clone(r.Origin.Topic), // of a body that may go
		text: string(append(text, `","partition":`...)),
	}
	lastMiddle.Store(made)
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
		at = beforeName.put(dst, at)
		at += copy(dst[at:], name)
		at = behindName.put(dst, at)
	} else {
		at = noName.put(dst, at)
	}
	if r.LastPrice == nil {
		return noPrice.put(dst, at)
	}
	dst[at] = '"'
	at++
	if r.Forms != nil {
		at += copy(dst[at:], r.Forms.Price())
	} else {
		at = len(r.LastPrice.Append(dst[:at]))
	}
	return behindPrice.put(dst, at)
}

// escaped is a text as the inside of a JSON string.
func escaped(s string) string {
	if without(s, '"', '\\') {
		return s
	}
	return string(AppendEscaped(nil, s))
}

// literalBytes bounds a literal. Each is copied whole, which costs less than to copy just as much as there is;
// what comes behind it is written over the rest.
const literalBytes = 32

type literal struct {
	text [literalBytes]byte
	size int
}

func literalOf(text string) *literal {
	l := &literal{size: len(text)}
	if copy(l.text[:], text) < len(text) {
		panic("feed: a literal is too long: " + text) // at the start of the program, never later
	}
	return l
}

// put writes the literal at a place, where there is room for a whole one, and returns the place behind it.
func (l *literal) put(dst []byte, at int) int {
	*(*[literalBytes]byte)(dst[at:]) = l.text
	return at + l.size
}
