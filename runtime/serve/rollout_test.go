package serve

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
)

// rollOut puts a candidate with that limit beside what is live under a name.
func (s *store) rollOut(name string, limit int, content string, role schema.RouteRole, share float64) {
	s.t.Helper()
	s.mu.Lock()
	live := s.releases["deploy."+name]
	s.mu.Unlock()
	live.Rollout = nil
	s.bundle(limit, content)
	next := plan.ReleaseState{Type: "http", Model: digest(limit), From: "train.model"}
	next.Config, next.Signature = live.Config, live.Signature
	live.Rollout = &plan.Rollout{Next: next, Strategy: schema.Strategy{Role: role, Steps: []float64{share}}}
	s.set(name, live)
}

// payments are rows of customers, all with the same amount.
func payments(customers ...string) string {
	var rows []string
	for _, c := range customers {
		rows = append(rows, fmt.Sprintf(`{"customer":%q,"amount":60,"items":1,"merchant":"M1","known":true,"paid_at":"2026-01-01T00:00:00Z"}`, c))
	}
	return `{"rows":[` + strings.Join(rows, ",") + `]}`
}

// customers are n names.
func customers(n int) (out []string) {
	for i := range n {
		out = append(out, fmt.Sprintf("c%d", i))
	}
	return out
}

