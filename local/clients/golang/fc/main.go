// Command fc tries the calls of aliyun/fc-go-sdk on the platform.
package main

import (
	"io"
	"net/http"
	"strings"
	"time"

	fc "github.com/aliyun/fc-go-sdk"

	"clients/calls"
)

const (
	service  = "feedstream"
	function = "feed-refresh"
	timer    = `{"triggerTime":"2026-01-01T00:00:00Z","triggerName":"clients","payload":"refresh"}`
)

func main() {
	client := calls.New("fc-go-sdk", "github.com/aliyun/fc-go-sdk")
	platform := at(calls.At("FC"), calls.At("ACCESS_KEY_SECRET"))
	client.First("InvokeFunction", func() error {
		answer, err := invoke(platform, function, timer)
		if err != nil {
			return err
		}
		return calls.Equal(answer.GetErrorType(), "")
	})
	client.Call("InvokeFunction, asynchronous", func() error {
		event := fc.NewInvokeFunctionInput(service, function).WithPayload([]byte(timer))
		_, err := platform.InvokeFunction(event.WithAsyncInvocation())
		return err
	})
	client.Call("InvokeFunction of one that fails", func() error {
		answer, err := invoke(platform, "feed-enrich", "no JSON array")
		if err != nil {
			return err
		}
		return calls.Equal(answer.GetErrorType(), "UnhandledInvocationError")
	})
	client.Call("DoHttpRequest", request)
	client.Call("InvokeFunction, unknown function", func() error {
		_, err := invoke(platform, "nobody", "[]")
		return calls.Refused(err, "FunctionNotFound")
	})
	client.Call("InvokeFunction, wrong secret", func() error {
		_, err := invoke(at(calls.At("FC"), "guess"), function, timer)
		return calls.Refused(err, "AccessDenied")
	})
	refusals(client, platform)
}

// refusals are what the platform does not have.
func refusals(client *calls.Client, platform *fc.Client) {
	client.Call("ListServices", func() error {
		_, err := platform.ListServices(fc.NewListServicesInput())
		return err
	})
	client.Call("GetService", func() error {
		_, err := platform.GetService(fc.NewGetServiceInput(service))
		return err
	})
	client.Call("ListFunctions", func() error {
		_, err := platform.ListFunctions(fc.NewListFunctionsInput(service))
		return err
	})
	client.Call("GetFunction", func() error {
		_, err := platform.GetFunction(fc.NewGetFunctionInput(service, function))
		return err
	})
	client.Call("DeleteFunction", func() error {
		_, err := platform.DeleteFunction(fc.NewDeleteFunctionInput(service, function))
		return err
	})
	client.Call("ListTriggers", func() error {
		_, err := platform.ListTriggers(fc.NewListTriggersInput(service, function))
		return err
	})
	client.Call("PublishServiceVersion", func() error {
		_, err := platform.PublishServiceVersion(fc.NewPublishServiceVersionInput(service))
		return err
	})
	client.Call("ListAliases", func() error {
		_, err := platform.ListAliases(fc.NewListAliasesInput(service))
		return err
	})
	client.Call("ListInstances", func() error {
		_, err := platform.ListInstances(fc.NewListInstancesInput(service, function))
		return err
	})
	client.Call("ListLayers", func() error {
		_, err := platform.ListLayers(fc.NewListLayersInput())
		return err
	})
	client.Call("SignURL", func() error { return signed(platform) })
}

func at(endpoint, secret string) *fc.Client {
	client, err := fc.NewClient(endpoint, "2016-08-15", calls.At("ACCESS_KEY_ID"), secret,
		fc.WithTimeout(20), fc.WithRetryCount(0))
	if err != nil {
		panic(err) // it only reads its arguments
	}
	return client
}

func invoke(platform *fc.Client, function, event string) (*fc.InvokeFunctionOutput, error) {
	return platform.InvokeFunction(fc.NewInvokeFunctionInput(service, function).WithPayload([]byte(event)))
}

// request asks the query function as `feedstream query` does: signed, at the host of its trigger, which
// has to be the endpoint.
func request() error {
	r, err := http.NewRequest(http.MethodGet, calls.At("QUERY")+"/reference", nil)
	if err != nil {
		return err
	}
	answer, err := at(r.URL.Scheme+"://"+r.URL.Host, calls.At("ACCESS_KEY_SECRET")).DoHttpRequest(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	return calls.Equal(answer.StatusCode == http.StatusOK && strings.Contains(string(said), `"entries":30`), true)
}

// signed gets the address that the SDK signs, which is one on the API.
func signed(platform *fc.Client) error {
	url, err := platform.SignURL(fc.NewSignURLInput(http.MethodGet, service, "feed-query", time.Now().Add(time.Minute)))
	if err != nil {
		return err
	}
	return calls.Get(url)
}
