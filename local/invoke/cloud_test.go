package invoke

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"feedstream/local/target"
)

var key = map[string]string{
	target.KeyIDVariable: "id", target.SecretVariable: "the-secret", target.TokenVariable: "the-token",
}

func in(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, set := values[name]
		return value, set
	}
}

// TestTheVendorsExample holds the signature that the tests compute against the one in the vendor's description of it.
func TestTheVendorsExample(t *testing.T) {
	empty := hashOf("")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://ecs.cn-shanghai.aliyuncs.com/"+
		"?RegionId=cn-shanghai&ImageId=win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"x-acs-action": "RunInstances", "x-acs-version": "2014-05-26", "x-acs-content-sha256": empty,
		"x-acs-date": "2023-10-26T10:22:32Z", "x-acs-signature-nonce": "3156853299f313e23d1673dc12e1703d",
	} {
		r.Header.Set(name, value)
	}
	names := "host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"
	const want = "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
	if got := signatureOf(r, strings.Split(names, ";"), empty, "YourAccessKeySecret"); got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// signatureOf computes a signature of version 3 anew, from a request as it arrives.
func signatureOf(r *http.Request, names []string, hash, secret string) string {
	headers := ""
	for _, name := range names {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		headers += name + ":" + value + "\n"
	}
	canonical := strings.Join([]string{r.Method, r.URL.EscapedPath(), r.URL.Query().Encode(), headers, strings.Join(names, ";"), hash}, "\n")
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("ACS3-HMAC-SHA256\n" + hashOf(canonical)))
	return hex.EncodeToString(mac.Sum(nil))
}

// unsigned says what is wrong with the signature of a request, nothing when all is well.
func unsigned(r *http.Request, body string) string {
	var id, list, signature string
	fields := strings.NewReplacer(",", " ", "Credential=", "", "SignedHeaders=", "", "Signature=", "").Replace(r.Header.Get("Authorization"))
	if _, err := fmt.Sscanf(fields, "ACS3-HMAC-SHA256 %s %s %s", &id, &list, &signature); err != nil {
		return "Authorization is " + r.Header.Get("Authorization")
	}
	names := strings.Split(list, ";")
	for name := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-acs-") && !slices.Contains(names, name) {
			return name + " is not signed"
		}
	}
	at, err := time.Parse("2006-01-02T15:04:05Z", r.Header.Get("x-acs-date"))
	switch {
	case err != nil || time.Since(at).Abs() > 15*time.Minute:
		return "x-acs-date is " + r.Header.Get("x-acs-date")
	case len(r.Header.Get("x-acs-signature-nonce")) < 16:
		return "x-acs-signature-nonce is too short to be one"
	case r.Header.Get("x-acs-content-sha256") != hashOf(body):
		return "x-acs-content-sha256 is not of the body"
	case id != "id" || signature != signatureOf(r, names, hashOf(body), "the-secret"):
		return "the signature is another"
	}
	return ""
}

// account answers as the API of Function Compute 3.0 does: the function's name says with what.
func account(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if wrong := unsigned(r, string(body)); err != nil || wrong != "" {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"Code":"SignatureDoesNotMatch","Message":%q,"RequestId":"1-sign"}`, wrong)
		return
	}
	w.Header().Set("X-Fc-Request-Id", "1-call")
	switch r.Method + " " + r.URL.EscapedPath() {
	case "POST /2023-03-30/functions/feed-refresh/invocations":
		fmt.Fprintf(w, "%s %s %s", r.Header.Get("x-fc-invocation-type"), r.Header.Get("x-acs-security-token"), body)
	case "POST /2023-03-30/functions/fails/invocations":
		w.Header().Set("X-Fc-Error-Type", "UnhandledInvocationError")
		fmt.Fprint(w, `{"errorMessage":"no snapshot"}`)
	case "POST /2023-03-30/functions/busy/invocations":
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, `{"Code":"ResourceExhausted","Message":"too many instances","RequestId":"1-busy"}`)
	case "POST /2023-03-30/functions/moved/invocations":
		http.Redirect(w, r, "/2023-03-30/functions/feed-refresh/invocations", http.StatusTemporaryRedirect)
	case "POST /2023-03-30/functions/gateway/invocations":
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprint(w, "upstream\n")
	default:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"Code":"FunctionNotFound","Message":"there is none","RequestId":"1-none"}`)
	}
}

