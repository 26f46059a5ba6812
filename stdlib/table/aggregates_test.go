package table

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/schema"
)

func TestSplitAggregates(t *testing.T) {
	in := &schema.Table{Columns: []schema.Column{{Name: "a", Type: "double"}, {Name: "B c", Type: "integer"}, {Name: "d", Type: "varchar"}}}
	tests := []struct {
		expr string
		want *Aggregates
	}{
		{"sum(a)", &Aggregates{[]string{"sum(a) FILTER (WHERE ev)"}, "w0_0"}},
		{`SUM("B c") filter (where a > 1 or d is null)`, &Aggregates{[]string{`sum("B c") FILTER (WHERE (ev AND ((a > 1) OR (d IS NULL))))`}, "w0_0"}},
		{"coalesce(sum(a) / count(*), -1)", &Aggregates{[]string{"sum(a) FILTER (WHERE ev)", "sum(CASE  WHEN (ev) THEN (1) ELSE NULL END)"},
			"COALESCE((w0_0 / CAST(COALESCE(w0_1, 0) AS BIGINT)), -1)"}},
		{"count(a) filter (where d > 'x')", &Aggregates{[]string{"sum(CASE  WHEN (((ev AND (d > 'x')) AND (a IS NOT NULL))) THEN (1) ELSE NULL END)"}, "CAST(COALESCE(w0_0, 0) AS BIGINT)"}},
		{"count(distinct d)", &Aggregates{[]string{"count(DISTINCT d) FILTER (WHERE ev)"}, "w0_0"}},
		{"quantile_cont(a, 0.25)", &Aggregates{[]string{"quantile_cont(a, 0.25) FILTER (WHERE ev)"}, "w0_0"}},
		{"case when max(d) = 'it''s' then 1.50 end", &Aggregates{[]string{"max(d) FILTER (WHERE ev)"}, "CASE  WHEN ((w0_0 = 'it''s')) THEN (1.50) ELSE NULL END"}},
		{"geomean(a)", nil}, // a macro
		{"sum(geomean(a))", nil},
	}
	for _, tt := range tests {
		got, err := SplitAggregates(t.Context(), []string{tt.expr}, in, "w", "ev")
		if err != nil {
			t.Errorf("%s: %v", tt.expr, err)
			continue
		}
		if d := cmp.Diff(tt.want, got[0]); d != "" {
			t.Errorf("%s: %s", tt.expr, d)
		}
	}
	if got, err := SplitAggregates(t.Context(), []string{"count(*)"}, in, "w", ""); err != nil || got[0].Calls[0] != "count_star()" {
		t.Errorf("of all rows: %v %v", got, err)
	}
}
