package policy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
)

// asks is a policy of values by path.
func asks(pathsValues ...any) plan.Policy {
	p := plan.Policy{}
	for i := 0; i < len(pathsValues); i += 2 {
		data, err := json.Marshal(pathsValues[i+1])
		if err != nil {
			panic(err)
		}
		p[pathsValues[i].(string)] = data
	}
	return p
}

func TestCompare(t *testing.T) {
	rule := asks("rule[r]", "e.auc > 0.8", "rule[r].severity", "fail", "rule[r].message", "too bad")
	with := func(p plan.Policy, more ...any) plan.Policy {
		out := asks(more...)
		for k, v := range p {
			if _, ok := out[k]; !ok {
				out[k] = v
			}
		}
		return out
	}
	approval := asks("approval[a].from", []string{"x", "y"}, "approval[a].when", "e.delta.auc < 0.0")
	for name, c := range map[string]struct {
		before, after plan.Policy
		want          []string
	}{
		"the same":                     {rule, rule, nil},
		"nothing":                      {nil, nil, nil},
		"a new rule":                   {nil, rule, []string{"rule[r]: "}},
		"a rule gone":                  {rule, nil, []string{"rule[r]: the rule is gone"}},
		"a message":                    {rule, with(rule, "rule[r].message", "x"), []string{"rule[r].message: "}},
		"lower":                        {rule, with(rule, "rule[r]", "e.auc > 0.7"), []string{"rule[r]: it holds more easily"}},
		"higher":                       {rule, with(rule, "rule[r]", "e.auc > 0.9"), []string{"rule[r]: "}},
		"other":                        {rule, with(rule, "rule[r]", "e.f1 > 0.1"), []string{"rule[r]: "}},
		"only warns":                   {rule, with(rule, "rule[r].severity", "warn"), []string{"rule[r].severity: it only warns"}},
		"fails":                        {with(rule, "rule[r].severity", "warn"), rule, []string{"rule[r].severity: "}},
		"renamed":                      {rule, asks("rule[q]", "e.auc > 0.8", "rule[q].severity", "fail"), []string{"rule[q]: ", "rule[r]: "}},
		"renamed and lower":            {rule, asks("rule[q]", "e.auc > 0.7", "rule[q].severity", "fail"), []string{"rule[q]: ", "rule[r]: the rule is gone"}},
		"renamed, and only warns":      {rule, asks("rule[q]", "e.auc > 0.8", "rule[q].severity", "warn"), []string{"rule[q]: ", "rule[q].severity: ", "rule[r]: the rule is gone"}},
		"an approval gone":             {approval, nil, []string{"approval[a].from: the approval is gone"}},
		"an approval renamed":          {approval, asks("approval[b].from", []string{"x", "y"}, "approval[b].when", "e.delta.auc < 0.0"), []string{"approval[a].from: ", "approval[b].from: ", "approval[b].when: "}},
		"of others":                    {approval, with(approval, "approval[a].from", []string{"z"}), []string{"approval[a].from: others may give it"}},
		"of more":                      {approval, with(approval, "approval[a].from", []string{"x", "y", "z"}), []string{"approval[a].from: others may give it"}},
		"of fewer":                     {approval, with(approval, "approval[a].from", []string{"x"}), []string{"approval[a].from: "}},
		"asked for less":               {approval, with(approval, "approval[a].when", "e.delta.auc < -0.1"), []string{"approval[a].when: it is asked for in other cases"}},
		"asked for more":               {approval, with(approval, "approval[a].when", "e.delta.auc < 0.1"), []string{"approval[a].when: "}},
		"always asked for":             {approval, asks("approval[a].from", []string{"x", "y"}), []string{"approval[a].when: "}},
		"no longer always":             {asks("approval[a].from", []string{"x", "y"}), approval, []string{"approval[a].when: it is no longer always asked for"}},
		"one less to wait for":         {asks("after", []string{"check.a", "check.b"}), asks("after", []string{"check.b"}), []string{"after: no longer waits for check.a"}},
		"others to wait for":           {asks("requires", []string{"check.a"}), asks("requires", []string{"check.b"}), []string{"requires: no longer waits for check.a"}},
		"more to wait for":             {asks("after", []string{"check.a"}), asks("after", []string{"check.a", "check.b"}), []string{"after: "}},
		"no champion":                  {asks("champion", "deploy.d"), nil, []string{"champion: nothing live is compared with any more"}},
		"another champion":             {asks("champion", "deploy.d"), asks("champion", "deploy.e"), []string{"champion: what is live elsewhere is compared with"}},
		"a champion":                   {nil, asks("champion", "deploy.d"), []string{"champion: "}},
		"not verified":                 {asks("requirement[R].verified_by", []string{"check.a"}), nil, []string{"requirement[R].verified_by: no longer verified by check.a"}},
		"a value":                      {asks("rule[r]", "e.auc > variable.x", "variable.x", 0.8), asks("rule[r]", "e.auc > variable.x", "variable.x", 0.7), []string{"variable.x: rule[r] holds more easily"}},
		"a value the other way":        {asks("rule[r]", "e.auc > variable.x", "variable.x", 0.8), asks("rule[r]", "e.auc > variable.x", "variable.x", 0.9), []string{"variable.x: "}},
		"a number in place of a value": {asks("rule[r]", "e.auc > variable.x", "variable.x", 0.8), asks("rule[r]", "e.auc > 0.7"), []string{"rule[r]: it holds more easily"}},
		"a value in place of a number": {asks("rule[r]", "e.auc > 0.8"), asks("rule[r]", "e.auc > variable.x", "variable.x", 0.8), []string{"rule[r]: "}},
		"a value of a condition":       {asks("approval[a].when", "e.auc < variable.x", "variable.x", 0.8), asks("approval[a].when", "e.auc < variable.x", "variable.x", 0.7), []string{"variable.x: approval[a] is asked for in other cases"}},
		"a name with brackets":         {asks("rule[a].b]", "x > 1"), nil, []string{"rule[a].b]: the rule is gone"}},
		"kept for less":                {asks("keep", "90d"), asks("keep", "30d"), []string{"keep: results are kept for a shorter time"}},
		"protected no longer refused":  {asks("protected_in_decisions", "refuse"), asks(), []string{"protected_in_decisions: rows may be treated by protected columns"}},
		"protected refused":            {asks("protected_in_decisions", "allow"), asks("protected_in_decisions", "refuse"), []string{"protected_in_decisions: "}},
		"kept for less than usual":     {asks(), asks("keep", "30d"), []string{"keep: results are kept for a shorter time"}},
		"kept as usual from now on":    {asks("keep", "26w"), asks(), []string{"keep: results are kept for a shorter time"}},
		"kept for longer":              {asks("keep", "30d"), asks("keep", "31d"), []string{"keep: "}},
		"kept for as long, otherwise":  {asks("keep", "720h"), asks("keep", "30d"), []string{"keep: "}},
		"kept for longer than usual":   {asks(), asks("keep", "91d"), []string{"keep: "}},
	} {
		var got []string
		for _, d := range Compare(c.before, c.after) {
			got = append(got, d.Path+": "+d.Weaker)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: -want +got:\n%s", name, diff)
		}
	}
}

