package repair

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"feedstream/shared/feed"
)

// Mend is what is done to every record before it is sent again, in the order of the fields.
type Mend struct {
	// Replace replaces texts in key and value.
	Replace []Replacement
	// Trim takes white space and control characters off both ends of the key and of what the value holds.
	Trim bool
	// Set sets the key, the whole value, or a member of either form of value.
	Set []Assignment
	// Edit, when not nil, gets all records as lines of JSON and returns what they shall be. A line that it
	// leaves out is a record that is not redriven.
	Edit Editor
}

// Replacement is one text in the place of another.
type Replacement struct{ Old, New string }

// Assignment gives a member its value. Member is "key" (or "sender", which it is), "value" for all of it,
// or a member of the value: "stockCode" and "timestamp" in either form, others in JSON alone.
type Assignment struct{ Member, Value string }

// AddReplacement adds one that is written as "old=new".
func (m *Mend) AddReplacement(s string) error {
	before, after, found := strings.Cut(s, "=")
	if !found || before == "" {
		return fmt.Errorf("%q is not old=new", s)
	}
	m.Replace = append(m.Replace, Replacement{before, after})
	return nil
}

// AddAssignment adds one that is written as "member=value".
func (m *Mend) AddAssignment(s string) error {
	member, value, found := strings.Cut(s, "=")
	if !found || member == "" {
		return fmt.Errorf("%q is not member=value", s)
	}
	m.Set = append(m.Set, Assignment{member, value})
	return nil
}

// content is what a record says: nothing and empty are the same to the feed.
type content struct{ key, value string }

// apply does everything but the editing.
func (m *Mend) apply(c content) (content, error) {
	for _, r := range m.Replace {
		c = content{strings.ReplaceAll(c.key, r.Old, r.New), strings.ReplaceAll(c.value, r.Old, r.New)}
	}
	if m.Trim {
		c = content{trim(c.key), trimValue(c.value)}
	}
	for _, a := range m.Set {
		var err error
		switch a.Member {
		case "key", "sender":
			c.key = a.Value
		case "value":
			c.value = a.Value
		default:
			c.value, err = setMember(c.value, a)
		}
		if err != nil {
			return c, fmt.Errorf("set %s: %w", a.Member, err)
		}
	}
	return c, nil
}

const (
	codeMember = "stockCode"
	timeMember = "timestamp"
)

func setMember(value string, a Assignment) (string, error) {
	if isObject(value) {
		members, err := feed.Members(strings.TrimSpace(value))
		if err != nil {
			return "", fmt.Errorf("the value cannot be read, set or edit all of it: %w", err)
		}
		members[a.Member] = literal(a)
		return object(members)
	}
	code, at, _ := strings.Cut(value, ",")
	switch a.Member {
	case codeMember:
		code = a.Value
	case timeMember:
		at = a.Value
	default:
		return "", errors.New("the value is no JSON object, which alone has other members than stockCode and timestamp")
	}
	return code + "," + at, nil
}

// literal is the JSON of an assigned value: what is JSON stands as it is, anything else, and every stock
// code, is a string.
func literal(a Assignment) json.RawMessage {
	if a.Member != codeMember && json.Valid([]byte(a.Value)) {
		return json.RawMessage(a.Value)
	}
	return quoted(a.Value)
}

func quoted(s string) json.RawMessage {
	text, _ := json.Marshal(s) // a string always marshals
	return text
}

func object(members map[string]json.RawMessage) (string, error) {
	text, err := json.Marshal(members)
	return string(text), err
}

func isObject(value string) bool { return strings.HasPrefix(strings.TrimSpace(value), "{") }

func trim(s string) string {
	return strings.TrimFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == '\ufeff' })
}

// trimValue trims both parts of the text form, or the strings of a JSON object. What is neither is trimmed
// as one text.
func trimValue(value string) string {
	value = trim(value)
	if !isObject(value) {
		code, at, found := strings.Cut(value, ",")
		if !found {
			return value
		}
		return trim(code) + "," + trim(at)
	}
	members, err := feed.Members(value)
	if err != nil {
		return value
	}
	for name, member := range members {
		var s string
		if json.Unmarshal(member, &s) == nil {
			members[name] = quoted(trim(s))
		}
	}
	if trimmed, err := object(members); err == nil {
		return trimmed
	}
	return value
}

// codeOf is the stock code of a value, as far as it can be read.
func codeOf(value string) string {
	if !isObject(value) {
		code, _, _ := strings.Cut(value, ",")
		return code
	}
	members, err := feed.Members(strings.TrimSpace(value))
	if err != nil {
		return ""
	}
	var code string
	_ = json.Unmarshal(members[codeMember], &code) // what is no string is no code
	return code
}
