package feed

import (
	"slices"
	"sync/atomic"
	"time"
)

const timeLayout = "2006-01-02T15:04:05.000Z"

const timeBytes = len(timeLayout)

const dayMillis = 24 * 60 * 60 * 1000

// AppendTime appends what FormatTime returns.
func AppendTime(dst []byte, ms int64) []byte {
	if !inFourDigits(ms) {
		return time.UnixMilli(ms).UTC().AppendFormat(dst, timeLayout)
	}
	dst = slices.Grow(dst, timeBytes)
	at := len(dst)
	dst = dst[:at+timeBytes]
	putTime((*[timeBytes]byte)(dst[at:]), ms)
	return dst
}

// inFourDigits reports whether a time lies in the years 1970 to 9999.
func inFourDigits(ms int64) bool { return ms >= 0 && ms <= 253_402_300_799_999 }

// putTime writes a time in that range.
func putTime(text *[timeBytes]byte, ms int64) {
	year, month, day := date(uint32(ms / dayMillis))
	rest := uint32(ms % dayMillis)
	seconds := rest / 1000
	text[4], text[7], text[10], text[13], text[16], text[19], text[23] = '-', '-', 'T', ':', ':', '.', 'Z'
	twoDigits(text[0:], year/100)
	twoDigits(text[2:], year%100)
	twoDigits(text[5:], month)
	twoDigits(text[8:], day)
	twoDigits(text[11:], seconds/3600)
	twoDigits(text[14:], seconds/60%60)
	twoDigits(text[17:], seconds%60)
	text[20] = byte('0' + rest%1000/100)
	twoDigits(text[21:], rest%100)
}

// upToHundred are all pairs of digits.
var upToHundred = func() (pairs [100][2]byte) {
	for i := range pairs {
		pairs[i] = [2]byte{byte('0' + i/10), byte('0' + i%10)}
	}
	return pairs
}()

func twoDigits(dst []byte, n uint32) { *(*[2]byte)(dst) = upToHundred[n] }

// lastDay is the day of the time that was written last and its date: those of a feed are of one day, or two.
var lastDay atomic.Uint64

// date is civil, from memory where it can.
func date(days uint32) (year, month, day uint32) {
	if last := lastDay.Load(); uint32(last>>32) == days && last != 0 {
		return uint32(last) >> 16, uint32(last) >> 8 & 0xff, uint32(last) & 0xff
	}
	year, month, day = civil(days)
	lastDay.Store(uint64(days)<<32 | uint64(year<<16|month<<8|day))
	return year, month, day
}

// civil returns the date of a day counted from 1970-01-01. It counts years from March, so that the leap day is
// the last of a year, in eras of 400 years (Howard Hinnant, chrono-Compatible Low-Level Date Algorithms).
func civil(days uint32) (year, month, day uint32) {
	const (
		toMarch0 = 719_468 // days from 0000-03-01 to 1970-01-01
		eraDays  = 146_097
	)
	days += toMarch0
	era, ofEra := days/eraDays, days%eraDays
	yearOfEra := (ofEra - ofEra/1460 + ofEra/36_524 - ofEra/146_096) / 365
	ofYear := ofEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	fromMarch := (5*ofYear + 2) / 153
	day = ofYear - (153*fromMarch+2)/5 + 1
	year = yearOfEra + 400*era
	if fromMarch >= 10 {
		return year + 1, fromMarch - 9, day
	}
	return year, fromMarch + 3, day
}
