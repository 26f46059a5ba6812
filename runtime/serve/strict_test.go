package serve

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render/alerts"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// TestStrictJSON: what is no JSON, or can be read in two ways, is refused as a whole, for both endpoints.
func TestStrictJSON(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, nil)
	row := func(old, new string) string {
		return `{"rows": [` + strings.Replace(goodRow, old, new, 1) + `]}`
	}
	tensor := func(extra string) string {
		return `{"inputs": [{"name": "amount", "shape": [1], "datatype": "FP64", "data": [1]` + extra
	}
	for _, tt := range []struct{ path, body, want string }{
		{"predict", `{}`, `the body must be {\"rows\": [`},
		{"predict", `[]`, `the body must be {\"rows\": [`},
		{"predict", `{"rows": {}}`, `the body must be {\"rows\": [`},
		{"predict", `{"rows": [1]}`, `row 0 is no object`},
		{"predict", `{"rows": [], "raws": []}`, `there is no field \"raws\"; did you mean \"rows\"?`},
		{"predict", `{"ROWS": []}`, `there is no field \"ROWS\"; did you mean \"rows\"?`},
		{"predict", `{"rows": [], "rows": []}`, `\"rows\" stands twice in one object`},
		{"predict", row(`"amount": 50`, `"amount": 50, "amount": 5`), `\"amount\" stands twice in one object, at /rows/0/amount`},
		{"predict", row(`"amount": 50`, `"amount": 50, "\u0061mount": 5`), `\"amount\" stands twice`},
		{"predict", row("M1", "\xe9"), `invalid UTF-8 (byte `},
		{"predict", row("M1", `\ud800`), `the body is not the JSON expected: invalid surrogate pair`},
		{"predict", row("M1", `\udc00\ud800`), `the body is not the JSON expected`},
		{"predict", row("50", "050"), `the body is not the JSON expected`},
		{"predict", row("50", "NaN"), `the body is not the JSON expected`},
		{"predict", `{"rows": []} {}`, `the body goes on after its JSON value`},
		{"predict", `{"rows": [`, `the body is not the JSON expected: unexpected EOF`},
		{"predict", ` `, `the request has no body`},
		{"infer", `{"id": 1}`, `\"id\": expected a string, got the number 1`},
		{"infer", `{"rows": []}`, `there is no field \"rows\"; there are: id, inputs, outputs, parameters`},
		{"infer", tensor(`, "parameters": {"content_type": "base64"}}]}`), `input \"amount\" has the parameter \"content_type\", which is not understood here`},
		{"infer", tensor(`}], "parameters": {"priority": 1}}`), `the request has the parameter \"priority\"`},
		{"infer", tensor(`}], "outputs": [{"name": "score", "parameters": {"binary_data": 1}}]}`), `output \"score\" has the parameter \"binary_data\" with a value`},
		{"infer", tensor(`, "parameters": {"binary_data": true}}]}`), `input \"amount\" has the parameter \"binary_data\" with a value`},
		{"infer", tensor(`, "parameters": {"binary_data_size": 8}}]}`), `0 of the 0 bytes behind the JSON are left`},
		{"infer", tensor(`, "parameters": {"nulls": "1"}}]}`), `\"nulls\" must be the places of values`},
		{"infer", tensor(`, "parameters": {"nulls": "0,0"}}]}`), `\"nulls\" must be the places of values`},
		{"infer", tensor(`}], "outputs": [{"name": "score"}, {"name": "score"}]}`), `output \"score\" is asked for twice`},
		{"infer", tensor(`, "data": [2]}]}`), `\"data\" stands twice`},
		{"infer", tensor(`, "values": [2]}]}`), `there is no field of an input \"values\"`},
	} {
		path := "/v1/models/scorer/predict"
		if tt.path == "infer" {
			path = "/v2/models/scorer/infer"
		}
		if status, body := r.call(path, tt.body); status != 400 || !strings.Contains(body, tt.want) {
			t.Errorf("%s\ngot  %d %s\nwant 400 with %s", tt.body, status, body, tt.want)
		}
	}
	if status, body := r.call("/v1/models/scorer/predict", "\ufeff"+`{"rows": [`+goodRow+`]}`); status != 200 {
		t.Errorf("a byte order mark: got %d %s, want 200", status, body)
	}
}

// request sends a body with headers, in pairs of name and value.
func (r *running) request(path, body string, headers ...string) (*http.Response, string) {
	r.t.Helper()
	request, err := http.NewRequest(http.MethodPost, r.base+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			request.Host = headers[i+1]
		}
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return response, string(text)
}

