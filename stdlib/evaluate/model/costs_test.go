package model

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
)

// priced are ten rows scored 0.0 to 0.9 in steps of 0.1, of which those of 0.3, 0.6, 0.7 and 0.8 are positive.
func priced(costs string) evaluate {
	return evaluate{config: `{"metrics": [{"name": "auc", "type": "roc_auc"}], "min_positives": 1, "intervals": {"resamples": 0, "confidence": 0.95}, "costs": ` + costs + `}`, data: "select i as id, i in (3, 6, 7, 8) as flag from range(10) t(i)",
		opaque: "select i as o, i / 10.0 as score from range(10) t(i)", task: schema.Binary, target: "flag", schema: schema.Table{Key: []string{"id"}}}
}

// TestCosts: by hand, what decisions from a half on cost, none and all, and the least of all thresholds. From 0.5 on are three of the four positive rows, and two others.
func TestCosts(t *testing.T) {
	for _, tc := range []struct {
		costs string
		want  map[string]float64
		why   map[string]string
	}{
		{`{"false_positive": 1, "false_negative": 4}`, map[string]float64{"mean": 0.6, "none": 1.6, "all": 0.6, "least": 0.3, "threshold": 0.3}, nil},
		{`{"false_positive": 1, "false_negative": 0}`, map[string]float64{"mean": 0.2, "none": 0, "all": 0.6, "least": 0}, map[string]string{"threshold": "no threshold costs less than"}},
		{`{"false_positive": 100, "false_negative": 1}`, map[string]float64{"mean": 20.1, "none": 0.4, "all": 60, "least": 0.4}, map[string]string{"threshold": "no threshold costs less than"}},
	} {
		o := priced(tc.costs).run(t)
		for name, want := range tc.want {
			if got := o.number(t, "costs."+name); math.Abs(got-want) > 1e-12 {
				t.Errorf("%s: %s: got %v, want %v", tc.costs, name, got, want)
			}
		}
		undefined := o.at(t, "undefined").(map[string]any)
		for name, want := range tc.why {
			if got, _ := undefined["costs."+name].(string); !strings.Contains(got, want) {
				t.Errorf("%s: %s: got %q, want %q", tc.costs, name, got, want)
			}
		}
		section := sectionOf(t, o, "Costs")
		if len(section.Items) != 2 || section.Items[0].Table == nil || len(section.Items[0].Table.Rows) != 4 || section.Items[1].Plot == nil {
			t.Fatalf("%s: got %+v", tc.costs, section)
		}
		curve := section.Items[1].Plot.Series[1]
		if i := slices.Index(curve.X, 0.3); tc.why == nil && (i < 0 || math.Abs(curve.Y[i]-0.3) > 1e-9) {
			t.Errorf("the curve is %v, %v", curve.X, curve.Y)
		}
	}
	few := priced(`{"false_positive": 1, "false_negative": 4}`)
	few.config = strings.Replace(few.config, `{"metrics"`, `{"min_rows": 11, "metrics"`, 1)
	if o := few.run(t); o.at(t, "costs.mean") != nil || len(sectionOf(t, o, "Costs").Items) != 1 {
		t.Errorf("of too few rows: %v", o.at(t, "costs"))
	}
}

// sectionOf is a part of the report that a stage wrote.
func sectionOf(t *testing.T, o *outcome, title string) report.Section {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(o.root, "out", "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := report.Read(raw)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(r.Sections, func(s report.Section) bool { return s.Title == title })
	if i < 0 {
		t.Fatalf("the report has no section %q", title)
	}
	return r.Sections[i]
}

func TestCostsProblems(t *testing.T) {
	for costs, want := range map[string]string{`{"false_positive": -1, "false_negative": 4}`: "A cost is below 0", `{"false_positive": 0, "false_negative": 0}`: "Both costs are 0"} {
		if p := priced(costs).run(t).shape.Problems; len(p) != 1 || p[0].Path != "costs" || p[0].Summary != want {
			t.Errorf("%s: got %v, want %q", costs, p, want)
		}
	}
	e := priced(`{"false_positive": 1, "false_negative": 4}`)
	e.config, e.task, e.target = strings.NewReplacer("roc_auc", "mean_absolute_error", `"min_positives": 1, `, "").Replace(e.config), schema.Regression, "amount"
	e.data, e.opaque = "select i as id, i::double as amount from range(10) t(i)", "select i::double as predicted from range(10) t(i)"
	if p := e.run(t).shape.Problems; len(p) != 1 || !strings.Contains(p[0].Summary, "costs are of two classes") {
		t.Errorf("of amounts: got %v", p)
	}
}
