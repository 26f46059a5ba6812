package evaluation

import (
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/prediction"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// events has a score that is right more often than not, a label that may be missing, groups, weights and entities.
const events = `select i as id, 'e' || hash(i * 5) % 12 as who, (hash(i * 7) % 3)::double as w, ['a', 'b', 'c'][(hash(i * 11) % 3 + 1)::int] as g, hash(i * 13) % 100 as score,
	case when hash(i * 17) % 9 > 0 then hash(i * 13) % 100 + hash(i * 19) % 80 > 90 end as y from range(240) r(i)`

// opened evaluates predictions, the column score of the rows of a query, on these rows.
func opened(t *testing.T, sql, config string) (*Evaluation, prediction.Layout, *[]string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data.parquet")
	if _, err := table.Run(t.Context(), table.Query{SQL: sql, OrderBy: []string{"id"}, Out: path}); err != nil {
		t.Fatal(err)
	}
	c := &Config{}
	if err := json.Unmarshal([]byte(config), c); err != nil {
		t.Fatal(err)
	}
	c.Defaults()
	binder := table.NewBinder(nil)
	defer binder.Close()
	columns, problems := binder.Query(t.Context(), sql, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	data := &schema.Table{Columns: columns, Key: []string{"id"}}
	if strings.Contains(config, `"clustered"`) {
		data.Entity = []string{"who"}
	}
	told := &[]string{}
	e, err := Open(t.Context(), c, Data{path, data, "y"}, 2, func(f string, args ...any) { *told = append(*told, fmt.Sprintf(f, args...)) })
	if err != nil {
		t.Fatal(err)
	}
	f, err := table.ReadFrame(t.Context(), path, []string{"score"})
	if err != nil {
		t.Fatal(err)
	}
	l := prediction.Layout{Task: schema.Binary, Target: "y", Data: data, Actual: true, Score: true}
	if err := e.Take(scores(f.Columns[0].Num, 60), l); err != nil {
		t.Fatal(err)
	}
	return e, l, told
}

// scores are predictions of scores in hundredths, null where they are null, by a threshold.
func scores(hundredths []float64, threshold float64) *prediction.Set {
	s := &prediction.Set{Rows: len(hundredths), Task: schema.Binary, Target: "y", Classes: []string{"false", "true"}, Threshold: threshold / 100}
	for i, x := range hundredths {
		class := 0.0
		switch {
		case math.IsNaN(x):
			class = x
			s.Unscored = append(s.Unscored, model.Unscored{Row: i, Reason: "it is null"})
		case x >= threshold:
			class = 1
		}
		s.Score, s.Predicted = append(s.Score, x/100), append(s.Predicted, class)
	}
	return s
}

func figures(t *testing.T, e *Evaluation) map[string]any {
	t.Helper()
	got, err := e.Figures(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return got
}

const all = `"metrics": [{"name": "auc", "type": "roc_auc"}, {"name": "recall", "type": "recall"}, {"name": "loss", "type": "log_loss"}, {"name": "f1", "type": "f1"},
	{"name": "sql", "goal": "maximize", "sql": "avg(case when actual = predicted then 1.0 else 0.0 end)"}]`

func near(a, b any) bool {
	x, okX := a.(float64)
	y, okY := b.(float64)
	return a == nil && b == nil || okX && okY && math.Abs(x-y) <= 1e-12*math.Max(1, math.Abs(y))
}

// TestSlicesAreTables: the figures of a slice are those of a table that has its rows alone, and so are those of all rows with labels.
func TestSlicesAreTables(t *testing.T) {
	for _, where := range []string{"g = 'a'", "score > 30", "w > 0 and g <> 'b'", "y is not null", "id < 0"} {
		config := fmt.Sprintf(`{%s, "min_positives": 0, "intervals": {"resamples": 0, "confidence": 0.95}, "slice": [{"name": "s", "where": %q}]}`, all, where)
		e, _, _ := opened(t, "select *, score::double * 1 as z from ("+events+")", config)
		slice := figures(t, e)["slices"].(map[string]any)["s"].(map[string]any)
		alone, _, _ := opened(t, "select *, score::double * 1 as z from ("+events+") where "+where, strings.Replace(config, `"slice"`, `"none"`, 1))
		whole := figures(t, alone)
		for name, want := range whole["metrics"].(map[string]any) {
			if !near(slice[name], want) {
				t.Errorf("%s: %s is %v in the slice, %v in a table of its rows", where, name, slice[name], want)
			}
		}
		if slice["count"] != whole["rows"] || slice["positives"] != whole["positives"] {
			t.Errorf("%s: the slice has %v rows, %v positives, the table %v, %v", where, slice["count"], slice["positives"], whole["rows"], whole["positives"])
		}
	}
}

// TestWeightsAreRows: a row of weight 2 is two rows, and one of weight 0 none.
func TestWeightsAreRows(t *testing.T) {
	config := strings.Replace(`{`+all+`, "weight": "w", "min_positives": 0, "intervals": {"resamples": 0, "confidence": 0.95}}`, `,
	{"name": "sql", "goal": "maximize", "sql": "avg(case when actual = predicted then 1.0 else 0.0 end)"}`, "", 1)
	weighted, _, _ := opened(t, events, config)
	repeated, _, _ := opened(t, "select * from ("+events+"), range(w::bigint) k(n)", strings.Replace(config, `"weight"`, `"none"`, 1))
	got, want := figures(t, weighted)["metrics"].(map[string]any), figures(t, repeated)["metrics"].(map[string]any)
	for name := range want {
		if !near(got[name], want[name]) {
			t.Errorf("%s is %v with weights, %v with rows", name, got[name], want[name])
		}
	}
}

// TestWhatDoesNotCount: rows without a label or a prediction lower the coverage and enter no figure; too few give none, with the reason.
func TestWhatDoesNotCount(t *testing.T) {
	const some = "select id, who, w, g, y, case when id % 4 > 0 then score end as score from (" + events + ")"
	e, _, told := opened(t, some, `{`+all+`, "min_positives": 0, "intervals": {"resamples": 0, "confidence": 0.95}}`)
	got := figures(t, e)
	alone, _, _ := opened(t, "select * from ("+some+") where score is not null and y is not null", `{`+all+`, "min_positives": 0, "intervals": {"resamples": 0, "confidence": 0.95}}`)
	want := figures(t, alone)
	if !near(got["metrics"].(map[string]any)["auc"], want["metrics"].(map[string]any)["auc"]) || got["rows"] != want["rows"] || !near(got["coverage"], float64(got["rows"].(int))/240) || want["coverage"] != 1.0 {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(*told) != 1 || !strings.HasPrefix((*told)[0], "60 of 240 rows have no prediction: in row 1 it is null") {
		t.Errorf("told %q", *told)
	}
	for _, tc := range []struct{ config, reason string }{{`"min_rows": 1000`, "rows, fewer than min_rows = 1000"}, {`"min_positives": 1000`, "positives, fewer than min_positives = 1000"}} {
		e, _, _ := opened(t, events, `{`+all+`, `+tc.config+`}`)
		got := figures(t, e)
		undefined := got["undefined"].(map[string]string)
		for _, path := range []string{"metrics.auc", "metrics.sql", "intervals.auc.low"} {
			if !strings.Contains(undefined[path], tc.reason) {
				t.Errorf("%s: %s is undefined for %q", tc.config, path, undefined[path])
			}
		}
		if got["metrics"].(map[string]any)["auc"] != nil {
			t.Errorf("%s: got %v", tc.config, got["metrics"])
		}
	}
}

// TestCompare: a model differs from itself by nothing, and from another as that one from it, the other way round, in every metric.
func TestCompare(t *testing.T) {
	for _, clustered := range []string{"independent", "clustered"} {
		config := fmt.Sprintf(`{%s, "min_positives": 0, "intervals": {"resamples": 50, "confidence": 0.95}, "%s": 1}`, all, clustered)
		e, l, _ := opened(t, events, config)
		own := e.set
		other := slices.Clone(own.Score)
		for i := range other {
			if other[i] = math.Round(100*own.Score[i]*0.7) + float64(i*7%30); i%50 == 3 {
				other[i] = math.NaN()
			}
		}
		challenger := scores(other, 60)
		compared := func(e *Evaluation, s *prediction.Set) map[string]any {
			got, err := e.Compare(t.Context(), s, l)
			if err != nil {
				t.Fatal(err)
			}
			return got["delta"].(map[string]any)
		}
		same := compared(e, own)
		forth := compared(e, challenger)
		back, _, _ := opened(t, events, config)
		if err := back.Take(challenger, l); err != nil {
			t.Fatal(err)
		}
		reversed := compared(back, own)
		for _, name := range []string{"auc", "recall", "loss", "f1", "sql"} {
			s, f, r := same[name].(map[string]any), forth[name].(map[string]any), reversed[name].(map[string]any)
			if s["value"] != 0.0 || name != "sql" && (s["low"] != 0.0 || s["high"] != 0.0) {
				t.Errorf("%s, %s: the same model differs by %v", clustered, name, s)
			}
			if f["value"] == 0.0 || !near(f["value"], negative(r["value"])) || name != "sql" && name != "loss" && (!near(f["low"], negative(r["high"])) || !near(f["high"], negative(r["low"]))) {
				t.Errorf("%s, %s: forth %v, back %v", clustered, name, f, r)
			}
			if low, ok := f["low"].(float64); ok && !(low <= f["value"].(float64) && f["value"].(float64) <= f["high"].(float64)) {
				t.Errorf("%s, %s: %v does not lie in its interval", clustered, name, f)
			}
		}
	}
}

func negative(x any) any {
	if x, ok := x.(float64); ok {
		return -x
	}
	return nil
}
