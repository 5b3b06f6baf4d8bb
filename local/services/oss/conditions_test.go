package oss

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	sdk "github.com/aliyun/aliyun-oss-go-sdk/oss"
)

func TestConditions(t *testing.T) {
	modified := time.Date(2026, 11, 24, 1, 0, 0, 0, time.UTC)
	before, after := modified.Add(-time.Hour).Format(http.TimeFormat), modified.Add(time.Hour).Format(http.TimeFormat)
	for _, test := range []struct {
		name, value, second, secondValue string
		want                             int
	}{
		{"If-Match", `"A"`, "", "", 200},
		{"If-Match", `"B"`, "", "", 412},
		{"If-Match", `"B", "A"`, "If-Unmodified-Since", before, 200},
		{"If-None-Match", `"A"`, "", "", 304},
		{"If-None-Match", "A", "", "", 304},
		{"If-None-Match", `"B"`, "If-Modified-Since", after, 200},
		{"If-Modified-Since", after, "", "", 304},
		{"If-Modified-Since", before, "", "", 200},
		{"If-Unmodified-Since", before, "", "", 412},
		{"If-Unmodified-Since", after, "", "", 200},
		{"If-Modified-Since", "no date", "", "", 200},
	} {
		header := http.Header{}
		header.Set(test.name, test.value)
		if test.second != "" {
			header.Set(test.second, test.secondValue)
		}
		if got := judge(header, metadata{ETag: `"A"`, Modified: modified}); got != test.want {
			t.Errorf("%s %s %s: got %d, want %d", test.name, test.value, test.second, got, test.want)
		}
	}
}

func TestRanges(t *testing.T) {
	for _, test := range []struct {
		text, behavior string
		want           span
		status         int
	}{
		{"bytes=0-4", "", span{0, 5}, 206},
		{"bytes=5-", "", span{5, 10}, 206},
		{"bytes=-3", "", span{7, 10}, 206},
		{"bytes=2-3,5-6", "", span{2, 4}, 206},
		{"bytes=5-20", "", span{0, 10}, 200},
		{"bytes=5-20", "standard", span{5, 10}, 206},
		{"bytes=-20", "standard", span{0, 10}, 206},
		{"bytes=10-", "", span{0, 10}, 200},
		{"byte=0-4", "", span{0, 10}, 200},
		{"bytes=4-2", "", span{0, 10}, 200},
		{"bytes=-", "", span{0, 10}, 200},
	} {
		header := http.Header{"Range": {test.text}, "X-Oss-Range-Behavior": {test.behavior}}
		got, status, err := rangeOf(header, 10)
		if err != nil || got != test.want || status != test.status {
			t.Errorf("%s %s: got %v, %d, %v, want %v, %d", test.text, test.behavior, got, status, err, test.want, test.status)
		}
	}
	header := http.Header{"Range": {"bytes=10-"}, "X-Oss-Range-Behavior": {"standard"}}
	if _, _, err := rangeOf(header, 10); err == nil {
		t.Error("a range beyond the object under the standard behaviour was answered")
	}
}

// TestReadsThroughTheSDK checks conditions, ranges and kept headers as a foreign program meets them.
func TestReadsThroughTheSDK(t *testing.T) {
	bucket := open(t, start(t, t.TempDir()), "id", "secret")
	if err := bucket.PutObject("k", strings.NewReader("0123456789"), sdk.ContentType("text/plain"),
		sdk.CacheControl("no-store")); err != nil {
		t.Fatal(err)
	}
	body, err := bucket.GetObject("k", sdk.Range(2, 4))
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if got, err := io.ReadAll(body); err != nil || string(got) != "234" {
		t.Errorf("range: %q, %v", got, err)
	}
	header, err := bucket.GetObjectDetailedMeta("k")
	if err != nil || header.Get("Content-Type") != "text/plain" || header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers: %v, %v", header, err)
	}
	if exists, err := bucket.IsObjectExist("absent"); exists || err != nil {
		t.Errorf("an absent object: %v, %v", exists, err)
	}
	var refusal sdk.ServiceError
	if _, err := bucket.GetObject("k", sdk.IfMatch(`"B"`)); !errors.As(err, &refusal) || refusal.Code != "PreconditionFailed" {
		t.Errorf("If-Match: %v", err)
	}
	if err := bucket.PutObject("k", strings.NewReader("x"), sdk.ObjectACL(sdk.ACLPrivate)); !errors.As(err, &refusal) ||
		refusal.Code != "NotImplemented" || !strings.Contains(refusal.Message, "x-oss-object-acl") {
		t.Errorf("put with an ACL: %v", err)
	}
}
