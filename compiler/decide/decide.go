// Package decide decides the rules of a plan on the figures known so far. The planner uses it with what is recorded, the
// engine with what its stages yield; both get the same verdict from the same facts.
package decide

// What rules read is put together as one tree of values. It begins with what the plan knows (plan.Rules.Known: variables, locals,
// whether there is a champion). To it come the figures of each stage, at the path by which rules name them. Of
//
//	plan.FigureSource{Path: "evaluate.holdout", Node: "evaluate.holdout"}
//	plan.FigureSource{Path: "evaluate.holdout.delta", Node: "evaluate.holdout@champion", Pick: "delta"}
//
// the first puts the whole metrics.json of the evaluation at evaluate.holdout; the second takes the part "delta" from that of
// the stage that scores the champion, and joins it to the same object. So a rule reads evaluate.holdout.metrics.auc and
// evaluate.holdout.delta.auc.low alike.
//
// A figure is in one of four conditions, and rules keep them apart:
//
//	known        the stage has a result, and its figure a value
//	unknown      the stage has not run yet: rules that need it are open, and Complete is false
//	undefined    the stage ran and says why there is no value (no positive row in a slice): an error with that reason
//	absent       the plan has no such stage, as delta without a champion: missing, not unknown
//
// Each rule is then folded (package rule) to pass, fail, open or error. A gate's verdict is the worst among its rules: fail,
// then error, then open, then pass. Rules with severity "warn" keep their verdict and do not count. One rule that is known to
// fail makes the gate fail while others are still open, which may be before its model is trained.
//
// Values is the tree in canonical form. It is part of the gate's subject (plan.GateSubject), so that an approval holds for
// these figures and no others.

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/source"
)

// Figures returns the metrics.json of a node; false while it is not known.
type Figures func(node string) (json.RawMessage, bool)

// Result is what is decided of a set of rules, in the order of the set.
type Result struct {
	Rules   []plan.Rule
	Verdict plan.RuleVerdict // of all together: fail, error, open, pass, the first that holds; warnings don't count
	// Values is all that the rules could see, as canonical JSON: what decisions and approvals are bound to.
	Values json.RawMessage
	// Complete reports whether every figure was known.
	Complete bool
}

// Decider decides conditions that share an environment and its values, such as the rules of a gate and the conditions of its approvals.
// Figures are read once, when it is made; what becomes known later needs a new one.
type Decider struct {
	rules    *rule.Cache // nil: none are remembered
	env      *rule.Env
	values   rule.Values
	Values   json.RawMessage
	Complete bool
}

// New collects what the rules see: the values known at plan time, and each node's figures at their path.
func New(r *plan.Rules, figures Figures) (*Decider, error) { return NewRemembering(nil, r, figures) }

// NewRemembering is New with a cache of compiled rules, which may be nil. The verdicts are the same with and without.
func NewRemembering(rules *rule.Cache, r *plan.Rules, figures Figures) (*Decider, error) {
	newEnv := rule.NewEnv
	if rules != nil {
		newEnv = rules.Env
	}
	env, err := newEnv(r.Env)
	if err != nil {
		return nil, fmt.Errorf("environment of the rules: %w", err)
	}
	known := map[string]any{}
	if len(r.Known) > 0 && string(r.Known) != "null" {
		if err := json.Unmarshal(r.Known, &known); err != nil {
			return nil, fmt.Errorf("known values of the rules: %w", err)
		}
	}
	d := &Decider{rules: rules, env: env, values: rule.Values{Known: known, Undefined: map[string]string{}}, Complete: true}
	for _, f := range r.Figures {
		if f.Absent {
			continue
		}
		data, ok := figures(f.Node)
		if !ok {
			d.values.Unknown = append(d.values.Unknown, f.Path)
			d.Complete = false
			continue
		}
		if err := d.place(f, data); err != nil {
			return nil, err
		}
	}
	d.Values, err = plan.Canonical(known)
	return d, err
}

// place puts a node's figures, or the picked part of them, at their path. Objects are merged with what stands there, so
// that the champion's delta joins the evaluation's own figures. Reasons for undefined figures go along.
func (d *Decider) place(f plan.FigureSource, data json.RawMessage) error {
	var figures map[string]any
	if err := json.Unmarshal(data, &figures); err != nil {
		return fmt.Errorf("figures of %s: %w", f.Node, err)
	}
	d.reasons(f, figures)
	var value any = figures
	if f.Pick != "" {
		value = figures[f.Pick]
	}
	if value == nil {
		return nil // missing; a rule that needs it says so
	}
	var path []string
	if f.Path != "" {
		path = strings.Split(f.Path, ".")
	}
	if err := put(d.values.Known, path, value); err != nil {
		return fmt.Errorf("figures of %s: %w", f.Node, err)
	}
	return nil
}

