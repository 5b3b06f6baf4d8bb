package audit

import (
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"feedstream/shared/testkit"
)

// The output topic is deleted and made again: that is told once if at all, and counting goes on with the new one.
func TestVerdictsOfATopicMadeAgain(t *testing.T) {
	s := startKafka(t)
	ctx, stop := context.WithCancel(testContext(t))
	defer stop()
	told := &testkit.Log{}
	v := NewVerdicts(Kafka{Brokers: []string{s.Addr()}}, topics, slog.New(slog.NewTextHandler(told, nil)))
	done := make(chan error, 1)
	go func() { done <- v.Run(ctx) }()
	w := balancedWorld()
	first, later := w.out[:1], w.out[1:]
	produce(t, s, first...)
	if err := v.Wait(ctx, 1); err != nil {
		t.Fatal(err)
	}

	client, err := Kafka{Brokers: []string{s.Addr()}}.client()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	admin := kadm.NewClient(client)
	if _, err := admin.DeleteTopic(ctx, topics.Output); err != nil {
		t.Fatal(err)
	}
	if _, err := admin.CreateTopic(ctx, 2, 1, nil, topics.Output); err != nil {
		t.Fatal(err)
	}
	produce(t, s, later...)
	if err := v.Wait(ctx, 14); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(told.String(), "\n"); n > 1 {
		t.Errorf("%d lines, want one at most:\n%s", n, told.String())
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
