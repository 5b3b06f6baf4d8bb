package oss

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	sdk "github.com/aliyun/aliyun-oss-go-sdk/oss"

	"feedstream/local/services/fault"
)

const testBucket = "feed-reference"

func start(t *testing.T, dir string) *Server {
	t.Helper()
	server, err := Start(Options{
		Addr: "127.0.0.1:0", Dir: dir, AccessKeyID: "id", AccessKeySecret: "secret", Region: "cn-local", Buckets: []string{testBucket},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func open(t *testing.T, server *Server, id, secret string, options ...sdk.ClientOption) *sdk.Bucket {
	t.Helper()
	options = append([]sdk.ClientOption{sdk.AuthVersion(sdk.AuthV4), sdk.Region("cn-local")}, options...)
	client, err := sdk.New("http://"+server.Addr(), id, secret, options...)
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := client.Bucket(testBucket)
	if err != nil {
		t.Fatal(err)
	}
	return bucket
}

func TestObjectsSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	server := start(t, dir)
	bucket := open(t, server, "id", "secret")
	long := strings.Repeat("k", 1000)
	for _, key := range []string{"a", "stock/ü %2F..", long} {
		if err := bucket.PutObject(key, strings.NewReader(key), sdk.Meta("origin", "test")); err != nil {
			t.Fatal(err)
		}
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	leftover := filepath.Join(dir, testBucket, "x"+objectSuffix+partialSuffix)
	if err := os.WriteFile(leftover, []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}

	bucket = open(t, start(t, dir), "id", "secret")
	for _, key := range []string{"a", "stock/ü %2F..", long} {
		header, err := bucket.GetObjectDetailedMeta(key)
		if err != nil {
			t.Fatal(err)
		}
		if header.Get("x-oss-meta-origin") != "test" || header.Get("x-oss-hash-crc64ecma") == "" {
			t.Errorf("%.20s: headers = %v", key, header)
		}
	}
	if _, err := os.Stat(leftover); !os.IsNotExist(err) {
		t.Errorf("the half-written file is still there: %v", err)
	}
}

func TestSignatureIsChecked(t *testing.T) {
	server := start(t, t.TempDir())
	for _, test := range []struct {
		name   string
		bucket *sdk.Bucket
		want   string
	}{
		{"wrong secret", open(t, server, "id", "guess"), "SignatureDoesNotMatch"},
		{"wrong key id", open(t, server, "other", "secret"), "InvalidAccessKeyId"},
		{"version 1, wrong secret", open(t, server, "id", "guess", sdk.AuthVersion(sdk.AuthV1)), "SignatureDoesNotMatch"},
		{"version 1, wrong key id", open(t, server, "other", "secret", sdk.AuthVersion(sdk.AuthV1)), "InvalidAccessKeyId"},
		{"version 2", open(t, server, "id", "secret", sdk.AuthVersion(sdk.AuthV2)), "neither the form of signature V4 nor"},
		{"other region", open(t, server, "id", "secret", sdk.Region("cn-hangzhou")), "the region in the signature is cn-hangzhou"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := test.bucket.PutObject("k", strings.NewReader("v"))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want %s", err, test.want)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		response, err := http.Get("http://" + server.Addr() + "/" + testBucket + "/k")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusForbidden {
			t.Errorf("status = %d", response.StatusCode)
		}
	})
}

// TestTamperedRequestIsRefused signs a good request and changes one signed part at a time.
func TestTamperedRequestIsRefused(t *testing.T) {
	server := start(t, t.TempDir())
	now := time.Now().UTC()
	unsigned := func() *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/"+testBucket+"/?list-type=2&continuation-token=YQ==", nil)
		r.Header.Set("x-oss-security-token", "token")
		return r
	}
	signatures := map[string]func() *http.Request{
		"V4": func() *http.Request {
			r := unsigned()
			r.Header.Set("x-oss-date", now.Format(timeFormat))
			a := authorization{keyID: "id", day: now.Format("20060102"), region: "cn-local"}
			a.signature = sign("secret", a, r.Header.Get("x-oss-date"), canonicalRequest(r, nil))
			r.Header.Set("Authorization",
				algorithm+" Credential=id/"+a.day+"/cn-local/oss/aliyun_v4_request,Signature="+a.signature)
			return r
		},
		"V1": func() *http.Request {
			r := unsigned()
			r.Header.Set("Date", now.Format(http.TimeFormat))
			r.Header.Set("Authorization", "OSS id:"+signV1("secret", r))
			return r
		},
	}
	for version, good := range signatures {
		if err := server.authenticate(good()); err != nil {
			t.Fatalf("%s: the good request is refused: %v", version, err)
		}
		for name, tamper := range map[string]func(*http.Request){
			"method": func(r *http.Request) { r.Method = http.MethodDelete },
			"path":   func(r *http.Request) { r.URL.Path += "x" },
			"query":  func(r *http.Request) { r.URL.RawQuery = "list-type=2&continuation-token=Yg==" },
			"token":  func(r *http.Request) { r.Header.Set("x-oss-security-token", "other") },
			"added":  func(r *http.Request) { r.Header.Set("x-oss-forbid-overwrite", "true") },
			"date": func(r *http.Request) {
				r.Header.Set("x-oss-date", now.Add(time.Minute).Format(timeFormat))
			},
			"old": func(r *http.Request) { server.now = func() time.Time { return now.Add(time.Hour) } },
		} {
			t.Run(version+" "+name, func(t *testing.T) {
				defer func() { server.now = time.Now }()
				r := good()
				tamper(r)
				if err := server.authenticate(r); err == nil {
					t.Error("accepted")
				}
			})
		}
	}
}

// TestDefaultSignature has an SDK as it comes, which signs with V1.
func TestDefaultSignature(t *testing.T) {
	bucket := open(t, start(t, t.TempDir()), "id", "secret", sdk.AuthVersion(sdk.AuthV1))
	for _, key := range []string{"a", "stock/\u00fc b+c %2F"} {
		if err := bucket.PutObject(key, strings.NewReader(key), sdk.Meta("origin", "test"), sdk.ContentType("text/x")); err != nil {
			t.Fatal(err)
		}
	}
	for token := ""; ; {
		list, err := bucket.ListObjectsV2(sdk.MaxKeys(1), sdk.ContinuationToken(token))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range list.Objects {
			if _, err := bucket.GetObjectDetailedMeta(o.Key); err != nil {
				t.Errorf("%s: %v", o.Key, err)
			}
		}
		if token = list.NextContinuationToken; !list.IsTruncated {
			break
		}
	}
	if _, err := bucket.Client.GetBucketInfo(testBucket); err != nil {
		t.Error(err)
	}
	if _, err := bucket.Client.GetBucketACL(testBucket); err == nil || !strings.Contains(err.Error(), "NotImplemented") {
		t.Errorf("what is signed and not there: %v, want NotImplemented", err)
	}
}

// TestBlankInListing: an encoded name has %20 for a blank, since not every client decodes a plus.
func TestBlankInListing(t *testing.T) {
	l := listResult{Prefix: "a b/", Contents: []listedObject{{Key: "a b/c+d \u00fc"}}}
	l.encode()
	if l.Prefix != "a%20b%2F" || l.Contents[0].Key != "a%20b%2Fc%2Bd%20%C3%BC" {
		t.Errorf("encoded %q, %q", l.Prefix, l.Contents[0].Key)
	}
}

// TestHeadersAsOSSWritesThem reads an answer off the wire, before a client changes the case of names.
func TestHeadersAsOSSWritesThem(t *testing.T) {
	server := start(t, t.TempDir())
	if err := open(t, server, "id", "secret").PutObject("k", strings.NewReader("v"), sdk.Meta("m", "v")); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodHead, "http://"+server.Addr()+"/"+testBucket+"/k", nil)
	r.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	r.Header.Set("Authorization", "OSS id:"+signV1("secret", r))
	r.Close = true
	conn, err := net.Dial("tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := r.Write(conn); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{" 200 OK\r\n", "\r\nx-oss-meta-m: v\r\n", "\r\nx-oss-hash-crc64ecma: "} {
		if !strings.Contains(string(answer), want) {
			t.Errorf("%q is not in:\n%s", want, answer)
		}
	}
}

