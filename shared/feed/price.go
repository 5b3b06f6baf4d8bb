package feed

import (
	"fmt"
	"strconv"
)

// Price is an amount in ten-thousandths: every value of a Phoenix DECIMAL(18,4) fits.
type Price int64

const (
	// PriceScale is the number of decimals a Price carries.
	PriceScale = 4
	// MaxPrice is the largest DECIMAL(18,4): 14 integer digits and 4 decimals.
	MaxPrice Price = 999_999_999_999_999_999

	priceUnit = 10_000
)

// String returns plain notation without trailing zeros: "78.25", "5", "-0.0001".
func (p Price) String() string { return string(p.Append(nil)) }

// Append appends what String returns.
func (p Price) Append(dst []byte) []byte {
	magnitude := uint64(p)
	if p < 0 {
		dst = append(dst, '-')
		magnitude = -magnitude
	}
	dst = strconv.AppendUint(dst, magnitude/priceUnit, 10)
	fraction := magnitude % priceUnit
	if fraction == 0 {
		return dst
	}
	high, low := upToHundred[fraction/100], upToHundred[fraction%100]
	dst = append(dst, '.', high[0], high[1], low[0], low[1])
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

// ParsePrice reads plain notation: an optional '-', at most 14 integer digits, optionally '.' and 1
// to 4 decimals. It is the inverse of String and refuses exponents, signs other than '-', spaces
// and excess decimals rather than rounding them.
func ParsePrice(s string) (Price, error) {
	digits, negative := s, false
	if digits != "" && digits[0] == '-' {
		digits, negative = digits[1:], true
	}
	value, integers := int64(0), 0
	for ; integers < len(digits) && digits[integers]-'0' <= 9; integers++ {
		value = value*10 + int64(digits[integers]-'0')
	}
	end, decimals := integers, 0
	point := integers > 0 && end < len(digits) && digits[end] == '.'
	if point {
		for end++; end < len(digits) && digits[end]-'0' <= 9; end++ {
			value = value*10 + int64(digits[end]-'0')
			decimals++
		}
	}
	if integers > 14 || decimals > PriceScale {
		return 0, fmt.Errorf("price %q: more than 14 integer digits or %d decimals", clip(s), PriceScale)
	}
	if end < len(digits) || integers == 0 || point && decimals == 0 {
		return 0, fmt.Errorf("price %q: not a plain decimal", clip(s))
	}
	for ; decimals < PriceScale; decimals++ {
		value *= 10
	}
	if negative {
		value = -value
	}
	return Price(value), nil
}
