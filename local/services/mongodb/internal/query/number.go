package query

import (
	"encoding/binary"
	"math"
	"math/big"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// magnitude says which numbers come before which, whatever their value.
type magnitude int

const (
	notANumber magnitude = iota // before all other numbers, and equal to itself
	negativeInfinity
	finite
	positiveInfinity
)

// number is any BSON number, exactly: coefficient * 10^exponent when finite. A double is taken for the exact binary
// fraction it is, so the double 9.99 and the decimal 9.99 differ, as they do in MongoDB.
type number struct {
	magnitude   magnitude
	coefficient *big.Int
	exponent    int
}

func isNumber(t bsoncore.Type) bool {
	return t == bsoncore.TypeDouble || t == bsoncore.TypeInt32 || t == bsoncore.TypeInt64 || t == bsoncore.TypeDecimal128
}

// integer is v as an int64 when v is an integer type.
func integer(v bsoncore.Value) (int64, bool) {
	switch v.Type {
	case bsoncore.TypeInt32:
		return int64(int32(binary.LittleEndian.Uint32(v.Data))), true
	case bsoncore.TypeInt64:
		return int64(binary.LittleEndian.Uint64(v.Data)), true
	}
	return 0, false
}

func double(v bsoncore.Value) float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(v.Data))
}

func decimalOf(v bsoncore.Value) bson.Decimal128 { return bson.NewDecimal128(v.Decimal128()) }

// isNaN says whether v is a double or a decimal that is not a number.
func isNaN(v bsoncore.Value) bool {
	switch v.Type {
	case bsoncore.TypeDouble:
		return math.IsNaN(double(v))
	case bsoncore.TypeDecimal128:
		return decimalOf(v).IsNaN()
	}
	return false
}

func compareNumbers(a, b bsoncore.Value) int {
	if x, ok := integer(a); ok {
		if y, ok := integer(b); ok {
			return order(x, y)
		}
	}
	if a.Type == bsoncore.TypeDouble && b.Type == bsoncore.TypeDouble {
		return order(double(a), double(b))
	}
	return exactly(a).compare(exactly(b))
}

func exactly(v bsoncore.Value) number {
	if n, ok := integer(v); ok {
		return number{finite, big.NewInt(n), 0}
	}
	if v.Type == bsoncore.TypeDouble {
		return exactDouble(double(v))
	}
	d := decimalOf(v)
	if d.IsNaN() {
		return number{magnitude: notANumber}
	}
	if sign := d.IsInf(); sign != 0 {
		return infinity(sign)
	}
	coefficient, exponent, err := d.BigInt()
	if err != nil {
		return number{magnitude: notANumber}
	}
	return number{finite, coefficient, exponent}
}

func infinity(sign int) number {
	if sign < 0 {
		return number{magnitude: negativeInfinity}
	}
	return number{magnitude: positiveInfinity}
}

// exactDouble is mantissa * 2^exponent written in powers of ten.
func exactDouble(f float64) number {
	switch {
	case math.IsNaN(f):
		return number{magnitude: notANumber}
	case math.IsInf(f, 0):
		return infinity(int(math.Copysign(1, f)))
	}
	fraction, exponent := math.Frexp(f)
	mantissa := big.NewInt(int64(fraction * (1 << 53)))
	exponent -= 53
	if exponent >= 0 {
		return number{finite, mantissa.Lsh(mantissa, uint(exponent)), 0}
	}
	fives := new(big.Int).Exp(big.NewInt(5), big.NewInt(int64(-exponent)), nil)
	return number{finite, mantissa.Mul(mantissa, fives), exponent}
}

func (n number) compare(m number) int {
	if n.magnitude != m.magnitude || n.magnitude != finite {
		return order(n.magnitude, m.magnitude)
	}
	if c := order(n.coefficient.Sign(), m.coefficient.Sign()); c != 0 || n.coefficient.Sign() == 0 {
		return c
	}
	// Numbers far apart are told by their digits, so that 1E6000 is never written out.
	if c := order(n.adjusted(), m.adjusted()); c != 0 {
		return c * n.coefficient.Sign()
	}
	least := min(n.exponent, m.exponent)
	return n.scaled(least).Cmp(m.scaled(least))
}

// adjusted is the exponent of the leading digit.
func (n number) adjusted() int {
	return n.exponent + len(new(big.Int).Abs(n.coefficient).String())
}

func (n number) scaled(exponent int) *big.Int {
	tens := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n.exponent-exponent)), nil)
	return tens.Mul(tens, n.coefficient)
}

// appendNumber appends a form that equal numbers share whatever their type: the digits without trailing zeros, and the
// exponent.
func appendNumber(dst []byte, v bsoncore.Value) []byte {
	n, ok := integer(v)
	if !ok && v.Type == bsoncore.TypeDouble {
		if f := double(v); f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			n, ok = int64(f), true
		}
	}
	digits, exponent := strconv.FormatInt(n, 10), 0
	if !ok {
		exact := exactly(v)
		if exact.magnitude != finite {
			return append(dst, 'x', byte('0'+exact.magnitude), 0)
		}
		digits, exponent = exact.coefficient.String(), exact.exponent
	}
	if digits == "0" {
		return append(dst, '0', 0)
	}
	for digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
		exponent++
	}
	dst = append(append(dst, digits...), 'e')
	return append(strconv.AppendInt(dst, int64(exponent), 10), 0)
}
