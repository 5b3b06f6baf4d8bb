package oss

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Signature V1, the default of the SDKs. Source: "Include signatures in the Authorization header (V1)" of the OSS API
// reference; the signed parameters are those of the SDKs for Go and Python.
var signedParameters = strings.Fields(`
	accessPoint accessPointPolicy acl append asyncFetch bucketArchiveDirectRead bucketInfo callback callback-var
	cloudboxes cname comp continuation-token cors delete encryption endTime group httpsConfig img inventory inventoryId
	lifecycle link live location logging metaQuery objectInfo objectMeta partNumber policy position publicAccessBlock
	qos qosInfo qosRequester redundancyTransition referer regionList replication replicationLocation
	replicationProgress requestPayment requesterQosInfo resourceGroup resourcePool resourcePoolBuckets
	resourcePoolInfo response-cache-control response-content-disposition response-content-encoding
	response-content-language response-content-type response-expires responseHeader restore rtc security-token
	sequential startTime stat status style styleName symlink tagging transferAcceleration udf udfApplication
	udfApplicationLog udfId udfImage udfImageDesc udfName uploadId uploads versionId versioning versions vod website
	withHashContext worm wormExtend wormId x-oss-ac-forward-allow x-oss-ac-source-ip x-oss-ac-subnet-mask
	x-oss-ac-vpc-id x-oss-access-point-name x-oss-async-process x-oss-enable-md5 x-oss-enable-sha1 x-oss-enable-sha256
	x-oss-hash-ctx x-oss-md5-ctx x-oss-process x-oss-redundancy-transition-taskid x-oss-request-payer
	x-oss-target-redundancy-type x-oss-traffic-limit x-oss-write-get-object-response`)

// authenticateV1 checks "<key id>:<signature>".
func (s *Server) authenticateV1(r *http.Request, credential string) *apiError {
	keyID, signature, ok := strings.Cut(credential, ":")
	if !ok {
		return denied("InvalidArgument", "the Authorization header has not the form of signature V1")
	}
	if keyID != s.options.AccessKeyID {
		return denied("InvalidAccessKeyId", "the access key id is not the one of this server")
	}
	at, err := http.ParseTime(dateV1(r))
	if err != nil {
		return denied("AccessDenied", "the request has no valid date")
	}
	if err := s.checkSkew(at); err != nil {
		return err
	}
	if !hmac.Equal([]byte(signature), []byte(signV1(s.options.AccessKeySecret, r))) {
		return denied("SignatureDoesNotMatch", "the signature is not that of this request under the secret of the access key")
	}
	return nil
}

func dateV1(r *http.Request) string {
	if date := r.Header.Get("x-oss-date"); date != "" {
		return date
	}
	return r.Header.Get("Date")
}

func signV1(secret string, r *http.Request) string {
	own := []string{}
	for name, values := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-oss-") {
			own = append(own, name+":"+strings.TrimSpace(values[0])+"\n")
		}
	}
	slices.Sort(own)
	h := hmac.New(sha1.New, []byte(secret))
	h.Write([]byte(strings.Join([]string{
		r.Method, r.Header.Get("Content-MD5"), r.Header.Get("Content-Type"), dateV1(r),
		strings.Join(own, "") + resourceV1(r.URL),
	}, "\n")))
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// resourceV1 is bucket and key as they are, and those of the parameters that name what is asked for.
func resourceV1(u *url.URL) string {
	path := u.Path
	if path != "/" && strings.Count(path, "/") == 1 {
		path += "/" // a bucket is signed with the slash, also by clients that ask without it
	}
	var signed []string
	for name, values := range u.Query() {
		if !slices.Contains(signedParameters, name) {
			continue
		}
		if values[0] != "" {
			name += "=" + values[0]
		}
		signed = append(signed, name)
	}
	if signed == nil {
		return path
	}
	slices.Sort(signed)
	return path + "?" + strings.Join(signed, "&")
}
