package feed

import (
	"encoding/json"
	"fmt"
	"strings"
)

// rawUpdate is a value taken apart and not yet checked. The timestamp is the text of either form: what a
// JSON string holds, or the literal of any other JSON value.
type rawUpdate struct{ code, timestamp string }

// parse takes the value apart: an object is the JSON form, also in a string that starts with '{';
// any other string is the article's form; other JSON values have no form.
func (d *Delivery) parse() (rawUpdate, *Rejection) {
	if raw, plain := plainUpdate(d.Value); plain {
		return raw, nil
	}
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
		return rawUpdate{}, reject(MalformedValue, "the value %q is not <stock code>,<time> with exactly one comma",
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
	timestamp, _, err := requiredMember(members, "timestamp")
	if err != nil {
		return rawUpdate{}, err
	}
	return rawUpdate{code, timestamp}, nil
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

// plainUpdate reads the JSON form as nearly every producer writes it: the two members alone, without white space,
// escapes or signs. Everything else is parseJSON's.
func plainUpdate(value string) (raw rawUpdate, ok bool) {
	rest, ok := strings.CutPrefix(value, "{")
	for ok && rest != "" {
		var name, text string
		if name, rest, ok = plainString(rest); !ok || rest == "" || rest[0] != ':' {
			return rawUpdate{}, false
		}
		number := false
		rest = rest[1:]
		if text, rest, ok = plainString(rest); !ok {
			_, end := PlainInteger(rest, 0)
			if end == 0 {
				return rawUpdate{}, false
			}
			text, rest, number = rest[:end], rest[end:], true
		}
		switch {
		case name == "stockCode" && raw.code == "" && !number:
			raw.code = text
		case name == "timestamp" && raw.timestamp == "":
			raw.timestamp = text
		default:
			return rawUpdate{}, false
		}
		if rest == "}" {
			return raw, raw.code != "" && raw.timestamp != ""
		}
		rest, ok = strings.CutPrefix(rest, ",")
	}
	return rawUpdate{}, false
}

// plainString takes a string that is not empty off; where there is none, rest is the whole text.
func plainString(text string) (inside, rest string, ok bool) {
	if text == "" || text[0] != '"' {
		return "", text, false
	}
	end := PlainEnd(text, 1)
	if end <= 1 {
		return "", text, false
	}
	return text[1:end], text[end+1:], true
}
