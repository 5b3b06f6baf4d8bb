package trigger

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"

	"feedstream/shared/feed"
)

// readRedrives finds the header feed-redrives in whatever shape the event carries headers. No
// source documents a header list that is not empty, so each shape that a serialised Kafka header
// list may plausibly have is read:
//
//	{"headers":[{"key":"feed-redrives","value":"1"}]}    value as text, base64 or an array of bytes
//	{"headers":[{"feed-redrives":"1"}]}                  one member a header
//	{"headers":["feed-redrives=1"]}                      text, with '=' or ':'
//	{"feed-redrives":"1"}                                a plain object
//
// and each list also without the object around it. Absent or unreadable counts as 0: the number
// only informs people.
func readRedrives(raw []byte) int {
	if !bytes.Contains(raw, []byte(feed.HeaderRedrives)) {
		return 0
	}
	var headers any
	if err := json.Unmarshal(raw, &headers); err != nil {
		return 0
	}
	count, _ := findRedrives(headers)
	return count
}

func findRedrives(node any) (int, bool) {
	switch node := node.(type) {
	case []any:
		for _, element := range node {
			if count, found := findRedrives(element); found {
				return count, true
			}
		}
	case map[string]any:
		if value, present := node[feed.HeaderRedrives]; present {
			return headerCount(value)
		}
		if node["key"] == feed.HeaderRedrives {
			return headerCount(node["value"])
		}
		for _, inner := range node {
			if count, found := findRedrives(inner); found {
				return count, true
			}
		}
	case string:
		if name, value, ok := cutAny(node, "=:"); ok && name == feed.HeaderRedrives {
			return headerCount(value)
		}
	}
	return 0, false
}

func cutAny(s, separators string) (before, after string, found bool) {
	i := strings.IndexAny(s, separators)
	if i < 0 {
		return s, "", false
	}
	return strings.TrimSpace(s[:i]), strings.TrimSpace(s[i+1:]), true
}

func headerCount(value any) (int, bool) {
	switch value := value.(type) {
	case float64:
		return max(int(value), 0), true
	case string:
		if count, err := strconv.Atoi(value); err == nil {
			return max(count, 0), true
		}
		if text, err := base64.StdEncoding.DecodeString(value); err == nil {
			count, err := strconv.Atoi(string(text))
			return max(count, 0), err == nil
		}
	case []any:
		var text []byte
		for _, element := range value {
			if b, ok := element.(float64); ok {
				text = append(text, byte(b))
			}
		}
		count, err := strconv.Atoi(string(text))
		return max(count, 0), err == nil
	}
	return 0, false
}
