package manifest

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// maxExact is the greatest integer that the deploy tool, a JavaScript program, keeps exactly.
const maxExact = 1<<53 - 1

var (
	decimalInteger = regexp.MustCompile(`^[-+]?[0-9]+$`)
	basedInteger   = regexp.MustCompile(`^[-+]?0(b[01]+|o[0-7]+|x[0-9a-fA-F]+)$`)
	floating       = regexp.MustCompile(`^([-+]?[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?|\.[0-9]+([eE][-+]?[0-9]+)?)$`)
	infinite       = regexp.MustCompile(`^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$`)
	timestamp      = regexp.MustCompile(`^[0-9]{4}-([0-9]{2}-[0-9]{2}$|[0-9]{1,2}-[0-9]{1,2}([Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2})`)
)

// plain is a scalar without quotes as the deploy tool's YAML takes it: nil, bool, int64, float64 or string. It is the
// core schema of YAML 1.2, so 017 is 17, 1_000 and yes are texts, and 1e3 is a number. What it would turn into
// something that no property can be (a date, infinity, a number that loses digits) is an error.
func plain(text string) (any, error) {
	switch text {
	case "", "~", "null", "Null", "NULL":
		return nil, nil
	case "true", "True", "TRUE":
		return true, nil
	case "false", "False", "FALSE":
		return false, nil
	}
	switch {
	case timestamp.MatchString(text):
		return nil, fmt.Errorf("%s is a date to YAML: put it in quotes", text)
	case infinite.MatchString(text):
		return nil, fmt.Errorf("%s is no number that JSON has: put it in quotes", text)
	case decimalInteger.MatchString(text):
		return integer(text, 10)
	case basedInteger.MatchString(text):
		return integer(text, 0)
	case floating.MatchString(text):
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("%s is beyond what a number can be: put it in quotes", text)
		}
		if value == math.Trunc(value) && math.Abs(value) <= maxExact {
			return int64(value), nil
		}
		return value, nil
	}
	return text, nil
}

func integer(text string, base int) (any, error) {
	value, err := strconv.ParseInt(strings.TrimPrefix(text, "+"), base, 64)
	if err != nil || value > maxExact || value < -maxExact {
		return nil, fmt.Errorf("%s is a number that loses digits: put it in quotes", text)
	}
	return value, nil
}
