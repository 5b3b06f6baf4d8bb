package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"feedstream/shared/feed"
)

// item is one update of a request as its bytes: {"stockCode":…,"timestamp":…,"sender":…}, the last two
// optional.
type item []byte

// update fills in what the item leaves out and passes it through the checks that enrich makes.
func (it item) update(sender string, now time.Time) (feed.Update, *feed.Rejection) {
	members, err := feed.Members(string(it))
	if err != nil {
		return feed.Update{}, &feed.Rejection{Reason: feed.MalformedValue,
			Detail: fmt.Sprintf("the item cannot be read: %v", err)}
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
	timestamp := members["timestamp"]
	if timestamp == nil {
		timestamp = strconv.AppendInt(nil, now.UnixMilli(), 10)
	}
	value, err := json.Marshal(map[string]json.RawMessage{"stockCode": members["stockCode"], "timestamp": timestamp})
	if err != nil {
		return feed.Update{}, &feed.Rejection{Reason: feed.MalformedValue, Detail: err.Error()}
	}
	d := feed.Delivery{Key: sender, Value: string(value), Form: feed.Parsed}
	return d.Update(now)
}
