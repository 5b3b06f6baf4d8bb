package oss

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// judge answers 200, 304 or 412 for the conditional headers of a read. An ETag condition makes the date condition
// of its kind void, as HTTP says.
func judge(header http.Header, m metadata) int {
	if want := header.Get("If-Match"); want != "" {
		if !matches(want, m.ETag) {
			return http.StatusPreconditionFailed
		}
	} else if limit, err := http.ParseTime(header.Get("If-Unmodified-Since")); err == nil && m.Modified.After(limit) {
		return http.StatusPreconditionFailed
	}
	if have := header.Get("If-None-Match"); have != "" {
		if matches(have, m.ETag) {
			return http.StatusNotModified
		}
	} else if since, err := http.ParseTime(header.Get("If-Modified-Since")); err == nil && !m.Modified.After(since) {
		return http.StatusNotModified
	}
	return http.StatusOK
}

// matches compares a list of ETags, quoted or bare, or a star.
func matches(list, etag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.Trim(one, ` "`)
		if one == "*" || one == strings.Trim(etag, `"`) {
			return true
		}
	}
	return false
}

// span is a piece of a body: from inclusive, to exclusive.
type span struct{ from, to int64 }

func (s span) header(size int64) string { return fmt.Sprintf("bytes %d-%d/%d", s.from, s.to-1, size) }

// rangeOf applies the Range header as OSS does: a malformed range, or one that leaves the object, means the whole
// object with 200, unless x-oss-range-behavior is standard.
func rangeOf(header http.Header, size int64) (span, int, error) {
	whole := span{0, size}
	text, ok := strings.CutPrefix(header.Get("Range"), "bytes=")
	if !ok {
		return whole, http.StatusOK, nil
	}
	part, wellFormed := parseRange(text, size)
	standard := header.Get("x-oss-range-behavior") == "standard"
	switch {
	case !wellFormed:
		return whole, http.StatusOK, nil
	case standard && part.from >= size:
		return whole, 0, refused(http.StatusRequestedRangeNotSatisfiable, "InvalidRange",
			"the range %s begins beyond the object's %d bytes", text, size)
	case standard:
		part = span{max(part.from, 0), min(part.to, size)}
	case part.from < 0 || part.from >= size || part.to > size:
		return whole, http.StatusOK, nil
	}
	return part, http.StatusPartialContent, nil
}

// parseRange reads "a-b", "a-" or "-n"; of several ranges OSS takes the first. The answer may leave the object.
func parseRange(text string, size int64) (span, bool) {
	text, _, _ = strings.Cut(text, ",")
	first, last, ok := strings.Cut(strings.TrimSpace(text), "-")
	if !ok || first == "" && last == "" {
		return span{}, false
	}
	if first == "" {
		n, err := strconv.ParseInt(last, 10, 48)
		return span{size - n, size}, err == nil && n > 0
	}
	from, err := strconv.ParseInt(first, 10, 48)
	if err != nil || from < 0 {
		return span{}, false
	}
	if last == "" {
		return span{from, max(size, from)}, true
	}
	to, err := strconv.ParseInt(last, 10, 48)
	return span{from, to + 1}, err == nil && to >= from
}
