package check_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

// TestFilledIn: what components are asked with has the columns of a source that declares none, the name where it is part of the result,
// and the task of the only problem.
func TestFilledIn(t *testing.T) {
	const problem = "problem \"p\" {\n  statement = \"?\"\n  task      = \"regression\"\n}\n"
	tests := []struct{ name, text, address, want string }{
		{"columns found", `source "s" { path = "x.csv" }`, "source.s", `{"column":[{"name":"id","type":"bigint"}],"path":"x.csv"}`},
		{"columns declared", `source "s" { column = ["a"] }`, "source.s", `{"column":["a"]}`},
		{"a name", "source \"s\" {}\nfeature \"f\" { from = source.s }", "feature.f", `{"name":"f"}`},
		{"no name", "source \"s\" {}\ndataset \"f\" { from = source.s }", "dataset.f", `{}`},
		{"the problem's task", problem + "source \"s\" {}\ntrain \"m\" { data = source.s }", "train.m", `{"task":"regression"}`},
		{"a task of its own", problem + "source \"s\" {}\ntrain \"m\" {\n  data = source.s\n  task = \"binary\"\n}", "train.m", `{"task":"binary"}`},
		{"of two problems", problem + "problem \"q\" { statement = \"?\" }\nsource \"s\" {}\ntrain \"m\" { data = source.s }", "train.m", `{}`},
		{"a monitor's", problem + "source \"s\" {}\nmonitor \"m\" { on = source.s }", "monitor.m", `{"task":"regression"}`},
		{"a dataset has none", problem + "source \"s\" {}\ndataset \"m\" { from = source.s }", "dataset.m", `{}`},
	}
	for _, tt := range tests {
		lib := &components{}
		m, said := checked(t, tt.text, lib)
		got := map[string]any{}
		if err := json.Unmarshal(lib.asked[tt.address].Config, &got); err != nil {
			t.Fatal(tt.name, said, err)
		}
		want := map[string]any{}
		if err := json.Unmarshal([]byte(tt.want), &want); err != nil {
			t.Fatal(err)
		}
		for path, v := range got {
			if v == nil || path == "from" || path == "data" || path == "on" {
				delete(got, path)
			}
		}
		if columns, ok := got["column"].([]any); ok {
			for _, c := range columns {
				if fields, ok := c.(map[string]any); ok {
					for k, v := range fields {
						if v == nil || v == false || v == "" {
							delete(fields, k)
						}
					}
				}
			}
		}
		if d := gocmp.Diff(want, got); d != "" || string(m.Blocks[tt.address].Config) != string(lib.asked[tt.address].Config) {
			t.Errorf("%s: %s", tt.name, d)
		}
	}
}

// TestFiguresAt: what a path in a rule reads, of blocks and of instances of repeated ones.
func TestFiguresAt(t *testing.T) {
	m, said := checked(t, data+`evaluate "many" {
  for_each = { eu = 1, us = 2 }
  model    = train.m
}
gate "g" {
  for_each = { eu = 1, us = 2 }
  rule "r" { assert = "evaluate.e.metrics.auc > 0.5" }
}
`, &components{})
	if said != nil {
		t.Fatal(said)
	}
	tests := []struct {
		rule, path string
		want       []string // "address path rest"
	}{
		{"evaluate.e.metrics.auc > 0", "evaluate.e.metrics.auc", []string{"evaluate.e evaluate.e [metrics auc]"}},
		{"variable.v > 0", "variable.v", nil},
		{"local.v > 0", "local.v", nil},
		{"each.value > 0", "each.value", nil},
		{"champion.exists", "champion.exists", nil},
		{"train.m.x > 0", "train.m.x", nil},
		{"evaluate", "evaluate", nil},
		{`evaluate.many["us"].metrics.auc > 0`, "evaluate.many.us.metrics.auc", []string{`evaluate.many["us"] evaluate.many.us [metrics auc]`}},
		{"evaluate.many.all(k, true)", "evaluate.many", []string{`evaluate.many["eu"] evaluate.many.eu []`, `evaluate.many["us"] evaluate.many.us []`}},
		{"evaluate.many[each.key].metrics.auc > 0", "evaluate.many", []string{`evaluate.many["eu"] evaluate.many.eu []`}},
		{"evaluate.many[each.key].metrics.auc > evaluate.many.size()", "evaluate.many",
			[]string{`evaluate.many["eu"] evaluate.many.eu []`, `evaluate.many["us"] evaluate.many.us []`}},
	}
	for _, tt := range tests {
		var got []string
		for _, f := range m.FiguresAt(m.Blocks[`gate.g["eu"]`], tt.rule, strings.Split(tt.path, ".")) {
			got = append(got, fmt.Sprintf("%s %s %v", f.Block.Address, f.Path, f.Rest))
		}
		if d := gocmp.Diff(tt.want, got); d != "" {
			t.Errorf("%s in %s: %s", tt.path, tt.rule, d)
		}
	}
}