func TestHeaders(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, func(o *Options) { o.Hosts = []string{"models.example"} })
	const path, body = "/v1/models/scorer/predict", `{"rows": [` + goodRow + `]}`
	for _, tt := range []struct {
		headers []string
		status  int
		want    string
	}{
		{nil, 200, ""},
		{[]string{"Content-Type", "application/json; charset=utf-8"}, 200, ""},
		{[]string{"Content-Type", "application/x-www-form-urlencoded"}, 200, ""}, // curl -d
		{[]string{"Content-Type", "application/vnd.api+json"}, 200, ""},
		{[]string{"Content-Type", "text/plain"}, 415, `send application/json`},
		{[]string{"Content-Type", "application/json; charset=latin1"}, 415, `send UTF-8`},
		{[]string{"Content-Type", ";"}, 415, `send application/json`},
		{[]string{"Content-Encoding", "gzip"}, 400, `not the gzip`},
		{[]string{"Content-Encoding", "br"}, 415, `send it with gzip`},
		{[]string{"Content-Encoding", "identity"}, 200, ""},
		{[]string{"Inference-Header-Content-Length", "10"}, 400, `binary tensors are for`},
		{[]string{"Origin", "https://evil.example"}, 403, `a web page of another site`},
		{[]string{"Sec-Fetch-Site", "cross-site"}, 403, `a web page of another site`},
		{[]string{"Sec-Fetch-Site", "same-origin"}, 200, ""},
		{[]string{"Host", "evil.example"}, 421, `does not answer to \"evil.example\"`},
		{[]string{"Host", "models.example:80"}, 200, ""},
		{[]string{"Host", "localhost"}, 200, ""},
		{[]string{"Host", "[::1]:8080"}, 200, ""},
	} {
		response, got := r.request(path, body, tt.headers...)
		if response.StatusCode != tt.status || !strings.Contains(got, tt.want) {
			t.Errorf("%v: got %d %s, want %d with %s", tt.headers, response.StatusCode, got, tt.status, tt.want)
		}
	}
}

// TestBounds: what an answer costs is bounded by what the request says, not only by its bytes.
func TestBounds(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, func(o *Options) { o.MaxRows, o.MaxValues = 10, 12 })
	rows := func(n int) string { return `{"rows": [` + strings.Repeat(goodRow+",", n-1) + goodRow + `]}` }
	for _, tt := range []struct {
		rows, status int
		want         string
	}{
		{3, 200, `"predictions"`},
		{4, 400, `4 rows of 3 outputs are more than is answered at once`},
		{11, 413, `there are more than 10 rows; send fewer at a time`},
	} {
		if status, body := r.call("/v1/models/scorer/predict", rows(tt.rows)); status != tt.status || !strings.Contains(body, tt.want) {
			t.Errorf("%d rows: got %d %s, want %d with %s", tt.rows, status, body, tt.status, tt.want)
		}
	}
}

// TestMemoryIsOfTheRequest: what a request makes the server hold is bounded by what it gives, and not by rows times features.
func TestMemoryIsOfTheRequest(t *testing.T) {
	s := newServer(Options{}.withDefaults())
	m := s.newServed("m", digest(100), wideModel{}, nil)
	for name, read := range map[string]func(b *batch) error{
		"rows without features": func(b *batch) error {
			return b.readRows(newLenientReader([]byte(`{"rows": [{}` + strings.Repeat(",{}", s.MaxRows-1) + `]}`)))
		},
		"one tensor of many": func(b *batch) error {
			return b.readTensors([]requestTensor{{name: "f0", shape: []int64{int64(s.MaxRows)}, datatype: "FP64", data: "[0" + strings.Repeat(",0", s.MaxRows-1) + "]"}})
		},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := read(s.newBatch(m))
		runtime.ReadMemStats(&after)
		const most = 100 << 20 // of 800 MB
		if got := after.TotalAlloc - before.TotalAlloc; got > most {
			t.Errorf("%s: %d MB for %d rows (%v)", name, got>>20, s.MaxRows, err)
		}
	}
}