// versionsOf asks for rows and gives the version that answered each. Models of these tests say "true" of the amount 60 where their limit is 100, and
// not where it is 200: the answer has to be that of the version that it names.
func versionsOf(t *testing.T, r *running, names ...string) []string {
	t.Helper()
	status, body := r.call("/v1/models/scorer/predict", payments(names...))
	var answer struct {
		ModelVersion string `json:"model_version"`
		Predictions  []struct {
			Predicted    string
			ModelVersion string `json:"model_version"`
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 200 || len(answer.Predictions) != len(names) {
		t.Fatalf("got %d %s (%v)", status, body, err)
	}
	out := make([]string, len(names))
	for i, p := range answer.Predictions {
		if out[i] = p.ModelVersion; out[i] == "" {
			out[i] = answer.ModelVersion
		}
		if want := map[string]string{"000000000100": "true", "000000000200": "false"}[out[i]]; p.Predicted != want {
			t.Fatalf("row %d is said to be of %s, and answered %s", i, out[i], p.Predicted)
		}
	}
	return out
}

// TestCanary: a share of the keys is the candidate's, whoever asks for them and with whom; a larger share has all of the smaller one.
func TestCanary(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	s.set("scorer", plan.ReleaseState{Type: "http", Model: digest(100), From: "train.model", Config: json.RawMessage(`{"key":["customer"]}`)})
	s.rollOut("scorer", 200, "200 binary_classification", schema.CanaryRoute, 10)
	r := start(t, s, nil)
	names := customers(2000)
	at10 := versionsOf(t, r, names...)
	alone := 0
	for i, v := range at10 {
		if v == "000000000200" {
			alone++
		}
		if i < 50 && versionsOf(t, r, names[i])[0] != v {
			t.Errorf("%s is answered by another model alone than among others", names[i])
		}
	}
	if math.Abs(float64(alone)-200) > 60 { // four and a half standard deviations
		t.Errorf("of 2,000 customers %d are the candidate's, want about 200", alone)
	}
	s.rollOut2(30)
	r.eventually("the next step", func() bool { return strings.Contains(r.log.String(), "a canary of 30 % of the rows") })
	at30, more := versionsOf(t, r, names...), 0
	for i, v := range at30 {
		if v == "000000000200" {
			more++
		} else if at10[i] == "000000000200" {
			t.Errorf("%s was with the candidate at 10 %%, and is not at 30 %%", names[i])
		}
	}
	if math.Abs(float64(more)-600) > 95 {
		t.Errorf("of 2,000 customers %d are the candidate's, want about 600", more)
	}
	_, metrics := r.call("/metrics", "")
	for _, want := range []string{`mlp_serve_rows_total{model="scorer",version="000000000100"}`, `mlp_serve_rows_total{model="scorer",version="000000000200"}`,
		`route="canary",version="000000000200"} 1`, `route="live",version="000000000100"} 1`, `mlp_serve_scoring_duration_seconds_count{model="scorer",version="000000000200"}`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("no metric %s", want)
		}
	}
	// Promoted, it is live without being loaded again.
	s.forbid()
	s.set("scorer", plan.ReleaseState{Type: "http", Model: digest(200), From: "train.model", Config: json.RawMessage(`{"key":["customer"]}`)})
	r.eventually("the promotion", func() bool { return r.version("scorer") == "000000000200" })
	for _, v := range versionsOf(t, r, names[:100]...) {
		if v != "000000000200" {
			t.Fatalf("after the promotion %s answers", v)
		}
	}
}

// rollOut2 gives the candidate of scorer another share.
func (s *store) rollOut2(share float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	live := s.releases["deploy.scorer"]
	moved := *live.Rollout
	moved.Strategy.Steps = []float64{share}
	live.Rollout = &moved
	s.releases["deploy.scorer"] = live
}

// forbid has no bundle opened any more.
func (s *store) forbid() { s.fail(nil); s.dir = s.t.TempDir() }

// TestRowsOfBothModels: one request whose rows go both ways has every row in its place, in predict and infer, with faults, and in the log.
func TestRowsOfBothModels(t *testing.T) {
	s, kept := newStore(t), &sink{}
	s.release("scorer", 100, "100 binary_classification")
	s.set("scorer", signed(100, `"customer"`))
	s.rollOut("scorer", 200, "200 binary_classification", schema.CanaryRoute, 50)
	r := start(t, s, func(o *Options) { o.Predictions = kept })
	names := customers(40)
	by := versionsOf(t, r, names...)
	routes := map[string]int{}
	for _, row := range kept.rows {
		var x struct {
			Row   int `json:"request_row"`
			Model string
			Route string
		}
		if err := json.Unmarshal([]byte(row), &x); err != nil {
			t.Fatal(err)
		}
		routes[x.Route]++
		if want := map[string]string{"000000000100": "live", "000000000200": "canary"}[by[x.Row]]; x.Route != want || !strings.Contains(x.Model, by[x.Row]) {
			t.Errorf("row %d was answered by %s and is logged as %s", x.Row, by[x.Row], row)
		}
	}
	if routes["live"]+routes["canary"] != 40 || routes["live"] == 0 || routes["canary"] == 0 {
		t.Fatalf("logged by route: %v", routes)
	}
	tensors := func(bad int) string {
		var id, amount, items, merchant, known, at []string
		for i, n := range names {
			id, items, merchant, known, at = append(id, fmt.Sprintf("%q", n)), append(items, "1"), append(merchant, `"M1"`), append(known, "true"), append(at, `"2026-01-01T00:00:00Z"`)
			amount = append(amount, "60")
			if i == bad {
				items[i] = "99999999999"
			}
		}
		one := func(name, datatype string, data []string) string {
			return fmt.Sprintf(`{"name":%q,"shape":[%d],"datatype":%q,"data":[%s]}`, name, len(data), datatype, strings.Join(data, ","))
		}
		return `{"inputs":[` + strings.Join([]string{one("customer", "BYTES", id), one("amount", "FP64", amount), one("items", "INT64", items),
			one("merchant", "BYTES", merchant), one("known", "BOOL", known), one("paid_at", "BYTES", at)}, ",") + `]}`
	}
	for bad := -1; bad < 6; bad++ {
		status, body := r.call("/v2/models/scorer/infer", tensors(bad))
		var answer struct {
			Parameters map[string]int
			Outputs    []struct {
				Name string
				Data []any
			}
		}
		if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 200 {
			t.Fatalf("got %d %s", status, body)
		}
		column := map[string][]any{}
		for _, o := range answer.Outputs {
			column[o.Name] = o.Data
		}
		for row := range names {
			want := any(map[string]string{"000000000100": "true", "000000000200": "false"}[by[row]])
			if row == bad {
				want = nil
			}
			if column["model_version"][row] != by[row] || column["predicted"][row] != want {
				t.Errorf("row %d with row %d at fault: got %v of %v, want %v of %v", row, bad, column["predicted"][row], column["model_version"][row], want, by[row])
			}
		}
		if failed := answer.Parameters["failed"]; (failed == 1) != (bad >= 0) {
			t.Errorf("row %d at fault: %d failed", bad, failed)
		}
	}
	// None can be scored: one error, whichever way rows go.
	if status, body := r.call("/v1/models/scorer/predict", strings.ReplaceAll(payments(names...), `"items":1,`, "")); status != 400 || !strings.Contains(body, `row 0: feature \"items\" is missing`) {
		t.Errorf("no row that can be scored: got %d %.200s", status, body)
	}
}

// TestVersions: who names a version gets that one, also where it has no share; another is refused with both.
func TestVersions(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	s.rollOut("scorer", 200, "200 binary_classification", schema.GreenRoute, 0)
	r := start(t, s, nil)
	body := `{"inputs":[{"name":"amount","shape":[1],"datatype":"FP64","data":[60]},{"name":"items","shape":[1],"datatype":"INT32","data":[1]},{"name":"merchant","shape":[1],"datatype":"BYTES","data":["M1"]},` +
		`{"name":"known","shape":[1],"datatype":"BOOL","data":[true]},{"name":"paid_at","shape":[1],"datatype":"BYTES","data":["2026-01-01T00:00:00Z"]}]}`
	for version, want := range map[string]string{"": `"data":["true"]`, "/versions/000000000100": `"data":["true"]`, "/versions/000000000200": `"data":["false"]`} {
		if status, got := r.call("/v2/models/scorer"+version+"/infer", body); status != 200 || !strings.Contains(got, want) {
			t.Errorf("%q: got %d %s, want %s", version, status, got, want)
		}
	}
	if _, got := r.call("/v2/models/scorer", ""); !strings.Contains(got, `"versions":["000000000100","000000000200"]`) {
		t.Errorf("versions: got %s", got)
	}
	if status, got := r.call("/v2/models/scorer/versions/000000000300", ""); status != 404 || !strings.Contains(got, "000000000100 is, and 000000000200 as its green") {
		t.Errorf("another version: got %d %s", status, got)
	}
}

// TestShadow: a shadow scores what the live model answers, is compared and logged, and no answer shows it.
func TestShadow(t *testing.T) {
	s, kept := newStore(t), &sink{}
	s.release("scorer", 100, "100 binary_classification")
	s.set("scorer", signed(100, `"customer"`))
	s.rollOut("scorer", 200, "200 binary_classification", schema.ShadowRoute, 50)
	r := start(t, s, func(o *Options) { o.Predictions = kept })
	for _, v := range versionsOf(t, r, customers(60)...) {
		if v != "000000000100" {
			t.Fatalf("answered by %s", v)
		}
	}
	r.eventually("the shadow", func() bool {
		_, m := r.call("/metrics", "")
		return strings.Contains(m, `mlp_serve_shadow_rows_total{compared="other",model="scorer",version="000000000200"}`)
	})
	r.eventually("the log", func() bool {
		kept.mu.Lock()
		defer kept.mu.Unlock()
		return len(kept.rows) > 60
	})
	kept.mu.Lock()
	defer kept.mu.Unlock()
	shadowed := 0
	for _, row := range kept.rows {
		if strings.Contains(row, `"route":"shadow"`) && strings.Contains(row, "000000000200") {
			shadowed++
		}
	}
	if shadowed != len(kept.rows)-60 || shadowed < 10 || shadowed > 50 {
		t.Errorf("%d rows of %d are logged as the shadow's", shadowed, len(kept.rows))
	}
}

// TestCandidateThatCannotBeServed leaves all rows to the live model, and is told: damaged, and one whose answers have other fields.
func TestCandidateThatCannotBeServed(t *testing.T) {
	for content, why := range map[string]string{"corrupt": "loading the model", "200 regression": "its answers have other fields"} {
		s := newStore(t)
		s.release("scorer", 100, "100 binary_classification")
		s.set("scorer", signed(100, `"customer"`))
		s.rollOut("scorer", 200, content, schema.CanaryRoute, 90)
		r := start(t, s, nil)
		for _, v := range versionsOf(t, r, "c1", "c2", "c3") {
			if v != "000000000100" {
				t.Errorf("%s: answered by %s", content, v)
			}
		}
		if want := "000000000200 cannot be served as a canary and gets no rows: " + why; strings.Count(r.log.String(), want) != 1 {
			t.Errorf("%s: the log does not say once %q:\n%s", content, want, r.log)
		}
		if status, _ := r.call("/v2/health/ready", ""); status != 200 {
			t.Errorf("%s: the server is not ready", content)
		}
		if _, m := r.call("/metrics", ""); !strings.Contains(m, `mlp_serve_release_failing{model="scorer"} 1`) {
			t.Errorf("%s: no metric says that the release fails", content)
		}
	}
}

// TestStepsUnderLoad moves a candidate through its steps, takes it back and promotes it while requests run: each is answered, by one of both.
func TestStepsUnderLoad(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	s.set("scorer", plan.ReleaseState{Type: "http", Model: digest(100), From: "train.model", Config: json.RawMessage(`{"key":["customer"]}`)})
	r := start(t, s, func(o *Options) { o.Access = false })
	var stop atomic.Bool
	var asked atomic.Int64
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			for i := 0; !stop.Load(); i++ {
				versionsOf(t, r, customers(3+(w+i)%5)...)
				asked.Add(1)
			}
		})
	}
	for _, share := range []float64{5, 50, 95, 5} {
		s.rollOut("scorer", 200, "200 binary_classification", schema.CanaryRoute, share)
		for n := asked.Load() + 50; asked.Load() < n && !t.Failed(); {
			time.Sleep(time.Millisecond)
		}
	}
	s.set("scorer", plan.ReleaseState{Type: "http", Model: digest(100), From: "train.model", Config: json.RawMessage(`{"key":["customer"]}`)})
	r.eventually("the end of the canary", func() bool { return strings.Contains(r.log.String(), "scorer has no canary any more") })
	stop.Store(true)
	all.Wait()
}

