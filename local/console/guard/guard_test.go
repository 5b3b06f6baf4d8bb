package guard_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"feedstream/local/console/guard"
)

const token = "the-token"

func TestHandler(t *testing.T) {
	handler := guard.Handler(token, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, test := range []struct {
		name, method, host, from, path string
		header                         map[string]string
		want                           int
	}{
		{"a browser here", "GET", "127.0.0.1:8080", "127.0.0.1:1", "/", nil, 200},
		{"by name", "GET", "localhost:8080", "[::1]:1", "/", nil, 200},
		{"DNS rebinding", "GET", "evil.example:8080", "127.0.0.1:1", "/", nil, 421},
		{"an action of the page", "POST", "127.0.0.1:8080", "127.0.0.1:1", "/", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8080"}, 200},
		{"an action of a program", "POST", "127.0.0.1:8080", "127.0.0.1:1", "/", nil, 200},
		{"another site's form", "POST", "127.0.0.1:8080", "127.0.0.1:1", "/", map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"}, 403},
		{"another port's page", "POST", "127.0.0.1:8080", "127.0.0.1:1", "/", map[string]string{"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1:9999"}, 403},
		{"another site's form in an old browser", "DELETE", "127.0.0.1:8080", "127.0.0.1:1", "/", map[string]string{"Origin": "http://evil.example"}, 403},
		{"a link on another site", "GET", "127.0.0.1:8080", "127.0.0.1:1", "/", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, 200},
		{"another site's picture", "GET", "127.0.0.1:8080", "127.0.0.1:1", "/aside", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, 403},
		{"another port's script", "GET", "127.0.0.1:8080", "127.0.0.1:1", "/aside", map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, 403},
		{"another site's frame", "GET", "127.0.0.1:8080", "127.0.0.1:1", "/aside", map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, 403},
		{"an address that was typed", "GET", "127.0.0.1:8080", "127.0.0.1:1", "/", map[string]string{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, 200},
		{"from elsewhere", "GET", "10.0.0.2:8080", "10.0.0.9:1", "/", nil, 401},
		{"from elsewhere with a wrong token", "GET", "10.0.0.2:8080", "10.0.0.9:1", "/?token=no", nil, 401},
		{"from elsewhere with the token", "GET", "10.0.0.2:8080", "10.0.0.9:1", "/?token=" + token, nil, 303},
		{"from elsewhere with its cookie", "GET", "10.0.0.2:8080", "10.0.0.9:1", "/", map[string]string{"Cookie": "feedstream-console=" + token}, 200},
		{"from elsewhere with another cookie", "POST", "10.0.0.2:8080", "10.0.0.9:1", "/", map[string]string{"Cookie": "feedstream-console=no"}, 401},
		{"a program from elsewhere with the token", "PUT", "10.0.0.2:8080", "10.0.0.9:1", "/", map[string]string{"Authorization": "Bearer " + token}, 200},
		{"a program from elsewhere with another", "PUT", "10.0.0.2:8080", "10.0.0.9:1", "/", map[string]string{"Authorization": "Bearer no"}, 401},
		{"the counters from elsewhere", "GET", "10.0.0.2:8080", "10.0.0.9:1", "/api/status", nil, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequest(test.method, "http://"+test.host+test.path, nil)
			r.RemoteAddr = test.from
			for name, value := range test.header {
				r.Header.Set(name, value)
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != test.want {
				t.Errorf("answers %d %s, want %d", w.Code, w.Body, test.want)
			}
			if w.Code == http.StatusOK && !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'none'") {
				t.Error("it has no policy")
			}
			if w.Code == http.StatusSeeOther && (w.Header().Get("Location") != "/" || !strings.Contains(w.Header().Get("Set-Cookie"), "HttpOnly; SameSite=Strict")) {
				t.Errorf("it leads to %s with %s", w.Header().Get("Location"), w.Header().Get("Set-Cookie"))
			}
		})
	}
}

// Without a token nobody beyond this machine gets in, whatever they show.
func TestNoToken(t *testing.T) {
	handler := guard.Handler("", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	r := httptest.NewRequest(http.MethodGet, "http://10.0.0.2/?token=", nil)
	r.RemoteAddr = "10.0.0.9:1"
	r.AddCookie(&http.Cookie{Name: "feedstream-console", Value: ""})
	r.Header.Set("Authorization", "Bearer ")
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	if w.Code != http.StatusUnauthorized {
		t.Errorf("answers %d", w.Code)
	}
}
