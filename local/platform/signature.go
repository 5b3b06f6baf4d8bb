package platform

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxSkew is how old a signed request may be, and how far ahead.
const maxSkew = 15 * time.Minute

var (
	errSignature = errors.New("the signature is not that of this request under the local access key")
	errSkew      = errors.New("the signed header Date is not within 15 minutes of the platform's clock")
)

// checkSignature checks the header Authorization: FC <key id>:<signature>, and that it is of now. Source: "Signature
// authentication" of the API 2016-08-15.
func (p *Platform) checkSignature(r *http.Request, resource string) error {
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
	if !hmac.Equal([]byte(want), []byte(r.Header.Get("Authorization"))) {
		return errSignature
	}
	at, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil || time.Since(at).Abs() > maxSkew {
		return errSkew
	}
	return nil
}

// checkSum compares a body with the header Content-MD5, which the signature covers. The header may be missing; the
// platform's SDKs write it in hex, HTTP in base64.
func checkSum(h http.Header, body []byte) error {
	said := h.Get("Content-MD5")
	sum := md5.Sum(body)
	if said == "" || strings.EqualFold(said, hex.EncodeToString(sum[:])) {
		return nil
	}
	if decoded, err := base64.StdEncoding.DecodeString(said); err == nil && bytes.Equal(decoded, sum[:]) {
		return nil
	}
	return fmt.Errorf("Content-MD5 is %.64q and the body's is %x", said, sum)
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
