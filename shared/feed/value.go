package feed

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// rawUpdate is a value taken apart and not yet checked.
type rawUpdate struct {
	code      string
	timestamp string
	// text is set when the JSON form gave the timestamp as a string: RFC 3339. Otherwise the
	// timestamp is the literal of an integer, or of something that is none.
	text bool
}

// parse takes the value apart: an object is the JSON form, also in a string that starts with '{';
// any other string is the article's form; other JSON values have no form.
func (d *Delivery) parse() (rawUpdate, *Rejection) {
	if strings.HasPrefix(d.Value, "{") {
		raw, err := parseJSON(d.Value)
		if err != nil {
			return rawUpdate{}, reject(MalformedValue, "%v", err)
		}
		return raw, nil
	}
	if d.Form == Parsed {
		return rawUpdate{}, reject(MalformedValue, "the value %s is JSON but no object", clip(d.Value))
	}
	code, timestamp, found := strings.Cut(d.Value, ",")
	if !found || strings.Contains(timestamp, ",") {
		return rawUpdate{}, reject(MalformedValue, "the value %q is not <stock code>,<epoch ms> with exactly one comma",
			clip(d.Value))
	}
	return rawUpdate{code: code, timestamp: timestamp}, nil
}

// parseJSON reads {"stockCode":…,"timestamp":…}. Both members are required, others are ignored,
// and a member that stands twice makes the value malformed: which one was meant is anyone's guess.
func parseJSON(value string) (rawUpdate, error) {
	members, err := Members(value)
	if err != nil {
		return rawUpdate{}, fmt.Errorf("the value cannot be read: %w", err)
	}
	code, isString, err := requiredMember(members, "stockCode")
	if err != nil {
		return rawUpdate{}, err
	}
	if !isString {
		return rawUpdate{}, fmt.Errorf("the member \"stockCode\" is %s, not a string", clip(code))
	}
	timestamp, text, err := requiredMember(members, "timestamp")
	if err != nil {
		return rawUpdate{}, err
	}
	return rawUpdate{code: code, timestamp: timestamp, text: text}, nil
}

// requiredMember returns the text of a string member, or the literal of any other type.
func requiredMember(members map[string]json.RawMessage, name string) (text string, isString bool, err error) {
	literal, present := members[name]
	if !present {
		return "", false, fmt.Errorf("the member %q is missing", name)
	}
	if literal[0] != '"' {
		return string(literal), false, nil
	}
	if err := json.Unmarshal(literal, &text); err != nil {
		return "", false, fmt.Errorf("read the member %q: %w", name, err)
	}
	return text, true, nil
}

// millis reads the timestamp as epoch milliseconds, truncating what is finer.
func (r rawUpdate) millis() (int64, bool) {
	if r.text {
		var t time.Time
		if err := t.UnmarshalText([]byte(r.timestamp)); err != nil {
			return 0, false
		}
		return t.UnixMilli(), true
	}
	if strings.HasPrefix(r.timestamp, "+") {
		return 0, false
	}
	ms, err := strconv.ParseInt(r.timestamp, 10, 64)
	return ms, err == nil
}
