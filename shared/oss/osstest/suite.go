// Package osstest holds the conformance suite of the object-store port and a store in memory that passes it.
//
// The suite is written against the port alone, so the embedded server and a real bucket run the same one.
package osstest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"feedstream/shared/reference"

	"github.com/google/go-cmp/cmp"
)

// Port is an object store as the reference's readers and writers see it.
type Port interface {
	// Get reads the whole object. Absent: reference.ErrNotFound. Still at ETag ifNoneMatch (unless that is empty):
	// reference.ErrNotModified.
	Get(ctx context.Context, key, ifNoneMatch string) (reference.Object, error)
	// Put stores the body, durably once it has returned. Without overwrite, a taken key: reference.ErrExists.
	Put(ctx context.Context, key string, body []byte, overwrite bool) error
	// List describes all objects whose keys start with prefix, in byte order of the keys.
	List(ctx context.Context, prefix string) ([]reference.ObjectInfo, error)
	// Delete removes the object; an absent one is no error.
	Delete(ctx context.Context, key string) error
}

// Run checks a store against the port's contract. Open is called once per subtest and may answer the same store
// each time: every subtest keeps to a random prefix of its own below "osstest/" and removes what it wrote.
func Run(t *testing.T, open func(testing.TB) Port) {
	for _, c := range []struct {
		name string
		test func(*testing.T, scope)
	}{
		{"an absent object is not found", testAbsent},
		{"bodies come back as they were", testRoundTrip},
		{"bodies are not shared with the caller", testBodiesAreNotShared},
		{"a put replaces what was there", testOverwrite},
		{"an unchanged object is not sent again", testConditional},
		{"a taken key is kept", testNoOverwrite},
		{"one of many writers wins a free key", testNoOverwriteConcurrent},
		{"a deleted object is gone", testDelete},
		{"a listing has the keys of its prefix in order", testList},
		{"a listing goes over many pages", testListPages},
		{"odd keys are keys like others", testOddKeys},
		{"a key that is none is refused", testBadKeys},
		{"a cancelled call has no effect", testCancelled},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.test(t, newScope(t, open(t)))
		})
	}
}

// scope is the part of the store that one subtest may touch.
type scope struct {
	Port
	prefix string
}

func newScope(t *testing.T, port Port) scope {
	r := scope{Port: port, prefix: "osstest/" + rand.Text() + "/"}
	t.Cleanup(func() { r.clear(t) })
	return r
}

func (r scope) clear(t *testing.T) {
	ctx := context.Background()
	infos, err := r.List(ctx, r.prefix)
	if err != nil {
		t.Errorf("list what the test left: %v", err)
	}
	inParallel(len(infos), func(i int) {
		if err := r.Delete(ctx, infos[i].Key); err != nil {
			t.Errorf("delete what the test left: %v", err)
		}
	})
}

func (r scope) mustPut(t *testing.T, key string, body []byte) {
	t.Helper()
	if err := r.Put(t.Context(), r.prefix+key, body, true); err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
}

func (r scope) mustGet(t *testing.T, key string) reference.Object {
	t.Helper()
	object, err := r.Get(t.Context(), r.prefix+key, "")
	if err != nil {
		t.Fatalf("get %q: %v", key, err)
	}
	return object
}

func (r scope) mustList(t *testing.T, prefix string) []string {
	t.Helper()
	infos, err := r.List(t.Context(), r.prefix+prefix)
	if err != nil {
		t.Fatalf("list %q: %v", prefix, err)
	}
	keys := []string{}
	for _, info := range infos {
		keys = append(keys, strings.TrimPrefix(info.Key, r.prefix))
	}
	return keys
}

func testAbsent(t *testing.T, r scope) {
	for _, etag := range []string{"", `"5D41402ABC4B2A76B9719D911017C592"`} {
		if _, err := r.Get(t.Context(), r.prefix+"absent", etag); !errors.Is(err, reference.ErrNotFound) {
			t.Errorf("get with ETag %q: got %v, want ErrNotFound", etag, err)
		}
	}
	if got := r.mustList(t, ""); len(got) != 0 {
		t.Errorf("list: got %q, want nothing", got)
	}
}