func TestCloud(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(account))
	t.Cleanup(server.Close)
	values := maps.Clone(key)
	values[target.FCVariable] = server.URL
	cloud, err := CloudOf(in(values), "")
	if err != nil {
		t.Fatal(err)
	}
	other := cloud
	other.Secret = "another"
	for _, test := range []struct {
		cloud        Cloud
		name, answer string
		errors       []string
	}{
		{cloud, "feed-refresh", `Sync the-token {"action":"refresh"}`, nil},
		{cloud, "fails", "", []string{"fails failed", "UnhandledInvocationError", "1-call", "no snapshot"}},
		{cloud, "none", "", []string{"none", server.URL, "404 FunctionNotFound: there is none", "1-none", "deploy it"}},
		{cloud, "a/../b c", "", []string{"404 FunctionNotFound"}},
		{cloud, "busy", "", []string{"429 ResourceExhausted", "1-busy", "repeat later"}},
		{cloud, "gateway", "", []string{"502 Bad Gateway: upstream", "1-call"}},
		{cloud, "moved", "", []string{"307"}},
		{other, "feed-refresh", "", []string{"403 SignatureDoesNotMatch: the signature is another", "1-sign"}},
	} {
		answer, err := test.cloud.Function(t.Context(), test.name, []byte(`{"action":"refresh"}`))
		if string(answer) != test.answer || (err == nil) != (test.errors == nil) {
			t.Errorf("%s answers %q, %v", test.name, answer, err)
		}
		for _, part := range append(test.errors, "") {
			if err != nil && (!strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "the-")) {
				t.Errorf("%s: %v; want %q and no secret", test.name, err, part)
			}
		}
	}
}

// A function of a service is called by the API of 2.0, with the token of temporary credentials.
func TestCloudService(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.URL.Path, " ", strings.HasPrefix(r.Header.Get("Authorization"), "FC id:"), " ", r.Header.Get("X-Fc-Security-Token"))
	}))
	t.Cleanup(server.Close)
	cloud := Cloud{Endpoint: server.URL, Service: "old", KeyID: "id", Secret: "the-secret", Token: "the-token"}
	answer, err := cloud.Function(t.Context(), "feed-refresh", nil)
	if want := "/2016-08-15/services/old/functions/feed-refresh/invocations true the-token"; err != nil || string(answer) != want {
		t.Errorf("%q, %v; want %q", answer, err, want)
	}
}

func TestCloudOf(t *testing.T) {
	for _, test := range []struct {
		values         map[string]string
		endpoint, want string
	}{
		{map[string]string{"FEED_ACCOUNT_ID": "123", "FEED_REGION": "cn-hangzhou"}, "https://123.cn-hangzhou.fc.aliyuncs.com", ""},
		{map[string]string{"FC_ENDPOINT": "123.eu-west-1.fc.aliyuncs.com"}, "https://123.eu-west-1.fc.aliyuncs.com", ""},
		{map[string]string{"FC_ENDPOINT": "http://127.0.0.1:9/"}, "http://127.0.0.1:9", ""},
		{map[string]string{"FC_ENDPOINT": " ", "FEED_REGION": "cn-hangzhou"}, "", "FEED_ACCOUNT_ID is missing"},
		{map[string]string{"FEED_ACCOUNT_ID": "123"}, "", "FEED_REGION is missing"},
		{map[string]string{"FC_ENDPOINT": "ftp://x"}, "", "FC_ENDPOINT is no address"},
		{map[string]string{"FC_ENDPOINT": "https://me:the-word@x"}, "", "FC_ENDPOINT is no address"},
		{map[string]string{"FC_ENDPOINT": "https://x/2023-03-30"}, "", "FC_ENDPOINT is no address"},
		{map[string]string{"FC_ENDPOINT": "x", target.SecretVariable: ""}, "", target.SecretVariable + " is missing"},
	} {
		values := maps.Clone(key)
		maps.Copy(values, test.values)
		cloud, err := CloudOf(in(values), "")
		switch {
		case test.want == "" && (err != nil || cloud.Endpoint != test.endpoint):
			t.Errorf("%v: %s, %v", test.values, cloud.Endpoint, err)
		case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "the-")):
			t.Errorf("%v: %v, want %s", test.values, err, test.want)
		}
	}
	_, err := CloudOf(in(nil), "")
	for _, name := range []string{"FEED_ACCOUNT_ID", "FEED_REGION", target.KeyIDVariable, target.SecretVariable} {
		if err == nil || !strings.Contains(err.Error(), name+" is missing") {
			t.Errorf("of nothing: %v, want %s", err, name)
		}
	}
}
