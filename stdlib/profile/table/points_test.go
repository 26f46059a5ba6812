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

// apartRows are three groups of 100, each around a place of its own, and 30 rows far from all of them, with a word of their own.
const apartRows = `select case when i < 300 then (i % 3) * 20.0 + (hash(i) % 1000) / 1000.0 else 200 + (hash(i) % 1000) / 4.0 end as x,
	case when i < 300 then (hash(i + 5) % 1000) / 1000.0 else -100 - (hash(i + 5) % 1000) / 5.0 end as y,
	case when i < 300 then ['a', 'b', 'c'][1 + i % 3] else 'far' end as kind, 'p' || i as who, case when i % 50 = 0 then 'inf'::double else i end as wide from range(330) r(i)`

type pointsFound struct {
	IsolationForest map[string]*float64 `json:"isolation_forest"`
	KMeans          map[string]*float64 `json:"k_means"`
	Undefined       map[string]string
}

func found(t *testing.T, config, sql string) (pointsFound, *stagetest.Result) {
	t.Helper()
	r := stagetest.Run(t, Component, stagetest.Block{Address: "profile.x", Config: config, Tables: map[string]stagetest.Table{"on": {SQL: sql}}})
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	data, err := os.ReadFile(filepath.Join(r.Root, "out", "metrics.json"))
	var f pointsFound
	if err == nil {
		err = json.Unmarshal(data, &f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f, r
}

const blocks = `"isolation_forest": {"columns": ["x", "y"], "trees": 200, "samples": 256, "seed": 1, "threshold": 0.57}, "k_means": {"columns": ["x", "kind"], "clusters": 4, "starts": 5, "seed": 1}`

// TestPoints: the rows that are far are those above the threshold, and the report tells by what; the groups are the clusters.
func TestPoints(t *testing.T) {
	f, r := found(t, `{`+blocks+`}`, apartRows)
	if got := *f.IsolationForest["above"]; math.Abs(got-30.0/330) > 1e-12 {
		t.Errorf("%g of the rows are above the threshold, want 30 of 330: %v", got, f.IsolationForest)
	}
	if m, q := *f.IsolationForest["median"], *f.IsolationForest["q99"]; !(m < 0.5 && q > 0.6 && q <= *f.IsolationForest["max"]) {
		t.Errorf("median %g, q99 %g, max %g", m, q, *f.IsolationForest["max"])
	}
	if math.Abs(*f.KMeans["largest"]-100.0/330) > 1e-12 || math.Abs(*f.KMeans["smallest"]-30.0/330) > 1e-12 || *f.KMeans["silhouette"] < 0.8 {
		t.Errorf("clusters %v", f.KMeans)
	}
	text, err := os.ReadFile(filepath.Join(r.Root, "out", "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Rows that are apart", "30 of 330 rows have a score", "Rows that are alike", "share of far", "4 clusters by k-means"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the report does not say %q", want)
		}
	}
}

// TestPointsOfAllColumns: what is left out where none is named; and of few rows nothing is told by value.
func TestPointsOfAllColumns(t *testing.T) {
	all := strings.NewReplacer(`"columns": ["x", "y"], `, "", `"columns": ["x", "kind"], `, "").Replace(blocks)
	f, _ := found(t, `{`+all+`}`, strings.Replace(apartRows, ", 'p' || i as who, case when i % 50 = 0 then 'inf'::double else i end as wide", "", 1))
	g, _ := found(t, `{`+all+`}`, apartRows) // who has too many values, wide is infinite
	for name, x := range f.KMeans {
		if *g.KMeans[name] != *x {
			t.Errorf("%s: %g with columns that are left out, %g without", name, *g.KMeans[name], *x)
		}
	}
	_, r := found(t, `{`+blocks+`}`, strings.Replace(apartRows, "range(330)", "range(310)", 1))
	text, err := os.ReadFile(filepath.Join(r.Root, "out", "report.json"))
	if err != nil || strings.Contains(string(text), "share of far") || !strings.Contains(string(text), "is not told of fewer than 20 rows") {
		t.Errorf("of ten rows the report tells more than how many there are (%v)", err)
	}
}

func TestPointsUndefined(t *testing.T) {
	f, _ := found(t, `{`+blocks+`}`, `select 1 as x, 2 as y, 'a' as kind from range(40)`)
	if f.IsolationForest["above"] != nil || f.KMeans["inertia"] != nil || !strings.Contains(f.Undefined["isolation_forest.max"], "no column in which they differ") || f.Undefined["k_means.largest"] == "" {
		t.Errorf("got %v, %v", f, f.Undefined)
	}
	f, _ = found(t, `{`+blocks+`}`, `select i % 3 as x, 2 as y, 'a' as kind from range(40) r(i)`)
	if !strings.Contains(f.Undefined["k_means.silhouette"], "3 different points and no more, for 4 clusters") {
		t.Errorf("got %v", f.Undefined)
	}
}

func TestPointsProblems(t *testing.T) {
	shape := func(config string) (out string) {
		s := schema.Table{Columns: []schema.Column{{Name: "x", Type: "double"}, {Name: "name", Type: "varchar", PII: true}, {Name: "at", Type: "date"}}}
		var all []string
		for _, p := range stagetest.Shape(t, Component, stagetest.Block{Address: "profile.x", Config: config, Tables: map[string]stagetest.Table{"on": {SQL: "select 1.0 as x, 'a' as name, date '2024-01-01' as at", Schema: s}}}).Problems {
			all = append(all, p.Path+": "+p.Summary)
		}
		return strings.Join(all, "; ")
	}
	for config, want := range map[string]string{
		`{"isolation_forest": {"trees": 0, "samples": 1, "threshold": 1}}`:                                             "isolation_forest.trees: trees is 0; isolation_forest.samples: samples is 1; isolation_forest.threshold: threshold is 1",
		`{"isolation_forest": {"trees": 5, "samples": 9, "threshold": 0.5, "columns": []}}`:                            "isolation_forest.columns: There are no columns to look at",
		`{"k_means": {"clusters": 1, "starts": 0, "columns": ["name", "x", "at"]}}`:                                    `k_means.columns[0]: "name" tells rows apart by no value; k_means.columns[2]: "at" tells rows apart by no value; k_means.clusters: clusters is 1; k_means.starts: starts is 0`,
		`{"k_means": {"clusters": 2, "starts": 1}, "isolation_forest": {"trees": 5, "samples": 9, "threshold": 0.99}}`: "",
	} {
		if got := shape(config); got != want {
			t.Errorf("%s: got %s, want %s", config, got, want)
		}
	}
	r := stagetest.Run(t, Component, stagetest.Block{Address: "profile.x", Config: `{"k_means": {"clusters": 2, "starts": 1, "columns": ["who"]}}`, Tables: map[string]stagetest.Table{"on": {SQL: apartRows}}})
	if r.Err == nil || !strings.Contains(r.Err.Error(), `"who" tells rows apart by no value: it is text of more than 100 values`) {
		t.Errorf("got %v", r.Err)
	}
}
