package feed

import "time"

const timeLayout = "2006-01-02T15:04:05.000Z"

const dayMillis = 24 * 60 * 60 * 1000

// AppendTime appends what FormatTime returns.
func AppendTime(dst []byte, ms int64) []byte {
	const last = 253_402_300_799_999 // of the year 9999
	if ms < 0 || ms > last {
		return time.UnixMilli(ms).UTC().AppendFormat(dst, timeLayout)
	}
	year, month, day := civil(uint32(ms / dayMillis))
	rest := uint32(ms % dayMillis)
	text := [len(timeLayout)]byte{4: '-', 7: '-', 10: 'T', 13: ':', 16: ':', 19: '.', 23: 'Z'}
	twoDigits(text[0:], year/100)
	twoDigits(text[2:], year%100)
	twoDigits(text[5:], month)
	twoDigits(text[8:], day)
	twoDigits(text[11:], rest/3_600_000)
	twoDigits(text[14:], rest/60_000%60)
	twoDigits(text[17:], rest/1000%60)
	text[20] = byte('0' + rest%1000/100)
	twoDigits(text[21:], rest%100)
	return append(dst, text[:]...)
}

func twoDigits(dst []byte, n uint32) {
	dst[0], dst[1] = byte('0'+n/10), byte('0'+n%10)
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