func TestLoosened(t *testing.T) {
	for _, c := range []struct{ kind, path, before, after, want string }{
		{"check", "expect[v].at_least", "1", "0.9", "it need hold for fewer rows"},
		{"check", "expect[v].at_least", "0.9", "1", ""},
		{"check", "expect[v].max_null", "0.1", "0.2", "the limit is higher"},
		{"check", "expect[v].max_null", "0.2", "0.1", ""},
		{"check", "expect[v].max_null", "0.2", "", "the expectation is gone"},
		{"check", "expect[v].max_null", "", "0.2", ""},
		{"check", "expect[v].between", "[0,10]", "[0,11]", "the range is wider"},
		{"check", "expect[v].between", "[0,10]", "[1,9]", ""},
		{"check", "expect[v].between", `["2020-01-01","2021-01-01"]`, `["2019-01-01","2021-01-01"]`, "the range is wider"},
		{"check", "expect[v].quantile_between", "[0.9,0,5]", "[0.9,0,6]", "the range is wider"},
		{"check", "row_count_between", "[10,20]", "[5,20]", "the range is wider"},
		{"check", "expect[v].in_set", `["a"]`, `["a","b"]`, "more values may occur"},
		{"check", "expect[v].in_set", `["a","b"]`, `["b"]`, ""},
		{"check", "expect[v].not_null", "true", "false", "the expectation is gone"},
		{"check", "expect[v].not_null", "false", "true", ""},
		{"check", "expect[v].unique", "true", "", "the expectation is gone"},
		{"check", "expect[v].matches", `"^a"`, `"^b"`, ""},
		{"check", "expect[v].matches", `"^a"`, "", "the expectation is gone"},
		{"check", "expect[v].min_length", "3", "2", "the limit is lower"},
		{"check", "expect[v].max_length", "3", "2", ""},
		{"check", "expect[v].severity", `"fail"`, `"warn"`, "it only warns"},
		{"check", "expect[v].severity", `"warn"`, `"fail"`, ""},
		{"check", "compound_unique", `["a"]`, "", "the expectation is gone"},
		{"evaluate", "min_positives", "50", "10", "fewer positives are enough"},
		{"evaluate", "min_positives", "10", "50", ""},
		{"evaluate", "min_positives", "", "1", "fewer positives are enough"},
		{"evaluate", "min_positives", "", "20", ""},
		{"monitor", "min_positives", "50", "", "fewer positives are enough"},
		{"monitor", "drift.limit", "0.1", "0.2", "only larger drift counts"},
		{"monitor", "drift.limit", "", "0.5", "only larger drift counts"},
		{"monitor", "drift.limit", "0.05", "", "only larger drift counts"},
		{"monitor", "drift.limit", "0.5", "", ""},
		{"monitor", "drift.min_rows", "100", "100000", ""}, // undefined, and no rule passes on that
		{"dataset", "sql", `"a"`, `"b"`, ""},
	} {
		raw := func(s string) json.RawMessage {
			if s == "" {
				return nil
			}
			return json.RawMessage(s)
		}
		if got := Loosened(c.kind == "check", c.path, raw(c.before), raw(c.after)); got != c.want {
			t.Error(fmt.Sprintf("%s %s %s to %s: got %q, want %q", c.kind, c.path, c.before, c.after, got, c.want))
		}
	}
}

