package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/source"
)

// facts are the values that rules see.
type facts struct {
	env    *rule.Env
	values rule.Values
}

// gather puts the values known at plan time and the figures of stages together. Every stage that the rules read has a
// result by now; figures gives it.
func gather(rules *plan.Rules, figures func(node string) json.RawMessage) (*facts, error) {
	env, err := rule.NewEnv(rules.Env)
	if err != nil {
		return nil, err
	}
	f := &facts{env: env, values: rule.Values{Known: map[string]any{}, Undefined: map[string]string{}}}
	if len(rules.Known) > 0 {
		if err := json.Unmarshal(rules.Known, &f.values.Known); err != nil {
			return nil, fmt.Errorf("values of the plan: %w", err)
		}
		if f.values.Known == nil {
			f.values.Known = map[string]any{}
		}
	}
	for _, src := range rules.Figures {
		if src.Absent {
			continue
		}
		if err := f.place(src, figures(src.Node)); err != nil {
			return nil, fmt.Errorf("figures of %s: %w", src.Node, err)
		}
	}
	return f, nil
}

// place puts a stage's figures, or the part that is asked for, at their path. Reasons for undefined ones go along.
func (f *facts) place(src plan.FigureSource, raw json.RawMessage) error {
	var figures map[string]any
	if err := json.Unmarshal(raw, &figures); err != nil {
		return fmt.Errorf("reading them: %w", err)
	}
	undefined, _ := figures["undefined"].(map[string]any)
	for path, reason := range undefined {
		rest := path
		if src.Pick != "" {
			inside := false
			if rest, inside = strings.CutPrefix(path, src.Pick+"."); !inside {
				continue
			}
		}
		if text, ok := reason.(string); ok {
			f.values.Undefined[src.Path+"."+rest] = text
		}
	}
	var value any = figures
	if src.Pick != "" {
		for _, part := range strings.Split(src.Pick, ".") {
			inner, _ := value.(map[string]any)
			value = inner[part]
		}
	}
	if value == nil {
		return nil // missing; a rule that needs it says so
	}
	return put(f.values.Known, strings.Split(src.Path, "."), value)
}

// put sets a value at a path, merging objects with what is there. Objects on the way are made.
func put(into map[string]any, path []string, value any) error {
	if path[0] == "" {
		if fields, ok := value.(map[string]any); ok {
			maps.Copy(into, fields)
			return nil
		}
		return fmt.Errorf("a single value cannot stand at the root")
	}
	if len(path) == 1 {
		old, isObject := into[path[0]].(map[string]any)
		fields, fits := value.(map[string]any)
		if isObject && fits {
			maps.Copy(old, fields)
			return nil
		}
		into[path[0]] = value
		return nil
	}
	inner, ok := into[path[0]].(map[string]any)
	if !ok {
		if into[path[0]] != nil {
			return fmt.Errorf("%q is a value already", path[0])
		}
		inner = map[string]any{}
		into[path[0]] = inner
	}
	return put(inner, path[1:], value)
}

// decideAll decides rules and tells whether all of severity fail hold. A rule that is open here rests on something that
// nobody can give any more, so it counts as an error.
func (f *facts) decideAll(rules []plan.Rule) ([]plan.Rule, bool) {
	out := make([]plan.Rule, len(rules))
	all := true
	for i, ru := range rules {
		out[i] = f.decide(ru)
		if out[i].Verdict != plan.Pass && ru.Severity != "warn" {
			all = false
		}
	}
	return out, all
}

func (f *facts) decide(ru plan.Rule) plan.Rule {
	d, err := f.condition(ru.Assert, ru.Range)
	ru.Verdict, ru.Residual, ru.Reason, ru.Values = plan.RuleVerdict(d.Verdict), "", d.Reason, nil
	if err != nil {
		ru.Verdict, ru.Reason = plan.RuleError, err.Error()
	}
	if ru.Verdict == plan.Open {
		ru.Verdict, ru.Reason = plan.RuleError, "not all that it depends on is known: "+d.Residual
	}
	for _, v := range d.Values {
		value, err := json.Marshal(v.Value)
		if err != nil {
			continue // NaN and infinities are in the reason
		}
		ru.Values = append(ru.Values, plan.FigureSeen{Path: v.Path, Value: value})
	}
	return ru
}

func (f *facts) condition(text string, at source.Range) (rule.Decision, error) {
	compiled, ds := f.env.Compile(source.NewText(text, at, nil))
	if compiled == nil {
		return rule.Decision{}, fmt.Errorf("the rule cannot be read: %s", ds[0].Summary)
	}
	return compiled.Decide(f.values), nil
}

// figuresOf returns a finished stage's figures.
func (r *run) figuresOf(node string) json.RawMessage {
	u := r.graph.node(node)
	if u == nil || u.outcome == nil || len(u.outcome.node.Figures) == 0 {
		return json.RawMessage("{}")
	}
	return u.outcome.node.Figures
}

// decideCheck adds to a check's outcome whether it passed: no expectation failed and its rules hold.
func (r *run) decideCheck(u *unit, o *outcome) {
	result := &CheckResult{Passed: true}
	var figures struct {
		Failed float64 `json:"failed"`
	}
	if len(o.node.Figures) > 0 && json.Unmarshal(o.node.Figures, &figures) == nil {
		result.Failed = int(figures.Failed)
	}
	result.Passed = result.Failed == 0
	if rules := u.node.Rules; rules != nil && len(rules.Rules) > 0 {
		own := func(node string) json.RawMessage {
			if node == u.address {
				return o.node.Figures
			}
			return r.figuresOf(node)
		}
		f, err := gather(rules, own)
		if err != nil {
			o.fatal = fmt.Errorf("rules of %s: %w", u.address, err)
			return
		}
		all := false
		result.Rules, all = f.decideAll(rules.Rules)
		result.Passed = result.Passed && all
	}
	o.node.Check, o.passed = result, result.Passed
	o.tell = append(o.tell, CheckDecided{u.address, result.Passed, result.Failed, result.Rules})
}
