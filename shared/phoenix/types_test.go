package phoenix

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/apd/v3"
	"pgregory.net/rapid"

	"feedstream/shared/feed"
)

func TestSalt(t *testing.T) {
	for key, want := range map[string]byte{
		"a": 0, "abc": 1, "600519": 8, "000001": 0xe, "600519.SH": 5, "000001.SZ": 3, "600519_20240102": 6,
		"sh600519|1704159000123": 0xe, "600519-2024-01-02T09:30:00.123": 2, "贵州茅台": 7, "ÿ": 3,
	} {
		if got := Salt([]byte(key), 16); got != want {
			t.Errorf("Salt(%q, 16) = %d, want %d", key, got, want)
		}
	}
}

// TestPriceAgrees: the short way for prices and the general one are the same codec.
func TestPriceAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		price := drawPrice(t, "price")
		general, err := appendDecimal(nil, apd.New(int64(price), -feed.PriceScale))
		if err != nil {
			t.Fatal(err)
		}
		if fast := AppendPrice(nil, price); !bytes.Equal(fast, general) {
			t.Fatalf("AppendPrice(%s) = %x, appendDecimal gives %x", price, fast, general)
		}
		if back, err := DecodePrice(general); err != nil || back != price {
			t.Fatalf("DecodePrice(%x) = %s, %v, want %s", general, back, err, price)
		}
	})
}

// drawPrice also draws round amounts, whose encodings are short.
func drawPrice(t *rapid.T, label string) feed.Price {
	p := feed.Price(rapid.Int64Range(-int64(feed.MaxPrice), int64(feed.MaxPrice)).Draw(t, label))
	for zeros := rapid.IntRange(0, 17).Draw(t, label+" zeros"); zeros > 0; zeros-- {
		p /= 10
	}
	for zeros := rapid.IntRange(0, 17).Draw(t, label+" scale"); zeros > 0 && max(p, -p) <= feed.MaxPrice/10; zeros-- {
		p *= 10
	}
	return p
}

func TestPriceRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"five decimals":      "0.00001",
		"six decimals":       "1.000001",
		"15 integer digits":  "100000000000000",
		"16 integer digits":  "-1000000000000000",
		"38 digits":          "12345678901234567890123456789012345678",
		"tiny":               "1E-20",
		"fraction of a unit": "99999999999999.99999",
	} {
		if p, err := DecodePrice(writeDecimal(nil, text)); err == nil {
			t.Errorf("%s: DecodePrice of %s = %s, want an error", name, text, p)
		}
	}
}

// TestOrder: bytes sort as values do.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawPrice(t, "a"), drawPrice(t, "b")
		if got := bytes.Compare(AppendPrice(nil, a), AppendPrice(nil, b)); got != cmp.Compare(a, b) {
			t.Fatalf("prices %s and %s compare as %d", a, b, got)
		}
		x, y := rapid.Int64().Draw(t, "x"), rapid.Int64().Draw(t, "y")
		if got := bytes.Compare(AppendBigint(nil, x), AppendBigint(nil, y)); got != cmp.Compare(x, y) {
			t.Fatalf("integers %d and %d compare as %d", x, y, got)
		}
		f, g := rapid.Float64().Draw(t, "f"), rapid.Float64().Draw(t, "g")
		if got := bytes.Compare(appendDouble(nil, f), appendDouble(nil, g)); f != g && got != cmp.Compare(f, g) {
			t.Fatalf("doubles %g and %g compare as %d", f, g, got)
		}
		s := time.UnixMilli(rapid.Int64Range(-1e15, 1e15).Draw(t, "ms")).Add(time.Duration(rapid.IntRange(0, 1e7).Draw(t, "ns")))
		u := s.Add(time.Duration(rapid.Int64Range(-1e7, 1e7).Draw(t, "later")))
		if got := bytes.Compare(appendTimestamp(nil, s), appendTimestamp(nil, u)); got != s.Compare(u) {
			t.Fatalf("timestamps %s and %s compare as %d", s, u, got)
		}
	})
}

