package oss

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxObjectBytes bounds a single put, as OSS does.
const maxObjectBytes = 5 << 30

// apiError is an answer in OSS's error form.
type apiError struct {
	XMLName   xml.Name `xml:"Error"`
	status    int
	Code      string
	Message   string
	RequestID string `xml:"RequestId"`
	HostID    string `xml:"HostId"`
}

func (e *apiError) Error() string { return e.Code + ": " + e.Message }

func denied(code, message string) *apiError {
	return &apiError{status: http.StatusForbidden, Code: code, Message: message}
}

func refused(status int, code, format string, args ...any) *apiError {
	return &apiError{status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// request is one call after its bucket and key are known.
type request struct {
	*http.Request
	store       *store
	bucket, key string
	fault       Fault
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := fmt.Sprintf("%024X", s.requests.Add(1))
	w.Header().Set("x-oss-request-id", id)
	w.Header().Set("Server", "AliyunOSS")
	err := s.serve(w, r)
	if err == nil {
		return
	}
	var api *apiError
	if !errors.As(err, &api) {
		s.options.Logger.Error("request failed", "method", r.Method, "path", r.URL.Path, "error", err)
		api = refused(http.StatusInternalServerError, "InternalError", "the embedded OSS failed: see its log")
	}
	api.RequestID, api.HostID = id, r.Host
	body, _ := xml.Marshal(api) // four strings always marshal
	body = append([]byte(xml.Header), body...)
	if r.Method == http.MethodHead {
		w.Header().Set("x-oss-err", base64.StdEncoding.EncodeToString(body))
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(api.status)
	_, _ = w.Write(body) // the client has gone: there is nobody to tell
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	if err := s.authenticate(r); err != nil {
		return err
	}
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if err := checkKey(key); err != nil {
		return err
	}
	operation, handle := s.route(r, bucket, key)
	if handle == nil {
		return refused(http.StatusNotImplemented, "NotImplemented", "the embedded OSS has no %s", operation)
	}
	call := request{Request: r, store: s.buckets[bucket], bucket: bucket, key: key, fault: s.faultFor(operation, key)}
	if bucket != "" && call.store == nil {
		return refused(http.StatusNotFound, "NoSuchBucket", "the bucket %s does not exist on this server", bucket)
	}
	switch {
	case call.fault.Drop:
		panic(http.ErrAbortHandler)
	case call.fault.Status != 0:
		return refused(call.fault.Status, call.fault.Code, "a fault was injected")
	case call.fault.DropDone:
		if err := handle(discard{}, &call); err != nil {
			return err
		}
		panic(http.ErrAbortHandler)
	}
	return handle(w, &call)
}

// checkKey enforces OSS's rules for object names; an empty key means the bucket itself.
func checkKey(key string) error {
	if len(key) > 1023 || !utf8.ValidString(key) || strings.HasPrefix(key, "/") || strings.HasPrefix(key, `\`) {
		return refused(http.StatusBadRequest, "InvalidObjectName",
			"an object name is UTF-8 of at most 1023 bytes and begins with neither slash nor backslash")
	}
	return nil
}

// discard is a response that nobody will see.
type discard struct{}

func (discard) Header() http.Header         { return http.Header{} }
func (discard) Write(b []byte) (int, error) { return len(b), nil }
func (discard) WriteHeader(int)             {}

type handlerFunc func(w http.ResponseWriter, r *request) error

// route names the operation; the handler is nil when this server lacks it.
func (s *Server) route(r *http.Request, bucket, key string) (operation string, handle handlerFunc) {
	query := r.URL.Query()
	for name := range query {
		switch name {
		case "bucketInfo", "list-type", "prefix", "delimiter", "continuation-token", "start-after", "max-keys",
			"encoding-type", "fetch-owner":
		default:
			return fmt.Sprintf("operation %s with the parameter %q", r.Method, name), nil
		}
	}
	switch {
	case bucket == "" && r.Method == http.MethodGet:
		return "ListBuckets", s.listBuckets
	case key == "" && r.Method == http.MethodGet && query.Has("bucketInfo"):
		return "GetBucketInfo", s.bucketInfo
	case key == "" && r.Method == http.MethodGet && query.Get("list-type") == "2":
		return "ListObjectsV2", s.listObjects
	case key == "" && r.Method == http.MethodGet:
		return "ListObjects of version 1: use ListObjectsV2", nil
	case key != "" && r.Method == http.MethodGet:
		return "GetObject", s.getObject
	case key != "" && r.Method == http.MethodHead:
		return "HeadObject", s.getObject
	case key != "" && r.Method == http.MethodPut && r.Header.Get("x-oss-copy-source") != "":
		return "CopyObject", nil
	case key != "" && r.Method == http.MethodPut && r.Header.Get("x-oss-symlink-target") != "":
		return "PutSymlink", nil
	case key != "" && r.Method == http.MethodPut:
		return "PutObject", s.putObject
	case key != "" && r.Method == http.MethodDelete:
		return "DeleteObject", s.deleteObject
	}
	return fmt.Sprintf("operation %s on %s", r.Method, r.URL.Path), nil
}

func (s *Server) putObject(w http.ResponseWriter, r *request) error {
	if r.ContentLength > maxObjectBytes {
		return refused(http.StatusBadRequest, "EntityTooLarge", "an object has at most %d bytes", int64(maxObjectBytes))
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxObjectBytes)) // chunked bodies have no length
	if err != nil {
		return refused(http.StatusBadRequest, "IncompleteBody", "the body ended early or is too large")
	}
	if want := r.Header.Get("Content-MD5"); want != "" {
		if sum := md5.Sum(body); base64.StdEncoding.EncodeToString(sum[:]) != want {
			return refused(http.StatusBadRequest, "InvalidDigest", "the Content-MD5 is not that of the body")
		}
	}
	m := metadata{Key: r.key, Modified: s.now().UTC().Truncate(time.Second), ContentType: r.Header.Get("Content-Type")}
	for name, values := range r.Header {
		if user, ok := strings.CutPrefix(strings.ToLower(name), "x-oss-meta-"); ok {
			if m.User == nil {
				m.User = map[string]string{}
			}
			m.User[user] = values[0]
		}
	}
	m, err = r.store.put(m, body, strings.EqualFold(r.Header.Get("x-oss-forbid-overwrite"), "true"))
	if errors.Is(err, errExists) {
		return refused(http.StatusConflict, "FileAlreadyExists", "the object %s exists and overwriting it was forbidden", r.key)
	}
	if err != nil {
		return err
	}
	w.Header().Set("ETag", m.ETag)
	w.Header().Set("x-oss-hash-crc64ecma", strconv.FormatUint(m.CRC64, 10))
	w.WriteHeader(http.StatusOK)
	return nil
}

// getObject serves GET and HEAD; conditions and ranges are those of net/http.
func (s *Server) getObject(w http.ResponseWriter, r *request) error {
	m, body, err := r.store.get(r.key)
	if errors.Is(err, errAbsent) {
		return refused(http.StatusNotFound, "NoSuchKey", "the object %s does not exist", r.key)
	}
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("ETag", m.ETag)
	header.Set("x-oss-object-type", "Normal")
	header.Set("x-oss-storage-class", "Standard")
	header.Set("x-oss-hash-crc64ecma", strconv.FormatUint(m.CRC64, 10))
	header.Set("Content-Type", m.ContentType)
	for name, value := range m.User {
		header.Set("x-oss-meta-"+name, value)
	}
	if r.fault.Corrupt && len(body) > 0 {
		body[len(body)/2] ^= 1
	}
	if r.fault.Truncate {
		header.Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}
	http.ServeContent(w, r.Request, "", m.Modified, bytes.NewReader(body))
	return nil
}

func (s *Server) deleteObject(w http.ResponseWriter, r *request) error {
	if err := r.store.remove(r.key); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
