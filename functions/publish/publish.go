package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"feedstream/shared/fc"
	"feedstream/shared/feed"
	"feedstream/shared/kafka"
	"feedstream/shared/problem"
)

// producer writes messages to topics. When it returns nil, every one is acknowledged by all in-sync
// replicas and carries its partition and offset; a *feed.RejectedError or a *kafka.ProduceError says
// which are not.
type producer interface {
	Produce(ctx context.Context, messages []kafka.Message) error
}

// Publisher is the use case of feed-publish: the updates of one HTTP request become records of the
// input topic, in the article's form. It rejects what enrich would set aside.
type Publisher struct {
	Topic    string
	Producer producer
	Now      func() time.Time
	Logger   *slog.Logger
}

// Result is what became of one item: where its record lies, or why there is none.
type Result struct {
	Partition *int   `json:"partition,omitempty"`
	Offset    *int64 `json:"offset,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Detail    string `json:"detail,omitempty"`
}

// NotAcknowledged is the reason of an item that Kafka did not confirm. It may be in the topic all the
// same: publish it again, a second record of one update does no harm.
const NotAcknowledged = "not-acknowledged"

func rejectedItem(reason feed.Reason, detail string) Result {
	return Result{Reason: string(reason), Detail: detail}
}

// ServeHTTP answers POST /updates. The answer is 202 with the results in the order of the items as soon
// as one item is published and none lacks its acknowledgement; 400 when every item is bad. When Kafka
// leaves one unacknowledged, the results in the problem say which.
func (p *Publisher) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	problem.Handler(p.Logger, explain, p.updates)(w, r)
}

func (p *Publisher) updates(w http.ResponseWriter, r *http.Request) error {
	items, err := readRequest(w, r)
	if err != nil {
		return err
	}
	fc.SetItems(r.Context(), len(items))
	results, err := p.publish(r.Context(), items, senderOf(r))
	if err != nil {
		return &unpublishedError{results: results, err: err}
	}
	if !slices.ContainsFunc(results, func(r Result) bool { return r.Offset != nil }) {
		return &problem.Problem{Status: http.StatusBadRequest, Title: "No item is valid",
			Detail: "Every item was rejected for the reason beside it.",
			Remedy: "Correct each item by its reason and detail in results, and publish again.", Extensions: map[string]any{"results": results}}
	}
	problem.WriteJSON(w, http.StatusAccepted, "application/json", struct {
		Results []Result `json:"results"`
	}{results})
	return nil
}

// publish checks the items, produces the valid ones together and returns the result of each. The
// error is that of Kafka; the results are complete in any case.
func (p *Publisher) publish(ctx context.Context, items []item, sender string) ([]Result, error) {
	now := p.Now()
	results := make([]Result, len(items))
	var messages []kafka.Message
	var positions []int // of the messages among the items
	for i := range items {
		update, why := items[i].update(sender, now)
		if why != nil {
			results[i] = rejectedItem(why.Reason, why.Detail)
			continue
		}
		messages = append(messages, p.message(update, now))
		positions = append(positions, i)
	}
	if len(messages) == 0 {
		return results, nil
	}
	failures, err := unacknowledged(p.Producer.Produce(ctx, messages), len(messages))
	for i, m := range messages {
		result := Result{Partition: &m.Partition, Offset: &m.Offset}
		if failed, ok := failures[i]; ok {
			result = failed
		}
		results[positions[i]] = result
	}
	return results, err
}

// message is the update in the article's form, under the sender as key.
func (p *Publisher) message(u feed.Update, now time.Time) kafka.Message {
	value := append([]byte(u.StockCode), ',')
	return kafka.Message{Topic: p.Topic, Key: []byte(u.Sender), Value: strconv.AppendInt(value, u.Time, 10), Time: now}
}

// unacknowledged returns the results of the messages that Kafka does not have, and the error unless
// Kafka rejects each of those for good: then it is they that are bad.
func unacknowledged(err error, messages int) (map[int]Result, error) {
	if err == nil {
		return nil, nil
	}
	results := make(map[int]Result)
	reject := func(rejections []feed.SinkRejection) {
		for _, r := range rejections {
			results[r.Index] = rejectedItem(feed.SinkRejected, r.Reason)
		}
	}
	var rejected *feed.RejectedError
	var failed *kafka.ProduceError
	switch {
	case errors.As(err, &rejected):
		reject(rejected.Rejections)
		return results, nil
	case errors.As(err, &failed):
		for _, f := range failed.Failures {
			results[f.Index] = Result{Reason: NotAcknowledged, Detail: "Kafka did not acknowledge this item"}
		}
		reject(failed.Rejected)
	default:
		for i := range messages {
			results[i] = Result{Reason: NotAcknowledged, Detail: "Kafka did not answer"}
		}
	}
	return results, err
}