// TestManyUnknownNames: what a request costs does not grow with rows times features where each row has a name that the model does not know.
func TestManyUnknownNames(t *testing.T) {
	s := newServer(Options{}.withDefaults())
	b := s.newBatch(s.newServed("m", digest(100), wideModel{}, nil))
	var rows, names []string
	for i := range 100_000 {
		names = append(names, fmt.Sprintf(`"y%d":0`, i))
		rows = append(rows, fmt.Sprintf(`{"x%d":0}`, i))
	}
	start := time.Now()
	if err := b.readRows(newLenientReader([]byte(`{"rows": [{` + strings.Join(names, ",") + `},` + strings.Join(rows[1:], ",") + `]}`))); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(start); took > time.Minute {
		t.Errorf("%s for %d rows", took, b.rows)
	}
	if !strings.HasPrefix(b.faults[1], `there is no feature "x1"; there are f0`) || b.faults[99_999] != `there is no feature "x99999"` {
		t.Errorf("got %.60s, %s", b.faults[1], b.faults[99_999])
	}
}

// wideModel has a thousand features.
type wideModel struct{ component.Model }

func (wideModel) Task() schema.Task { return schema.Regression }

func (wideModel) Inputs() (inputs []schema.Column) {
	for i := range 1000 {
		inputs = append(inputs, schema.Column{Name: fmt.Sprintf("f%d", i), Type: "double"})
	}
	return inputs
}

// TestTimeout: a request that takes too long to score is given up between two parts of its rows.
func TestTimeout(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, func(o *Options) { o.Timeout = time.Nanosecond })
	rows := `{"rows": [` + strings.Repeat(goodRow+",", 5000) + goodRow + `]}`
	if status, body := r.call("/v1/models/scorer/predict", rows); status != http.StatusGatewayTimeout {
		t.Errorf("got %d %.200s, want 504", status, body)
	}
}

// TestBodiesTogether: clients that send slowly hold no more than all may hold together, and whoever comes then is told to
// come back.
func TestBodiesTogether(t *testing.T) {
	s := newStore(t)
	s.gate = &stepModel{enter: make(chan struct{}), leave: make(chan struct{})}
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, func(o *Options) { o.MaxBody = 1000 })
	const path, body = "/v1/models/scorer/predict", `{"rows": [` + goodRow + `]}`
	statuses := make(chan int, 5)
	for range 4 { // each holds a chunk, and four are all
		go func() { status, _ := r.call(path, body); statuses <- status }()
		<-s.gate.enter
	}
	if response, text := r.request(path, body); response.StatusCode != 429 || response.Header.Get("Retry-After") == "" {
		t.Errorf("the fifth: got %d %s, want 429 with Retry-After", response.StatusCode, text)
	}
	for range 4 {
		s.gate.leave <- struct{}{}
		if status := <-statuses; status != 200 {
			t.Errorf("one of the four: got %d, want 200", status)
		}
	}
	go func() { <-s.gate.enter; s.gate.leave <- struct{}{} }()
	if status, text := r.call(path, body); status != 200 {
		t.Errorf("afterwards: got %d %s, want 200", status, text)
	}
}

