package performance

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	document "github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/table"
)

const metrics = `"metrics": [{"name": "auc", "type": "roc_auc"}, {"name": "recall", "type": "recall"},
	{"name": "missed", "goal": "minimize", "sql": "sum(case when actual and not predicted then amount end)"}]`

// said is 400 predictions of customers; the last 20 of customers that no label is about.
func said() stagetest.Table {
	return stagetest.Table{SQL: `select i as id, (i * 7 % 100) / 100.0::double as score, i * 7 % 100 >= 60 as predicted from range(400) t(i)`,
		Schema: schema.Table{Key: []string{"id"}}}
}

// labels are what came of 380 of them, and of 50 that nothing was said of, in another order. From customer 300 on labels are
// young: positives are known among them, and none is mature. Of every tenth nothing is known at all.
func labels() stagetest.Table {
	return stagetest.Table{SQL: `select 1000 - i as no, i as id, case when i % 10 > 0 then i * 11 % 10 >= 5 end as churned, i < 300 as churn_mature,
		(i % 4)::double as amount from range(-50, 380) t(i)`, Schema: schema.Table{Label: &schema.Label{Column: "churned", Mature: "churn_mature"}}}
}

func block(config string) stagetest.Block {
	return stagetest.Block{Address: "monitor.live", Config: `{"on": ["id"], "min_rows": 100, ` + config + `}`,
		Tables: map[string]stagetest.Table{"predictions": said(), "labels": labels()}}
}

func at(t *testing.T, figures map[string]any, path string) any {
	t.Helper()
	var v any = figures
	for _, p := range strings.Split(path, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			t.Fatalf("no figure %s in %v", path, figures)
		}
		if v, ok = m[p]; !ok {
			t.Fatalf("no figure %s in %v", path, figures)
		}
	}
	return v
}

func number64(t *testing.T, figures map[string]any, path string) float64 {
	t.Helper()
	x, ok := at(t, figures, path).(float64)
	if !ok {
		t.Fatalf("%s is undefined: %v", path, figures["undefined"])
	}
	return x
}

func reason(t *testing.T, figures map[string]any, path string) string {
	t.Helper()
	if x := at(t, figures, path); x != nil {
		t.Errorf("%s: got %v, want undefined", path, x)
	}
	r, _ := figures["undefined"].(map[string]any)[path].(string)
	return r
}

