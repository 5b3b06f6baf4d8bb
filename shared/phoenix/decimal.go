package phoenix

import (
	"fmt"

	"feedstream/shared/feed"
)

// A DECIMAL is stored as feed.Price.AppendDecimal says, and may have more digits than a price.
const (
	decimalMaxLen    = 21
	decimalPrecision = 38
)

// splitDecimal takes the bytes of a DECIMAL apart and accepts only the canonical form. Digits are
// written into buf. Zero has no digits.
func splitDecimal(buf *[decimalMaxLen]byte, b []byte) (negative bool, e int, digits []byte, err error) {
	switch {
	case len(b) == 0 || len(b) > decimalMaxLen:
		return false, 0, nil, badValue("DECIMAL", b, "it must have 1 to 21 bytes")
	case len(b) == 1 && b[0] == feed.DecimalZero:
		return false, 0, nil, nil
	case len(b) == 1 || b[0] == feed.DecimalZero || b[0] == 0x7f:
		return false, 0, nil, badValue("DECIMAL", b, "it is not a canonical number")
	}
	negative = b[0]&0x80 == 0
	e = int(b[0]) - feed.DecimalPositive
	body := b[1:]
	if negative {
		e = feed.DecimalNegative - int(b[0])
		last := len(body) - 1
		switch {
		case body[last] == feed.DecimalTerminator:
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

// priceScale is the number of base-100 digits of a price behind the point.
const priceScale = feed.PriceScale / 2

// AppendPrice appends a price as a DECIMAL, in its one canonical form.
func AppendPrice(dst []byte, p feed.Price) []byte { return p.AppendDecimal(dst) }

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
