package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// stepModel is a small model whose bundle is a folder with the file "limit": the score of a row is amount / limit, at
// most 1, and the decision is positive from 0.5 on.
type stepModel struct {
	limit float64
	task  schema.Task
	enter chan struct{} // if set, ScoreRows tells here that it runs
	leave chan struct{} // and waits here
}

func (m *stepModel) Task() schema.Task { return m.task }

func (m *stepModel) Inputs() []schema.Column {
	return []schema.Column{{Name: "amount", Type: "double"}, {Name: "items", Type: "integer"}, {Name: "merchant", Type: "varchar"},
		{Name: "known", Type: "boolean"}, {Name: "paid_at", Type: "timestamp"}}
}

func (m *stepModel) Classes() []string {
	switch m.task {
	case schema.Binary:
		return []string{"false", "true"}
	case schema.Multiclass:
		return []string{"low", "middle", "high"}
	}
	return nil
}

func (m *stepModel) Levels(i int) []string {
	if m.Inputs()[i].Name == "merchant" {
		return []string{"M1", "a"}
	}
	return nil
}

func (m *stepModel) Score(_ context.Context, rows int, columns []component.Values) ([]component.Prediction, error) {
	if m.enter != nil {
		m.enter <- struct{}{}
		<-m.leave
	}
	out := make([]component.Prediction, rows)
	for i := range out {
		p := &out[i]
		if m.limit == 13 {
			return nil, errors.New("out of luck")
		}
		if columns[4].Num[i] < 0 {
			p.Fault = "before 1970"
			continue
		}
		if !columns[2].Null[i] && !slices.Contains(m.Levels(2), columns[2].Text[i]) {
			p.Unseen = []int{2}
		}
		score := columns[0].Num[i] / m.limit
		if math.IsNaN(score) {
			score = 0
		}
		score = min(score, 1)
		switch m.task {
		case schema.Regression:
			p.Score = &score
		case schema.Binary:
			p.Score, p.Decision = &score, strconv.FormatBool(score >= 0.5)
		default:
			p.Scores, p.Decision = []float64{0.25, 0.5, 0.25}, "middle"
		}
	}
	return out, nil
}

// store holds releases and bundles.
type store struct {
	t        *testing.T
	dir      string
	gate     *stepModel // its channels are put into loaded models
	mu       sync.Mutex
	releases map[string]plan.ReleaseState
	err      error
}

func newStore(t *testing.T) *store {
	return &store{t: t, dir: t.TempDir(), releases: map[string]plan.ReleaseState{}}
}

func (s *store) Current(context.Context) (map[string]plan.ReleaseState, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]plan.ReleaseState{}
	for k, v := range s.releases {
		out[k] = v
	}
	return out, s.err
}

// digest of a model with that limit; the first digits tell them apart.
func digest(limit int) plan.Digest {
	return plan.Digest(fmt.Sprintf("blake3:%012d%052d", limit, 0))
}

// release puts a model with that limit live; its bundle is whatever content is.
func (s *store) release(name string, limit int, content string) {
	s.t.Helper()
	s.bundle(limit, content)
	s.set(name, plan.ReleaseState{Type: "http", Model: digest(limit), From: "train.model"})
}

// bundle is the model with that limit; its content is whatever content is.
func (s *store) bundle(limit int, content string) {
	s.t.Helper()
	dir := filepath.Join(s.dir, string(digest(limit))[len("blake3:"):])
	if err := os.MkdirAll(dir, 0o755); err != nil {
		s.t.Fatal(err)
	}
	file := filepath.Join(dir, "limit")
	if there, err := os.ReadFile(file); err == nil && string(there) == content {
		return // a server may read it now
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *store) set(name string, r plan.ReleaseState) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.releases["deploy."+name] = r
}

func (s *store) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (s *store) withdraw(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.releases, "deploy."+name)
}

