package phoenix

import (
	"fmt"

	"github.com/cockroachdb/apd/v3"

	"feedstream/shared/feed"
)

// A DECIMAL other than zero is stored in base 100: |v| = Σ d[i] · 100^(e-i), with neither the first nor
// the last digit zero. One byte holds sign and exponent e, then one byte stands for each digit;
// negative values are complemented and closed by a terminator, so that bytes sort as numbers.
const (
	decimalZero       = 0x80
	decimalPositive   = 0xC1 // exponent byte of a positive number with e = 0
	decimalNegative   = 0x3E // the same of a negative one
	decimalTerminator = 0x66 // left out by Phoenix when the value has its full 21 bytes
	decimalMinE       = -64
	decimalMaxE       = 62
	decimalMaxLen     = 21
	decimalPrecision  = 38
)

// canonical is the arithmetic of Phoenix's DECIMAL: 38 significant digits, rounded half up.
var canonical = apd.Context{
	Precision:   decimalPrecision,
	Rounding:    apd.RoundHalfUp,
	MaxExponent: apd.MaxExponent,
	MinExponent: apd.MinExponent,
	Traps:       apd.DefaultTraps,
}

// AppendDecimal appends a DECIMAL in its one canonical form: rounded to 38 significant digits, half
// up, trailing zeros stripped. Scale and precision of a column are not applied here. NaN, infinities
// and magnitudes outside about 1E-128 to 1E+126 are refused.
func AppendDecimal(dst []byte, v *apd.Decimal) ([]byte, error) {
	if v.Form != apd.Finite {
		return dst, fmt.Errorf("write DECIMAL: %s is not a number", v)
	}
	var rounded apd.Decimal
	if _, err := canonical.Round(&rounded, v); err != nil {
		return dst, fmt.Errorf("write DECIMAL %s: %w", v, err)
	}
	if rounded.IsZero() {
		return append(dst, decimalZero), nil
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

func appendDigits(dst []byte, negative bool, e int, digits []byte) []byte {
	if !negative {
		dst = append(dst, byte(decimalPositive+e))
		for _, d := range digits {
			dst = append(dst, d+1)
		}
		return dst
	}
	dst = append(dst, byte(decimalNegative-e))
	for _, d := range digits {
		dst = append(dst, 101-d)
	}
	if 1+len(digits) < decimalMaxLen {
		dst = append(dst, decimalTerminator)
	}
	return dst
}

// splitDecimal takes the bytes of a DECIMAL apart and accepts only the canonical form. Digits are
// written into buf. Zero has no digits.
func splitDecimal(buf *[decimalMaxLen]byte, b []byte) (negative bool, e int, digits []byte, err error) {
	switch {
	case len(b) == 0 || len(b) > decimalMaxLen:
		return false, 0, nil, badValue("DECIMAL", b, "it must have 1 to 21 bytes")
	case len(b) == 1 && b[0] == decimalZero:
		return false, 0, nil, nil
	case len(b) == 1 || b[0] == decimalZero || b[0] == 0x7f:
		return false, 0, nil, badValue("DECIMAL", b, "it is not a canonical number")
	}
	negative = b[0]&0x80 == 0
	e = int(b[0]) - decimalPositive
	body := b[1:]
	if negative {
		e = decimalNegative - int(b[0])
		last := len(body) - 1
		switch {
		case body[last] == decimalTerminator:
			body = body[:last]
		case len(b) < decimalMaxLen:
			return false, 0, nil, badValue("DECIMAL", b, "the terminator of a negative number is missing")
		}
	}
	for i, c := range body {
		d := c - 1
		if negative {
			d = 101 - c
		}
		if d > 99 {
			return false, 0, nil, badValue("DECIMAL", b, fmt.Sprintf("byte %d is no digit", i+1))
		}
		buf[i] = d
	}
	digits = buf[:len(body)]
	if len(digits) == 0 || digits[0] == 0 || digits[len(digits)-1] == 0 || significant(digits) > decimalPrecision {
		return false, 0, nil, badValue("DECIMAL", b, "it is not a canonical number")
	}
	return negative, e, digits, nil
}

// significant counts the decimal digits between the first and the last that are not zero.
func significant(digits []byte) int {
	n := 2 * len(digits)
	if digits[0] < 10 {
		n--
	}
	if digits[len(digits)-1]%10 == 0 {
		n--
	}
	return n
}

// DecodeDecimal reads a DECIMAL. The result is reduced: its coefficient has no trailing zeros.
func DecodeDecimal(b []byte) (*apd.Decimal, error) {
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

// priceScale is the number of base-100 digits of a price behind the point.
const priceScale = feed.PriceScale / 2

// AppendPrice appends a price as a DECIMAL: the same bytes as AppendDecimal, without a big number.
func AppendPrice(dst []byte, p feed.Price) []byte {
	if p == 0 {
		return append(dst, decimalZero)
	}
	magnitude := uint64(p)
	if p < 0 {
		magnitude = -magnitude
	}
	lowest := -priceScale
	for magnitude%100 == 0 {
		magnitude, lowest = magnitude/100, lowest+1
	}
	var buf [10]byte // 64 bits have at most 10 digits in base 100
	i := len(buf)
	for ; magnitude > 0; magnitude /= 100 {
		i--
		buf[i] = byte(magnitude % 100)
	}
	digits := buf[i:]
	return appendDigits(dst, p < 0, lowest+len(digits)-1, digits)
}

// DecodePrice reads a DECIMAL as a price. A value with more than 4 decimals or beyond feed.MaxPrice,
// which no DECIMAL(18,4) column can hold, is refused rather than rounded.
func DecodePrice(b []byte) (feed.Price, error) {
	var buf [decimalMaxLen]byte
	negative, e, digits, err := splitDecimal(&buf, b)
	if err != nil {
		return 0, err
	}
	trailing := e - len(digits) + 1 + priceScale // zeros in base 100 behind the last digit
	if len(digits) > 0 && trailing < 0 {
		return 0, badValue("DECIMAL", b, "it has more than 4 decimals")
	}
	if len(digits) > 0 && e+priceScale >= 9 {
		return 0, badValue("DECIMAL", b, "it has more than 14 integer digits")
	}
	var p feed.Price
	for _, d := range digits {
		p = p*100 + feed.Price(d)
	}
	for ; len(digits) > 0 && trailing > 0; trailing-- {
		p *= 100
	}
	if negative {
		p = -p
	}
	return p, nil
}
