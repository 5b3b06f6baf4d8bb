package hostcheck

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestForeignHostsAreRefused(t *testing.T) {
	for host, served := range map[string]bool{
		"localhost":                true,
		"LocalHost:8080":           true,
		"127.0.0.1":                true,
		"127.0.0.1:8082":           true,
		"[::1]":                    true,
		"[::1]:8080":               true,
		"192.168.2.17:8080":        true,
		"":                         true, // HTTP/1.0
		"rebind.example":           false,
		"rebind.example:8080":      false,
		"localhost.rebind.example": false,
		"127.0.0.1.rebind.example": false,
		"rebindlocalhost":          false,
	} {
		reached := false
		handler := Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
		r, w := httptest.NewRequest(http.MethodGet, "/api/status", nil), httptest.NewRecorder()
		r.Host = host
		handler.ServeHTTP(w, r)
		if reached != served {
			t.Errorf("Host %q: served %t, want %t", host, reached, served)
		}
		if !served && (w.Code != http.StatusMisdirectedRequest || !strings.Contains(w.Body.String(), host)) {
			t.Errorf("Host %q: status %d, %s; want 421 and the host", host, w.Code, w.Body)
		}
	}
}
