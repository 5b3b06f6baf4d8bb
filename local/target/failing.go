package target

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Failing is a push of a running stack that has failed and has no verdict yet. Nothing from its first record
// on is committed in that partition.
type Failing struct {
	Topic     string    `json:"topic"`
	Partition int32     `json:"partition"`
	Offset    int64     `json:"offset"` // of its first record
	Records   int       `json:"records"`
	Attempts  int       `json:"attempts"`
	Since     time.Time `json:"since"`             // when it failed first
	Error     string    `json:"error"`             // of the last attempt
	Next      time.Time `json:"next,omitzero"`     // of the next attempt; zero while one is under way
	GivenUp   bool      `json:"givenUp,omitempty"` // there is no next attempt: somebody gave it up
}

// String is what a person is told of it.
func (f Failing) String() string {
	times := "times"
	if f.Attempts == 1 {
		times = "time"
	}
	return fmt.Sprintf("the push of %d records from %s/%d/%d has failed %d %s since %s: %s", f.Records, f.Topic, f.Partition,
		f.Offset, f.Attempts, times, f.Since.Format(time.RFC3339), f.Error)
}

// Failing asks a running stack which pushes keep failing. Of any other target nothing is known.
func (t *Target) Failing(ctx context.Context) ([]Failing, error) {
	if t.Console == "" {
		return nil, nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.Console+"/api/status", http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("ask the running stack for its status: %w", err)
	}
	if t.ConsoleToken != "" {
		request.Header.Set("Authorization", "Bearer "+t.ConsoleToken) // without it the errors are left out
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("ask the running stack for its status: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("ask the running stack at %s for its status: %s", t.Console, response.Status)
	}
	var status struct {
		Failing []Failing `json:"failing"`
	}
	if err := json.NewDecoder(response.Body).Decode(&status); err != nil {
		return nil, fmt.Errorf("read the status of the running stack at %s: %w", t.Console, err)
	}
	return status.Failing, nil
}
