package fc

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// access gathers what one request of an HTTP trigger logs.
type access struct {
	http.ResponseWriter
	began  time.Time
	status int // 0 until the header is written
	bytes  int64
	items  int
	listed bool // the handler said how many items
}

type accessKey struct{}

// SetItems says how many items the HTTP request that ctx belongs to reads or writes: its line names them.
// Outside of such a request it does nothing.
func SetItems(ctx context.Context, items int) {
	if a, ok := ctx.Value(accessKey{}).(*access); ok {
		a.items, a.listed = items, true
	}
}

func (a *access) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *access) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	n, err := a.ResponseWriter.Write(b)
	a.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController find what it controls.
func (a *access) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// log writes the line "request". Its path is the pattern by which the request was routed: the path itself
// would make a series of each row key. Errors of the function are at level ERROR, those of the caller are not.
func (a *access) log(logger *slog.Logger, r *http.Request) {
	status := a.status
	if status == 0 {
		status = http.StatusOK
	}
	level := slog.LevelInfo
	if status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	attrs := []slog.Attr{
		slog.String("method", Clip(r.Method, maxMethodBytes)), slog.String("path", pathTemplate(r.Pattern)),
		slog.Int("status", status), slog.Int64("responseBytes", a.bytes),
		slog.Bool("coldStart", ColdStart(r.Context())), slog.Duration("duration", time.Since(a.began)),
	}
	if r.ContentLength > 0 {
		attrs = append(attrs, slog.Int64("requestBytes", r.ContentLength))
	}
	if a.listed {
		attrs = append(attrs, slog.Int("items", a.items))
	}
	logger.LogAttrs(r.Context(), level, "request", attrs...)
}

// maxMethodBytes is longer than each method there is.
const maxMethodBytes = 20

// pathTemplate is the path of a pattern such as "GET /rows/{rowKey}".
func pathTemplate(pattern string) string {
	return pattern[strings.Index(pattern, " ")+1:]
}
