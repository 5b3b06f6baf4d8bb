package oss

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Signature V4, source: "Include signatures in the Authorization header (V4)" of the OSS API reference.
const (
	algorithm  = "OSS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"
	maxSkew    = 15 * time.Minute

	unsignedPayload = "UNSIGNED-PAYLOAD"
)

// authorization is the header of that name, taken apart.
type authorization struct {
	keyID, day, region string
	additional         []string // names of signed headers beyond the default ones
	signature          string
}

// parseAuthorization reads
//
//	OSS4-HMAC-SHA256 Credential=<key>/<day>/<region>/oss/aliyun_v4_request[,AdditionalHeaders=a;b],Signature=<hex>
func parseAuthorization(header string) (a authorization, ok bool) {
	rest, isV4 := strings.CutPrefix(header, algorithm+" ")
	if !isV4 {
		return a, false
	}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "Credential":
			scope := strings.Split(value, "/")
			if len(scope) != 5 || scope[3] != "oss" || scope[4] != "aliyun_v4_request" {
				return a, false
			}
			a.keyID, a.day, a.region = scope[0], scope[1], scope[2]
		case "AdditionalHeaders":
			a.additional = strings.Split(strings.ToLower(value), ";")
		case "Signature":
			a.signature = value
		default:
			return a, false
		}
	}
	return a, a.keyID != "" && a.signature != ""
}

// authenticate checks the signature of a request; nil means that it is good.
func (s *Server) authenticate(r *http.Request) *apiError {
	header := r.Header.Get("Authorization")
	switch {
	case header == "":
		return denied("AccessDenied", "the request carries no Authorization header; this server knows signatures in the header")
	case strings.HasPrefix(header, "OSS "):
		return s.authenticateV1(r, strings.TrimPrefix(header, "OSS "))
	}
	a, ok := parseAuthorization(header)
	if !ok {
		return denied("InvalidArgument", "the Authorization header has neither the form of signature V4 nor that of V1")
	}
	if a.keyID != s.options.AccessKeyID {
		return denied("InvalidAccessKeyId", "the access key id is not the one of this server")
	}
	if a.region != s.options.Region {
		return denied("InvalidArgument", "the region in the signature is "+a.region+", this server is in "+s.options.Region)
	}
	at, date, ok := requestTime(r)
	if !ok || at.UTC().Format("20060102") != a.day {
		return denied("AccessDenied", "the request has no valid date")
	}
	if payload := r.Header.Get("x-oss-content-sha256"); payload != "" && payload != unsignedPayload {
		return denied("InvalidArgument", "x-oss-content-sha256 must be "+unsignedPayload+": a signed body is not supported")
	}
	if err := s.checkSkew(at); err != nil {
		return err
	}
	if !hmac.Equal([]byte(a.signature), []byte(sign(s.options.AccessKeySecret, a, date, canonicalRequest(r, a.additional)))) {
		return denied("SignatureDoesNotMatch", "the signature is not that of this request under the secret of the access key")
	}
	return nil
}

func (s *Server) checkSkew(at time.Time) *apiError {
	if s.now().Sub(at).Abs() > maxSkew {
		return denied("RequestTimeTooSkewed", "the request time is more than 15 minutes off the clock of the server")
	}
	return nil
}

func requestTime(r *http.Request) (at time.Time, text string, ok bool) {
	layout, text := timeFormat, r.Header.Get("x-oss-date")
	if text == "" {
		layout, text = http.TimeFormat, r.Header.Get("Date")
	}
	at, err := time.Parse(layout, text)
	return at, text, err == nil
}

func canonicalRequest(r *http.Request, additional []string) string {
	signed := []string{}
	for name, values := range r.Header {
		name = strings.ToLower(name)
		if name == "content-md5" || name == "content-type" || strings.HasPrefix(name, "x-oss-") || slices.Contains(additional, name) {
			signed = append(signed, name+":"+strings.TrimSpace(strings.Join(values, ","))+"\n")
		}
	}
	if slices.Contains(additional, "host") { // net/http keeps it beside the headers
		signed = append(signed, "host:"+r.Host+"\n")
	}
	slices.Sort(signed)
	return r.Method + "\n" + escape(r.URL.Path, true) + "\n" + canonicalQuery(r.URL.Query()) + "\n" +
		strings.Join(signed, "") + "\n" + strings.Join(additional, ";") + "\n" + unsignedPayload
}

func canonicalQuery(query url.Values) string {
	var pairs []string
	for name, values := range query {
		pair := escape(name, false)
		if value := strings.Join(values, ","); value != "" {
			pair += "=" + escape(value, false)
		}
		pairs = append(pairs, pair)
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

// escape percent-encodes all but the unreserved characters of RFC 3986, and '/' where it separates.
func escape(s string, keepSlash bool) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			c == '-', c == '_', c == '.', c == '~', c == '/' && keepSlash:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&0xf])
		}
	}
	return b.String()
}

func sign(secret string, a authorization, date, canonical string) string {
	hash := sha256.Sum256([]byte(canonical))
	scope := a.day + "/" + a.region + "/oss/aliyun_v4_request"
	key := []byte("aliyun_v4" + secret)
	for _, part := range []string{a.day, a.region, "oss", "aliyun_v4_request"} {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, algorithm+"\n"+date+"\n"+scope+"\n"+hex.EncodeToString(hash[:])))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
