package trigger

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// The scanner takes JSON apart without reading what lies inside: a value nested deeper than the decoders
// go must not take its push with it, and members that stand twice must be seen. It looks at strings,
// brackets and separators alone, so everything else is checked beside it.

// maxDepth is how deep the decoders go.
const maxDepth = 10_000

// valid reports whether b is JSON, or too deeply nested for anyone to say.
func valid(b []byte) bool { return json.Valid(b) || depth(b) > maxDepth }

// depth is how deep arrays and objects are nested.
func depth(b []byte) (most int) {
	now := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			i = stringEnd(b, i) - 1
		case '[', '{':
			now++
			most = max(most, now)
		case ']', '}':
			now--
		}
	}
	return most
}

// stringEnd returns the index behind the string that begins at i.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// valueEnd returns the index behind the value that begins at i.
func valueEnd(b []byte, i int) int {
	open := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = stringEnd(b, i)
		case '[', '{':
			open++
			i++
		case ']', '}':
			if open == 0 {
				return i // the end of what the value lies in
			}
			open--
			i++
		case ',', ' ', '\t', '\r', '\n':
			if open == 0 {
				return i
			}
			i++
			continue
		default:
			i++
			continue // a number or a word goes on
		}
		if open == 0 {
			return i
		}
	}
	return len(b)
}

func skipSpace(b []byte, i int) int {
	for ; i < len(b); i++ {
		switch b[i] {
		case ' ', '\t', '\r', '\n':
		default:
			return i
		}
	}
	return i
}

var errNoList = errors.New("its brackets and commas do not fit")

// list walks over what stands between two brackets. Each item begins at the index handed to read, which
// returns the index behind it.
func list(b []byte, opening, closing byte, read func(i int) (int, error)) error {
	i := skipSpace(b, 0)
	if i == len(b) || b[i] != opening {
		return fmt.Errorf("it does not begin with %c", opening)
	}
	i = skipSpace(b, i+1)
	for first := true; i < len(b) && (b[i] != closing || !first); first = false {
		end, err := read(i)
		if err != nil {
			return err
		}
		if i = skipSpace(b, end); end == len(b) || i == len(b) {
			return errNoList
		}
		if b[i] == closing {
			break
		}
		if b[i] != ',' {
			return errNoList
		}
		i = skipSpace(b, i+1)
	}
	if i == len(b) || skipSpace(b, i+1) != len(b) {
		return errNoList
	}
	return nil
}

// elements returns the elements of an array.
func elements(array []byte) (all [][]byte, err error) {
	err = list(array, '[', ']', func(i int) (int, error) {
		end := valueEnd(array, i)
		if end == i {
			return 0, errNoList
		}
		all = append(all, array[i:end])
		return end, nil
	})
	return all, err
}

// members calls found with each member of an object, in order. The names are in lower case, as the
// decoders do not tell cases apart either.
func members(object []byte, found func(name string, value []byte)) error {
	return spans(object, func(name []byte, from, to int) error {
		text, err := readString(name)
		if err != nil {
			return fmt.Errorf("read the name of a member: %w", err)
		}
		found(lower(text), object[from:to])
		return nil
	})
}

// spans calls found with each member of an object, in order: its name as it is written, quotes included, and
// where its value lies.
func spans(object []byte, found func(name []byte, from, to int) error) error {
	return list(object, '{', '}', func(i int) (int, error) {
		if object[i] != '"' {
			return 0, errNoList
		}
		end := stringEnd(object, i)
		name := object[i:end]
		i = skipSpace(object, end)
		if i == len(object) || object[i] != ':' {
			return 0, errNoList
		}
		i = skipSpace(object, i+1)
		end = valueEnd(object, i)
		if end == i {
			return 0, errNoList
		}
		return end, found(name, i, end)
	})
}

// lower changes ASCII letters alone: no other letter is one of ours.
func lower(name string) string {
	if strings.IndexFunc(name, func(r rune) bool { return 'A' <= r && r <= 'Z' }) < 0 {
		return name
	}
	b := []byte(name)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
