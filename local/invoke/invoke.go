// Package invoke calls functions through the SDK of Function Compute: by the API, and by their HTTP
// triggers, which want a signature of their own. Those of Function Compute 3.0 in the cloud have another API, which the
// SDK does not speak.
package invoke

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	fc "github.com/aliyun/fc-go-sdk"

	"feedstream/local/target"
	"feedstream/shared/reference"
)

// Client calls the functions of a stack, or those of a service of Function Compute 2.0.
type Client struct {
	API          string            // address of the API
	HTTPTriggers map[string]string // address of the trigger by function
	Service      string            // that has the functions; empty is the one of the local platform
	KeyID        string
	Secret       string
	Token        string // of temporary credentials; empty with those that last
}

// Of returns a client of a running stack.
func Of(e *target.Endpoints) Client {
	return Client{API: e.FC, HTTPTriggers: e.HTTPTriggers, KeyID: e.AccessKeyID, Secret: e.AccessKeySecret}
}

const (
	apiVersion = "2016-08-15"
	// service is the name by which the local platform knows all functions of a manifest: Function Compute
	// 3.0 has no services, the SDK must name one.
	service = "feedstream"
	timeout = 120 * time.Second
)

// Function calls a function with an event and returns its answer. A failure of the function is an error
// that holds what it answered.
func (c Client) Function(name string, event []byte) ([]byte, error) {
	client, err := c.sdk()
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", name, err)
	}
	answer, err := client.InvokeFunction(fc.NewInvokeFunctionInput(cmp.Or(c.Service, service), name).WithPayload(event))
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", name, err)
	}
	if answer.GetErrorType() != "" {
		return nil, fmt.Errorf("%s failed: %s", name, message(answer.Payload))
	}
	return answer.Payload, nil
}

// first is the one client that the SDK makes: NewClient sets transport and timeout for the whole process, which must
// not happen while another call is under way.
var first = sync.OnceValues(func() (*fc.Client, error) {
	return fc.NewClient("", apiVersion, "", "", fc.WithTimeout(uint(timeout.Seconds())))
})

// sdk is the first client with this one's address and key.
func (c Client) sdk() (*fc.Client, error) {
	made, err := first()
	if err != nil {
		return nil, err
	}
	config := *made.Config
	config.Endpoint, _ = fc.GetAccessPoint(c.API)
	config.AccessKeyID, config.AccessKeySecret, config.SecurityToken = c.KeyID, c.Secret, c.Token
	return &fc.Client{Config: &config, Connect: made.Connect}, nil
}

// message is what the answer of a failed function says to a person.
func message(answer []byte) string {
	var failed struct{ ErrorMessage string }
	if err := json.Unmarshal(answer, &failed); err != nil || failed.ErrorMessage == "" {
		return string(answer)
	}
	return failed.ErrorMessage
}

// Timer calls a function with the event of a time trigger.
func (c Client) Timer(name, payload string) ([]byte, error) {
	event, err := timerEvent(time.Now(), payload)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", name, err)
	}
	return c.Function(name, event)
}

// Reference has the refresh function, of that name, carry out a command.
func (c Client) Reference(name string, command reference.Command) (reference.Outcome, error) {
	payload, err := json.Marshal(command)
	if err != nil {
		return reference.Outcome{}, fmt.Errorf("call %s: %w", name, err)
	}
	answer, err := c.Timer(name, string(payload))
	if err != nil {
		return reference.Outcome{}, err
	}
	var outcome reference.Outcome
	if err := json.Unmarshal(answer, &outcome); err != nil {
		return reference.Outcome{}, fmt.Errorf("read the answer of %s: %w", name, err)
	}
	return outcome, nil
}

// ByCode is the path by which feed-query answers with the rows of a stock code, the newest first: at most limit, after
// the page that gave the cursor.
func ByCode(code string, limit int, cursor string) string {
	return fmt.Sprintf("/stocks/%s?limit=%d&cursor=%s", url.PathEscape(code), limit, url.QueryEscape(cursor))
}

// ByRow is the path of one row by its key.
func ByRow(key string) string { return "/rows/" + url.PathEscape(key) }

// Get asks the HTTP trigger of a function. The path is escaped, and may have a query behind it.
func (c Client) Get(ctx context.Context, name, path string) ([]byte, error) {
	return c.Request(ctx, name, Request{Method: http.MethodGet, Path: path})
}

// Request is one to an HTTP trigger. The path is escaped, and may have a query behind it; a body is JSON.
type Request struct {
	Method, Path string
	Body         []byte
}

// Request sends a request to the HTTP trigger of a function and returns the body of its answer. An answer that is not
// 2xx is an error that says what the answer says.
func (c Client) Request(ctx context.Context, name string, r Request) ([]byte, error) {
	base, ok := c.HTTPTriggers[name]
	if !ok {
		return nil, fmt.Errorf("the running stack has no HTTP trigger for %q", name)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, r.Method, base+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", name, err)
	}
	if len(r.Body) > 0 {
		request.Header.Set("Content-Type", "application/json")
	}
	c.sign(request)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", name, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", name, err)
	}
	if response.StatusCode/100 != 2 {
		return nil, fmt.Errorf("%s answers %s: %s", name, response.Status, explained(body))
	}
	return body, nil
}

// explained is what an answer says went wrong, and what mends it: the members of RFC 9457, or all of it.
func explained(body []byte) string {
	var problem struct{ Detail, Remedy string }
	if err := json.Unmarshal(body, &problem); err != nil || problem.Detail == "" {
		return string(bytes.TrimSpace(body))
	}
	if problem.Remedy == "" {
		return problem.Detail
	}
	return problem.Detail + ": " + problem.Remedy
}

// sign adds what a trigger of authType function wants to see. The signature is over the path without its
// escapes, as the service makes it; the request itself keeps them. The SDK's own DoHttpRequest sends the
// path without them too, and so asks for another row when a row key holds one of / # ? %.
func (c Client) sign(r *http.Request) {
	headers := map[string]string{"Date": time.Now().UTC().Format(http.TimeFormat)}
	if kind := r.Header.Get("Content-Type"); kind != "" {
		headers["Content-Type"] = kind
	}
	resource := fc.GetSignResourceWithQueries(r.URL.Path, r.URL.Query())
	r.Header.Set("Date", headers["Date"])
	r.Header.Set("Authorization", fc.GetAuthStr(c.KeyID, c.Secret, r.Method, headers, resource))
}
