package platform

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"feedstream/local/platform/manifest"
	"feedstream/local/platform/runtime"
	"feedstream/local/platform/stream"
)

// serveTrigger serves /<functionName>/…: the prefix is stripped and the request passed on unchanged.
func (p *Platform) serveTrigger(w http.ResponseWriter, r *http.Request) {
	name, path, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	f := p.runtime.Function(name)
	if f == nil || len(f.Manifest().HTTP) == 0 {
		apiError(w, http.StatusNotFound, "TriggerNotFound", fmt.Sprintf("no function %q with an HTTP trigger: call /<functionName>/…", name))
		return
	}
	if !p.admitted(w, r, f.Manifest().HTTP[0]) {
		return
	}
	answered, err := passOn(w, r, f, path)
	var large *http.MaxBytesError
	switch {
	case err == nil:
	case errors.As(err, &large):
		tooLarge(w, "a request")
	default:
		f.Failed()
		p.cfg.Logger.Warn("HTTP trigger", "function", name, "error", err)
		if answered {
			panic(http.ErrAbortHandler) // the caller must see that its answer is cut short
		}
		apiError(w, http.StatusBadGateway, "FunctionFailed", "the function did not answer: see its log")
	}
}

// admitted answers a request that the trigger does not let in.
func (p *Platform) admitted(w http.ResponseWriter, r *http.Request, trigger manifest.HTTPTrigger) bool {
	switch {
	case !slices.Contains(trigger.Methods, r.Method):
		methods := strings.Join(trigger.Methods, ", ")
		w.Header().Set("Allow", methods)
		apiError(w, http.StatusMethodNotAllowed, "MethodNotAllowed", r.Method+" is not among the trigger's methods "+methods)
	case !trigger.Anonymous && !p.cfg.AnonymousHTTP && !p.signed(r, resourceWithQuery(r)):
		apiError(w, http.StatusForbidden, "AccessDenied",
			"the trigger has authType function: sign the request, or run the stack with --anonymous-http")
	case r.ContentLength > stream.MaxBody:
		tooLarge(w, "a request")
	default:
		return true
	}
	return false
}

// passOn has an instance answer; answered says that the caller has got the status already.
func passOn(w http.ResponseWriter, r *http.Request, f *runtime.Function, path string) (answered bool, err error) {
	body := http.MaxBytesReader(w, r.Body, stream.MaxBody)
	err = f.Call(r.Context(), "/http-invoke", func(ctx context.Context, base string) (*http.Request, error) {
		target := base + "/" + path
		if r.URL.RawQuery != "" {
			target += "?" + r.URL.RawQuery
		}
		return forwarded(ctx, r, target, body)
	}, func(response *http.Response) error {
		for name, values := range response.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(response.StatusCode)
		answered = true
		_, err := io.Copy(w, response.Body)
		return err
	})
	return answered, err
}

// forwarded is a caller's request as an instance gets it.
func forwarded(ctx context.Context, r *http.Request, target string, body io.Reader) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, r.Method, target, body)
	if err != nil {
		return nil, err
	}
	request.Header = r.Header.Clone()
	request.Header.Del("Authorization")
	request.ContentLength = r.ContentLength
	if peer, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		passed := append(request.Header.Values("X-Forwarded-For"), peer)
		request.Header.Set("X-Forwarded-For", strings.Join(passed, ", "))
	}
	return request, nil
}

// serveAPI is the part of the API of 2016-08-15 that aliyun/fc-go-sdk needs to call a function.
func (p *Platform) serveAPI(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Fc-Request-Id", runtime.NewRequestID())
	if !p.signed(r, r.URL.Path) {
		apiError(w, http.StatusForbidden, "AccessDenied", "the signature is not that of this request under the local access key")
		return
	}
	name, ok := strings.CutPrefix(r.URL.Path, "/2016-08-15/services/feedstream/functions/")
	name, isInvocation := strings.CutSuffix(name, "/invocations")
	if !ok || !isInvocation || r.Method != http.MethodPost {
		apiError(w, http.StatusNotImplemented, "NotImplemented", fmt.Sprintf("the local platform has no %s %s", r.Method, r.URL.Path))
		return
	}
	if p.runtime.Function(name) == nil {
		apiError(w, http.StatusNotFound, "FunctionNotFound", fmt.Sprintf("there is no function %q in %s", name, p.cfg.Manifest.Path))
		return
	}
	event, err := io.ReadAll(http.MaxBytesReader(w, r.Body, stream.MaxBody))
	if err != nil {
		tooLarge(w, "an event")
		return
	}
	if strings.EqualFold(r.Header.Get("X-Fc-Invocation-Type"), "Async") {
		p.acceptAsync(w, p.runtime.Function(name), event)
		return
	}
	answer, err := p.Invoke(r.Context(), name, event)
	var failed *runtime.FunctionError
	switch {
	case errors.As(err, &failed): // a function's own failure is a successful call of the API
		w.Header().Set("X-Fc-Error-Type", "UnhandledInvocationError")
		answer = failed.Body
	case err != nil:
		w.Header().Set("X-Fc-Error-Type", "UnhandledInvocationError")
		answer, _ = json.Marshal(map[string]string{"errorMessage": err.Error()})
	}
	_, _ = w.Write(answer) // the caller has gone: there is nobody to tell
}

func tooLarge(w http.ResponseWriter, what string) {
	apiError(w, http.StatusRequestEntityTooLarge, "PayloadTooLarge", what+" has at most 32 MB")
}

func apiError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"ErrorCode": code, "ErrorMessage": message})
}

// signed checks the header Authorization: FC <key id>:<signature>. Source: "Signature authentication"
// of the API 2016-08-15.
func (p *Platform) signed(r *http.Request, resource string) bool {
	var headers []string
	for name, values := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-fc-") {
			headers = append(headers, name+":"+values[0]+"\n")
		}
	}
	slices.Sort(headers)
	h := hmac.New(sha256.New, []byte(p.cfg.Credentials.AccessKeySecret))
	fmt.Fprintf(h, "%s\n%s\n%s\n%s\n%s%s", r.Method, r.Header.Get("Content-MD5"), r.Header.Get("Content-Type"),
		r.Header.Get("Date"), strings.Join(headers, ""), resource)
	want := "FC " + p.cfg.Credentials.AccessKeyID + ":" + base64.StdEncoding.EncodeToString(h.Sum(nil))
	return hmac.Equal([]byte(want), []byte(r.Header.Get("Authorization")))
}

// resourceWithQuery is what HTTP triggers sign: the path, a line feed, and the sorted parameters.
func resourceWithQuery(r *http.Request) string {
	path, err := url.PathUnescape(r.URL.EscapedPath())
	if err != nil {
		return ""
	}
	var pairs []string
	for name, values := range r.URL.Query() {
		for _, value := range values {
			pairs = append(pairs, name+"="+value)
		}
	}
	slices.Sort(pairs)
	return path + "\n" + strings.Join(pairs, "\n")
}
