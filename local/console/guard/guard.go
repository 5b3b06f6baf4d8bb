// Package guard keeps the console to those who may use it: nobody beyond this machine without the token, no page of
// another site, no name that somebody else's DNS leads here, and nothing on its own pages but its own files.
package guard

import (
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"net"
	"net/http"
	"strings"

	"feedstream/local/hostcheck"
)

// policy lets a page load what the console serves and nothing else; no script and no style stands in a page.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// open is the path that answers without the token, for whoever watches a container's health. What it tells those who are
// not Admitted is up to it.
const open = "/api/status"

// cookie holds the token for a browser that has shown it once.
const cookie = "feedstream-console"

// NewToken returns one that nobody guesses.
func NewToken() string { return rand.Text() }

// Handler has next serve what may be asked for. A request from beyond loopback needs the token: as ?token= once, which
// sets a cookie, in that cookie, or as a bearer's, which is for programs. With an empty token nobody beyond loopback is
// served. Another site may have a browser go to a page, and nothing else: what a page shows can be costly to find.
func Handler(token string, next http.Handler) http.Handler {
	sameSite := http.NewCrossOriginProtection()
	sameSite.SetDenyHandler(http.HandlerFunc(refuse))
	return hostcheck.Handler(headers(admitted(token, sameSite.Handler(visited(next)))))
}

func refuse(w http.ResponseWriter, r *http.Request) {
	http.Error(w, fmt.Sprintf("%s %s comes from another site: use the console's own page", r.Method, r.URL.Path), http.StatusForbidden)
}

// visited refuses what a page of another site loads by itself, in a picture or a frame say. Links are followed.
func visited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		site, into := r.Header.Get("Sec-Fetch-Site"), r.Header.Get("Sec-Fetch-Dest")
		foreign := site == "cross-site" || site == "same-site"
		if foreign && (r.Header.Get("Sec-Fetch-Mode") != "navigate" || into != "" && into != "document") {
			refuse(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range map[string]string{
			"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			w.Header().Set(name, value)
		}
		next.ServeHTTP(w, r)
	})
}

func admitted(token string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case Admitted(token, r) || r.URL.Path == open:
			next.ServeHTTP(w, r)
		case equal(r.URL.Query().Get("token"), token):
			http.SetCookie(w, &http.Cookie{Name: cookie, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
			http.Redirect(w, r, r.URL.Path, http.StatusSeeOther) // the token leaves the address bar
		default:
			http.Error(w, "the console answers beyond this machine with its token only: open the address that `feedstream up` printed",
				http.StatusUnauthorized)
		}
	})
}

func equal(shown, token string) bool {
	return token != "" && subtle.ConstantTimeCompare([]byte(shown), []byte(token)) == 1
}

// Admitted says whether a request comes by loopback, or brings the token in the cookie or as a bearer's.
func Admitted(token string, r *http.Request) bool {
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err == nil && net.ParseIP(from).IsLoopback() {
		return true
	}
	if kept, err := r.Cookie(cookie); err == nil && equal(kept.Value, token) {
		return true
	}
	borne, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), bearer)
	return isBearer && equal(borne, token)
}

const bearer = "Bearer "
