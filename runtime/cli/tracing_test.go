package cli

import (
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// TestTraces: a server that is told of a collector sends it a span for each request, below that of the caller, with its steps; one whose collector is gone
// answers all the same.
func TestTraces(t *testing.T) {
	dir := loggingStore(t, 2)
	var mu sync.Mutex
	spans, service := map[string]*tracepb.Span{}, ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var from io.Reader = r.Body
		if r.Header.Get("Content-Encoding") == "gzip" {
			from, _ = gzip.NewReader(r.Body)
		}
		var sent collector.ExportTraceServiceRequest
		data, err := io.ReadAll(from)
		if err == nil {
			err = proto.Unmarshal(data, &sent)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		mu.Lock()
		defer mu.Unlock()
		for _, of := range sent.ResourceSpans {
			for _, a := range of.Resource.Attributes {
				if a.Key == "service.name" {
					service = a.Value.GetStringValue()
				}
			}
			for _, scope := range of.ScopeSpans {
				for _, span := range scope.Spans {
					spans[span.Name] = span
				}
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	r := startLogging(t, dir, "predictions")
	request, err := http.NewRequest(http.MethodPost, r.url+"/v1/models/scorer/predict", strings.NewReader(`{"rows":[`+plainRow+`,{}]}`))
	if err != nil {
		t.Fatal(err)
	}
	const caller, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	request.Header.Set("traceparent", "00-"+caller+"-"+parent+"-01")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 200 {
		t.Fatalf("got %d: %s", response.StatusCode, &r.log)
	}
	http.DefaultClient.CloseIdleConnections()
	r.stop(t)
	whole := spans["POST /v1/models/{model}/predict"]
	if whole == nil || service != "mlp-serve" || hex.EncodeToString(whole.TraceId) != caller || hex.EncodeToString(whole.ParentSpanId) != parent {
		t.Fatalf("the service %q sent %v", service, spans)
	}
	attributes := map[string]any{}
	for _, a := range whole.Attributes {
		attributes[a.Key] = a.Value.GetStringValue()
		if n := a.Value.GetIntValue(); n != 0 {
			attributes[a.Key] = n
		}
	}
	if attributes["mlp.model"] != "scorer" || attributes["mlp.rows"] != int64(2) || attributes["http.response.status_code"] != int64(200) || attributes["http.route"] != "/v1/models/{model}/predict" {
		t.Errorf("the request's span has %v", attributes)
	}
	for _, name := range []string{"score", "keep"} {
		if part := spans[name]; part == nil || string(part.ParentSpanId) != string(whole.SpanId) || part.StartTimeUnixNano < whole.StartTimeUnixNano || part.EndTimeUnixNano > whole.EndTimeUnixNano {
			t.Errorf("%s: got %v", name, part)
		}
	}
	server.Close()
	r = startLogging(t, dir, "predictions")
	if status, body, err := r.ask(http.DefaultClient, "", plainRow); err != nil || status != 200 {
		t.Errorf("without a collector: got %d %s %v", status, body, err)
	}
	http.DefaultClient.CloseIdleConnections()
	r.stop(t)
	if log := r.log.String(); !strings.Contains(log, "traces") {
		t.Errorf("the log does not say that traces cannot be sent: %s", log)
	}
	t.Setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
	if out, err := exec.Command(mlp, "-C", dir, "serve", "--addr", "127.0.0.1:0").CombinedOutput(); err == nil || !strings.Contains(string(out), "traces are sent over http/protobuf") {
		t.Errorf("got %v %s", err, out)
	}
}
