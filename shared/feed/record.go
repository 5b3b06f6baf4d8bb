package feed

import (
	"encoding/json"
	"fmt"
	"strconv"
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
	dst = append(dst, `{"rowKey":"`...)
	from := len(dst)
	dst = AppendEscaped(dst, r.Sender)
	bar := len(dst)
	dst = append(dst, '|')
	dst = AppendEscaped(dst, r.StockCode)
	end := len(dst)
	dst = append(dst, `","sender":"`...)
	dst = append(dst, dst[from:bar]...)
	dst = append(dst, `","stockCode":"`...)
	dst = append(dst, dst[bar+1:end]...)
	dst = append(dst, '"')
	dst = append(dst, `,"stockName":`...)
	if r.Matched {
		dst = appendString(dst, r.StockName)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"lastPrice":`...)
	if r.LastPrice != nil {
		dst = append(dst, '"')
		dst = r.LastPrice.Append(dst)
		dst = append(dst, '"')
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"timestamp":"`...)
	dst = AppendTime(dst, r.Time)
	dst = append(dst, `","matched":`...)
	dst = strconv.AppendBool(dst, r.Matched)
	dst = append(dst, `,"referenceVersion":`...)
	dst = appendString(dst, r.ReferenceVersion)
	dst = append(dst, `,"origin":{"topic":`...)
	dst = appendString(dst, r.Origin.Topic)
	dst = append(dst, `,"partition":`...)
	dst = strconv.AppendInt(dst, int64(r.Origin.Partition), 10)
	dst = append(dst, `,"offset":`...)
	dst = strconv.AppendInt(dst, r.Origin.Offset, 10)
	return append(dst, "}}"...)
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

func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = AppendEscaped(dst, s)
	return append(dst, '"')
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