// TestFigures holds the figures against a count of the rows by hand.
func TestFigures(t *testing.T) {
	r := stagetest.Run(t, Component, block(metrics))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	f := r.Figures(t)
	var rows, positives, found, missed, above, pairs float64
	score := func(i int) int { return i * 7 % 100 }
	churned := func(i int) bool { return i*11%10 >= 5 }
	for i := range 300 {
		if i%10 == 0 {
			continue
		}
		rows++
		if !churned(i) {
			continue
		}
		positives++
		if score(i) >= 60 {
			found++
		} else {
			missed += float64(i % 4)
		}
		for j := range 300 {
			if j%10 == 0 || churned(j) {
				continue
			}
			pairs++
			switch {
			case score(i) > score(j):
				above++
			case score(i) == score(j):
				above += 0.5
			}
		}
	}
	for path, want := range map[string]float64{
		"rows": rows, "coverage": rows / 400, "positives": positives, "performance.recall.value": found / positives,
		"performance.auc.value": above / pairs, "performance.missed.value": missed,
	} {
		if got := number64(t, f, path); math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
	for _, m := range []string{"auc", "recall", "missed"} {
		low, x, high := number64(t, f, "performance."+m+".low"), number64(t, f, "performance."+m+".value"), number64(t, f, "performance."+m+".high")
		if !(low < x && x < high) {
			t.Errorf("%s: %v is not in [%v, %v]", m, x, low, high)
		}
	}
	sameShape(t, "", f, r.Shape.Figures)
}

// sameShape checks that the declared type has exactly the figures that are written.
func sameShape(t *testing.T, path string, v any, f *schema.FigureType) {
	t.Helper()
	if f.Kind != schema.ObjectFigure {
		return
	}
	m, _ := v.(map[string]any)
	for name, field := range f.Fields {
		if _, ok := m[name]; !ok {
			t.Errorf("%s.%s is declared and not written", path, name)
		}
		sameShape(t, path+"."+name, m[name], field)
	}
	for name := range m {
		if f.Fields[name] == nil && name != "undefined" {
			t.Errorf("%s.%s is written and not declared", path, name)
		}
	}
}

func TestTooFew(t *testing.T) {
	for config, want := range map[string]string{
		`"min_rows": 271, `:      "270 rows, fewer than min_rows = 271",
		`"min_positives": 200, `: "positives, fewer than min_positives = 200",
	} {
		f := stagetest.Run(t, Component, block(config+metrics)).Figures(t)
		for _, path := range []string{"performance.auc.value", "performance.auc.low", "performance.missed.high", "performance.recall.value"} {
			if got := reason(t, f, path); !strings.Contains(got, want) {
				t.Errorf("%s: got %q, want %q", path, got, want)
			}
		}
	}
}

// TestNothingKnownYet has no label at all, and one that is text, of which no class is known yet.
func TestNothingKnownYet(t *testing.T) {
	for _, churned := range []string{"null::boolean", "null::varchar"} {
		b := block(`"positive": "true", ` + metrics)
		l := b.Tables["labels"]
		l.SQL = "select * replace (" + churned + " as churned) from (" + l.SQL + ")"
		b.Tables["labels"] = l
		b.Config = strings.Replace(b.Config, "sum(case when actual and", "sum(case when actual::boolean and", 1)
		b.Config = strings.Replace(b.Config, "not predicted", "not predicted::boolean", 1)
		r := stagetest.Run(t, Component, b)
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		f := r.Figures(t)
		if got := number64(t, f, "coverage"); got != 0 {
			t.Errorf("got coverage %v", got)
		}
		if got := reason(t, f, "performance.recall.high"); !strings.Contains(got, "0 rows") {
			t.Errorf("got %q", got)
		}
	}
}

// TestEntities: rows of one entity are drawn together, be it the predictions' or the labels'.
func TestEntities(t *testing.T) {
	width := func(b stagetest.Block) float64 {
		f := stagetest.Run(t, Component, b).Figures(t)
		return number64(t, f, "performance.recall.high") - number64(t, f, "performance.recall.low")
	}
	plain := width(block(metrics))
	ofPredictions, ofLabels := block(metrics), block(metrics)
	for port, b := range map[string]stagetest.Block{"predictions": ofPredictions, "labels": ofLabels} {
		tab := b.Tables[port]
		tab.SQL = "select *, id % 20 as card from (" + tab.SQL + ")"
		tab.Schema.Entity = []string{"card"}
		b.Tables[port] = tab
	}
	a, b := width(ofPredictions), width(ofLabels)
	if a != b || a == plain {
		t.Errorf("got widths %v, %v by entity and %v by row", a, b, plain)
	}
}

func TestRepeatedRows(t *testing.T) {
	for port, want := range map[string]string{"predictions": "in the predictions 1 values of id stand in more than one row", "labels": "in the labels 1 values of id"} {
		b := block(metrics)
		tab := b.Tables[port]
		tab.SQL += " union all select * from (" + tab.SQL + ") where id = 7"
		b.Tables[port] = tab
		if r := stagetest.Run(t, Component, b); r.Err == nil || !strings.Contains(r.Err.Error(), want) {
			t.Errorf("%s: got %v", port, r.Err)
		}
	}
}

// TestTasks has one right prediction of three in every task, told in every way there is.
func TestTasks(t *testing.T) {
	const class = "case i % 3 when 0 then 'a' when 1 then 'b' else 'c' end"
	for _, tc := range []struct{ name, said, truth, config, path string }{
		{"classes", "'b' as decision", class, `"predicted": "decision", "metrics": [{"name": "m", "type": "accuracy"}]`, "1/3"},
		{"scores by class", "0.2 as score_a, 0.5 as score_b, 0.3 as score_c", class, `"metrics": [{"name": "m", "type": "accuracy"}]`, "1/3"},
		{"scores of a batch deployment", `'b' as predicted, 0.5 as score, '{"a":0.25,"b":0.5,"c":0.25}' as scores`, class, `"metrics": [{"name": "m", "type": "log_loss"}]`, "loss"},
		{"values", "i + (i % 3)::double / 2 as predicted", "i::double", `"metrics": [{"name": "m", "type": "mean_absolute_error"}]`, "1/2"},
		{"scores", "case when i % 3 = 0 then 0.9 else 0.1 end as p", "true", `"score": "p", "metrics": [{"name": "m", "type": "recall"}]`, "1/3"},
		{"another positive class", "case when i % 3 = 0 then 'yes' else 'no' end as predicted", "'no'", `"positive": "no", "metrics": [{"name": "m", "type": "recall"}]`, "2/3"},
		{"a task that is said", "i % 3 as predicted", "2 - i % 3", `"task": "multiclass_classification", "metrics": [{"name": "m", "type": "accuracy"}]`, "1/3"},
	} {
		b := stagetest.Block{Address: "monitor.live", Config: `{"on": ["id"], "min_rows": 10, ` + tc.config + `}`, Tables: map[string]stagetest.Table{
			"predictions": {SQL: "select i as id, " + tc.said + " from range(30) t(i)"},
			"labels":      {SQL: "select i as id, " + tc.truth + " as y, true as m from range(30) t(i)", Schema: schema.Table{Label: &schema.Label{Column: "y", Mature: "m"}}},
		}}
		r := stagetest.Run(t, Component, b)
		if r.Err != nil {
			t.Errorf("%s: %v", tc.name, r.Err)
			continue
		}
		want := map[string]float64{"1/3": 1.0 / 3, "2/3": 2.0 / 3, "1/2": 0.5, "loss": -(2*math.Log(0.25) + math.Log(0.5)) / 3}[tc.path]
		if got := number64(t, r.Figures(t), "performance.m.value"); math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: got %v, want %v", tc.name, got, want)
		}
	}
}