func (s *store) open(_ context.Context, d plan.Digest) (string, error) {
	dir := filepath.Join(s.dir, string(d)[len("blake3:"):])
	_, err := os.Stat(dir)
	return dir, err
}

// load reads "limit task".
func (s *store) load(dir string) (component.Model, error) {
	data, err := os.ReadFile(filepath.Join(dir, "limit"))
	if err != nil {
		return nil, err
	}
	words := strings.Fields(string(data))
	if words[0] == "opaque" {
		return nil, fmt.Errorf("reading the bundle: %w", component.ErrOpaque)
	}
	limit, err := strconv.ParseFloat(words[0], 64)
	if err != nil {
		return nil, err
	}
	m := &stepModel{limit: limit, task: schema.Task(words[1])}
	if s.gate != nil {
		m.enter, m.leave = s.gate.enter, s.gate.leave
	}
	return m, nil
}

// running is a server under test.
type running struct {
	t    *testing.T
	base string
	stop context.CancelFunc
	done chan error
	log  *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func start(t *testing.T, s *store, change func(*Options)) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{t: t, stop: cancel, done: make(chan error, 1), log: &lockedBuffer{}}
	ready := make(chan string, 1)
	o := Options{Addr: "127.0.0.1:0", Releases: s, Open: s.open, Load: s.load, Version: "1.2.3", Log: slog.New(slog.NewTextHandler(r.log, nil)), Access: true,
		Ready: func(url string) { ready <- url }, Poll: 5 * time.Millisecond}
	if change != nil {
		change(&o)
	}
	go func() { r.done <- Run(ctx, o) }()
	select {
	case url := <-ready:
		r.base = url
	case err := <-r.done:
		t.Fatalf("the server ended: %v", err)
	case <-time.After(10 * time.Second):
		t.Fatal("the server is not ready after 10 s")
	}
	t.Cleanup(func() { cancel(); <-r.done })
	return r
}

