package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"feedstream/shared/problem"
)

const (
	maxItems = 1000
	maxBytes = 1 << 20
)

// mediaTypes are those of a body. Which form it has is seen in the body itself.
var mediaTypes = []string{"application/json", "application/x-ndjson", "application/ndjson", "application/jsonl"}

// readRequest checks the request and takes its body apart into items.
func readRequest(w http.ResponseWriter, r *http.Request) ([]item, error) {
	if r.URL.Path != "/updates" {
		return nil, &problem.Problem{Status: http.StatusNotFound, Title: "No such resource",
			Detail: fmt.Sprintf("%.200s is not known here.", r.URL.Path), Remedy: "Use POST /updates."}
	}
	r.Pattern = "/updates" // there is one path, so no mux that would say it
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return nil, &problem.Problem{Status: http.StatusMethodNotAllowed, Title: "Method not allowed",
			Detail: fmt.Sprintf("/updates takes POST, not %.20s.", r.Method), Remedy: "Use POST /updates."}
	}
	if !acceptable(r.Header) {
		return nil, &problem.Problem{Status: http.StatusUnsupportedMediaType, Title: "Unsupported media type",
			Detail: "The body is compressed, or of a type that is not taken.",
			Remedy: "Send one object, an array or one object a line, uncompressed, with Content-Type " +
				strings.Join(mediaTypes, " or ") + "."}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBytes))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return nil, tooLarge(fmt.Sprintf("The body has more than %d bytes.", maxBytes))
	case err != nil:
		return nil, &problem.Problem{Status: http.StatusBadRequest, Title: "Body cut off",
			Detail: "The body could not be read to its end.", Remedy: "Send the whole body again."}
	}
	return split(body)
}

func acceptable(h http.Header) bool {
	if encoding := h.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return false
	}
	if h.Get("Content-Type") == "" {
		return true
	}
	given, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	for _, known := range mediaTypes {
		if err == nil && given == known {
			return true
		}
	}
	return false
}

// split takes a body apart: an array into its elements, one JSON value into itself, anything else
// into its lines, empty ones left out.
func split(body []byte) ([]item, error) {
	body = bytes.TrimSpace(body)
	var items []item
	switch {
	case bytes.HasPrefix(body, []byte("[")):
		var elements []json.RawMessage
		if err := json.Unmarshal(body, &elements); err != nil {
			return nil, &problem.Problem{Status: http.StatusBadRequest, Title: "Malformed body",
				Detail: fmt.Sprintf("The array is not JSON: %v.", err), Remedy: "Correct the JSON, or send one object a line."}
		}
		for _, e := range elements {
			items = append(items, item(e))
		}
	case json.Valid(body):
		items = []item{body}
	default:
		for line := range bytes.Lines(body) {
			if line = bytes.TrimSpace(line); len(line) > 0 {
				items = append(items, item(line))
			}
		}
	}
	if len(items) == 0 {
		return nil, &problem.Problem{Status: http.StatusBadRequest, Title: "Nothing to publish",
			Detail: "The body holds no item.",
			Remedy: `Send at least one, such as {"stockCode":"2318.HK","sender":"192.168.2.17"}.`}
	}
	if len(items) > maxItems {
		return nil, tooLarge(fmt.Sprintf("The body holds %d items, at most %d are taken.", len(items), maxItems))
	}
	return items, nil
}

func tooLarge(detail string) error {
	return &problem.Problem{Status: http.StatusRequestEntityTooLarge, Title: "Too much at once",
		Detail: detail, Remedy: "Send it in parts."}
}

// senderOf is the sender of items that name none: the first address of X-Forwarded-For, which the
// platform's gateway sets, else that of the peer.
func senderOf(r *http.Request) string {
	first, _, _ := strings.Cut(r.Header.Get("X-Forwarded-For"), ",")
	if address, err := netip.ParseAddr(strings.TrimSpace(first)); err == nil {
		return address.String()
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