// TestObserved: of each key the first row at a step counts, as an error where it cannot be scored; a step has counts of its own, and larger requests no latency.
func TestObserved(t *testing.T) {
	s := newStore(t)
	s.release("scorer", 100, "100 binary_classification")
	s.set("scorer", signed(100, `"customer"`))
	s.rollOut("scorer", 200, "200 binary_classification", schema.CanaryRoute, 50)
	r := start(t, s, nil)
	seen := func() (out Rollout) {
		status, body := r.call("/v1/models/scorer/rollout", "")
		if err := json.Unmarshal([]byte(body), &out); err != nil || status != 200 || out.Evidence.Check() != nil {
			t.Fatalf("got %d %s (%v)", status, body, err)
		}
		return out
	}
	for range 3 {
		versionsOf(t, r, customers(100)...)
	}
	versionsOf(t, r, "one", "one")
	versionsOf(t, r, "another")
	r.call("/v1/models/scorer/predict", strings.ReplaceAll(payments("bad"), `"items":1,`, ""))
	got := seen()
	step := got.Evidence.At(500_000)
	if n := step.Canary.Requests + step.Control.Requests; n != 103 || step.Canary.Requests < 25 || step.Control.Requests < 25 {
		t.Errorf("%d rows are counted, want 103: %+v", n, step)
	}
	if n := step.Canary.Errors + step.Control.Errors; n != 1 {
		t.Errorf("%d errors are counted, want 1", n)
	}
	if step.Canary.Positives != 0 || step.Control.Positives+step.Control.Errors != step.Control.Requests {
		t.Errorf("positives: %+v", step)
	}
	if n := step.Canary.Latency.Total() + step.Control.Latency.Total(); n != 2 {
		t.Errorf("%d latencies are counted, want those of the 2 requests of one row", n)
	}
	s.rollOut2(80)
	r.eventually("the next step", func() bool { return strings.Contains(r.log.String(), "a canary of 80 % of the rows") })
	versionsOf(t, r, customers(100)...)
	if got = seen(); len(got.Evidence.Steps) != 2 || got.Evidence.At(800_000).Canary.Requests+got.Evidence.At(800_000).Control.Requests != 100 || got.Share != 80 {
		t.Errorf("at the next step: %+v", got)
	}
	s.set("scorer", signed(100, `"customer"`))
	r.eventually("the end", func() bool { status, _ := r.call("/v1/models/scorer/rollout", ""); return status == 404 })
}
