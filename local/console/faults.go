package console

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"feedstream/local/services/fault"
)

// faults are those of the stack.
type faults interface {
	SetFaults(seed uint64, rules ...string) ([]fault.Injected, error)
	Faults() []fault.Injected
}

// Fault is a rule and how often it has happened.
type Fault struct {
	Rule     string `json:"rule"`
	Injected int    `json:"injected"`
}

// faultsOrder is what PUT takes.
type faultsOrder struct {
	Rules []string `json:"rules"`
	Seed  uint64   `json:"seed"`
}

// mostOrder bounds the body of a PUT.
const mostOrder = 1 << 20

// faultsHandler lists the rules on GET. PUT puts others in their place and lists those, DELETE removes all and
// lists what they have done.
func faultsHandler(f faults) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		list := f.Faults
		switch r.Method {
		case http.MethodGet:
		case http.MethodPut:
			var order faultsOrder
			err := json.NewDecoder(http.MaxBytesReader(w, r.Body, mostOrder)).Decode(&order)
			if err == nil {
				_, err = f.SetFaults(order.Seed, order.Rules...)
			}
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
		case http.MethodDelete:
			list = func() []fault.Injected {
				before, _ := f.SetFaults(0) // no rule can be wrong
				return before
			}
		default:
			w.Header().Set("Allow", "GET, PUT, DELETE")
			http.Error(w, "faults are listed by GET, set by PUT and cleared by DELETE", http.StatusMethodNotAllowed)
			return
		}
		answer := []Fault{}
		for _, each := range list() {
			answer = append(answer, Fault{Rule: each.Rule.String(), Injected: each.Times})
		}
		answerJSON(w, answer)
	})
}

// Client sets the faults of a running stack, and ends its waits for retries, by its console.
type Client struct {
	Console string // base URL
	Token   string // for a console that listens beyond loopback; empty: none
}

// Faults lists the rules that hold.
func (c Client) Faults(ctx context.Context) ([]Fault, error) {
	return c.call(ctx, "list the faults", http.MethodGet, nil)
}

// SetFaults puts rules in the place of those before.
func (c Client) SetFaults(ctx context.Context, seed uint64, rules ...string) ([]Fault, error) {
	body, err := json.Marshal(faultsOrder{Rules: rules, Seed: seed})
	if err != nil {
		return nil, fmt.Errorf("set faults: %w", err)
	}
	return c.call(ctx, "set faults", http.MethodPut, body)
}

// ClearFaults removes all rules and says what they have done.
func (c Client) ClearFaults(ctx context.Context) ([]Fault, error) {
	return c.call(ctx, "clear the faults", http.MethodDelete, nil)
}

// callTimeout is what the console has to answer.
const callTimeout = 10 * time.Second

// Waited are the pushes whose waits for a retry somebody ended.
type Waited struct {
	Pushes int `json:"pushes"`
}

// RetryNow has the pushes that wait for a retry tried now.
func (c Client) RetryNow(ctx context.Context) (Waited, error) {
	return c.endWaits(ctx, "retry", "/api/retry")
}

// GiveUp gives those pushes up that have failed: their records become dead letters, unless an attempt under way
// succeeds.
func (c Client) GiveUp(ctx context.Context) (Waited, error) {
	return c.endWaits(ctx, "give up", "/api/give-up")
}

func (c Client) endWaits(ctx context.Context, doing, path string) (waited Waited, err error) {
	text, err := c.ask(ctx, doing, http.MethodPost, path, nil)
	if err != nil {
		return waited, err
	}
	if err := json.Unmarshal(text, &waited); err != nil {
		return waited, fmt.Errorf("%s: read the answer of %s: %w", doing, c.Console, err)
	}
	return waited, nil
}

func (c Client) call(ctx context.Context, doing, method string, body []byte) (listed []Fault, err error) {
	text, err := c.ask(ctx, doing, method, "/api/faults", body)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &listed); err != nil {
		return nil, fmt.Errorf("%s: read the answer of %s: %w", doing, c.Console, err)
	}
	return listed, nil
}

func (c Client) ask(ctx context.Context, doing, method, path string, body []byte) (answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, c.Console+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	if c.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	var text bytes.Buffer
	if _, err := text.ReadFrom(response.Body); err != nil {
		return nil, fmt.Errorf("%s: %w", doing, err)
	}
	if response.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s: %s", doing, bytes.TrimSpace(text.Bytes()))
	}
	return text.Bytes(), nil
}
