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
