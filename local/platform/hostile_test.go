package platform

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	fc "github.com/aliyun/fc-go-sdk"

	"feedstream/local/platform/manifest"
)

// open sends what a client has to say on a connection of its own and leaves it at that.
func open(t *testing.T, addr, said string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := io.WriteString(conn, said); err != nil {
		t.Fatal(err)
	}
	return conn
}

// status reads the status of one answer.
func status(t *testing.T, conn net.Conn) int {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close() // the status is all that is asked
	return response.StatusCode
}

func takePosts(f *manifest.Function) {
	f.HTTP[0].Anonymous, f.HTTP[0].Methods = true, []string{"GET", "POST"}
}

const upload = "POST /feed-test/x HTTP/1.1\r\nHost: localhost\r\n"

// TestSlowUploadsHoldNobody: bodies that do not come hold no instance, whoever calls meanwhile is served, and when
// their senders go nothing is killed.
func TestSlowUploadsHoldNobody(t *testing.T) {
	b := start(t, takePosts)
	var slow []net.Conn
	for range 3*4 + 1 { // one more than all instances together serve
		slow = append(slow, open(t, b.HTTPAddr(), upload+"Content-Length: 100\r\n\r\nx"))
	}
	good := open(t, b.HTTPAddr(), upload+"Content-Length: 1\r\n\r\nx")
	if got := status(t, good); got != http.StatusOK {
		t.Errorf("a good caller among slow ones: %d", got)
	}
	for _, conn := range slow {
		conn.Close()
	}
	if got := status(t, open(t, b.HTTPAddr(), upload+"Content-Length: 1\r\n\r\nx")); got != http.StatusOK {
		t.Errorf("after they have gone: %d", got)
	}
	if f := b.Status().Functions[0]; f.Invocations != 2 || f.Errors != 0 || f.Instances != 1 {
		t.Errorf("status %+v, want two invocations on one instance", f)
	}
}

