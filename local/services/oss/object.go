package oss

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The largest single put and the most metadata of its own an object has, as in OSS.
const (
	maxObjectBytes = 5 << 30
	maxMetaBytes   = 8 << 10
)

const metaPrefix = "x-oss-meta-"

// keptHeaders of a put are answered with the object, besides x-oss-meta-*.
var keptHeaders = []string{
	"content-type", "cache-control", "content-disposition", "content-encoding", "content-language", "expires",
}

// knownHeaders are those of OSS's own headers that this server acts on.
var knownHeaders = []string{
	"x-oss-date", "x-oss-content-sha256", "x-oss-security-token", "x-oss-forbid-overwrite", "x-oss-range-behavior",
}

// unknownHeader names a header that asks for something this server would not do, if there is one.
func unknownHeader(r *http.Request) string {
	for name := range r.Header {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-oss-") && !strings.HasPrefix(lower, metaPrefix) &&
			!slices.Contains(knownHeaders, lower) {
			return lower
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead && strings.HasPrefix(lower, "if-") {
			return lower // OSS has no compare-and-swap: who counts on it must hear of it
		}
	}
	return ""
}

func (s *Server) putObject(w http.ResponseWriter, r *request) error {
	if r.ContentLength > maxObjectBytes {
		return refused(http.StatusBadRequest, "EntityTooLarge", "an object has at most %d bytes", int64(maxObjectBytes))
	}
	if size := metaSize(r.Header); size > maxMetaBytes {
		return refused(http.StatusBadRequest, "InvalidArgument",
			"the x-oss-meta- headers have %d bytes and %d are the most", size, maxMetaBytes)
	}
	m := metadata{Key: r.key, Modified: s.now().UTC().Truncate(time.Second), Header: describing(r.Header)}
	m, err := r.store.put(m, http.MaxBytesReader(w, r.Body, maxObjectBytes), // chunked bodies have no length
		r.Header.Get("Content-MD5"), strings.EqualFold(r.Header.Get("x-oss-forbid-overwrite"), "true"))
	switch {
	case errors.Is(err, errBody):
		return refused(http.StatusBadRequest, "IncompleteBody", "the body ended early or is too large")
	case errors.Is(err, errDigest):
		return refused(http.StatusBadRequest, "InvalidDigest", "the Content-MD5 is not that of the body")
	case errors.Is(err, errExists):
		return refused(http.StatusConflict, "FileAlreadyExists",
			"the object %s exists and overwriting it was forbidden", r.key)
	case err != nil:
		return err
	}
	w.Header().Set("ETag", m.ETag)
	setOwn(w.Header(), "x-oss-hash-crc64ecma", strconv.FormatUint(m.CRC64, 10))
	w.WriteHeader(http.StatusOK)
	return nil
}

// metaSize is what the names and values of an object's own metadata take.
func metaSize(header http.Header) (size int) {
	for name, values := range header {
		if strings.HasPrefix(strings.ToLower(name), metaPrefix) {
			size += len(name) - len(metaPrefix) + len(values[0])
		}
	}
	return size
}

// describing picks the headers of a put that belong to the object.
func describing(header http.Header) map[string]string {
	kept := map[string]string{}
	for name, values := range header {
		name = strings.ToLower(name)
		if slices.Contains(keptHeaders, name) || strings.HasPrefix(name, metaPrefix) {
			kept[name] = values[0]
		}
	}
	return kept
}

// getObject serves GET and HEAD.
func (s *Server) getObject(w http.ResponseWriter, r *request) error {
	stored, err := r.store.get(r.key)
	if errors.Is(err, errAbsent) {
		return refused(http.StatusNotFound, "NoSuchKey", "the object %s does not exist", r.key)
	}
	if err != nil {
		return err
	}
	defer stored.Close()
	m := stored.metadata
	header := w.Header()
	header.Set("ETag", m.ETag)
	header.Set("Last-Modified", m.Modified.UTC().Format(http.TimeFormat))
	switch judge(r.Header, m) {
	case http.StatusNotModified:
		w.WriteHeader(http.StatusNotModified)
		return nil
	case http.StatusPreconditionFailed:
		return refused(http.StatusPreconditionFailed, "PreconditionFailed",
			"the object %s does not meet the condition of If-Match or If-Unmodified-Since", r.key)
	}
	part, status, err := rangeOf(r.Header, m.Size)
	if err != nil {
		return err
	}
	header.Set("Accept-Ranges", "bytes")
	header.Set("Content-Type", "application/octet-stream")
	setOwn(header, "x-oss-object-type", "Normal")
	setOwn(header, "x-oss-storage-class", "Standard")
	setOwn(header, "x-oss-hash-crc64ecma", strconv.FormatUint(m.CRC64, 10))
	for name, value := range m.Header {
		if strings.HasPrefix(name, "x-oss-") {
			setOwn(header, name, value)
			continue
		}
		header.Set(name, value)
	}
	if status == http.StatusPartialContent {
		header.Set("Content-Range", part.header(m.Size))
	}
	return send(w, r, status, stored, part)
}

// setOwn sets one of OSS's own headers as OSS writes it, in lower case: some SDKs hand metadata out under the name
// that came over the wire.
func setOwn(header http.Header, name, value string) { header[name] = []string{value} }

// send writes a part of the body, or what the fault makes of it.
func send(w http.ResponseWriter, r *request, status int, stored *object, p span) error {
	size := p.to - p.from
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	body := stored.body(p)
	if r.fault.Corrupt {
		body = &corrupt{body, size / 2}
	}
	if r.fault.Truncate {
		_, _ = io.CopyN(w, body, size/2)
		_ = http.NewResponseController(w).Flush() // the half must arrive before the connection ends
		panic(http.ErrAbortHandler)
	}
	if _, err := io.CopyN(w, body, size); err != nil {
		panic(http.ErrAbortHandler) // the client has gone, or must see that this is not all
	}
	return nil
}

// corrupt changes the byte behind so many others.
type corrupt struct {
	io.Reader
	left int64
}

func (c *corrupt) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	if c.left >= 0 && c.left < int64(n) {
		b[c.left] ^= 1
	}
	c.left -= int64(n)
	return n, err
}

func (s *Server) deleteObject(w http.ResponseWriter, r *request) error {
	if err := r.store.remove(r.key); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
