// Package calls is what the Go programs share: one JSON line for each call of a client.
package calls

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"runtime/debug"
	"strings"
	"time"
)

// errWrong marks an answer that is not the one a real server gives.
var errWrong = errors.New("wrong answer")

const patience = 30 * time.Second

// Client is a library whose calls are tried.
type Client struct{ name, version string }

// New returns the client that a module is, with the version that was built in.
func New(name, module string) *Client {
	info, _ := debug.ReadBuildInfo()
	for _, dependency := range info.Deps {
		if dependency.Path == module {
			return &Client{name, strings.TrimSuffix(dependency.Version[1:], "+incompatible")}
		}
	}
	return &Client{name, "unknown"}
}

// At says where the stack has a service, or its access key.
func At(service string) string { return os.Getenv("FEEDSTREAM_" + service) }

// Equal fails a call whose answer is another one.
func Equal(got, want any) error {
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%w: got %v, want %v", errWrong, got, want)
	}
	return nil
}

// Refused fails a call that was not refused by this name, as the real server refuses it too.
func Refused(err error, name string) error {
	if err == nil || !strings.Contains(err.Error(), name) {
		return fmt.Errorf("%w: got %v, want a refusal by %q", errWrong, err, name)
	}
	return nil
}

// Get asks for a signed address. Any status but 200 is a refusal.
func Get(url string) error {
	answer, err := http.Get(url)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, said)
	}
	return err
}

// First runs a call without which no other makes sense.
func (c *Client) First(name string, call func() error) {
	if !c.Call(name, call) {
		os.Exit(0)
	}
}

// Call runs one call: an error is the server's refusal, a wrong answer or none in time is a failure.
func (c *Client) Call(name string, call func() error) bool {
	done := make(chan error, 1)
	go func() { done <- call() }()
	result, detail := "works", ""
	select {
	case err := <-done:
		if err != nil {
			result, detail = "refused", err.Error()
		}
		if errors.Is(err, errWrong) {
			result = "fails"
		}
	case <-time.After(patience):
		result, detail = "fails", "no answer within "+patience.String()
	}
	line := map[string]string{"client": c.name, "version": c.version, "call": name, "result": result, "detail": detail}
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		panic(err) // nobody would hear of the call
	}
	return result == "works"
}
