package feed

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// parseTimestamp reads an event time as epoch milliseconds: digits, or RFC 3339 with a zone, of which what
// is finer than a millisecond is cut off. The error completes the sentence "timestamp … ".
func parseTimestamp(text string) (int64, error) {
	if ms, end := PlainInteger(text, 0); end > 0 && end == len(text) {
		return ms, nil
	}
	if digits(strings.TrimPrefix(text, "-")) {
		ms, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, errors.New("has more digits than epoch milliseconds can have")
		}
		return ms, nil
	}
	var t time.Time
	if err := t.UnmarshalText([]byte(strings.ToUpper(text))); err != nil { // t and z are RFC 3339 too
		return 0, errors.New(whyNoTimestamp(text))
	}
	return t.UnixMilli(), nil
}

func digits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}

var (
	otherNumber = regexp.MustCompile(`^-?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?$`)
	withoutT    = regexp.MustCompile(`^\d{4}-\d{2}-\d{2} \d{2}:`)
	withoutZone = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$`)
	zoneNoColon = regexp.MustCompile(`[Tt ]\d{2}:.*[+-]\d{4}$`)
	leapSecond  = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:60`)
	wellFormed  = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$`)
)

// whyNoTimestamp says what is wrong with a text that is no timestamp, and how to write it.
func whyNoTimestamp(text string) string {
	switch {
	case strings.TrimSpace(text) != text:
		return "has white space around it: write it without"
	case strings.HasPrefix(text, "+"):
		return "begins with a plus sign: write the digits alone"
	case otherNumber.MatchString(text):
		return "has a fraction or an exponent: write epoch milliseconds as digits alone"
	case withoutZone.MatchString(strings.Replace(text, " ", "T", 1)) && withoutT.MatchString(text):
		return "has a blank between date and time, and no zone: write it like 2020-11-19T04:40:51.123Z"
	case withoutT.MatchString(text):
		return "has a blank between date and time: write T, as RFC 3339 does"
	case withoutZone.MatchString(text):
		return "has no zone: write Z, or an offset such as +08:00, behind it"
	case zoneNoColon.MatchString(text):
		return "has a zone without a colon: write it as +08:00"
	case leapSecond.MatchString(text):
		return "is a leap second, which epoch milliseconds do not have: write second 59"
	case wellFormed.MatchString(text):
		return "names a day or a time of day that does not exist"
	}
	return "is neither digits, as epoch milliseconds, nor RFC 3339, such as 2020-11-19T04:40:51.123Z"
}
