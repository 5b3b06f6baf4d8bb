package invoke

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	openapi "github.com/alibabacloud-go/openapi-util/service"
	"github.com/alibabacloud-go/tea/tea"

	"feedstream/local/target"
)

// Cloud calls the functions of an account: those of Function Compute 3.0 by its own API, which aliyun/fc-go-sdk does not
// speak, and those of a service of 2.0, for 3.0 has no services, through that SDK.
type Cloud struct {
	Endpoint string // base URL of the API
	Service  string // of Function Compute 2.0; empty for 3.0
	KeyID    string
	Secret   string
	Token    string // of temporary credentials; empty with those that last
}

// accountVariable and regionVariable, which a deploy wants too, say which host has the API of an account where
// target.FCVariable does not.
const (
	accountVariable = "FEED_ACCOUNT_ID"
	regionVariable  = "FEED_REGION"
)

// CloudOf reads where the functions of an account are called, and with which key: target.FCVariable is a host or a base
// URL. An empty variable counts as unset. The error names every variable that is missing, and holds no value of any.
func CloudOf(env func(string) (string, bool), service string) (Cloud, error) {
	var problems []error
	value := func(name string) string {
		text, _ := env(name)
		return strings.TrimSpace(text)
	}
	needed := func(name string) string {
		text := value(name)
		if text == "" {
			problems = append(problems, fmt.Errorf("%s is missing: set it, in the file of --env or in the environment", name))
		}
		return text
	}
	endpoint := value(target.FCVariable)
	if endpoint == "" {
		endpoint = fmt.Sprintf("%s.%s.fc.aliyuncs.com", needed(accountVariable), needed(regionVariable))
	}
	c := Cloud{Service: service, KeyID: needed(target.KeyIDVariable), Secret: needed(target.SecretVariable), Token: value(target.TokenVariable)}
	if err := errors.Join(problems...); err != nil {
		return Cloud{}, err
	}
	var err error
	c.Endpoint, err = baseURL(endpoint)
	return c, err
}

// baseURL is an endpoint with its scheme: https where it has none.
func baseURL(endpoint string) (string, error) {
	if !strings.Contains(endpoint, "://") {
		endpoint = "https://" + endpoint
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" ||
		u.Scheme != "https" && u.Scheme != "http" {
		return "", fmt.Errorf("%s is no address of an API: write it as https://<account id>.<region>.fc.aliyuncs.com", target.FCVariable)
	}
	return u.Scheme + "://" + u.Host, nil
}

// cloudTimeout bounds a call; a function itself may take up to a day, ours take minutes at most.
const cloudTimeout = 15 * time.Minute

// Function calls a function with an event, waits for its answer and returns it. A failure of the function is an error
// that holds what it answered; what the platform refuses is one that says what mends it. Nothing is called twice.
func (c Cloud) Function(ctx context.Context, name string, event []byte) ([]byte, error) {
	if c.Service != "" {
		client := Client{API: c.Endpoint, Service: c.Service, KeyID: c.KeyID, Secret: c.Secret, Token: c.Token}
		return client.Function(name, event)
	}
	ctx, cancel := context.WithTimeout(ctx, cloudTimeout)
	defer cancel()
	address := c.Endpoint + "/" + cloudVersion + "/functions/" + url.PathEscape(name) + "/invocations"
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(event))
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", name, err)
	}
	request.Header.Set("X-Fc-Invocation-Type", "Sync")
	c.sign(request, event, time.Now())
	response, err := cloudHTTP.Do(request)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", name, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("call %s: read its answer: %w", name, err)
	}
	id := response.Header.Get("X-Fc-Request-Id")
	if kind := response.Header.Get("X-Fc-Error-Type"); kind != "" { // with whatever status: it was called
		return nil, fmt.Errorf("%s failed (%s, request %s): %s", name, kind, id, message(answer))
	}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("call %s at %s: %w", name, c.Endpoint, refused(response.StatusCode, id, answer))
	}
	return answer, nil
}

// cloudHTTP follows no redirect: it would carry the token of temporary credentials to another host.
var cloudHTTP = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

const (
	cloudVersion = "2023-03-30"
	algorithm    = "ACS3-HMAC-SHA256"
)

// sign adds the headers of a call of InvokeFunction and the vendor's signature over them and the body.
func (c Cloud) sign(r *http.Request, body []byte, now time.Time) {
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	signed := map[string]*string{
		"host":                  tea.String(r.URL.Host),
		"content-type":          tea.String("application/octet-stream"),
		"x-acs-action":          tea.String("InvokeFunction"),
		"x-acs-version":         tea.String(cloudVersion),
		"x-acs-date":            tea.String(now.UTC().Format(time.RFC3339)),
		"x-acs-signature-nonce": tea.String(rand.Text()),
		"x-acs-content-sha256":  tea.String(hash),
	}
	if c.Token != "" {
		signed["x-acs-security-token"] = tea.String(c.Token)
	}
	for name, value := range signed {
		if name != "host" { // the client sends that one itself
			r.Header.Set(name, *value)
		}
	}
	authorization := openapi.GetAuthorization(
		&tea.Request{Method: tea.String(r.Method), Pathname: tea.String(r.URL.EscapedPath()), Headers: signed},
		tea.String(algorithm), tea.String(hash), tea.String(c.KeyID), tea.String(c.Secret))
	r.Header.Set("Authorization", *authorization)
}

// remedies are what mends an answer of the platform.
var remedies = map[int]string{
	http.StatusUnauthorized:    "check " + target.KeyIDVariable + ", its secret and its token, and the clock of this machine",
	http.StatusForbidden:       "grant the key's owner fc:InvokeFunction on this function, or renew temporary credentials",
	http.StatusNotFound:        "deploy it to this account and region, or name another; one of Function Compute 2.0 wants --service",
	http.StatusTooManyRequests: "all instances that it may have are busy: repeat later, or raise its reserved concurrency or the account's",
}

// refused is the answer of a platform that did not carry a call out.
func refused(status int, id string, answer []byte) error {
	var problem struct{ Code, Message, RequestID string }
	if err := json.Unmarshal(answer, &problem); err != nil || problem.Code == "" {
		problem.Code, problem.Message = http.StatusText(status), string(bytes.TrimSpace(answer))
	}
	text := fmt.Sprintf("%d %s: %s (request %s)", status, problem.Code, problem.Message, cmp.Or(problem.RequestID, id, "unknown"))
	if remedy := remedies[status]; remedy != "" {
		text += ": " + remedy
	}
	return errors.New(text)
}