// TestKey: fields that tell who a request is about are taken, be they features or not, and logged beside the answer.
func TestKey(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, nil)
	const path = "/v1/models/scorer/predict"
	keyed := `{"rows": [` + strings.Replace(goodRow, `{`, `{"customer": 9007199254740993, `, 1) + `,` + strings.Replace(goodRow, `"M1"`, `"new"`, 1) + `]}`
	if status, body := r.call(path, keyed); status != 200 || !strings.Contains(body, `there is no feature \"customer\"`) {
		t.Errorf("without a key: got %d %s", status, body)
	}
	release := s.releases["deploy.scorer"]
	release.Config = json.RawMessage(`{"key": ["customer", "merchant"]}`)
	s.set("scorer", release)
	r.eventually("the key", func() bool { _, body := r.call("/v2/models/scorer", ""); return strings.Contains(body, `"customer"`) })
	response, body := r.request(path, keyed, "X-Request-Id", "ticket-7")
	want := `"predictions":[{"predicted":"true","score":0.5},{"predicted":"true","score":0.5,"unseen":["merchant"],"missing":["customer"]}]`
	if response.StatusCode != 200 || !strings.Contains(body, want) || response.Header.Get("X-Request-Id") != "ticket-7" {
		t.Errorf("got %d %s %v, want %s", response.StatusCode, body, response.Header, want)
	}
	for _, want := range []string{
		`msg=request id=ticket-7 method=POST path=/v1/models/scorer/predict status=200 ms=`,
		`model=scorer version=000000000100 rows=2 failed=0`,
		`msg=answer id=ticket-7 model=scorer version=000000000100 row=0 key.customer=9007199254740993 key.merchant=M1 predicted=true score=0.5`,
		`row=1 key.customer=<nil> key.merchant=new predicted=true score=0.5 unseen=[merchant] missing=[customer]`,
	} {
		if !strings.Contains(r.log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, r.log)
		}
	}
	if strings.Contains(r.log.String(), "amount") {
		t.Errorf("features are logged:\n%s", r.log)
	}
	tensors := `{"inputs": [{"name": "customer", "shape": [1], "datatype": "BYTES", "data": ["c9"]},
		{"name": "amount", "shape": [1], "datatype": "FP64", "data": [50]}, {"name": "items", "shape": [1], "datatype": "INT8", "data": [1]},
		{"name": "merchant", "shape": [1], "datatype": "BYTES", "data": ["zzz"]}, {"name": "known", "shape": [1], "datatype": "BOOL", "data": [null]},
		{"name": "paid_at", "shape": [1], "datatype": "BYTES", "data": [null]}]}`
	status, body := r.call("/v2/models/scorer/infer", tensors)
	if want := `"parameters":{"missing.known":1,"missing.paid_at":1,"unseen.merchant":1}`; status != 200 || !strings.Contains(body, want) {
		t.Errorf("got %d %s, want %s", status, body, want)
	}
	if want := "key.customer=c9 key.merchant=zzz"; !strings.Contains(r.log.String(), want) {
		t.Errorf("the log lacks %s:\n%s", want, r.log)
	}
	r.call("/v1/models/scorer/predict", `{"rows": [{"amount": "none"}]}`)
	_, metrics := r.call("/metrics", "")
	for _, name := range alerts.Metrics { // what alerting rules and dashboards read
		if !strings.Contains(metrics, "\n"+name+"{") && !strings.Contains(metrics, "\n"+name+" ") {
			t.Errorf("the metrics lack %s", name)
		}
	}
	for _, want := range []string{
		`mlp_serve_unseen_total{feature="merchant",model="scorer"} 3`, `mlp_serve_missing_total{feature="customer",model="scorer"} 1`,
		`mlp_serve_missing_total{feature="known",model="scorer"} 1`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

// TestBadRowOfTensors: the rows that cannot be scored are null, and a tensor of their own says why.
func TestBadRowOfTensors(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, nil)
	tensors := func(items string) string {
		return `{"inputs": [{"name": "amount", "shape": [2], "datatype": "FP64", "data": [50, 20]}, {"name": "items", "shape": [2], "datatype": "FP64", "data": ` + items + `},
		{"name": "merchant", "shape": [2], "datatype": "BYTES", "data": ["a", "a"]}, {"name": "known", "shape": [2], "datatype": "BOOL", "data": [true, true]},
		{"name": "paid_at", "shape": [2], "datatype": "BYTES", "data": ["2024-05-01", "2024-05-01"]}]}`
	}
	status, body := r.call("/v2/models/scorer/infer", tensors("[1.5, 2]"))
	want := `"parameters":{"failed":1},"outputs":[{"name":"predicted","shape":[2],"datatype":"BYTES","data":[null,"false"]},{"name":"score","shape":[2],"datatype":"FP64","data":[null,0.2]},` +
		`{"name":"error","shape":[2],"datatype":"BYTES","data":["input \"items\": expected a whole number, got 1.5",null]}]`
	if status != 200 || !strings.Contains(body, want) {
		t.Errorf("got %d %s, want %s", status, body, want)
	}
	if status, body := r.call("/v2/models/scorer/infer", tensors("[1.5, 2.5]")); status != 400 || !strings.Contains(body, `row 0: input \"items\"`) {
		t.Errorf("no good row: got %d %s, want 400", status, body)
	}
}

func TestQuietLogTellsOfFailures(t *testing.T) {
	s := newStore(t)
	s.release("broken", 13, "13 regression")
	s.set("none", plan.ReleaseState{Type: "http", Model: digest(99)})
	r := start(t, s, func(o *Options) { o.Access = false })
	r.call("/v1/models/broken/predict", `{"rows": [`+goodRow+`]}`)
	r.call("/v1/models/broken/predict", `{"rows": 1}`)
	r.eventually("the failure's line", func() bool { return strings.Contains(r.log.String(), "out of luck") })
	if n := strings.Count(r.log.String(), "msg=request"); n != 1 {
		t.Errorf("got %d lines of requests, want that of the failure alone:\n%s", n, r.log)
	}
	if first, _, _ := strings.Cut(strings.TrimPrefix(r.log.String(), "time="), " "); first == "" {
		t.Error("lines have no time")
	} else if _, err := time.Parse(time.RFC3339Nano, first); err != nil {
		t.Errorf("got the time %q: %v", first, err)
	}
}
