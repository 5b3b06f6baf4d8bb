package oss

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"
)

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
	if handle != nil {
		if name := unknownHeader(r); name != "" {
			operation, handle = operation+" with the header "+name, nil
		}
	}
	if handle == nil {
		return refused(http.StatusNotImplemented, "NotImplemented", "the embedded OSS has no %s", operation)
	}
	call := request{Request: r, store: s.buckets[bucket], bucket: bucket, key: key}
	call.fault = s.faultOf(operation, &call)
	if bucket != "" && call.store == nil {
		return refused(http.StatusNotFound, "NoSuchBucket", "the bucket %s does not exist on this server", bucket)
	}
	return faulty(w, &call, handle)
}

// checkKey enforces OSS's rules for object names; an empty key means the bucket itself.
func checkKey(key string) error {
	if len(key) > 1023 || !utf8.ValidString(key) || strings.HasPrefix(key, "/") || strings.HasPrefix(key, `\`) {
		return refused(http.StatusBadRequest, "InvalidObjectName",
			"an object name is UTF-8 of at most 1023 bytes and begins with neither slash nor backslash")
	}
	return nil
}

type handlerFunc func(w http.ResponseWriter, r *request) error

// route names the operation; the handler is nil when this server lacks it.
func (s *Server) route(r *http.Request, bucket, key string) (operation string, handle handlerFunc) {
	query := r.URL.Query()
	for name := range query {
		switch name {
		case "bucketInfo", "list-type", "prefix", "delimiter", "continuation-token", "start-after", "max-keys",
			"encoding-type", "fetch-owner":
		case "objectMeta":
			if r.Method != http.MethodHead {
				return "operation " + r.Method + " with the parameter objectMeta", nil
			}
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