// call makes a request and returns status and body; an empty body means GET.
func (r *running) call(path, body string) (int, string) {
	r.t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	request, err := http.NewRequest(method, r.base+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return response.StatusCode, strings.TrimSpace(string(data))
}

// eventually waits until ok, which asks the server, holds.
func (r *running) eventually(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(3 * time.Millisecond) {
		if ok() {
			return
		}
	}
	r.t.Fatalf("%s did not come about; log:\n%s", what, r.log)
}

func (r *running) version(model string) string {
	_, body := r.call("/v2/models/"+model, "")
	var m struct{ Versions []string }
	if json.Unmarshal([]byte(body), &m) != nil || len(m.Versions) != 1 {
		return body
	}
	return m.Versions[0]
}

const goodRow = `{"amount": 50, "items": 2, "merchant": "M1", "known": true, "paid_at": "2024-05-01T12:00:00Z"}`

func TestEndpoints(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	s.release("price", 200, "200 regression")
	s.release("size", 300, "300 multiclass_classification")
	s.release("broken", 13, "13 regression")
	s.set("nightly", plan.ReleaseState{Type: "batch", Model: digest(1)})
	r := start(t, s, nil)
	tests := []struct {
		path, body string
		status     int
		want       string
	}{
		{"/v2", "", 200, `{"extensions":["binary_tensor_data"],"name":"mlp","version":"1.2.3"}`},
		{"/v2/health/live", "", 200, `{"live":true}`},
		{"/v2/health/ready", "", 200, `{"ready":true}`},
		{"/v2/models/scorer/ready", "", 200, `{"name":"scorer","ready":true}`},
		{"/v2/models/scorer/versions/000000000100/ready", "", 200, `{"name":"scorer","ready":true}`},
		{"/v2/models/size", "", 200, `{"name":"size","versions":["000000000300"],"platform":"mlp","inputs":[{"name":"amount","datatype":"FP64","shape":[-1]},{"name":"items","datatype":"INT32","shape":[-1]},` +
			`{"name":"merchant","datatype":"BYTES","shape":[-1],"levels":["M1","a"]},{"name":"known","datatype":"BOOL","shape":[-1]},{"name":"paid_at","datatype":"BYTES","shape":[-1]}],` +
			`"outputs":[{"name":"predicted","datatype":"BYTES","shape":[-1]},{"name":"score_low","datatype":"FP64","shape":[-1]},` +
			`{"name":"score_middle","datatype":"FP64","shape":[-1]},{"name":"score_high","datatype":"FP64","shape":[-1]},{"name":"error","datatype":"BYTES","shape":[-1]}]}`},
		{"/v2/models/scorer/infer", tensorsOf(""), 200, `{"model_name":"scorer","model_version":"000000000100","id":"q1","parameters":{"missing.merchant":1},"outputs":[` +
			`{"name":"predicted","shape":[2],"datatype":"BYTES","data":["true","false"]},{"name":"score","shape":[2],"datatype":"FP64","data":[0.5,0.205]}]}`},
		{"/v2/models/scorer/versions/000000000100/infer", tensorsOf(`, "outputs": [{"name": "score"}]`), 200,
			`{"model_name":"scorer","model_version":"000000000100","id":"q1","parameters":{"missing.merchant":1},"outputs":[{"name":"score","shape":[2],"datatype":"FP64","data":[0.5,0.205]}]}`},
		{"/v2/models/price/infer", tensorsOf(""), 200, `{"model_name":"price","model_version":"000000000200","id":"q1","parameters":{"missing.merchant":1},"outputs":[{"name":"predicted","shape":[2],"datatype":"FP64","data":[0.25,0.1025]}]}`},
		{"/v1/models/scorer/predict", `{"rows": [` + goodRow + `]}`, 200,
			`{"model_name":"scorer","model_version":"000000000100","predictions":[{"predicted":"true","score":0.5}]}`},
		{"/v1/models/price/predict", `{"rows": [` + goodRow + `]}`, 200, `{"model_name":"price","model_version":"000000000200","predictions":[{"predicted":0.25}]}`},
		{"/v1/models/size/predict", `{"rows": [` + goodRow + `]}`, 200,
			`{"model_name":"size","model_version":"000000000300","predictions":[{"predicted":"middle","scores":{"high":0.25,"low":0.25,"middle":0.5}}]}`},
		{"/v1/models/scorer/predict", `{"rows": []}`, 200, `{"model_name":"scorer","model_version":"000000000100","predictions":[]}`},

		{"/v2/models/scorrer", "", 404, `{"error":"there is no model \"scorrer\"; did you mean \"scorer\"?"}`},
		{"/v2/models/nightly", "", 404, `{"error":"there is no model \"nightly\"; there are: broken, price, scorer, size"}`},
		{"/v2/models/scorer/versions/abc", "", 404, `{"error":"version \"abc\" of model \"scorer\" is not served; 000000000100 is"}`},
		{"/v2/models/scorer/infer", "", 405, `{"error":"/v2/models/scorer/infer takes POST, not GET"}`},
		{"/v2/health/ready", "{}", 405, `{"error":"/v2/health/ready takes GET, not POST"}`},
		{"/nowhere", "", 404, `{"error":"there is nothing at /nowhere; models are at /v2/models/NAME and /v1/models/NAME/predict"}`},
		{"/v2/models/scorer/infer", tensorsOf(`, "outputs": [{"name": "scores"}]`), 400, `{"error":"there is no output \"scores\"; did you mean \"score\"?"}`},
		{"/v1/models/scorer/predict", `{"rows": [` + strings.Replace(goodRow, "2024", "1924", 1) + `]}`, 400, `{"error":"row 0: before 1970"}`},
		{"/v1/models/broken/predict", `{"rows": [` + goodRow + `]}`, 500, `{"error":"scoring with broken 000000000013: out of luck"}`},
	}
	for _, tt := range tests {
		status, body := r.call(tt.path, tt.body)
		if status != tt.status || body != tt.want {
			t.Errorf("%s\ngot  %d %s\nwant %d %s", tt.path, status, body, tt.status, tt.want)
		}
	}
}

// TestBadRows: one bad row does not lose the others, and a request of which no row can be scored is a bad one.
func TestBadRows(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, nil)
	tests := []struct{ old, new, want string }{
		{`"amount": 50, `, ``, `feature \"amount\" is missing; give null where its value is not known`},
		{`"items"`, `"itmes": 1, "items"`, `there is no feature \"itmes\"; did you mean \"items\"?`},
		{`50`, `"50"`, `feature \"amount\": expected a number, got the string \"50\"`},
		{`50`, `1e999`, `feature \"amount\": 1e999 is too large a number`},
		{`"items": 2`, `"items": 2.5`, `feature \"items\": expected a whole number, got 2.5`},
		{`"items": 2`, `"items": 3000000000`, `feature \"items\": 3000000000 is out of the range of integer`},
		{`true`, `1`, `feature \"known\": expected true or false, got the number 1`},
		{`"M1"`, `[1]`, `feature \"merchant\": expected a string, got a list`},
		{`"M1"`, `{}`, `feature \"merchant\": expected a string, got an object`},
		{`2024-05-01T`, `01.05.2024 `, `expected a date or time in ISO 8601, got \"01.05.2024 12:00:00Z\"`},
		{`"2024-05-01T12:00:00Z"`, `5`, `feature \"paid_at\": expected a date or time in ISO 8601, got the number 5`},
		{`2024`, `1924`, `before 1970`}, // the model's own word
	}
	for _, tt := range tests {
		bad := strings.Replace(goodRow, tt.old, tt.new, 1)
		status, body := r.call("/v1/models/scorer/predict", `{"rows": [`+goodRow+`, `+bad+`, `+goodRow+`]}`)
		good := `{"predicted":"true","score":0.5}`
		if status != 200 || !strings.Contains(body, `"predictions":[`+good+`,{"predicted":null,"error":"`) || !strings.Contains(body, tt.want+`"},`+good+`]`) {
			t.Errorf("%s among good rows\ngot  %d %s\nwant 200 with %s", bad, status, body, tt.want)
		}
		if status, body := r.call("/v1/models/scorer/predict", `{"rows": [`+bad+`, `+bad+`]}`); status != 400 || !strings.Contains(body, `"row 0: `) || !strings.Contains(body, tt.want) {
			t.Errorf("%s alone\ngot  %d %s\nwant 400 with %s", bad, status, body, tt.want)
		}
	}
	if _, metrics := r.call("/metrics", ""); !strings.Contains(metrics, fmt.Sprintf(`mlp_serve_rows_failed_total{model="scorer",version="000000000100"} %d`, 3*len(tests))) {
		t.Errorf("failed rows are not counted:\n%s", metrics)
	}
	nulls := `{"rows": [{"amount": null, "items": null, "merchant": null, "known": null, "paid_at": null}]}`
	want := `{"predicted":"false","score":0,"missing":["amount","items","merchant","known","paid_at"]}`
	if status, body := r.call("/v1/models/scorer/predict", nulls); status != 200 || !strings.Contains(body, want) {
		t.Errorf("all null: got %d %s, want %s", status, body, want)
	}
}