func TestSmallAnswers(t *testing.T) {
	server := start(t, t.TempDir())
	bucket := open(t, server, "id", "secret")
	info, err := bucket.Client.GetBucketInfo(testBucket)
	if err != nil || info.BucketInfo.ACL != "private" {
		t.Errorf("bucket info %+v, %v", info, err)
	}
	if _, err := bucket.Client.GetBucketACL("missing"); err == nil || !strings.Contains(err.Error(), "NoSuchBucket") {
		t.Errorf("acl of a missing bucket: %v", err)
	}
	err = bucket.PutObject("k", strings.NewReader("v"), sdk.Meta("m", strings.Repeat("x", 9000)))
	if err == nil || !strings.Contains(err.Error(), "8192 are the most") {
		t.Errorf("9,000 bytes of metadata: %v", err)
	}
	r := httptest.NewRequest(http.MethodGet, "http://"+server.Addr()+"/", nil)
	r.URL.Path = "//" + testBucket + "/a"
	r.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	r.Header.Set("Authorization", "OSS id:"+signV1("secret", r))
	if err := server.serve(httptest.NewRecorder(), r); err == nil || !strings.Contains(err.Error(), "InvalidBucketName") {
		t.Errorf("a path without bucket: %v", err)
	}
}

func TestDirectoryIsLocked(t *testing.T) {
	dir := t.TempDir()
	server := start(t, dir)
	options := server.options
	if _, err := Start(options); err == nil || !strings.Contains(err.Error(), "another process uses the data directory") {
		t.Errorf("a second server: %v", err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	start(t, dir)
}

func TestUnsupported(t *testing.T) {
	all := strings.Join(Unsupported(), "\n")
	for _, want := range []string{"PutObject", "continuation-token", "x-oss-forbid-overwrite"} {
		if !strings.Contains(all, want) {
			t.Errorf("%q is not in:\n%s", want, all)
		}
	}
}

func TestRefusesByName(t *testing.T) {
	bucket := open(t, start(t, t.TempDir()), "id", "secret")
	for name, call := range map[string]func() error{
		"uploads":                           func() error { _, err := bucket.InitiateMultipartUpload("k"); return err },
		"operation POST with the parameter": func() error { _, err := bucket.AppendObject("k", strings.NewReader("v"), 0); return err },
		"Copy":                              func() error { _, err := bucket.CopyObject("k", "l"); return err },
		"acl":                               func() error { return bucket.SetObjectACL("k", sdk.ACLPrivate) },
		"Symlink":                           func() error { return bucket.PutSymlink("k", "l") },
		"version 1": func() error {
			_, err := bucket.ListObjects()
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := call()
			if err == nil || !strings.Contains(err.Error(), "NotImplemented") || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(name)) {
				t.Errorf("error = %v, want NotImplemented naming %s", err, name)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	server := start(t, t.TempDir())
	bucket := open(t, server, "id", "secret")
	if err := bucket.PutObject("k", bytes.NewReader(make([]byte, 4096))); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]Fault{
		"status":         {Fault: fault.Fault{Err: "ServiceUnavailable"}},
		"status at last": {Fault: fault.Fault{When: fault.After, Err: "InternalError"}},
		"truncate":       {Truncate: true},
		"corrupt":        {Corrupt: true},
		"drop":           {Fault: fault.Fault{Drop: true}},
		"drop when done": {Fault: fault.Fault{When: fault.After, Drop: true}},
	} {
		t.Run(name, func(t *testing.T) {
			server.Fault(func(Call) Fault { return f })
			defer server.Fault(nil)
			if err := bucket.GetObjectToFile("k", filepath.Join(t.TempDir(), "copy")); err == nil {
				t.Error("the fault did not show")
			}
		})
	}
}

// TestLargeObjectsAreNotHeld puts, heads, and reads a part of an object much larger than the room that is taken for it.
func TestLargeObjectsAreNotHeld(t *testing.T) {
	const size, room = 64 << 20, 16 << 20
	bucket := open(t, start(t, t.TempDir()), "id", "secret", sdk.EnableCRC(false))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := bucket.PutObject("large", io.LimitReader(zeros{}, size)); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		header, err := bucket.GetObjectDetailedMeta("large")
		if err != nil || header.Get("Content-Length") != strconv.Itoa(size) {
			t.Fatalf("headers %v, %v", header, err)
		}
	}
	body, err := bucket.GetObject("large", sdk.Range(size-2, size-1))
	if err != nil {
		t.Fatal(err)
	}
	if end, err := io.ReadAll(body); err != nil || !bytes.Equal(end, []byte{0, 0}) {
		t.Errorf("its end: %x, %v", end, err)
	}
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > room {
		t.Errorf("%d bytes were allocated", taken)
	}
}

// zeros has no end.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// TestABrokenPutLeavesNothing: neither an object nor a file.
func TestABrokenPutLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	server := start(t, dir)
	bucket := open(t, server, "id", "secret", sdk.EnableCRC(false))
	if err := bucket.PutObject("k", io.MultiReader(strings.NewReader("half"), iotest.ErrReader(errors.New("cut")))); err == nil {
		t.Error("half a body was taken")
	}
	if err := bucket.PutObject("k", strings.NewReader("body"), sdk.ContentMD5("YWJjZGVmZ2hpamtsbW5vcA==")); err == nil ||
		!strings.Contains(err.Error(), "InvalidDigest") {
		t.Errorf("a body of another sum: %v", err)
	}
	if exists, err := bucket.IsObjectExist("k"); err != nil || exists {
		t.Errorf("exists %t, %v", exists, err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	if files, err := os.ReadDir(filepath.Join(dir, testBucket)); err != nil || len(files) > 0 {
		t.Errorf("files %v, %v", files, err)
	}
}

// TestFaultsOfChosenCalls has faults by the names of calls, and which of them took effect.
func TestFaultsOfChosenCalls(t *testing.T) {
	server := start(t, t.TempDir())
	bucket := open(t, server, "id", "secret")
	plan := fault.MustPlan(Faults(),
		fault.Rule{Call: "put", Count: 1, Fault: fault.Fault{When: fault.After, Err: "SlowDown"}},
		fault.Rule{Call: "head", Count: 1, Fault: fault.Fault{When: fault.After, Delay: time.Millisecond}},
		fault.Rule{Call: "delete", Count: 1, Fault: fault.Fault{Err: "AccessDenied"}},
		fault.Rule{Call: "list", Count: 1, Fault: fault.Fault{Err: "NoSuchBucket"}},
	)
	server.Fault(func(c Call) Fault { return Fault{Fault: plan.Next(c.Name)} })
	failed := func(what, code string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), code) {
			t.Errorf("%s: error %v, want %s", what, err, code)
		}
	}
	failed("put", "SlowDown", bucket.PutObject("k", strings.NewReader("done all the same")))
	header, err := bucket.GetObjectMeta("k")
	if err != nil || header.Get("Content-Length") != "17" {
		t.Errorf("late head: %v, %v", header, err)
	}
	failed("delete", "AccessDenied", bucket.DeleteObject("k"))
	_, err = bucket.ListObjectsV2()
	failed("list", "NoSuchBucket", err)
	found, err := bucket.ListObjectsV2()
	if err != nil || len(found.Objects) != 1 {
		t.Errorf("list: %v, %v", found, err)
	}
}

func FuzzParseAuthorization(f *testing.F) {
	f.Add(algorithm + " Credential=id/20261124/cn-local/oss/aliyun_v4_request,AdditionalHeaders=host,Signature=ab")
	f.Add("OSS id:signature")
	f.Fuzz(func(t *testing.T, header string) {
		if a, ok := parseAuthorization(header); ok && (a.keyID == "" || a.signature == "") {
			t.Errorf("accepted without key or signature: %q", header)
		}
	})
}