func TestRequestsAreRefusedBeforeAnyInstance(t *testing.T) {
	b := start(t, takePosts)
	for name, test := range map[string]struct {
		said string
		want int
	}{
		"chunks that are none":          {upload + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", http.StatusBadRequest},
		"a body over 32 MB":             {upload + "Content-Length: 33554433\r\n\r\nx", http.StatusRequestEntityTooLarge},
		"chunks over 32 MB":             {upload + "Transfer-Encoding: chunked\r\n\r\n2000001\r\n" + strings.Repeat("x", 32<<20+1), http.StatusRequestEntityTooLarge},
		"headers of 9 KB":               {upload + "X-A: " + strings.Repeat("x", 9<<10) + "\r\n\r\n", http.StatusRequestHeaderFieldsTooLarge},
		"a thousand headers":            {upload + strings.Repeat("X-A: 1234567890\r\n", 1000) + "\r\n", http.StatusRequestHeaderFieldsTooLarge},
		"headers of 1 MB":               {upload + "X-A: " + strings.Repeat("x", 1<<20), http.StatusRequestHeaderFieldsTooLarge},
		"a path of 5 KB":                {"GET /feed-test/" + strings.Repeat("x", 5<<10) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", http.StatusRequestURITooLong},
		"something else than a request": {"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", http.StatusBadRequest},
	} {
		conn, err := net.Dial("tcp", b.HTTPAddr())
		if err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = io.WriteString(conn, test.said) }() // the server may close before all of it is out
		if got := status(t, conn); got != test.want {
			t.Errorf("%s: %d, want %d", name, got, test.want)
		}
		conn.Close()
	}
	if f := b.Status().Functions[0]; f.Invocations != 0 || f.Errors != 0 {
		t.Errorf("status %+v, want no invocation", f)
	}
}

// TestOtherSitesActOnNothing: what a page of another site has a browser send reaches no function, at neither server.
func TestOtherSitesActOnNothing(t *testing.T) {
	b := start(t, takePosts)
	for _, test := range []struct {
		name, addr, path, method string
		header                   map[string]string
		want                     int
	}{
		{"another site's form", b.HTTPAddr(), "/feed-test/x", "POST", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"another port's page", b.HTTPAddr(), "/feed-test/x", "POST", map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		{"an old browser", b.HTTPAddr(), "/feed-test/x", "POST", map[string]string{"Origin": "http://evil.example"}, 403},
		{"the API", b.APIAddr(), invocations, "POST", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		{"a link", b.HTTPAddr(), "/feed-test/x", "GET", map[string]string{"Sec-Fetch-Site": "cross-site"}, 200},
		{"a program", b.HTTPAddr(), "/feed-test/x", "POST", nil, 200},
		{"a page of a function", b.HTTPAddr(), "/feed-test/x", "POST", map[string]string{"Sec-Fetch-Site": "same-origin"}, 200},
	} {
		request, err := http.NewRequest(test.method, "http://"+test.addr+test.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range test.header {
			request.Header.Set(name, value)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(response.Body)
		if err = errors.Join(err, response.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != test.want || (test.want == 403) != strings.Contains(string(text), "another site") {
			t.Errorf("%s: %d %s, want %d", test.name, response.StatusCode, text, test.want)
		}
	}
	if f := b.Status().Functions[0]; f.Invocations != 3 {
		t.Errorf("%d invocations", f.Invocations)
	}
}

// TestABodyHasAsLongAsAnInvocation: one that does not come in that time is its sender's fault.
func TestABodyHasAsLongAsAnInvocation(t *testing.T) {
	b := start(t, func(f *manifest.Function) {
		takePosts(f)
		f.Timeout = 20 * time.Millisecond
	})
	if got := status(t, open(t, b.HTTPAddr(), upload+"Content-Length: 100\r\n\r\nx")); got != http.StatusRequestTimeout {
		t.Errorf("status %d", got)
	}
	if f := b.Status().Functions[0]; f.Invocations != 0 || f.Errors != 0 {
		t.Errorf("status %+v, want no invocation", f)
	}
}

// TestUnreadAnswersAreDropped: a caller that does not read is told from a function that fails.
func TestUnreadAnswersAreDropped(t *testing.T) {
	t.Parallel()
	ended := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		ended <- answer(w, endless{}, 20*time.Millisecond)
	}))
	defer server.Close()
	open(t, server.Listener.Addr().String(), "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
	if err := <-ended; !errors.Is(err, errUnread) {
		t.Errorf("error %v", err)
	}
}

// endless is an answer without end.
type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

// call signs a request to invoke a function, as an SDK does, after change has had its headers.
func (b *testbed) call(t *testing.T, path, body string, change func(map[string]string)) *http.Response {
	t.Helper()
	headers := map[string]string{"Date": time.Now().UTC().Format(http.TimeFormat), "Content-MD5": fc.MD5([]byte(body))}
	if change != nil {
		change(headers)
	}
	request, err := http.NewRequest(http.MethodPost, "http://"+b.APIAddr()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	request.Header.Set("Authorization", fc.GetAuthStr("id", "secret", http.MethodPost, headers, path))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

const invocations = "/2016-08-15/services/feedstream/functions/feed-test/invocations"

func with(name, value string) func(map[string]string) {
	return func(headers map[string]string) { headers[name] = value }
}

func at(offset time.Duration) func(map[string]string) {
	return with("Date", time.Now().Add(offset).UTC().Format(http.TimeFormat))
}

// TestInvocationsAreJudged: what is asked for is done or refused by name.
func TestInvocationsAreJudged(t *testing.T) {
	b := start(t, nil)
	for _, test := range []struct {
		name, path string
		change     func(map[string]string)
		want       int
		code       string
	}{
		{"plain", invocations, nil, 200, ""},
		{"LATEST", strings.Replace(invocations, "feedstream/", "feedstream.LATEST/", 1), nil, 200, ""},
		{"a version", strings.Replace(invocations, "feedstream/", "feedstream.7/", 1), nil, 404, "VersionNotFound"},
		{"a service", strings.Replace(invocations, "feedstream", "other", 1), nil, 404, "ServiceNotFound"},
		{"another method of the API", "/2016-08-15/services/feedstream/functions/feed-test", nil, 501, "NotImplemented"},
		{"14 minutes ago", invocations, at(-14 * time.Minute), 200, ""},
		{"16 minutes ago", invocations, at(-16 * time.Minute), 403, "15 minutes"},
		{"in 16 minutes", invocations, at(16 * time.Minute), 403, "15 minutes"},
		{"no date", invocations, with("Date", "garbage"), 403, "15 minutes"},
		{"sum in base64", invocations, with("Content-MD5", "11FxOYiYfpMxmANj4kGJzg=="), 200, ""},
		{"sum of another body", invocations, with("Content-MD5", fc.MD5([]byte("other"))), 400, "Content-MD5"},
		{"sync", invocations, with("X-Fc-Invocation-Type", "Sync"), 200, ""},
		{"async", invocations, with("X-Fc-Invocation-Type", "Async"), 202, ""},
		{"dry run", invocations, with("X-Fc-Invocation-Type", "DryRun"), 400, "DryRun"},
		{"log", invocations, with("X-Fc-Log-Type", "Foo"), 400, "X-Fc-Log-Type"},
		{"stateful", invocations, with("X-Fc-Stateful-Async-Invocation-Id", "a"), 501, "Stateful"},
	} {
		response := b.call(t, test.path, "[]", test.change)
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != test.want || !strings.Contains(string(body), test.code) {
			t.Errorf("%s: %d %s, want %d %q", test.name, response.StatusCode, body, test.want, test.code)
		}
	}
}

// TestLogTail: the caller gets what its invocation printed. On a machine with much to do lines come too late for it:
// then they may be in the tail of the next, and nothing else is.
func TestLogTail(t *testing.T) {
	b := start(t, nil)
	late := ""
	for i := range 200 {
		event := fmt.Sprintf("[%d]", i)
		eventually(t, "the tail of "+event, func() bool {
			response := b.call(t, invocations, event, with("X-Fc-Log-Type", "Tail"))
			decoded, err := base64.StdEncoding.DecodeString(response.Header.Get("X-Fc-Log-Result"))
			own := fmt.Sprintf("took %s\nFC Invoke End RequestId: %s\n", event, response.Header.Get("X-Fc-Request-Id"))
			tail, printed := string(decoded), late+own
			begin := strings.Index(printed, tail)
			if err != nil || begin < 0 {
				t.Fatalf("tail %q, %v, want %q", tail, err, printed)
			}
			late = printed[begin+len(tail):]
			return strings.HasSuffix(tail, own)
		})
	}
	if response := b.call(t, invocations, "[]", nil); response.Header.Get("X-Fc-Log-Result") != "" {
		t.Error("a tail that nobody asked for")
	}
}

// TestAsynchronousEventsAreBounded: those beyond the most are refused, and the end of one makes room.
func TestAsynchronousEventsAreBounded(t *testing.T) {
	b := start(t, nil)
	for range maxWaiting {
		if !b.waiting.enter(1) {
			t.Fatal("refused before the most")
		}
	}
	async := with("X-Fc-Invocation-Type", "Async")
	if got := b.call(t, invocations, "[]", async).StatusCode; got != http.StatusTooManyRequests {
		t.Errorf("one too many: %d", got)
	}
	for range maxWaiting {
		b.waiting.leave(1)
	}
	if !b.waiting.enter(maxWaitingBytes-1) || b.waiting.enter(2) {
		t.Error("the bytes are not bounded")
	}
	b.waiting.leave(maxWaitingBytes - 1)
	if got := b.call(t, invocations, "[]", async).StatusCode; got != http.StatusAccepted {
		t.Errorf("with room again: %d", got)
	}
}
