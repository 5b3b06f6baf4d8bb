// Package reference is the reference data of the join: how documents of the source are admitted,
// the immutable snapshot they become, the manifest that announces it, and the cache through which a
// function reads it.
//
//	source documents -> Admission -> Encode -> Announcer: object first, manifest last
//	manifest -> Cache: verify, swap -> Snapshot.Lookup
//
// Object stores and sources are ports; nothing here knows a client library.
package reference

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"feedstream/shared/feed"
)

// Format names the snapshot format below. It stands in the manifest and in the first line of the
// object, so that a later format can live beside it:
//
//	feedstream.snapshot.v1 TAB <number of entries> LF
//	<stock code> TAB <price, or nothing> TAB <name> LF      sorted by code, each code once
//
// Names hold no control characters (admission sees to it), so nothing is escaped. Equal entries
// give equal bytes.
const Format = "feedstream.snapshot.v1"

// Snapshot is one immutable state of the reference. It is safe for concurrent use.
type Snapshot struct {
	version string
	entries map[string]feed.Entry
}

// Version names the snapshot: <UTC yyyymmddThhmmssZ>-<first 8 hex of the content's sha256>.
func (s *Snapshot) Version() string { return s.version }

// Len returns the number of entries.
func (s *Snapshot) Len() int { return len(s.entries) }

// Lookup returns the entry of a stock code. Codes are case-sensitive.
func (s *Snapshot) Lookup(code string) (feed.Entry, bool) {
	entry, ok := s.entries[code]
	return entry, ok
}

// Encode returns the snapshot's bytes. The entries must have passed admission.
func Encode(entries map[string]feed.Entry) []byte {
	codes := make([]string, 0, len(entries))
	for code := range entries {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\t%d\n", Format, len(codes))
	for _, code := range codes {
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

// Decode reads what Encode wrote and accepts nothing else: every other byte sequence is an error
// that names the line.
func Decode(version string, body []byte) (*Snapshot, error) {
	text := string(body) // one copy; the entries share it
	header, rest, ok := strings.Cut(text, "\n")
	count, isCurrent := strings.CutPrefix(header, Format+"\t")
	if !ok || !isCurrent {
		return nil, fmt.Errorf("snapshot %s: the first line is not %s and a count", version, Format)
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > len(rest) || strconv.Itoa(n) != count {
		return nil, fmt.Errorf("snapshot %s: the count %q in the first line is wrong", version, count)
	}
	s := &Snapshot{version: version, entries: make(map[string]feed.Entry, n)}
	previous := ""
	for line := 2; rest != ""; line++ {
		var row string
		if row, rest, ok = strings.Cut(rest, "\n"); !ok {
			return nil, fmt.Errorf("snapshot %s: line %d is cut off", version, line)
		}
		code, entry, err := decodeLine(row)
		if err != nil {
			return nil, fmt.Errorf("snapshot %s: line %d: %w", version, line, err)
		}
		if code <= previous {
			return nil, fmt.Errorf("snapshot %s: line %d: the code %q is not after %q", version, line, code, previous)
		}
		s.entries[code], previous = entry, code
	}
	if len(s.entries) != n {
		return nil, fmt.Errorf("snapshot %s: %d entries instead of %d", version, len(s.entries), n)
	}
	return s, nil
}

func decodeLine(row string) (code string, entry feed.Entry, err error) {
	code, rest, _ := strings.Cut(row, "\t")
	price, name, ok := strings.Cut(rest, "\t")
	if !ok {
		return "", entry, fmt.Errorf("not three fields")
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