// TestDefaultsAreTold: whatever policy of the pipeline has a default is told by it and not as absent; and no policy says in its docs that it has one that is
// not told.
func TestDefaultsAreTold(t *testing.T) {
	documented := regexp.MustCompile("Default: `\"([^`]*)\"`")
	found := 0
	for _, k := range schema.CoreKinds() {
		for i := range k.Types {
			for _, a := range k.Types[i].Body.Attrs {
				m := documented.FindStringSubmatch(a.Doc)
				if !a.Policy || m == nil {
					continue
				}
				found++
				usual, other := `"`+m[1]+`"`, `"1w"`
				for _, c := range []struct {
					before, after plan.Policy
					want          [2]string
				}{
					{nil, asks(a.Name, "1w"), [2]string{usual, other}},
					{asks(a.Name, "1w"), nil, [2]string{other, usual}},
					{nil, asks(a.Name, m[1]), [2]string{"", usual}},
					{asks(a.Name, m[1]), asks(a.Name, "1w"), [2]string{usual, other}},
				} {
					d := Compare(c.before, c.after)
					if len(d) != 1 || [2]string{string(d[0].Before), string(d[0].After)} != c.want {
						t.Errorf("%s.%s: %s to %s: got %s, want %s", k.Name, a.Name, c.before[a.Name], c.after[a.Name], d, c.want)
					}
				}
			}
		}
	}
	if found < 2 {
		t.Errorf("%d policies with a default, want keep and protected_in_decisions at least", found)
	}
}
