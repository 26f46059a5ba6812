package engine

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/source"
)

// figuresOf returns a finished stage's figures; false if it yields none.
func (r *run) figuresOf(node string) (json.RawMessage, bool) {
	u := r.graph.node(node)
	if u == nil || u.outcome == nil || u.outcome.node == nil || len(u.outcome.node.Figures) == 0 {
		return nil, false
	}
	return u.outcome.node.Figures, true
}

// decideCheck adds to a check's outcome whether it passed: no expectation failed and its rules hold. It returns what the
// state keeps of that.
// The check's own figures are handed to its rules directly, since the outcome that figuresOf would look in is being made.
func (r *run) decideCheck(u *unit, o *outcome) *plan.CheckState {
	result := &CheckResult{}
	var figures struct {
		Warned float64 `json:"warned"`
	}
	_ = json.Unmarshal(o.node.Figures, &figures) // none: nothing is warned of
	result.Failed = decide.Failed(o.node.Figures)
	result.Passed = result.Failed == 0
	if rules := u.node.Rules; rules != nil && len(rules.Rules) > 0 {
		d, err := decide.New(rules, func(node string) (json.RawMessage, bool) {
			if node == u.address {
				return o.node.Figures, len(o.node.Figures) > 0
			}
			return r.figuresOf(node)
		})
		var res *decide.Result
		if err == nil {
			res, err = d.Final(rules)
		}
		if err != nil {
			o.passed, o.fatal = false, fmt.Errorf("rules of %s: %w", u.address, err)
			return nil
		}
		result.Rules = res.Rules
		result.Passed = result.Passed && res.Verdict == plan.Pass
	}
	o.node.Check, o.passed = result, result.Passed
	o.tell = append(o.tell, CheckDecided{u.address, *result, u.node.Range})
	kept := &plan.CheckState{Verdict: plan.Pass, Failed: result.Failed, Warned: int(figures.Warned), Rules: slices.Clone(result.Rules)}
	if !result.Passed {
		kept.Verdict = plan.Fail
	}
	for i := range kept.Rules { // where they stand decides nothing
		kept.Rules[i].Range = source.Range{}
	}
	return kept
}
