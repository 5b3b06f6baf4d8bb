// Package hostcheck refuses HTTP requests that were led to this machine by a name of somebody else's.
//
// A page in a browser may ask for a name of its own that its DNS then leads to a loopback address (DNS rebinding). To
// the browser both are one origin, so the page could read answers and send what it likes. Its name stands in the Host
// header; whoever means this machine says localhost or an address, which no DNS can give away.
package hostcheck

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Handler answers 421 Misdirected Request to every request whose Host header is neither localhost nor an IP address,
// with any port, and has next serve the others. A request without Host, which no browser sends, is served.
func Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !own(r.Host) {
			http.Error(w, fmt.Sprintf("Host %q is not a name of this machine: call it by localhost or by an address", r.Host),
				http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func own(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	_, err := netip.ParseAddr(host)
	return host == "" || err == nil || strings.EqualFold(host, "localhost")
}
