package feed

import "strings"

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
			text, rest = plainNumber(rest)
			number, ok = true, text != ""
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
			return raw, ok && raw.code != "" && raw.timestamp != ""
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
	end := strings.IndexByte(text[1:], '"')
	if end <= 0 || !without(text[1:1+end], '\\', '"') {
		return "", text, false
	}
	return text[1 : 1+end], text[end+2:], true
}

// plainNumber takes an integer without a sign off.
func plainNumber(text string) (digits, rest string) {
	end := 0
	for end < len(text) && text[end]-'0' <= 9 {
		end++
	}
	if end > 1 && text[0] == '0' {
		return "", text
	}
	return text[:end], text[end:]
}
