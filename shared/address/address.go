// Package address reads addresses as people write them: what is meant beyond doubt is taken, and what is not
// is refused by a sentence that says what to write.
package address

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// HostPort returns an address without the blanks around it. The error names the address.
func HostPort(text string) (string, error) {
	trimmed := strings.TrimSpace(text)
	if problem := hostPortProblem(trimmed); problem != "" {
		return "", fmt.Errorf("%q %s", trimmed, problem)
	}
	return trimmed, nil
}

func hostPortProblem(text string) string {
	if scheme, rest, found := strings.Cut(text, "://"); found {
		return fmt.Sprintf("begins with a scheme, %s: write %s", scheme, strings.TrimRight(rest, "/"))
	}
	if server, path, found := strings.Cut(text, "/"); found {
		return fmt.Sprintf("has the path /%s behind it: write %s", path, server)
	}
	host, port, err := net.SplitHostPort(text)
	switch {
	case err != nil || host == "" || strings.ContainsAny(host, " \t,;@?#"):
		return "is not host:port: write it like broker:9092, several separated by commas"
	case !isPort(port):
		return fmt.Sprintf("has the port %q, which is no number from 1 to 65535", port)
	}
	return ""
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}

// ossHost is a host of OSS behind the name of a bucket.
var ossHost = regexp.MustCompile(`^([^.]+)\.(oss-[a-z0-9-]+\.aliyuncs\.com)$`)

// Endpoint returns the endpoint of an object store with its scheme, https where none is given, and without
// blanks and slashes around it. The name of the bucket must not begin it: clients put it there themselves.
// The error names the endpoint.
func Endpoint(text, bucket string) (string, error) {
	endpoint := strings.TrimSpace(text)
	if endpoint != "" && !strings.Contains(endpoint, "://") {
		endpoint = "https://" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		var why *url.Error
		if errors.As(err, &why) {
			err = why.Err // without the endpoint, which is named already
		}
		return "", fmt.Errorf("%q is no URL (%w): %s", text, err, likeThis)
	}
	if problem := endpointProblem(u, bucket); problem != "" {
		return "", fmt.Errorf("%q %s", text, problem)
	}
	return u.Scheme + "://" + u.Host, nil
}

const likeThis = "write it like https://oss-cn-hangzhou.aliyuncs.com"

func endpointProblem(u *url.URL, bucket string) string {
	host := strings.ToLower(u.Hostname())
	switch {
	case host == "":
		return "has no host: " + likeThis
	case u.Scheme != "http" && u.Scheme != "https":
		return "is neither http nor https: " + likeThis
	case u.Port() != "" && !isPort(u.Port()):
		return fmt.Sprintf("has the port %q, which is no number from 1 to 65535", u.Port())
	case u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return fmt.Sprintf("has more than scheme, host and port: write %s://%s", u.Scheme, u.Host)
	}
	rest, begins := strings.CutPrefix(host, bucket+".")
	if m := ossHost.FindStringSubmatch(host); m != nil {
		bucket, rest, begins = m[1], m[2], true
	}
	if !begins || bucket == "" || rest == "aliyuncs.com" || net.ParseIP(host) != nil {
		return ""
	}
	if port := u.Port(); port != "" {
		rest += ":" + port
	}
	return fmt.Sprintf("begins with the bucket %s, which is a setting of its own: write it like %s://%s",
		bucket, u.Scheme, rest)
}
