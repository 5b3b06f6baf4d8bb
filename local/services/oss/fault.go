package oss

import (
	"bytes"
	"errors"
	"maps"
	"net/http"
	"slices"

	"feedstream/local/services/fault"
)

// Call is a request as a fault hook sees it.
type Call struct {
	Name        string // as Calls lists them
	Bucket, Key string // empty where the request names none
}

// Fault says how a call goes wrong. Err is a code of OSS, such as "ServiceUnavailable".
type Fault struct {
	fault.Fault
	Truncate bool // send half of the body under the full Content-Length
	Corrupt  bool // flip a bit of the body
}

// calls are the names of the operations in faults.
var calls = map[string]string{
	"ListBuckets": "buckets", "GetBucketInfo": "info", "ListObjectsV2": "list",
	"GetObject": "get", "HeadObject": "head", "PutObject": "put", "DeleteObject": "delete",
}

// Calls lists the names of the calls that a fault may concern.
func Calls() []string { return slices.Sorted(maps.Values(calls)) }

// statuses are those of the codes that an injected error may have.
var statuses = map[string]int{
	"AccessDenied": http.StatusForbidden, "NoSuchBucket": http.StatusNotFound, "NoSuchKey": http.StatusNotFound,
	"FileAlreadyExists": http.StatusConflict, "PreconditionFailed": http.StatusPreconditionFailed,
	"NotImplemented": http.StatusNotImplemented, "ServiceUnavailable": http.StatusServiceUnavailable,
	"SlowDown": http.StatusServiceUnavailable, "InternalError": http.StatusInternalServerError,
	"RequestTimeout": http.StatusBadRequest, "InvalidAccessKeyId": http.StatusForbidden,
	"SignatureDoesNotMatch": http.StatusForbidden, "RequestTimeTooSkewed": http.StatusForbidden,
}

// Faults are what rules may say of this server, with the words of its own.
func Faults(own ...string) fault.Target {
	return fault.Served("oss", Calls(), own...).Erring(slices.Sorted(maps.Keys(statuses)))
}

// Fault installs hook, which is called from many goroutines, in place of the one before; nil removes it.
func (s *Server) Fault(hook func(Call) Fault) {
	if hook == nil {
		s.fault.Store(nil)
		return
	}
	s.fault.Store(&hook)
}

func (s *Server) faultOf(operation string, r *request) Fault {
	if hook := s.fault.Load(); hook != nil {
		return (*hook)(Call{Name: calls[operation], Bucket: r.bucket, Key: r.key})
	}
	return Fault{}
}

// faulty runs a call with its fault around it. A fault that comes after the effect comes before the answer, which is
// kept back until then.
func faulty(w http.ResponseWriter, r *request, handle handlerFunc) error {
	var kept draft
	_, err := fault.Around(r.Context(), r.fault.Fault, func() (struct{}, error) {
		if r.fault.When == fault.After {
			return struct{}{}, handle(&kept, r)
		}
		return struct{}{}, handle(w, r)
	})
	var e *fault.Error
	switch {
	case errors.Is(err, fault.ErrDrop):
		panic(http.ErrAbortHandler)
	case errors.As(err, &e):
		status := statuses[e.Name]
		if status == 0 {
			status = http.StatusInternalServerError
		}
		return refused(status, e.Name, "%s", e.Message)
	case err == nil && r.fault.When == fault.After:
		kept.send(w)
	}
	return err
}

// draft is an answer that is not sent yet.
type draft struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (d *draft) Header() http.Header {
	if d.header == nil {
		d.header = http.Header{}
	}
	return d.header
}

func (d *draft) Write(b []byte) (int, error) { return d.body.Write(b) }
func (d *draft) WriteHeader(status int)      { d.status = status }

func (d *draft) send(w http.ResponseWriter) {
	maps.Copy(w.Header(), d.header)
	if d.status != 0 {
		w.WriteHeader(d.status)
	}
	_, _ = d.body.WriteTo(w) // the client has gone: there is nobody to tell
}