func TestBadTensors(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, nil)
	tensor := func(shape, datatype, data string) string {
		return `{"inputs": [{"name": "amount", "shape": ` + shape + `, "datatype": "` + datatype + `", "data": ` + data + `}]}`
	}
	tests := []struct{ body, want string }{
		{`{"inputs": []}`, `\"inputs\" is missing or empty`},
		{tensor("[2]", "FP64", "[1]"), `input \"amount\": shape [2] means 2 values, there are 1`},
		{tensor("[-1]", "FP64", "[1]"), `shape [-1] means -1 values`},
		{tensor("[1, 2]", "FP64", "[1, 2]"), `shape [1 2] is not [rows] or [rows, 1]`},
		{tensor("[]", "FP64", "[1]"), `shape [] is not [rows]`},
		{tensor("[1]", "FP64", "[[1]]"), `data is nested at 0 in another way than the shape says`},
		{tensor("[1]", "FP64", "1"), `\"data\" must be a list`},
		{tensor("[1]", "FP16", "[1]"), `datatype \"FP16\" is not one of`},
		{tensor("[0]", "FP16", "[]"), `datatype \"FP16\" is not one of`},
		{tensor("[1]", "INT8", "[128]"), `value 0: 128 is no INT8`},
		{tensor("[1]", "UINT16", "[-1]"), `value 0: -1 is no UINT16`},
		{tensor("[1]", "INT32", "[1.5]"), `value 0: 1.5 is no INT32`},
		{tensor("[1]", "FP32", `["x"]`), `value 0: expected a number (FP32), got the string \"x\"`},
		{tensor("[1]", "BOOL", `[1]`), `value 0: expected true or false (BOOL), got the number 1`},
		{tensor("[1]", "FP64", "[1]"), `input \"items\" is missing`},
		{`{"inputs": [{"name": "amount", "shape": [1], "datatype": "FP64"}]}`, `input \"amount\": \"data\" is missing`},
		{`{"inputs": [{"name": "amount", "shape": ["1"], "datatype": "FP64", "data": [1]}]}`, `\"shape\" must be a list of whole numbers, and has the string \"1\"`},
		{`{"inputs": [{"name": "amuont", "shape": [1], "datatype": "FP64", "data": [1]}]}`, `there is no input \"amuont\"`},
		{`{"inputs": [{"name": "amount", "shape": [1], "datatype": "FP64", "data": [1]}, {"name": "items", "shape": [2], "datatype": "INT8", "data": [1, 2]}]}`,
			`input \"items\" has 2 rows, input \"amount\" has 1`},
		{`{"inputs": [{"name": "amount", "shape": [1], "datatype": "FP64", "data": [1]}, {"name": "amount", "shape": [1], "datatype": "FP64", "data": [1]}]}`,
			`input \"amount\" is given twice`},
	}
	for _, tt := range tests {
		status, body := r.call("/v2/models/scorer/infer", tt.body)
		if status != 400 || !strings.Contains(body, tt.want) {
			t.Errorf("%s\ngot  %d %s\nwant 400 with %s", tt.body, status, body, tt.want)
		}
	}
}

