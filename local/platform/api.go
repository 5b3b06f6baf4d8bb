package platform

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"feedstream/local/platform/runtime"
)

// service is the one service that the API knows: all functions are in it.
const service = "feedstream"

// serveAPI is the part of the API of 2016-08-15 that aliyun/fc-go-sdk needs to call a function.
func (p *Platform) serveAPI(w http.ResponseWriter, r *http.Request) {
	id := runtime.NewRequestID()
	w.Header().Set("X-Fc-Request-Id", id)
	if err := p.checkSignature(r, r.URL.Path); err != nil {
		apiError(w, http.StatusForbidden, "AccessDenied", err.Error())
		return
	}
	f := p.invoked(w, r)
	if f == nil {
		return
	}
	how, ok := invocationOf(w, r.Header)
	if !ok {
		return
	}
	event, ok := received(w, r, f.Manifest().Timeout)
	if !ok {
		return
	}
	if err := checkSum(r.Header, event); err != nil {
		apiError(w, http.StatusBadRequest, "InvalidArgument", err.Error())
		return
	}
	if how.async {
		p.acceptAsync(w, f, event)
		return
	}
	answer, printed, err := f.InvokeLogged(r.Context(), id, event)
	if how.tail {
		w.Header().Set("X-Fc-Log-Result", base64.StdEncoding.EncodeToString(printed()))
	}
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

// invoked finds the function that a request asks to invoke, or answers it.
func (p *Platform) invoked(w http.ResponseWriter, r *http.Request) *runtime.Function {
	path, isService := strings.CutPrefix(r.URL.Path, "/2016-08-15/services/")
	of, name, isFunction := strings.Cut(path, "/functions/")
	name, isInvocation := strings.CutSuffix(name, "/invocations")
	if !isService || !isFunction || !isInvocation || r.Method != http.MethodPost {
		apiError(w, http.StatusNotImplemented, "NotImplemented", fmt.Sprintf("the local platform has no %s %s", r.Method, r.URL.Path))
		return nil
	}
	of, qualifier, qualified := strings.Cut(of, ".")
	switch f := p.runtime.Function(name); {
	case of != service:
		apiError(w, http.StatusNotFound, "ServiceNotFound", fmt.Sprintf("there is no service %q: the local one is %s", of, service))
	case qualified && qualifier != "LATEST":
		apiError(w, http.StatusNotFound, "VersionNotFound", fmt.Sprintf("there is no version or alias %q: the local one is LATEST", qualifier))
	case f == nil:
		apiError(w, http.StatusNotFound, "FunctionNotFound", fmt.Sprintf("there is no function %q in %s", name, p.cfg.Manifest.Path))
	default:
		return f
	}
	return nil
}

// invocation is how an event is to be handled.
type invocation struct{ async, tail bool }

// notHere are headers of invocations that the platform knows and this one does not.
var notHere = []string{"X-Fc-Stateful-Async-Invocation-Id", "X-Fc-Async-Delay"}

// invocationOf reads the headers of an invocation, or answers what it does not know: nothing is silently left out.
func invocationOf(w http.ResponseWriter, h http.Header) (invocation, bool) {
	for _, name := range notHere {
		if h.Get(name) != "" {
			apiError(w, http.StatusNotImplemented, "NotImplemented", "the local platform has no "+name)
			return invocation{}, false
		}
	}
	kind, log := h.Get("X-Fc-Invocation-Type"), h.Get("X-Fc-Log-Type")
	for _, known := range []struct {
		header, value string
		values        [2]string
	}{
		{"X-Fc-Invocation-Type", kind, [2]string{"Sync", "Async"}},
		{"X-Fc-Log-Type", log, [2]string{"None", "Tail"}},
	} {
		if known.value != "" && !strings.EqualFold(known.value, known.values[0]) && !strings.EqualFold(known.value, known.values[1]) {
			apiError(w, http.StatusBadRequest, "InvalidArgument", fmt.Sprintf("%s is %q: it can be %s or %s",
				known.header, known.value, known.values[0], known.values[1]))
			return invocation{}, false
		}
	}
	return invocation{async: strings.EqualFold(kind, "Async"), tail: strings.EqualFold(log, "Tail")}, true
}

func apiError(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"ErrorCode": code, "ErrorMessage": message})
}