func TestDecimalRounds(t *testing.T) {
	for text, same := range map[string]string{
		"12345678901234567890123456789012345678.5":  "12345678901234567890123456789012345679",
		"-12345678901234567890123456789012345678.5": "-12345678901234567890123456789012345679",
		"12345678901234567890123456789012345678.4":  "12345678901234567890123456789012345678",
		"99999999999999999999999999999999999999.5":  "1E+38",
		"0E+90": "0",
		"-0":    "0",
	} {
		if got, want := writeDecimal(nil, text), writeDecimal(nil, same); !bytes.Equal(got, want) {
			t.Errorf("%s is written as %x, want %x as %s", text, got, want, same)
		}
	}
}

func TestDecimalRefuses(t *testing.T) {
	for _, text := range []string{"NaN", "Infinity", "-Infinity", "1E+126", "1E-129", "1E+5000"} {
		v, _, err := apd.NewFromString(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := appendDecimal([]byte("kept"), v); err == nil || string(got) != "kept" {
			t.Errorf("appendDecimal(%s) = %x, %v, want an error and the destination as it was", text, got, err)
		}
	}
}

// TestDecodersRefuse: what no encoder writes is an error that names the type.
func TestDecodersRefuse(t *testing.T) {
	for _, tc := range []struct{ sqlType, hex string }{
		{"VARCHAR", "ff"}, {"VARCHAR", "e8b4"},
		{"DECIMAL", "c1"}, {"DECIMAL", "8001"}, {"DECIMAL", "c101"}, {"DECIMAL", "c10201"}, {"DECIMAL", "c166"},
		{"DECIMAL", "3e64"}, {"DECIMAL", "3e66"}, {"DECIMAL", "3e6566"}, {"DECIMAL", "3e646566"}, {"DECIMAL", "7f6466"},
		{"DECIMAL", "d3" + strings.Repeat("64", 20)}, {"DECIMAL", "d3" + strings.Repeat("64", 21)},
		{"BIGINT", "80"}, {"BIGINT", "800000000000000000"}, {"INTEGER", "8000"}, {"SMALLINT", "800000"}, {"TINYINT", "8000"},
		{"BOOLEAN", "02"}, {"BOOLEAN", "0001"}, {"DOUBLE", "80"}, {"DOUBLE", "fff8000000000002"},
		{"TIMESTAMP", "8000018cc7cab63b"}, {"TIMESTAMP", "8000018cc7cab63b000f4240"},
	} {
		v, err := codecs[tc.sqlType].read(unhex(t, tc.hex))
		if err == nil || !strings.Contains(err.Error(), tc.sqlType) || errors.Is(err, ErrNull) {
			t.Errorf("%s %s reads as %v, %v, want an error that names the type", tc.sqlType, tc.hex, v, err)
		}
	}
	for sqlType, c := range codecs {
		if _, err := c.read(nil); sqlType != "VARCHAR" && !errors.Is(err, ErrNull) {
			t.Errorf("%s of zero length: %v, want ErrNull", sqlType, err)
		}
	}
}

// FuzzDecoders: whatever a decoder accepts is what the encoder writes for that value.
func FuzzDecoders(f *testing.F) {
	for _, seed := range []string{"", "80", "c12e3d", "3e6466", "3802020202020202020266", "8000018cc7cab63b0006f855",
		"2c644e38220c644e38220c644e38220c644e382215", "80000001", "fff8000000000001", "e8b4b5"} {
		b, err := hex.DecodeString(seed)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		roundTrip(t, b, AppendVarchar, DecodeVarchar)
		roundTrip(t, b, AppendBigint, DecodeBigint)
		roundTrip(t, b, AppendInteger, DecodeInteger)
		roundTrip(t, b, appendSmallint, DecodeSmallint)
		roundTrip(t, b, appendTinyint, DecodeTinyint)
		roundTrip(t, b, AppendBoolean, DecodeBoolean)
		roundTrip(t, b, appendDouble, decodeDouble)
		roundTrip(t, b, AppendPrice, DecodePrice)
		roundTrip(t, b, writeDecimal, readDecimal)
		if at, err := decodeTimestamp(b); err == nil && at.Year() > -200_000_000 && at.Year() < 200_000_000 {
			roundTrip(t, b, appendTimestamp, decodeTimestamp)
		}
	})
}

func roundTrip[T any](t *testing.T, b []byte, write func([]byte, T) []byte, read func([]byte) (T, error)) {
	t.Helper()
	v, err := read(b)
	if err != nil {
		return
	}
	if back := write(nil, v); !bytes.Equal(back, b) {
		t.Errorf("%x reads as %T %v, which is written as %x", b, v, v, back)
	}
}
