package feed

// A price other than zero is stored in base 100: |p| = Σ d[i] · 100^(e-i), with neither the first nor the
// last digit zero. One byte holds sign and exponent e, then one byte stands for each digit; those of a
// negative price are complemented and closed by a terminator, so that bytes sort as numbers.
const (
	DecimalZero       = 0x80
	DecimalPositive   = 0xC1 // exponent byte of a positive price with e = 0
	DecimalNegative   = 0x3E // the same of a negative one
	DecimalTerminator = 0x66 // left out by Phoenix when the value has its full 21 bytes, which no price has
)

// AppendDecimal appends the price as the column of the table stores it: the one canonical form of Phoenix's
// DECIMAL, at most 12 bytes. It lies here, beside the other form of a price, because the snapshot of the
// reference carries both; package phoenix has the column and reads the form back.
func (p Price) AppendDecimal(dst []byte) []byte {
	if p == 0 {
		return append(dst, DecimalZero)
	}
	magnitude := uint64(p)
	if p < 0 {
		magnitude = -magnitude
	}
	lowest := -PriceScale / 2 // the power of 100 that the last digit counts
	for magnitude%100 == 0 {
		magnitude, lowest = magnitude/100, lowest+1
	}
	var buf [10]byte // 64 bits have at most 10 digits in base 100
	first := len(buf)
	for ; magnitude > 0; magnitude /= 100 {
		first--
		buf[first] = byte(magnitude % 100)
	}
	digits := buf[first:]
	e := lowest + len(digits) - 1
	if p > 0 {
		dst = append(dst, byte(DecimalPositive+e))
		for _, d := range digits {
			dst = append(dst, d+1)
		}
		return dst
	}
	dst = append(dst, byte(DecimalNegative-e))
	for _, d := range digits {
		dst = append(dst, 101-d)
	}
	return append(dst, DecimalTerminator)
}
