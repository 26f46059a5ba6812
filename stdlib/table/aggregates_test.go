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
		{"sum(a)", &Aggregates{calls("sum(a) FILTER (WHERE ev)"), "w0_0"}},
		{`SUM("B c") filter (where a > 1 or d is null)`, &Aggregates{[]Call{
			{SQL: `sum("B c") FILTER (WHERE (ev AND ((a > 1) OR (d IS NULL))))`, Of: `cast("B c" as hugeint)`, Where: "(ev AND ((a > 1) OR (d IS NULL)))", Exact: true}}, "w0_0"}},
		{"coalesce(sum(a) / count(*), -1)", &Aggregates{[]Call{{SQL: "sum(a) FILTER (WHERE ev)"}, counted("CASE  WHEN (ev) THEN (1) ELSE NULL END")},
			"COALESCE((w0_0 / CAST(COALESCE(w0_1, 0) AS BIGINT)), -1)"}},
		{"count(a) filter (where d > 'x')", &Aggregates{[]Call{
			counted("CASE  WHEN (((ev AND (d > 'x')) AND (a IS NOT NULL))) THEN (1) ELSE NULL END")}, "CAST(COALESCE(w0_0, 0) AS BIGINT)"}},
		{"count(distinct d)", &Aggregates{calls("count(DISTINCT d) FILTER (WHERE ev)"), "w0_0"}},
		{"quantile_cont(a, 0.25)", &Aggregates{[]Call{{SQL: "quantile_cont(w0_0_of, 0.25)", Named: "w0_0_of", Of: "a", Where: "ev"}}, "w0_0"}},
		{"median(a + 1) filter (where d > 'x') - mad(a)", &Aggregates{[]Call{{SQL: "median(w0_0_of)", Named: "w0_0_of", Of: "(a + 1)", Where: "(ev AND (d > 'x'))"},
			{SQL: "mad(w0_1_of)", Named: "w0_1_of", Of: "a", Where: "ev"}}, "(w0_0 - w0_1)"}},
		{"sum(a::decimal(9, 2)) + sum(a::decimal(19, 2))", &Aggregates{[]Call{{SQL: "sum(CAST(a AS DECIMAL(9,2))) FILTER (WHERE ev)",
			Of: "cast(CAST(a AS DECIMAL(9,2)) as decimal(38,2))", Where: "ev", Exact: true}, {SQL: "sum(CAST(a AS DECIMAL(19,2))) FILTER (WHERE ev)"}}, "(w0_0 + w0_1)"}},
		{"median(distinct a)", &Aggregates{calls("median(DISTINCT a) FILTER (WHERE ev)"), "w0_0"}},
		{"case when max(d) = 'it''s' then 1.50 end", &Aggregates{calls("max(d) FILTER (WHERE ev)"), "CASE  WHEN ((w0_0 = 'it''s')) THEN (1.50) ELSE NULL END"}},
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
	if got, err := SplitAggregates(t.Context(), []string{"count(*)"}, in, "w", ""); err != nil || got[0].Calls[0].SQL != "count_star()" {
		t.Errorf("of all rows: %v %v", got, err)
	}
}

func counted(expr string) Call {
	return Call{SQL: "sum(" + expr + ")", Of: "cast(" + expr + " as hugeint)", Exact: true}
}

func calls(sql ...string) []Call {
	out := make([]Call, len(sql))
	for i, text := range sql {
		out[i].SQL = text
	}
	return out
}