// TestBaseline compares with figures as an evaluation writes them.
func TestBaseline(t *testing.T) {
	figure := schema.Double
	both := schema.Object(map[string]*schema.FigureType{"low": figure, "high": figure})
	of := schema.Object(map[string]*schema.FigureType{
		"metrics":   schema.Object(map[string]*schema.FigureType{"auc": figure, "recall": figure, "missed": figure, "f1": figure}),
		"intervals": schema.Object(map[string]*schema.FigureType{"auc": both, "recall": both}),
	})
	s, shape := prepared(t, block(metrics), of)
	raw := `{"metrics": {"auc": 0.5, "recall": null, "missed": 10, "f1": 0.5}, "intervals": {"auc": {"low": 0.4, "high": 0.65}, "recall": {"low": null, "high": null}},
		"undefined": {"metrics.recall": "no row is positive"}}`
	if err := os.MkdirAll(filepath.Join(s.Root, "in", "baseline"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Root, "in", "baseline", "metrics.json"), []byte(raw), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Component.Run(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	f := (&stagetest.Result{Root: s.Root}).Figures(t)
	auc, low, high := number64(t, f, "performance.auc.value"), number64(t, f, "performance.auc.low"), number64(t, f, "performance.auc.high")
	for path, want := range map[string]float64{
		"delta.auc.value":    auc - 0.5,
		"delta.auc.low":      auc - 0.5 - math.Sqrt((auc-low)*(auc-low)+0.15*0.15),
		"delta.auc.high":     auc - 0.5 + math.Sqrt((high-auc)*(high-auc)+0.1*0.1),
		"delta.missed.value": number64(t, f, "performance.missed.value") - 10,
	} {
		if got := number64(t, f, path); math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
	if got := reason(t, f, "delta.recall.low"); got != "baseline: no row is positive" {
		t.Errorf("got %q", got)
	}
	sameShape(t, "", f, shape.Figures)
	baselineReported(t, s.Root, f)
}

// baselineReported holds the report to the figures: what differs first, and what an evaluation shows of the rows behind it.
func baselineReported(t *testing.T, root string, figures map[string]any) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "out", "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := document.Read(raw)
	if err != nil {
		t.Fatal(err)
	}
	if d.Sections[0].Title != "Against the baseline" || d.Sections[1].Title != "Metrics" {
		t.Fatalf("got the sections %q and %q", d.Sections[0].Title, d.Sections[1].Title)
	}
	rows := map[string][]document.Cell{}
	for _, row := range d.Sections[0].Items[1].Table.Rows {
		rows[row[0].Text] = row
	}
	auc := rows["auc"]
	if *auc[1].Value != number64(t, figures, "delta.auc.value") || *auc[1].Low != number64(t, figures, "delta.auc.low") || *auc[2].Value != number64(t, figures, "performance.auc.value") || *auc[3].Value != 0.5 {
		t.Errorf("got the row %+v of auc", auc)
	}
	if got := rows["recall"]; got[1].Value != nil || got[1].Why != "baseline: no row is positive" || got[4].Text != "not known" {
		t.Errorf("got the row %+v of recall", got)
	}
}

// prepared is a stage with a baseline.
func prepared(t *testing.T, b stagetest.Block, baseline *schema.FigureType) (*component.Stage, schema.ShapeResult) {
	t.Helper()
	binder := table.NewBinder(nil)
	defer binder.Close()
	in := map[string]schema.Shape{"baseline": {Type: schema.FiguresPort, Figures: baseline}}
	s := &component.Stage{Root: t.TempDir(), Threads: 1, Spec: component.Spec{Protocol: component.Protocol, Address: b.Address, Config: json.RawMessage(b.Config), In: in}}
	for port, tab := range b.Tables {
		shape := tab.Schema
		var problems []schema.Problem
		if shape.Columns, problems = binder.Query(t.Context(), tab.SQL, nil); len(problems) > 0 {
			t.Fatal(problems)
		}
		in[port] = schema.Shape{Type: schema.TablePort, Table: &shape}
		if err := os.MkdirAll(filepath.Join(s.Root, "in", port), 0o755); err != nil {
			t.Fatal(err)
		}
		if _, err := table.Run(t.Context(), table.Query{SQL: tab.SQL, Out: filepath.Join(s.Root, "in", port, component.TableFile)}); err != nil {
			t.Fatal(err)
		}
	}
	res := Component.Shape(t.Context(), binder, schema.ShapeRequest{Address: b.Address, Config: s.Config, In: in})
	if len(res.Problems) > 0 {
		t.Fatal(res.Problems)
	}
	return openOut(t, s), res
}

func openOut(t *testing.T, s *component.Stage) *component.Stage {
	t.Helper()
	spec, err := json.Marshal(s.Spec)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(s.Root, "out"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Root, "stage.json"), spec, 0o644); err != nil {
		t.Fatal(err)
	}
	opened, err := component.Open(s.Root, 1, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	return opened
}

// TestDifference holds intervals of differences of shares against those of Newcombe (Interval estimation for the
// difference between independent proportions, Statistics in Medicine 17, 1998, table II, method 10), which join Wilson's
// intervals in the same way.
func TestDifference(t *testing.T) {
	wilson := func(k, n float64) bounded {
		const z = 1.959963984540054
		p := k / n
		mid, half := p+z*z/(2*n), z*math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
		return bounded{p, (mid - half) / (1 + z*z/n), (mid + half) / (1 + z*z/n)}
	}
	for _, tc := range []struct{ k1, n1, k2, n2, low, high float64 }{
		{56, 70, 48, 80, 0.0524, 0.3339}, {9, 10, 3, 10, 0.1705, 0.8090}, {6, 7, 2, 7, 0.0582, 0.8062}, {5, 56, 0, 29, -0.0381, 0.1926},
	} {
		got := minus(wilson(tc.k1, tc.n1), wilson(tc.k2, tc.n2))
		if math.Abs(got.low-tc.low) > 5e-5 || math.Abs(got.high-tc.high) > 5e-5 || got.value != tc.k1/tc.n1-tc.k2/tc.n2 {
			t.Errorf("%v of %v less %v of %v: got %v in [%.4f, %.4f], want [%v, %v]", tc.k1, tc.n1, tc.k2, tc.n2, got.value, got.low, got.high, tc.low, tc.high)
		}
	}
	if got := minus(bounded{5, 6, 7}, bounded{1, 1, 1}); got.low != 4 || got.high != 6 {
		t.Errorf("an interval beside its value: got %v", got)
	}
}

func TestProblems(t *testing.T) {
	double := `"metrics": [{"name": "auc", "type": "roc_auc"}]`
	for _, tc := range []struct {
		config, path, want string
		change             func(b *stagetest.Block)
	}{
		{`"metrics": [{"name": "m", "type": "r2"}]`, "metrics[0]", "is for regression", nil},
		{`"metrics": [{"name": "m", "goal": "maximize", "sql": "sum(amuont)"}]`, "metrics[0]", `"amuont"`, nil},
		{`"on": ["ids"], ` + double, "on[0]", "", nil},
		{`"on": [], ` + double, "on", "on is empty", nil},
		{`"on": ["id", "ID"], ` + double, "on[1]", "listed twice", nil},
		{`"on": ["score"], ` + double, "on[0]", `The labels have no column "score"`, nil},
		{`"score": "predicted", ` + double, "predictions", `"predicted" is boolean, expected a number`, nil},
		{`"task": "regression", "metrics": [{"name": "m", "type": "r2"}]`, "task", "a regression is about numbers", nil},
		{`"task": "multiclass_classification", "positive": "true", "metrics": [{"name": "m", "type": "accuracy"}]`, "positive", "positive is for binary", nil},
		{`"task": "multiclass_classification", "score": "score", "metrics": [{"name": "m", "type": "accuracy"}]`, "score", "score is for binary", nil},
		{`"min_rows": -1, ` + double, "min_rows", "negative", nil},
		{double, "labels", "The table has no label", with("labels", func(tab *stagetest.Table) { tab.Schema.Label = nil })},
		{double, "predictions", "no column of predictions", with("predictions", func(tab *stagetest.Table) { tab.SQL = "select 1 as id, 0.5 as p" })},
		{double, "metrics[0]", "needs scores", with("predictions", func(tab *stagetest.Table) { tab.SQL = "select 1 as id, true as predicted" })},
		{double, "on[0]", `Column "id" is varchar in the predictions`, with("predictions", func(tab *stagetest.Table) { tab.SQL = "select 'a' as id, 0.5 as score" })},
		{double, "positive", "Which class is the positive one is not said", with("labels", func(tab *stagetest.Table) {
			tab.SQL = "select 1 as id, 'yes' as churned, true as churn_mature"
		})},
	} {
		b := block(tc.config)
		if strings.Contains(tc.config, `"on"`) {
			b.Config = `{` + tc.config + `}`
		}
		if strings.HasSuffix(tc.want, "is not said") {
			b.Config = strings.Replace(b.Config, `{"on"`, `{"task": "binary_classification", "on"`, 1)
		}
		if tc.change != nil {
			tc.change(&b)
		}
		got := stagetest.Shape(t, Component, b).Problems
		if tc.want == "" {
			// A column that the predictions lack is told by the compiler, once.
			if len(got) > 0 {
				t.Errorf("%s: got %+v, want nothing", tc.config, got)
			}
			continue
		}
		if len(got) != 1 || got[0].Path != tc.path || !strings.Contains(got[0].Summary, tc.want) {
			t.Errorf("%s: got %+v, want %q at %s", tc.config, got, tc.want, tc.path)
		}
	}
}

func with(port string, change func(*stagetest.Table)) func(*stagetest.Block) {
	return func(b *stagetest.Block) {
		tab := b.Tables[port]
		change(&tab)
		b.Tables[port] = tab
	}
}

func TestBaselineWithoutTheMetrics(t *testing.T) {
	res := Component.Shape(t.Context(), nil, schema.ShapeRequest{Config: json.RawMessage(`{` + metrics + `}`), In: map[string]schema.Shape{
		"baseline": {Type: schema.FiguresPort, Figures: schema.Object(map[string]*schema.FigureType{"metrics": schema.Object(map[string]*schema.FigureType{"f1": schema.Double})})}}})
	if got := fmt.Sprint(res.Problems); len(res.Problems) != 1 || !strings.Contains(got, "The baseline has none of the metrics") {
		t.Errorf("got %s", got)
	}
}

// TestPositiveOfTheOtherClass: predictions say yes and no with the probability of yes, and no is called the positive class.
func TestPositiveOfTheOtherClass(t *testing.T) {
	b := stagetest.Block{Address: "monitor.live", Tables: map[string]stagetest.Table{
		"predictions": {SQL: "select i as id, (i * 7 % 100) / 100.0::double as score, case when i * 7 % 100 >= 60 then 'yes' else 'no' end as predicted from range(300) t(i)", Schema: schema.Table{Key: []string{"id"}}},
		"labels": {SQL: "select i as id, case when i * 7 % 100 + i % 30 >= 75 then 'yes' else 'no' end as churned, true as churn_mature from range(300) t(i)",
			Schema: schema.Table{Label: &schema.Label{Column: "churned", Mature: "churn_mature"}}}}}
	for positive, want := range map[string]string{"yes": "", "no": `every row that is predicted "no", the positive class, has a lower score`} {
		b.Config = fmt.Sprintf(`{"on": ["id"], "min_rows": 100, "positive": %q, "metrics": [{"name": "auc", "type": "roc_auc"}]}`, positive)
		r := stagetest.Run(t, Component, b)
		if (r.Err != nil) != (want != "") || r.Err != nil && !strings.Contains(r.Err.Error(), want) {
			t.Errorf("positive = %s: got %v, want %q", positive, r.Err, want)
		}
	}
}

// TestProgress: it says how far it is with the resamples, of metrics and of those in SQL.
func TestProgress(t *testing.T) {
	r := stagetest.Run(t, Component, block(`"metrics": [{"name": "loss", "type": "log_loss"}, {"name": "missed", "goal": "minimize", "sql": "sum(case when actual and not predicted then amount end)"}]`))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	if got := stagetest.Progress(t, r.Log); len(got) != 51 || got[49] != 50 || got[50] != 100 {
		t.Errorf("got %v, want all to 50, and 100", got)
	}
}
