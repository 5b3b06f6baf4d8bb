package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"feedstream/shared/fc"
	"feedstream/shared/telemetry"
	"feedstream/shared/telemetry/telemetrytest"
	"feedstream/shared/testkit"
)

const aTrace = "4bf92f3577b34da6a3ce929d0e0e4736"

// toldTo sends a push with one traced record to an enricher that tells the collector.
func toldTo(t *testing.T, collector *telemetrytest.Collector, w *world) {
	t.Helper()
	e := w.enricher()
	e.Now = time.Now
	cfg := &Config{}
	cfg.Telemetry.Endpoint, cfg.Server.MemoryMB = collector.URL, 1024
	as := tellAs(cfg, []string{"FC_FUNCTION_NAME=feed-enrich", "FC_FUNCTION_VERSION=7", "FC_REGION=cn-hangzhou"}, e.Logger)
	as.FlushTime = time.Minute // however loaded this machine is
	e.Telemetry = testkit.Must(telemetry.New(t.Context(), as))(t)
	record := `{"topic":"feed-updates","partition":1,"offset":%d,"timestamp":1605760851123,"key":"s","value":"%s","headers":{"headers":[{"traceparent":"00-` +
		aTrace + `-00f067aa0ba902b7-01"}]}}`
	body := fmt.Sprintf("["+record+","+record+"]", 1, "2318.HK,1605760851123", 2, "bad")
	r := httptest.NewRequest(http.MethodPost, "/invoke", bytes.NewReader([]byte(body)))
	r.Header.Set("x-fc-request-id", "r-1")
	fc.Handler(fc.Config{Logger: e.Logger, RequestLines: io.Discard}, fc.Function{Invoke: e.Telemetry.Flushing(e.Push)}).
		ServeHTTP(httptest.NewRecorder(), r)
}

// When a push is answered, the collector has its trace and its metrics.
func TestAPushTellsTheCollector(t *testing.T) {
	collector := telemetrytest.Start(t)
	toldTo(t, collector, newWorld(t))

	spans := collector.Spans()
	root := spans[len(spans)-1]
	if root.GetName() != "process feed-updates" || len(root.GetParentSpanId()) != 0 || root.GetKind().String() != "SPAN_KIND_CONSUMER" {
		t.Errorf("the span of the push is %v", root)
	}
	if len(root.GetLinks()) != 1 || fmt.Sprintf("%x", root.GetLinks()[0].GetTraceId()) != aTrace {
		t.Errorf("it is linked with %v", root.GetLinks())
	}
	attributes := map[string]string{}
	for _, a := range root.GetAttributes() {
		attributes[a.GetKey()] = fmt.Sprint(a.GetValue())
	}
	for name, want := range map[string]string{
		"faas.trigger": `string_value:"pubsub"`, "faas.invocation_id": `string_value:"r-1"`, "faas.coldstart": "bool_value:true",
		"messaging.system": `string_value:"kafka"`, "messaging.destination.name": `string_value:"feed-updates"`,
		"messaging.operation.type": `string_value:"process"`, "messaging.batch.message_count": "int_value:2",
	} {
		if attributes[name] != want {
			t.Errorf("%s is %s, want %s", name, attributes[name], want)
		}
	}
	var names []string
	for _, s := range spans[:len(spans)-1] {
		names = append(names, s.GetName()+" "+s.GetKind().String())
		if !bytes.Equal(s.GetParentSpanId(), root.GetSpanId()) || s.GetEndTimeUnixNano() < s.GetStartTimeUnixNano() {
			t.Errorf("the phase %v", s)
		}
	}
	const internal, client = " SPAN_KIND_INTERNAL", " SPAN_KIND_CLIENT"
	if diff := cmp.Diff([]string{"decode" + internal, "snapshot" + internal, "layout" + internal, "judge" + internal,
		"dataRows" + client, "indexRows" + client, "produce SPAN_KIND_PRODUCER"}, names); diff != "" {
		t.Error(diff)
	}
	resource := collector.Resources()
	if resource["faas.name"] != "feed-enrich" || resource["faas.version"] != "7" || resource["cloud.platform"] != "alibaba_cloud_fc" {
		t.Errorf("the resource is %v", resource)
	}
	var metrics []string
	for _, m := range collector.Metrics() {
		metrics = append(metrics, m.GetName())
	}
	slices.Sort(metrics)
	if diff := cmp.Diff([]string{"db.client.operation.duration", "faas.coldstarts", "faas.invocations", "faas.invoke_duration",
		"feedstream.record.age", "feedstream.records", "feedstream.reference.age", "messaging.client.consumed.messages",
		"messaging.client.operation.duration"}, metrics); diff != "" {
		t.Error(diff)
	}
}

func TestAFailedPushTellsTheCollector(t *testing.T) {
	collector := telemetrytest.Start(t)
	w := newWorld(t)
	w.topicsErr = errors.New("broken")
	toldTo(t, collector, w)
	spans := collector.Spans()
	for _, i := range []int{len(spans) - 2, len(spans) - 1} {
		if s := spans[i]; s.GetStatus().GetCode().String() != "STATUS_CODE_ERROR" {
			t.Errorf("the span %s has the status %v", s.GetName(), s.GetStatus())
		}
	}
	failures := 0
	for _, m := range collector.Metrics() {
		if m.GetName() == "faas.errors" {
			failures++
		}
		if m.GetName() == "faas.invocations" || m.GetName() == "feedstream.records" {
			t.Errorf("a failed push counts %s", m.GetName())
		}
	}
	if failures != 1 {
		t.Errorf("faas.errors came %d times", failures)
	}
}
