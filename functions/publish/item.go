package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"feedstream/shared/feed"
)

// item is one update of a request as its bytes: {"stockCode":…,"timestamp":…,"sender":…}, the last two
// optional.
type item []byte

// update fills in what the item leaves out and passes it through the checks that enrich makes.
func (it item) update(sender string, now time.Time) (feed.Update, *feed.Rejection) {
	members, err := it.members()
	if err != nil {
		return feed.Update{}, &feed.Rejection{Reason: feed.MalformedValue, Detail: err.Error()}
	}
	if given := members["sender"]; given != nil {
		var text string
		if err := json.Unmarshal(given, &text); err != nil {
			return feed.Update{}, &feed.Rejection{Reason: feed.InvalidKey, Detail: `the member "sender" is not a string`}
		}
		if text != "" {
			sender = text
		}
	}
	if members["timestamp"] == nil {
		members["timestamp"] = strconv.AppendInt(nil, now.UnixMilli(), 10)
	}
	delete(members, "sender")
	value, err := json.Marshal(members)
	if err != nil {
		return feed.Update{}, &feed.Rejection{Reason: feed.MalformedValue, Detail: err.Error()}
	}
	d := feed.Delivery{Key: sender, Value: string(value), Form: feed.Parsed}
	return d.Update(now)
}

// members takes the item apart, keeping of each of the three members its JSON. Others are ignored, null
// counts as absent, and one that stands twice is an error: which was meant is anyone's guess.
func (it item) members() (map[string]json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(it))
	if start, err := dec.Token(); err != nil || start != json.Delim('{') {
		return nil, fmt.Errorf("the item is not a JSON object")
	}
	seen := make(map[string]bool)
	members := make(map[string]json.RawMessage)
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return nil, fmt.Errorf("the item is not JSON: %w", err)
		}
		name := token.(string) // the decoder accepts nothing else in this place
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, fmt.Errorf("the item is not JSON: %w", err)
		}
		if seen[name] {
			return nil, fmt.Errorf("the member %.64q stands twice", name)
		}
		seen[name] = true
		switch name {
		case "stockCode", "timestamp", "sender":
			if string(value) != "null" {
				members[name] = value
			}
		}
	}
	if _, err := dec.Token(); err != nil {
		return nil, fmt.Errorf("the item is not JSON: %w", err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, fmt.Errorf("the item goes on after its object")
	}
	return members, nil
}
