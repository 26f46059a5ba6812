package drift

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
)

// rows makes n customers; shift moves their tenure.
func rows(n, shift string) stagetest.Table {
	return stagetest.Table{
		SQL: "select i as id, timestamp '2026-01-01' + interval (i) hour as at, (hash(i + " + shift + "00000) % 1000)::double / 1000 + " + shift +
			" as tenure, case when hash(i + " + shift + "7) % 3 = 0 then 'a' when hash(i + " + shift + "7) % 3 = 1 then 'b' end as plan, i % 2 = 0 as churned from range(" + n + ") t(i)",
		Schema: schema.Table{Key: []string{"id"}, Label: &schema.Label{Column: "churned"}},
	}
}

func block(config string, reference, current stagetest.Table) stagetest.Block {
	return stagetest.Block{Address: "monitor.live", Config: config, Tables: map[string]stagetest.Table{"reference": reference, "current": current}}
}

func at(t *testing.T, figures map[string]any, path string) any {
	t.Helper()
	var v any = figures
	for _, p := range strings.Split(path, ".") {
		v = v.(map[string]any)[p]
	}
	return v
}

func TestDrift(t *testing.T) {
	r := stagetest.Run(t, Component, block(`{}`, rows("1500", "0"), rows("400", "1")))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	f := r.Figures(t)
	for path, want := range map[string]any{
		"drift.columns.tenure.drifted": true, "drift.columns.tenure.method": "wasserstein", "drift.columns.plan.drifted": false,
		"drift.columns.plan.method": "jensenshannon", "drift.share": 0.5, "drift.drifted": 1.0, "rows.reference": 1500.0, "rows.current": 400.0,
	} {
		if got := at(t, f, path); got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
	if p := at(t, f, "drift.columns.tenure.p_value"); p != 0.001 {
		t.Errorf("got p %v, want that of no exchange in 999", p)
	}
	if got, want := r.Shape.Figures.Fields["drift"].Fields["columns"].Keys, []string{"plan", "tenure"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got columns %v, want %v: keys, times and labels don't count", got, want)
	}
	raw, err := os.ReadFile(filepath.Join(r.Root, "out", "report", "drift.json"))
	if err != nil {
		t.Fatal(err)
	}
	var report struct{ Columns []map[string]any }
	if err := json.Unmarshal(raw, &report); err != nil || len(report.Columns) != 2 || report.Columns[0]["column"] != "tenure" {
		t.Errorf("got report %s, %v", raw, err)
	}
}

func TestNoDrift(t *testing.T) {
	r := stagetest.Run(t, Component, block(`{"columns": ["TENURE", "plan"]}`, rows("1500", "0"), rows("150", "0")))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	if got := at(t, r.Figures(t), "drift.share"); got != 0.0 {
		t.Errorf("got share %v", got)
	}
}

// TestAlarm: with a number of false alarms there is a verdict over all columns, at the level that the number leaves for each look.
func TestAlarm(t *testing.T) {
	for shift, want := range map[string]bool{"0": false, "1": true} {
		r := stagetest.Run(t, Component, block(`{"false_alarms_per_year": 4, "every": "1w"}`, rows("1500", "0"), rows("400", shift)))
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		f := r.Figures(t)
		p, _ := at(t, f, "drift.alarm_p_value").(float64)
		if got := at(t, f, "drift.alarm"); got != want || want && p > 0.0767 || !want && p < 0.0767 {
			t.Errorf("shift %s: got %v, p %v", shift, got, p)
		}
		if r.Shape.Figures.Fields["drift"].Fields["alarm"] == nil {
			t.Error("rules do not see drift.alarm")
		}
	}
	few := stagetest.Run(t, Component, block(`{"false_alarms_per_year": 4}`, rows("1500", "0"), rows("20", "1")))
	if got := at(t, few.Figures(t), "drift.alarm"); few.Err != nil || got != nil {
		t.Errorf("of 20 rows: got %v, %v", got, few.Err)
	}
	if none := stagetest.Run(t, Component, block(`{}`, rows("1500", "0"), rows("400", "1"))).Figures(t)["drift"].(map[string]any); none["alarm"] != nil {
		t.Errorf("without a number of alarms: got %v", none["alarm"])
	}
}

func TestBareLimits(t *testing.T) {
	config := `{"drift": {"min_rows": 10, "calibrate": "none", "limit": 0.5}}`
	f := stagetest.Run(t, Component, block(config, rows("1500", "0"), rows("50", "1"))).Figures(t)
	if got := at(t, f, "drift.columns.tenure.limit"); got != 0.5 {
		t.Errorf("got limit %v", got)
	}
	reasons := f["undefined"].(map[string]any)
	if got, _ := reasons["drift.columns.tenure.p_value"].(string); !strings.Contains(got, "wasserstein is a distance") {
		t.Errorf("got %q", got)
	}
}

func TestTooFewRows(t *testing.T) {
	f := stagetest.Run(t, Component, block(`{"drift": {"min_rows": 1000, "calibrate": "permutation"}}`, rows("1500", "0"), rows("400", "1"))).Figures(t)
	reasons := f["undefined"].(map[string]any)
	for _, path := range []string{"drift.share", "drift.drifted", "drift.columns.tenure.drifted", "drift.columns.plan.score"} {
		if got := at(t, f, path); got != nil {
			t.Errorf("%s: got %v, want undefined", path, got)
		}
		if got, _ := reasons[path].(string); !strings.Contains(got, "400 rows, fewer than 1000") {
			t.Errorf("%s: got %q", path, got)
		}
	}
}

// TestNewValue has a chi-square statistic that is infinite.
func TestNewValue(t *testing.T) {
	config := `{"columns": ["plan"], "drift": {"min_rows": 1, "calibrate": "none"}}`
	few, other := rows("300", "0"), rows("300", "0")
	other.SQL = "select * replace (coalesce(plan, 'new') as plan) from (" + other.SQL + ")"
	f := stagetest.Run(t, Component, block(config, few, other)).Figures(t)
	if got := at(t, f, "drift.columns.plan.drifted"); got != true {
		t.Errorf("got drifted %v", got)
	}
	if got := at(t, f, "drift.columns.plan.score"); got != nil {
		t.Errorf("got score %v", got)
	}
}

func TestProblems(t *testing.T) {
	for config, want := range map[string]string{
		`{"columns": ["tenur"]}`:                                                      `no column "tenur"`,
		`{"columns": ["at"]}`:                                                         "cannot be compared",
		`{"columns": ["plan", "plan"]}`:                                               "listed twice",
		`{"columns": ["plan"], "drift": {"method": "ks"}}`:                            "ks compares numbers",
		`{"columns": ["plan"], "drift": {"min_rows": -1}}`:                            "min_rows is negative",
		`{"columns": ["plan"], "drift": {"limit": -0.1}}`:                             "limit is negative",
		`{"columns": []}`:                                                             "no column to compare",
		`{"every": "1d"}`:                                                             "counts for alarms alone",
		`{"false_alarms_per_year": 0}`:                                                "no alarm without a false one",
		`{"false_alarms_per_year": 300}`:                                              "more than every second",
		`{"false_alarms_per_year": 0.01}`:                                             "One false alarm in 36525 looks",
		`{"false_alarms_per_year": 1, "every": "1s"}`:                                 "once a minute",
		`{"false_alarms_per_year": 1, "drift": {"calibrate": "none", "min_rows": 1}}`: "Bare limits have no rate",
	} {
		got := stagetest.Shape(t, Component, block(config, rows("10", "0"), rows("10", "0"))).Problems
		if len(got) == 0 || !strings.Contains(got[0].Summary, want) {
			t.Errorf("%s: got %+v, want %q", config, got, want)
		}
	}
	text := rows("10", "0")
	text.SQL = "select * replace ('x' as tenure) from (" + text.SQL + ")"
	got := stagetest.Shape(t, Component, block(`{"columns": ["tenure"]}`, rows("10", "0"), text)).Problems
	if len(got) == 0 || !strings.Contains(got[0].Summary, "is double in the reference and varchar") {
		t.Errorf("got %+v", got)
	}
}

// TestInfiniteColumn has no figures itself; the others have theirs, and it is told.
func TestInfiniteColumn(t *testing.T) {
	current := rows("400", "1")
	current.SQL = "select *, case when id = 7 then 'inf'::double else id end as odd from (" + current.SQL + ")"
	reference := rows("1500", "0")
	reference.SQL = "select *, id::double as odd from (" + reference.SQL + ")"
	r := stagetest.Run(t, Component, block(`{}`, reference, current))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	f := r.Figures(t)
	for path, want := range map[string]any{"drift.columns.tenure.drifted": true, "drift.columns.odd.score": nil, "drift.columns.odd.drifted": nil,
		"drift.undefined": 1.0, "drift.drifted": 1.0, "drift.share": 0.5} {
		if got := at(t, f, path); got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
	if got := f["undefined"].(map[string]any)["drift.columns.odd.score"]; got == nil || !strings.Contains(got.(string), `column "odd" of the current table is infinite in 1 of 400 rows`) {
		t.Errorf("got the reason %v", got)
	}
}

// TestTooFewToSee says which drift cannot be seen at the sizes at hand.
func TestTooFewToSee(t *testing.T) {
	r := stagetest.Run(t, Component, block(`{"drift": {"min_rows": 50, "calibrate": "permutation"}}`, rows("1500", "0"), rows("50", "0")))
	if want := "too few rows to see all drift from the limit of 0.1 on: in 2 of 2 columns"; !strings.Contains(r.Log, want) {
		t.Errorf("got %s, want %q", r.Log, want)
	}
}

// TestProgress: it says how far it is with the columns, and then with those that drifted, by time.
func TestProgress(t *testing.T) {
	current := rows("1600", "1")
	current.Schema.Time = "at"
	r := stagetest.Run(t, Component, block(`{}`, rows("1500", "0"), current))
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	if got := stagetest.Progress(t, r.Log); len(got) != 58 || got[49] != 50 || got[50] != 56 || got[57] != 100 {
		t.Errorf("got %v, want all to 50, and eight windows", got)
	}
}
