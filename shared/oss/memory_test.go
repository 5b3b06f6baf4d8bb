package oss_test

import (
	"fmt"
	"hash/crc64"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"testing"
	"time"

	"feedstream/shared/feed"
	"feedstream/shared/oss/osstest"
	"feedstream/shared/reference"
	"feedstream/shared/testkit"
)

// Loading a snapshot takes its size once, from the wire to the first lookup: all that is allocated meanwhile, what
// is let go of again included, is at most a fifth more.
func TestASnapshotIsLoadedIntoItsSize(t *testing.T) {
	entries := map[string]feed.Entry{}
	for i := range 100_000 {
		price := feed.Price(i)
		entries[fmt.Sprintf("S%d", i)] = feed.Entry{Name: fmt.Sprintf("Company %d Holdings", i), Price: &price}
	}
	store := osstest.NewMemory(time.Now)
	announcer := reference.Announcer{Objects: store, Prefix: "stock/", Now: time.Now}
	m := testkit.Must(announcer.Announce(t.Context(), reference.Manifest{}, entries, reference.Source{}))(t)
	bodies := map[string][]byte{}
	for _, key := range []string{"stock/manifest.json", m.Object} {
		bodies["/feed-reference/"+key] = testkit.Must(store.Get(t.Context(), key, ""))(t).Body
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := bodies[r.URL.Path]
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Header().Set("x-oss-hash-crc64ecma", strconv.FormatUint(crc64.Checksum(body, crc64.MakeTable(crc64.ECMA)), 10))
		_, _ = w.Write(body) // who reads too little fails the test
	}))
	defer server.Close()
	cache := reference.NewCache(reference.CacheConfig{
		Objects: open(t, server.URL, time.Minute), Prefix: "stock/", CheckInterval: time.Hour, MaxAge: time.Hour,
		Now: time.Now, Logger: slog.New(slog.DiscardHandler),
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	view, err := cache.Current(t.Context())
	runtime.ReadMemStats(&after)
	if err != nil || view.Snapshot.Len() != len(entries) {
		t.Fatalf("loaded %+v: %v", view, err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > uint64(m.Bytes)*6/5 {
		t.Errorf("%d bytes were allocated to load a snapshot of %d", took, m.Bytes)
	} else {
		t.Logf("%d bytes were allocated to load a snapshot of %d", took, m.Bytes)
	}
}
