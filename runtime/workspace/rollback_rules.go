package workspace

import (
	"encoding/json"
	"strings"

	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
)

// decideOn decides rules of a recorded policy, by name, on the values that recorded rules read, and on the policy's own constants. What a
// condition reads and none of them did is missing, and makes an error of it.
//
// Of a gate that let 0.91 pass by the rule "recall", and asks for 0.9 by now, the value evaluate.test.metrics.recall is read from the
// recorded decision, and the condition from the policy of today.
func decideOn(policy plan.Policy, names []string, read []plan.Rule) ([]plan.Rule, error) {
	values := map[string]any{}
	for path, v := range policy {
		if strings.HasPrefix(path, "variable.") || strings.HasPrefix(path, "local.") || strings.HasPrefix(path, "each.") {
			place(values, path, v)
		}
	}
	for _, r := range read {
		for _, v := range r.Values {
			place(values, v.Path, v.Value)
		}
	}
	known, err := plan.Canonical(values)
	if err != nil {
		return nil, err
	}
	set := plan.Rules{Env: typeOf(values), Known: known}
	for _, name := range names {
		condition := textOf(policy, "rule["+name+"]")
		if _, err := decide.Rules(&plan.Rules{Env: set.Env, Known: known, Rules: []plan.Rule{{Name: name, Assert: condition}}}, nil); err != nil {
			// A figure that nobody read has no type here.
			set.Rules = append(set.Rules, plan.Rule{Name: name, Assert: "true", Verdict: plan.RuleError, Reason: "it reads figures that were not recorded with that release: " + condition})
			continue
		}
		set.Rules = append(set.Rules, plan.Rule{Name: name, Assert: condition})
	}
	decided, err := decide.Rules(&set, nil)
	if err != nil {
		return nil, err
	}
	for i := range decided.Rules {
		if r := set.Rules[i]; r.Verdict == plan.RuleError {
			decided.Rules[i] = r
		}
	}
	return decided.Rules, nil
}

// place sets a value at a path as rules write it: evaluate.test.metrics.auc, evaluate.test.slices["eu"].auc. Of the second come the names
// evaluate, test, slices, eu and auc, an object for each but the last.
func place(into map[string]any, path string, value json.RawMessage) {
	var v any
	if json.Unmarshal(value, &v) != nil {
		return
	}
	names := strings.FieldsFunc(strings.ReplaceAll(path, `["`, "."), func(r rune) bool { return r == '.' })
	for i, name := range names {
		name = strings.TrimSuffix(name, `"]`)
		if i == len(names)-1 {
			into[name] = v
			return
		}
		next, ok := into[name].(map[string]any)
		if !ok {
			next = map[string]any{}
			into[name] = next
		}
		into = next
	}
}

// typeOf is the type of a value of JSON as rules see it.
func typeOf(v any) *schema.FigureType {
	switch v := v.(type) {
	case map[string]any:
		t := &schema.FigureType{Kind: schema.ObjectFigure, Fields: map[string]*schema.FigureType{}}
		for name, field := range v {
			t.Fields[name] = typeOf(field)
		}
		return t
	case []any:
		elem := schema.Double
		if len(v) > 0 {
			elem = typeOf(v[0])
		}
		return &schema.FigureType{Kind: schema.ListFigure, Elem: elem}
	case bool:
		return schema.Flag
	case string:
		return schema.Word
	}
	return schema.Double
}
