package oss

import (
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
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
	if bucket == "" && key != "" {
		return refused(http.StatusBadRequest, "InvalidBucketName", "the path %s names no bucket", r.URL.Path)
	}
	creates := key == "" && r.Method == http.MethodPut // which this server refuses, by its own name
	if bucket != "" && s.buckets[bucket] == nil && !creates {
		return refused(http.StatusNotFound, "NoSuchBucket", "the bucket %s does not exist on this server", bucket)
	}
	operation := route(r, bucket, key)
	handle := operations[operation]
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
	return faulty(w, &call, func(w http.ResponseWriter, r *request) error { return handle(s, w, r) })
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

// operations are those the server has, by the names that faults and refusals call them.
var operations = map[string]func(*Server, http.ResponseWriter, *request) error{
	"ListBuckets": (*Server).listBuckets, "GetBucketInfo": (*Server).bucketInfo, "ListObjectsV2": (*Server).listObjects,
	"GetObject": (*Server).getObject, "HeadObject": (*Server).getObject,
	"PutObject": (*Server).putObject, "DeleteObject": (*Server).deleteObject,
}

// parameters are those of the operations.
var parameters = []string{
	"bucketInfo", "list-type", "prefix", "delimiter", "continuation-token", "start-after", "max-keys", "encoding-type",
	"fetch-owner", "objectMeta",
}

// route names the operation, which is in operations or is one that this server lacks.
func route(r *http.Request, bucket, key string) string {
	query := r.URL.Query()
	for _, name := range slices.Sorted(maps.Keys(query)) { // a refusal names the same one each time
		if !slices.Contains(parameters, name) {
			return fmt.Sprintf("operation %s with the parameter %q", r.Method, name)
		}
	}
	if query.Has("objectMeta") && r.Method != http.MethodHead {
		return "operation " + r.Method + " with the parameter objectMeta"
	}
	switch {
	case bucket == "" && r.Method == http.MethodGet:
		return "ListBuckets"
	case key == "" && r.Method == http.MethodGet && query.Has("bucketInfo"):
		return "GetBucketInfo"
	case key == "" && r.Method == http.MethodGet && query.Get("list-type") == "2":
		return "ListObjectsV2"
	case key == "" && r.Method == http.MethodGet:
		return "ListObjects of version 1: use ListObjectsV2"
	case key != "" && r.Method == http.MethodGet:
		return "GetObject"
	case key != "" && r.Method == http.MethodHead:
		return "HeadObject"
	case key != "" && r.Method == http.MethodPut && r.Header.Get("x-oss-copy-source") != "":
		return "CopyObject"
	case key != "" && r.Method == http.MethodPut && r.Header.Get("x-oss-symlink-target") != "":
		return "PutSymlink"
	case key != "" && r.Method == http.MethodPut:
		return "PutObject"
	case key != "" && r.Method == http.MethodDelete:
		return "DeleteObject"
	}
	return fmt.Sprintf("operation %s on %s", r.Method, r.URL.Path)
}

// Unsupported says in short lines what OSS does and this server does not, from the tables it decides by.
func Unsupported() []string {
	return []string{
		"operations other than " + strings.Join(slices.Sorted(maps.Keys(operations)), ", "),
		"parameters other than " + strings.Join(parameters, ", "),
		"x-oss- headers other than x-oss-meta-* and " + strings.Join(knownHeaders, ", "),
		"conditions on writes, but for x-oss-forbid-overwrite",
		"signatures in the URL, signed bodies, other keys than the one it is started with",
		"buckets in the host name",
	}
}
