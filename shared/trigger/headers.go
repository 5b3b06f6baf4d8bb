package trigger

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"feedstream/shared/feed"
)

// readHeaders finds the headers feed-redrives and traceparent in whatever shape the event carries headers. No
// source documents a header list that is not empty, so each shape that a serialised Kafka header
// list may plausibly have is read:
//
//	{"headers":[{"key":"feed-redrives","value":"1"}]}    value as text, base64 or an array of bytes
//	{"headers":[{"feed-redrives":"1"}]}                  one member a header
//	{"headers":["feed-redrives=1"]}                      text, with '=' or ':'
//	{"feed-redrives":"1"}                                a plain object
//
// and each list also without the object around it. Absent or unreadable counts as 0 and as no trace: both
// only inform people.
func readHeaders(raw []byte, d *feed.Delivery) {
	d.Redrives, d.Traceparent = 0, ""
	redrives, traceparent := bytes.Contains(raw, redrivesName), bytes.Contains(raw, traceparentName)
	if !redrives && !traceparent {
		return
	}
	var headers any
	if err := json.Unmarshal(raw, &headers); err != nil {
		return
	}
	if value, found := findHeader(headers, feed.HeaderRedrives); found && redrives {
		d.Redrives = headerCount(value)
	}
	if value, found := findHeader(headers, feed.HeaderTraceparent); found && traceparent {
		d.Traceparent = headerTrace(value)
	}
}

var redrivesName, traceparentName = []byte(feed.HeaderRedrives), []byte(feed.HeaderTraceparent)

// findHeader returns the value of the first header of a name.
func findHeader(node any, name string) (value any, found bool) {
	switch node := node.(type) {
	case []any:
		for _, element := range node {
			if value, found := findHeader(element, name); found {
				return value, true
			}
		}
	case map[string]any:
		if value, present := node[name]; present {
			return value, true
		}
		if node["key"] == name {
			return node["value"], true
		}
		for _, inner := range node {
			if value, found := findHeader(inner, name); found {
				return value, true
			}
		}
	case string:
		if before, value, ok := cutAny(node, "=:"); ok && before == name {
			return value, true
		}
	}
	return nil, false
}

func cutAny(s, separators string) (before, after string, found bool) {
	i := strings.IndexAny(s, separators)
	if i < 0 {
		return s, "", false
	}
	return strings.TrimSpace(s[:i]), strings.TrimSpace(s[i+1:]), true
}

// headerTexts are what a header's value may mean as text.
func headerTexts(value any) []string {
	switch value := value.(type) {
	case string:
		if decoded, err := base64.StdEncoding.DecodeString(value); err == nil {
			return []string{value, string(decoded)}
		}
		return []string{value}
	case []any:
		var text []byte
		for _, element := range value {
			if b, ok := element.(float64); ok {
				text = append(text, byte(b))
			}
		}
		return []string{string(text)}
	}
	return nil
}

func headerCount(value any) int {
	if number, ok := value.(float64); ok {
		return max(int(number), 0)
	}
	for _, text := range headerTexts(value) {
		if count, err := strconv.Atoi(text); err == nil {
			return max(count, 0)
		}
	}
	return 0
}

// headerTrace returns the text that has the form of a traceparent of version 00: version, trace, span and
// flags in hexadecimal, neither trace nor span all zeros.
func headerTrace(value any) string {
	for _, text := range headerTexts(value) {
		if m := traceparent.FindStringSubmatch(text); m != nil && strings.Trim(m[1], "0") != "" && strings.Trim(m[2], "0") != "" {
			return text
		}
	}
	return ""
}

var traceparent = regexp.MustCompile(`^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$`)
