package phoenix

import (
	"fmt"

	"github.com/cockroachdb/apd/v3"

	"feedstream/shared/feed"
)

// The DECIMAL of any number, with a library's big numbers: what AppendPrice and DecodePrice are held
// against.

// Exponents, in base 100, of what Phoenix can store.
const (
	decimalMinE = -64
	decimalMaxE = 62
)

// canonical is the arithmetic of Phoenix's DECIMAL: 38 significant digits, rounded half up.
var canonical = apd.Context{
	Precision:   decimalPrecision,
	Rounding:    apd.RoundHalfUp,
	MaxExponent: apd.MaxExponent,
	MinExponent: apd.MinExponent,
	Traps:       apd.DefaultTraps,
}

// appendDecimal appends a DECIMAL in its one canonical form: rounded to 38 significant digits, half
// up, trailing zeros stripped. Scale and precision of a column are not applied here. NaN, infinities
// and magnitudes outside about 1E-128 to 1E+126 are refused.
func appendDecimal(dst []byte, v *apd.Decimal) ([]byte, error) {
	if v.Form != apd.Finite {
		return dst, fmt.Errorf("write DECIMAL: %s is not a number", v)
	}
	var rounded apd.Decimal
	if _, err := canonical.Round(&rounded, v); err != nil {
		return dst, fmt.Errorf("write DECIMAL %s: %w", v, err)
	}
	if rounded.IsZero() {
		return append(dst, feed.DecimalZero), nil
	}
	digits, lowest := base100(&rounded)
	e := lowest + len(digits) - 1
	if e < decimalMinE || e > decimalMaxE {
		return dst, fmt.Errorf("write DECIMAL %s: the magnitude is outside what Phoenix can store", v)
	}
	return appendDigits(dst, rounded.Negative, e, digits), nil
}

// base100 returns the base-100 digits of |v|, the highest first and the last not zero, and the power
// of 100 the last one counts.
func base100(v *apd.Decimal) (digits []byte, lowest int) {
	text := v.Coeff.Append(nil, 10)
	exponent := int(v.Exponent)
	if exponent&1 != 0 {
		text, exponent = append(text, '0'), exponent-1
	}
	if len(text)&1 != 0 {
		text = append([]byte{'0'}, text...)
	}
	for i := 0; i < len(text); i += 2 {
		digits = append(digits, (text[i]-'0')*10+text[i+1]-'0')
	}
	lowest = exponent / 2
	for digits[len(digits)-1] == 0 {
		digits, lowest = digits[:len(digits)-1], lowest+1
	}
	return digits, lowest
}

// decodeDecimal reads a DECIMAL. The result is reduced: its coefficient has no trailing zeros.
func decodeDecimal(b []byte) (*apd.Decimal, error) {
	var buf [decimalMaxLen]byte
	negative, e, digits, err := splitDecimal(&buf, b)
	if err != nil {
		return nil, err
	}
	v := new(apd.Decimal)
	if len(digits) == 0 {
		return v, nil
	}
	text := make([]byte, 0, 2*len(digits))
	for _, d := range digits {
		text = append(text, '0'+d/10, '0'+d%10)
	}
	if _, ok := v.Coeff.SetString(string(text), 10); !ok {
		return nil, badValue("DECIMAL", b, "its digits are no number")
	}
	v.Negative = negative
	v.Exponent = int32(2 * (e - len(digits) + 1))
	v.Reduce(v)
	return v, nil
}

func appendDigits(dst []byte, negative bool, e int, digits []byte) []byte {
	if !negative {
		dst = append(dst, byte(feed.DecimalPositive+e))
		for _, d := range digits {
			dst = append(dst, d+1)
		}
		return dst
	}
	dst = append(dst, byte(feed.DecimalNegative-e))
	for _, d := range digits {
		dst = append(dst, 101-d)
	}
	if 1+len(digits) < decimalMaxLen {
		dst = append(dst, feed.DecimalTerminator)
	}
	return dst
}