func TestBodyLimit(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	r := start(t, s, func(o *Options) { o.MaxBody = 300 })
	status, body := r.call("/v1/models/scorer/predict", `{"rows": [`+strings.Repeat(goodRow+",", 5)+goodRow+`]}`)
	if want := "the request is larger than 300 bytes; send fewer rows at a time"; status != 413 || !strings.Contains(body, want) {
		t.Errorf("got %d %s, want 413 with %q", status, body, want)
	}
}

func TestPortInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	s := newStore(t)
	err = Run(context.Background(), Options{Addr: taken.Addr().String(), Releases: s, Open: s.open, Load: s.load})
	if err == nil || !strings.Contains(err.Error(), "the port is in use") || !strings.Contains(err.Error(), taken.Addr().String()) {
		t.Errorf("got %v, want an error about the port in use", err)
	}
}

// tensorsOf is a request of infer, with something behind its inputs.
func tensorsOf(outputs string) string {
	return `{"id": "q1", "inputs": [
		{"name": "amount", "shape": [2], "datatype": "FP32", "data": [50, 20.5]},
		{"name": "items", "shape": [2, 1], "datatype": "INT8", "data": [[1], [2]]},
		{"name": "merchant", "shape": [2], "datatype": "BYTES", "data": ["a", null]},
		{"name": "known", "shape": [2], "datatype": "BOOL", "data": [true, false]},
		{"name": "paid_at", "shape": [2], "datatype": "BYTES", "data": ["2024-05-01", "2024-05-01 10:00:00.5"]}]` + outputs + `}`
}
