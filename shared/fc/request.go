package fc

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// Credentials are the temporary ones of the function's role. They expire: use those of the
// invocation at hand and keep none. They never belong into a log or a response.
type Credentials struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string
}

// EnvironmentCredentials reads ALIBABA_CLOUD_ACCESS_KEY_ID, _SECRET and ALIBABA_CLOUD_SECURITY_TOKEN out
// of environ, "NAME=value" lines as os.Environ returns them.
func EnvironmentCredentials(environ []string) (c Credentials) {
	readEnvironment(environ, map[string]*string{
		"ALIBABA_CLOUD_ACCESS_KEY_ID": &c.AccessKeyID, "ALIBABA_CLOUD_ACCESS_KEY_SECRET": &c.AccessKeySecret,
		"ALIBABA_CLOUD_SECURITY_TOKEN": &c.SecurityToken,
	})
	return c
}

type contextKey struct{}

type invocation struct {
	requestID   string
	credentials Credentials
	attempt     int
	cold        bool
}

// RequestID returns the platform's id of the request that ctx belongs to, "" outside of one.
func RequestID(ctx context.Context) string {
	inv, _ := ctx.Value(contextKey{}).(invocation)
	return inv.requestID
}

// Attempt says for the how manieth time the platform sends the event of the request that ctx belongs to,
// from 1. It is 0 where the platform does not say: the header x-fc-retry-count is optional, and no document
// promises it for an event stream.
func Attempt(ctx context.Context) int {
	inv, _ := ctx.Value(contextKey{}).(invocation)
	return inv.attempt
}

// ColdStart reports whether the request that ctx belongs to is the first that its instance serves, hooks
// not counted. Of several that arrive together one is.
func ColdStart(ctx context.Context) bool {
	inv, _ := ctx.Value(contextKey{}).(invocation)
	return inv.cold
}

// CredentialsFrom returns the credentials of the request that ctx belongs to; they are empty
// outside of one.
func CredentialsFrom(ctx context.Context) Credentials {
	inv, _ := ctx.Value(contextKey{}).(invocation)
	return inv.credentials
}

// deadlineMargin is kept back of the function's timeout, so that a slow push answers its failure
// itself instead of being cut off. A quarter of a short timeout is kept back at most.
const deadlineMargin = 5 * time.Second

// requestContext gives a request its id, its credentials and the deadline by which work must stop.
func requestContext(r *http.Request, fallback Credentials, cold bool) (context.Context, context.CancelFunc) {
	inv := invocation{requestID: r.Header.Get("x-fc-request-id"), credentials: fallback, cold: cold}
	if retries, err := strconv.Atoi(r.Header.Get("x-fc-retry-count")); err == nil && retries >= 0 {
		inv.attempt = retries + 1
	}
	if id := r.Header.Get("x-fc-access-key-id"); id != "" {
		inv.credentials = Credentials{
			AccessKeyID:     id,
			AccessKeySecret: r.Header.Get("x-fc-access-key-secret"),
			SecurityToken:   r.Header.Get("x-fc-security-token"),
		}
	}
	ctx := context.WithValue(r.Context(), contextKey{}, inv)
	timeout := timeoutOf(r)
	if timeout == 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, timeout-min(deadlineMargin, timeout/4))
}

// timeoutOf returns how long the platform waits for this request, 0 when it does not say. The
// initializer has a limit of its own.
func timeoutOf(r *http.Request) time.Duration {
	header := "x-fc-function-timeout"
	if controlPath(r) == "/initialize" && r.Header.Get("x-fc-initialization-timeout") != "" {
		header = "x-fc-initialization-timeout"
	}
	seconds, err := strconv.Atoi(r.Header.Get(header))
	if err != nil || seconds <= 0 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}
