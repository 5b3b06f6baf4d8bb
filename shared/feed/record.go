package feed

import (
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"
)

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
