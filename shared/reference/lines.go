package reference

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"feedstream/shared/feed"
)

// FormatV1 is the format of earlier releases, which is still read:
//
//	feedstream.snapshot.v1 TAB <number of entries> LF
//	<stock code> TAB <price, or nothing> TAB <name> LF      sorted by code, each code once
//
// Names hold no control characters (admission sees to it), so nothing is escaped.
const FormatV1 = "feedstream.snapshot.v1"

// EncodeV1 returns the entries in FormatV1. Nothing new is written in it; a damaged object that was is
// written again.
func EncodeV1(entries map[string]feed.Entry) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\t%d\n", FormatV1, len(entries))
	for _, code := range slices.Sorted(maps.Keys(entries)) {
		entry := entries[code]
		b.WriteString(code)
		b.WriteByte('\t')
		if entry.Price != nil {
			b.WriteString(entry.Price.String())
		}
		b.WriteByte('\t')
		b.WriteString(entry.Name)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// decodeV1 accepts what EncodeV1 writes and nothing else; an error names the line.
func decodeV1(body []byte) (map[string]feed.Entry, error) {
	text := string(body) // one copy; the entries share it
	header, rest, ok := strings.Cut(text, "\n")
	count, isV1 := strings.CutPrefix(header, FormatV1+"\t")
	if !ok || !isV1 {
		return nil, fmt.Errorf("the first line is not %s and a count", FormatV1)
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > len(rest) || strconv.Itoa(n) != count {
		return nil, fmt.Errorf("the count %q in the first line is wrong", count)
	}
	entries := make(map[string]feed.Entry, n)
	previous := ""
	for line := 2; rest != ""; line++ {
		var row string
		if row, rest, ok = strings.Cut(rest, "\n"); !ok {
			return nil, fmt.Errorf("line %d is cut off", line)
		}
		code, entry, err := decodeLine(row)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if code <= previous {
			return nil, fmt.Errorf("line %d: the code %q is not after %q", line, code, previous)
		}
		entries[code], previous = entry, code
	}
	if len(entries) != n {
		return nil, fmt.Errorf("%d entries instead of %d", len(entries), n)
	}
	return entries, nil
}

func decodeLine(row string) (code string, entry feed.Entry, err error) {
	code, rest, _ := strings.Cut(row, "\t")
	price, name, ok := strings.Cut(rest, "\t")
	if !ok {
		return "", entry, errors.New("not three fields")
	}
	if !feed.ValidStockCode(code) {
		return "", entry, fmt.Errorf("%q is no stock code", code)
	}
	if err := checkName(name); err != nil {
		return "", entry, err
	}
	entry.Name = name
	if price == "" {
		return code, entry, nil
	}
	amount, err := feed.ParsePrice(price)
	if err != nil {
		return "", entry, err
	}
	if amount.String() != price || amount < 0 {
		return "", entry, fmt.Errorf("the price %q is not in canonical form", price)
	}
	entry.Price = &amount
	return code, entry, nil
}