func testRoundTrip(t *testing.T, r scope) {
	big := make([]byte, 1<<20+17)
	rand.Read(big)
	for name, body := range map[string][]byte{
		"empty": {}, "text": []byte("hello"), "binary": {0, 0xff, '\r', '\n', 0x1a}, "big": big,
	} {
		r.mustPut(t, name, body)
		object := r.mustGet(t, name)
		if !bytes.Equal(object.Body, body) {
			t.Errorf("%s: got %d bytes that differ from the %d put", name, len(object.Body), len(body))
		}
		if object.ETag == "" {
			t.Errorf("%s: no ETag", name)
		}
	}
}

func testBodiesAreNotShared(t *testing.T, r scope) {
	body := []byte("original")
	r.mustPut(t, "k", body)
	body[0] = 'X'
	first := r.mustGet(t, "k")
	first.Body[1] = 'X'
	if got := string(r.mustGet(t, "k").Body); got != "original" {
		t.Errorf("got %q, want the bytes as they were put", got)
	}
}

func testOverwrite(t *testing.T, r scope) {
	r.mustPut(t, "k", []byte("a longer first content"))
	old := r.mustGet(t, "k")
	r.mustPut(t, "k", []byte("second"))
	object := r.mustGet(t, "k")
	if string(object.Body) != "second" {
		t.Errorf("got %q, want the second content", object.Body)
	}
	if object.ETag == old.ETag {
		t.Errorf("the ETag %s stayed although the content changed", old.ETag)
	}
}

func testConditional(t *testing.T, r scope) {
	r.mustPut(t, "k", []byte("one"))
	one := r.mustGet(t, "k")

	object, err := r.Get(t.Context(), r.prefix+"k", one.ETag)
	if !errors.Is(err, reference.ErrNotModified) || len(object.Body) != 0 {
		t.Errorf("get with the current ETag: got %q, %v, want ErrNotModified", object.Body, err)
	}
	r.mustPut(t, "k", []byte("two"))
	object, err = r.Get(t.Context(), r.prefix+"k", one.ETag)
	if err != nil || string(object.Body) != "two" {
		t.Errorf("get with the former ETag: got %q, %v, want the new content", object.Body, err)
	}
}

func testNoOverwrite(t *testing.T, r scope) {
	ctx, key := t.Context(), r.prefix+"k"
	if err := r.Put(ctx, key, []byte("first"), false); err != nil {
		t.Fatalf("put on a free key: %v", err)
	}
	if err := r.Put(ctx, key, []byte("second"), false); !errors.Is(err, reference.ErrExists) {
		t.Errorf("put on a taken key: got %v, want ErrExists", err)
	}
	if got := string(r.mustGet(t, "k").Body); got != "first" {
		t.Errorf("the refused put changed the object to %q", got)
	}
	if err := r.Delete(ctx, key); err != nil {
		t.Fatal(err)
	}
	if err := r.Put(ctx, key, []byte("third"), false); err != nil {
		t.Errorf("put on a key that was deleted: %v", err)
	}
}

func testNoOverwriteConcurrent(t *testing.T, r scope) {
	const writers = 12
	errs := make([]error, writers)
	inParallel(writers, func(i int) {
		errs[i] = r.Put(t.Context(), r.prefix+"k", fmt.Appendf(nil, "writer %d", i), false)
	})
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner < 0:
			winner = i
		case err == nil:
			t.Errorf("writers %d and %d both won", winner, i)
		case !errors.Is(err, reference.ErrExists):
			t.Errorf("writer %d: got %v, want ErrExists", i, err)
		}
	}
	if winner < 0 {
		t.Fatal("no writer won")
	}
	if got, want := string(r.mustGet(t, "k").Body), fmt.Sprintf("writer %d", winner); got != want {
		t.Errorf("the object holds %q, want %q", got, want)
	}
}

func testDelete(t *testing.T, r scope) {
	ctx := t.Context()
	r.mustPut(t, "k", []byte("x"))
	r.mustPut(t, "kk", []byte("x"))
	for range 2 { // the second time the object is absent
		if err := r.Delete(ctx, r.prefix+"k"); err != nil {
			t.Fatalf("delete: %v", err)
		}
	}
	if _, err := r.Get(ctx, r.prefix+"k", ""); !errors.Is(err, reference.ErrNotFound) {
		t.Errorf("get after delete: got %v, want ErrNotFound", err)
	}
	if diff := cmp.Diff([]string{"kk"}, r.mustList(t, "")); diff != "" {
		t.Errorf("list after delete (-want +got):\n%s", diff)
	}
}

