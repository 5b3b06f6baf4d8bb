package platform

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"feedstream/local/platform/manifest"
	"feedstream/local/platform/runtime"
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
	body, ok := received(w, r, f.Manifest().Timeout)
	if !ok {
		return
	}
	answered, err := passOn(w, r, f, path, body)
	switch {
	case err == nil:
	case errors.Is(err, errUnread):
		p.cfg.Logger.Debug("HTTP trigger", "function", name, "error", err)
		panic(http.ErrAbortHandler) // the connection has no use any more
	default:
		f.Failed()
		p.cfg.Logger.Warn("HTTP trigger", "function", name, "error", err)
		if answered {
			panic(http.ErrAbortHandler) // the caller must see that its answer is cut short
		}
		apiError(w, http.StatusBadGateway, "FunctionFailed", "the function did not answer: see its log")
	}
}

// refuseOtherSite answers what a page of another site sends by a browser of this machine: it would act here without
// anybody's wish, and needs no answer for that. Requests that only read are served; the page gets no answer to see.
func refuseOtherSite(w http.ResponseWriter, r *http.Request) {
	apiError(w, http.StatusForbidden, "AccessDenied", fmt.Sprintf(
		"%s %s comes from a page of another site: call it from a program, or have that page's own server pass it on", r.Method, r.URL.Path))
}

// The most that a request of a trigger may bring before its body. Source: limits of HTTP triggers.
const (
	maxPath    = 4 << 10
	maxHeaders = 8 << 10
)

// admitted answers a request that the trigger does not let in.
func (p *Platform) admitted(w http.ResponseWriter, r *http.Request, trigger manifest.HTTPTrigger) bool {
	if len(r.URL.EscapedPath()) > maxPath {
		apiError(w, http.StatusRequestURITooLong, "URITooLong", "a path has at most 4 KB")
		return false
	}
	if headerBytes(r.Header) > maxHeaders {
		apiError(w, http.StatusRequestHeaderFieldsTooLarge, "HeadersTooLarge", "the headers of a request have at most 8 KB together")
		return false
	}
	if !slices.Contains(trigger.Methods, r.Method) {
		methods := strings.Join(trigger.Methods, ", ")
		w.Header().Set("Allow", methods)
		apiError(w, http.StatusMethodNotAllowed, "MethodNotAllowed", r.Method+" is not among the trigger's methods "+methods)
		return false
	}
	if !trigger.Anonymous && !p.cfg.AnonymousHTTP {
		if err := p.checkSignature(r, resourceWithQuery(r)); err != nil {
			apiError(w, http.StatusForbidden, "AccessDenied",
				err.Error()+": the trigger has authType function, sign the request, or run the stack with --anonymous-http")
			return false
		}
	}
	return true
}

func headerBytes(h http.Header) int {
	size := 0
	for name, values := range h {
		for _, value := range values {
			size += len(name) + len(value)
		}
	}
	return size
}

// passOn has an instance answer; answered says that the caller has got the status already.
func passOn(w http.ResponseWriter, r *http.Request, f *runtime.Function, path string, body []byte) (answered bool, err error) {
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
		// A function knows nothing of the prefix under which it is called here.
		if to := w.Header().Get("Location"); strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") {
			w.Header().Set("Location", "/"+f.Manifest().Name+to)
		}
		answered = true
		w.WriteHeader(response.StatusCode)
		return answer(w, response.Body, readTime)
	})
	return answered, err
}

// forwarded is a caller's request as an instance gets it.
func forwarded(ctx context.Context, r *http.Request, target string, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, r.Method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header = r.Header.Clone()
	request.Header.Del("Authorization")
	if peer, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		passed := append(request.Header.Values("X-Forwarded-For"), peer)
		request.Header.Set("X-Forwarded-For", strings.Join(passed, ", "))
	}
	return request, nil
}