// reasons collects why figures are undefined, by their path in the rules.
func (d *Decider) reasons(f plan.FigureSource, figures map[string]any) {
	undefined, _ := figures["undefined"].(map[string]any)
	for path, reason := range undefined {
		if f.Pick != "" {
			inside := false
			if path, inside = strings.CutPrefix(path, f.Pick+"."); !inside {
				continue
			}
		}
		if text, ok := reason.(string); ok {
			d.values.Undefined[strings.TrimPrefix(f.Path+"."+path, ".")] = text
		}
	}
}

// put sets a value at a path, merging objects with what is there.
func put(into map[string]any, path []string, value any) error {
	fields, isObject := value.(map[string]any)
	if len(path) == 0 {
		if !isObject {
			return errors.New("a single value cannot stand at the root")
		}
		maps.Copy(into, fields)
		return nil
	}
	old, was := into[path[0]].(map[string]any)
	switch {
	case len(path) == 1 && was && isObject:
		maps.Copy(old, fields)
	case len(path) == 1:
		into[path[0]] = value
	default:
		if !was {
			old = map[string]any{}
			into[path[0]] = old
		}
		return put(old, path[1:], value)
	}
	return nil
}

// Condition decides one condition, such as an approval's `when`. r is where it stands, for messages. The error is for text that does not
// compile, which a plan of a checked module has not; a missing figure is a decision (rule.Error).
func (d *Decider) Condition(text string, r source.Range) (rule.Decision, error) {
	compile := d.env.Compile
	if d.rules != nil {
		compile = func(t source.Text) (*rule.Rule, source.Diagnostics) { return d.rules.Compile(d.env, t) }
	}
	compiled, diags := compile(source.NewText(text, r, nil))
	if diags.HasErrors() {
		return rule.Decision{}, fmt.Errorf("rule %q: %s", text, diags[0].Summary)
	}
	return compiled.Decide(d.values), nil
}

// Rules decides all rules of a gate or check on the figures known. r is not changed: decided copies are in the result.
func Rules(r *plan.Rules, figures Figures) (*Result, error) {
	d, err := New(r, figures)
	if err != nil {
		return nil, err
	}
	return d.Rules(r)
}

// Rules decides all rules; d must have been made of the same r.
func (d *Decider) Rules(r *plan.Rules) (*Result, error) {
	out := &Result{Verdict: plan.Pass, Values: d.Values, Complete: d.Complete}
	for _, one := range r.Rules {
		decision, err := d.Condition(one.Assert, one.Range)
		if err != nil {
			return nil, err
		}
		one.Verdict, one.Residual, one.Reason = plan.RuleVerdict(decision.Verdict), decision.Residual, decision.Reason
		one.Values = nil
		for _, s := range decision.Values {
			v, err := plan.Canonical(s.Value)
			if err != nil {
				return nil, fmt.Errorf("rule %q: %w", one.Name, err)
			}
			one.Values = append(one.Values, plan.FigureSeen{Path: s.Path, Value: v})
		}
		out.Rules = append(out.Rules, one)
		if one.Severity != "warn" {
			out.Verdict = Worse(out.Verdict, one.Verdict)
		}
	}
	return out, nil
}

// Final decides rules on what stages yielded. Nothing will become known later, so a rule that is open here cannot be decided at all, which is an error
// and never green. The verdict is the worst of those of severity fail; a rule of severity warn is told and lets pass.
func (d *Decider) Final(rules *plan.Rules) (*Result, error) {
	res, err := d.Rules(rules)
	if err != nil {
		return nil, err
	}
	res.Verdict = plan.Pass
	for i := range res.Rules {
		ru := &res.Rules[i]
		if ru.Verdict == plan.Open {
			ru.Verdict, ru.Reason = plan.RuleError, "not all that it depends on is known: "+ru.Residual
		}
		ru.Residual = ""
		if ru.Severity != "warn" {
			res.Verdict = Worse(res.Verdict, ru.Verdict)
		}
	}
	return res, nil
}

// Failed is how many expectations of a check do not hold, by its figures.
func Failed(figures json.RawMessage) int {
	var f struct {
		Failed float64 `json:"failed"`
	}
	if json.Unmarshal(figures, &f) != nil {
		return 0
	}
	return int(f.Failed)
}

var rank = map[plan.RuleVerdict]int{plan.Pass: 0, plan.Open: 1, plan.RuleError: 2, plan.Fail: 3}

// Worse is the worse of two verdicts: fail, error, open, pass.
func Worse(a, b plan.RuleVerdict) plan.RuleVerdict {
	if rank[b] > rank[a] {
		return b
	}
	return a
}