func testList(t *testing.T, r scope) {
	for i, key := range []string{"b/2", "a", "b/10", "b", "ab", "b/c/d", "B"} {
		r.mustPut(t, key, bytes.Repeat([]byte("x"), i))
	}
	for _, c := range []struct {
		prefix string
		want   []string
	}{
		{"", []string{"B", "a", "ab", "b", "b/10", "b/2", "b/c/d"}},
		{"a", []string{"a", "ab"}},
		{"b/", []string{"b/10", "b/2", "b/c/d"}},
		{"zz", []string{}},
	} {
		if diff := cmp.Diff(c.want, r.mustList(t, c.prefix)); diff != "" {
			t.Errorf("list %q (-want +got):\n%s", c.prefix, diff)
		}
	}
	infos, err := r.List(t.Context(), r.prefix+"b/c")
	if err != nil || len(infos) != 1 {
		t.Fatalf("list one: got %v, %v", infos, err)
	}
	if infos[0].Size != 5 {
		t.Errorf("size: got %d, want 5", infos[0].Size)
	}
	if infos[0].LastModified.Before(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("last modified: got %v", infos[0].LastModified)
	}
}

// testListPages writes more objects than a store hands out in one answer (1,000 in OSS).
func testListPages(t *testing.T, r scope) {
	const n = 1003
	errs := make([]error, n)
	want := make([]string, n)
	inParallel(n, func(i int) {
		want[i] = fmt.Sprintf("page/%04d", i)
		errs[i] = r.Put(t.Context(), r.prefix+want[i], nil, true)
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, r.mustList(t, "page/")); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
}

func testOddKeys(t *testing.T, r scope) {
	keys := []string{
		"with space", "plus+plus", "100%", "%2F", "a%20b", "question?mark=1&b", "hash#tag", "quote'\"<>&",
		"平安保险", "emoji \U0001F600", "../up", "a/../../b", "./here", "double//slash", "trailing/",
		"tilde~", ".", "back\\slash",
		"tab\there", "c:\\windows", "case", "CASE", strings.Repeat("l", 1023-len(r.prefix)),
	}
	for _, key := range keys {
		r.mustPut(t, key, []byte(key))
	}
	for _, key := range keys {
		if got := string(r.mustGet(t, key).Body); got != key {
			t.Errorf("get %q: got the object of %q", key, got)
		}
	}
	listed := map[string]bool{}
	for _, key := range r.mustList(t, "") {
		listed[key] = true
	}
	for _, key := range keys {
		if !listed[key] {
			t.Errorf("list: %q is missing", key)
		}
	}
	if len(listed) != len(keys) {
		t.Errorf("list: got %d keys, want %d", len(listed), len(keys))
	}
}

func testBadKeys(t *testing.T, r scope) {
	ctx := t.Context()
	for _, key := range []string{"", "/rooted", `\rooted`, strings.Repeat("l", 1024), "not \xff UTF-8"} {
		_, getErr := r.Get(ctx, key, "")
		for op, err := range map[string]error{
			"get": getErr, "put": r.Put(ctx, key, []byte("x"), true), "delete": r.Delete(ctx, key),
		} {
			if err == nil || errors.Is(err, reference.ErrNotFound) || errors.Is(err, reference.ErrExists) {
				t.Errorf("%s of key %.20q: got %v, want a refusal of the key", op, key, err)
			}
		}
	}
}

func testCancelled(t *testing.T, r scope) {
	r.mustPut(t, "kept", []byte("x"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, getErr := r.Get(ctx, r.prefix+"kept", "")
	_, listErr := r.List(ctx, r.prefix)
	for op, err := range map[string]error{
		"get": getErr, "list": listErr,
		"put":    r.Put(ctx, r.prefix+"new", []byte("x"), true),
		"delete": r.Delete(ctx, r.prefix+"kept"),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want context.Canceled", op, err)
		}
	}
	if diff := cmp.Diff([]string{"kept"}, r.mustList(t, "")); diff != "" {
		t.Errorf("a cancelled call had an effect (-want +got):\n%s", diff)
	}
}

// inParallel runs do for 0..n-1, at most 16 at a time, and waits for all.
func inParallel(n int, do func(i int)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, 16)
	for i := range n {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			do(i)
		})
	}
	wg.Wait()
}
