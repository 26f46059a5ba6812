package table

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
)

// rows are 200 that SciPy and NumPy have seen too: i from 0, a = 37 i mod 101 (missing where 29 divides i), b = 2 a + 53 i mod 17 of the
// whole a, c = i mod 3, d = i² mod 7 mod 2.
const rows = `select case when i % 29 <> 0 then (i * 37 % 101)::double end as a, (2 * (i * 37 % 101) + i * 53 % 17)::double as b, 'c' || (i % 3) as c, (i * i % 7) % 2 = 1 as d,
	'p' || i as who, timestamp '2024-01-01' + to_days((i + case when i > 100 then 30 else 0 end)::integer) as at, [i] as list from range(200) r(i)`

type figures struct {
	Rows, Duplicates float64
	Columns          map[string]map[string]*float64
	Related          map[string]map[string]*float64
	Target           map[string]*float64
	Times            map[string]map[string]*float64
	Drift            map[string]struct {
		Share   *float64
		Columns map[string]*float64
	}
	Undefined map[string]string
}

// profiled runs the block and reads its figures.
func profiled(t *testing.T, config string, tables map[string]stagetest.Table) (figures, *stagetest.Result) {
	t.Helper()
	r := stagetest.Run(t, Component, stagetest.Block{Address: "profile.x", Config: config, Tables: tables})
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	data, err := os.ReadFile(filepath.Join(r.Root, "out", "metrics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var f figures
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	return f, r
}

// TestFiguresOfSciPy holds figures to those of NumPy 1.24 and SciPy 1.10 (mean, std(ddof=1), quantile, pearsonr, spearmanr,
// contingency.association) and to the definition of the correlation ratio.
func TestFiguresOfSciPy(t *testing.T) {
	f, _ := profiled(t, `{"target": "c"}`, map[string]stagetest.Table{"on": {SQL: rows}, "train": {SQL: rows}})
	want := map[string]float64{}
	for name, got := range map[string]*float64{
		"mean": f.Columns["a"]["mean"], "stdev": f.Columns["a"]["stdev"], "min": f.Columns["a"]["min"], "q25": f.Columns["a"]["q25"], "median": f.Columns["a"]["median"],
		"q75": f.Columns["a"]["q75"], "max": f.Columns["a"]["max"], "outliers": f.Columns["a"]["outliers"], "pearson": f.Related["a"]["pearson"], "spearman": f.Related["a"]["spearman"],
		"cramers_v": f.Related["c"]["cramers_v"], "eta": f.Target["b"],
	} {
		if got == nil || math.Abs(*got-expected[name]) > 1e-12*math.Max(1, math.Abs(expected[name])) {
			t.Errorf("%s: got %v, want %v", name, got, expected[name])
		}
		want[name] = expected[name]
	}
	if len(want) != len(expected) {
		t.Errorf("%d figures were compared, of %d", len(want), len(expected))
	}
	if f.Rows != 200 || f.Duplicates != 0 || *f.Columns["a"]["nulls"] != 7 || *f.Columns["list"]["distinct"] != 200 {
		t.Errorf("got %v rows, %v duplicates, columns %v", f.Rows, f.Duplicates, f.Columns)
	}
	if *f.Times["at"]["days"] != 229 || *f.Times["at"]["longest_gap_days"] != 31 {
		t.Errorf("times: %v", f.Times["at"])
	}
	for path, why := range map[string]string{"columns.c.mean": "not a number", "related.who.cramers_v": "more than 100 values", "target.who": "more than 100 values"} {
		if !strings.Contains(f.Undefined[path], why) {
			t.Errorf("%s: got %q, want %q in it", path, f.Undefined[path], why)
		}
	}
}

func TestSpearmanOfTies(t *testing.T) {
	if got := spearman([]float64{1, 2, 2, 3, 3, 3, 9}, []float64{5, 1, 1, 2, 8, 8, 0}); math.Abs(got-tied) > 1e-12 {
		t.Errorf("got %v, want %v", got, tied)
	}
	if got := pearson([]float64{1, 1}, []float64{2, 3}); got == got {
		t.Errorf("of a constant: got %v, want none", got)
	}
}

// TestPersonalValues are in no figure and in no report; what is held by few rows is not named.
func TestPersonalValues(t *testing.T) {
	const query = `select 'secret' || (i % 2) as mail, (1000 + i)::bigint as phone, case when i < 30 then 'many' else 'rare' || i end as word, i as n from range(60) r(i)`
	columns := []schema.Column{{Name: "mail", Type: "varchar", PII: true}, {Name: "phone", Type: "bigint", PII: true}, {Name: "word", Type: "varchar"}, {Name: "n", Type: "bigint"}}
	f, r := profiled(t, `{}`, map[string]stagetest.Table{"on": {SQL: query, Schema: schema.Table{Columns: columns}}})
	if *f.Columns["mail"]["distinct"] != 2 || f.Columns["phone"]["max"] != nil || f.Related["phone"] != nil {
		t.Errorf("got %v, %v", f.Columns["phone"], f.Related)
	}
	var all strings.Builder
	if err := filepath.WalkDir(filepath.Join(r.Root, "out"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			data, _ := os.ReadFile(path)
			all.Write(data)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	text := all.String()
	if !strings.Contains(text, `"many"`) || strings.Contains(text, "secret") || strings.Contains(text, "rare") || strings.Contains(text, "1059") {
		t.Errorf("the report: %s", text)
	}
}

// TestDriftOfParts: a part that is another is told, one that is like the table is not.
func TestDriftOfParts(t *testing.T) {
	const on = "select (i * 7919 % 1009)::double as x, i % 5 as k, 'w' || (i % 4) as w from range(3000) r(i)"
	f, _ := profiled(t, `{"parts": ["alike", "moved"]}`, map[string]stagetest.Table{"on": {SQL: on},
		"parts.alike": {SQL: strings.Replace(on, "range(3000)", "range(500, 2500)", 1)}, "parts.moved": {SQL: strings.Replace(on, "1009)::double", "1009 + 300)::double", 1)}})
	if got := f.Drift["alike"].Share; got == nil || *got != 0 {
		t.Errorf("alike: %v", f.Drift["alike"])
	}
	if got := f.Drift["moved"].Share; got == nil || math.Abs(*got-1.0/3) > 1e-9 {
		t.Errorf("moved: %v", f.Drift["moved"])
	}
}

// TestNothingToTell: no rows, constants, infinities and a column of nulls are undefined with a reason, and no error.
func TestNothingToTell(t *testing.T) {
	for _, query := range []string{
		"select 1.0::double as x, 'a' as w, date '2024-01-01' as d where false",
		"select 1.0::double as x, 'a' as w, date '2024-01-01' as d from range(3)",
		"select 'inf'::double as x, null::varchar as w, null::date as d from range(3)",
	} {
		f, _ := profiled(t, `{}`, map[string]stagetest.Table{"on": {SQL: query}})
		if f.Columns["x"]["stdev"] != nil && *f.Columns["x"]["stdev"] != 0 {
			t.Errorf("%s: %v", query, f.Columns["x"])
		}
		for path, why := range f.Undefined {
			if why == "" {
				t.Errorf("%s: %s has no reason", query, path)
			}
		}
	}
	r := stagetest.Shape(t, Component, stagetest.Block{Config: `{"target": "c"}`, Tables: map[string]stagetest.Table{"on": {SQL: rows}}})
	if len(r.Problems) != 1 || r.Problems[0].Path != "target" {
		t.Errorf("a target without rows to relate it on: %v", r.Problems)
	}
}

// expected are what NumPy and SciPy give for rows; tied is what SciPy gives for ranks with ties.
var expected = map[string]float64{"mean": 50.23834196891192, "stdev": 29.24011908155098, "min": 0, "q25": 25, "median": 50, "q75": 76, "max": 100, "outliers": 0,
	"pearson": 0.9964808413139234, "spearman": 0.9966955631572709, "cramers_v": 0.004475625948356194, "eta": 0.011258576687835822}

const tied = -0.09527699174583824

func TestOutliers(t *testing.T) {
	if s := summarise([]float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 100, -60, math.NaN()}); s.outliers != 2 || s.nulls != 1 {
		t.Errorf("got %d outliers and %d nulls, want 2 and 1", s.outliers, s.nulls)
	}
}
