package model

import (
	"reflect"
	"strings"
	"testing"
)

// TestIntersections: groups of two columns are those of one column that has the values of both.
func TestIntersections(t *testing.T) {
	const block = `"fairness": [{"name": "both", %, "metrics": ["demographic_parity_difference", "equalized_odds_difference"], "method": "between_groups", "agg": "worst_case", "min_group_size": 20}]`
	of := func(what string) evaluate {
		e := twoClasses(t, metricsConfig+", "+strings.Replace(block, "%", what, 1))
		e.data = "select *, case when id % 40 = 1 then null when id % 3 = 0 then 'north' else 'south' end as region, id % 2 = 0 as web, coalesce(region, '(null)') || ', ' || web as joined from (" + payments + ")"
		return e
	}
	joined, both := of(`"column": "joined"`).run(t), of(`"by": ["region", "WEB"]`).run(t)
	if a, b := joined.at(t, "fairness"), both.at(t, "fairness"); !reflect.DeepEqual(a, b) {
		t.Errorf("got %v, want %v", b, a)
	}
	if both.number(t, "fairness.both.groups.north, true.count") < 50 || both.number(t, "fairness.both.unnamed.groups") != 1 {
		t.Errorf("got %v", both.at(t, "fairness"))
	}
	checkType(t, both)
	// "a, b" and "c" are called as "a" and "b, c" are.
	e := of(`"by": ["one", "two"]`)
	e.data = "select *, case when id % 2 = 0 then 'a, b' else 'a' end as one, case when id % 2 = 0 then 'c' else 'b, c' end as two from (" + payments + ")"
	if o := e.run(t); o.err == nil || !strings.Contains(o.err.Error(), `both called "a, b, c"`) {
		t.Errorf("names that two groups have: got %v", o.err)
	}
	e.data = "select *, id // 20 as one, id % 20 as two from (" + payments + ")"
	if o := e.run(t); o.err == nil || !strings.Contains(o.err.Error(), `columns "one, two" together have 600 values`) {
		t.Errorf("too many groups: got %v", o.err)
	}
	for what, want := range map[string]string{`"by": ["card"], "column": "card"`: "by and column", `"by": ["card", "Card"]`: `"Card" is listed twice`, `"by": ["card", "x"]`: `Column "x" is double`} {
		if o := of(what).run(t); len(o.shape.Problems) != 1 || !strings.Contains(o.shape.Problems[0].Summary, want) {
			t.Errorf("%s: got %+v, want %q", what, o.shape.Problems, want)
		}
	}
}
