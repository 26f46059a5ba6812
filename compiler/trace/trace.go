// Package trace follows each requirement of a module to the blocks and rules that verify it, and to how these were last decided:
//
//	problem.fraud  R1 "recall of at least 0.7"  pass
//	    gate.release  pass
//	        recall: evaluate.holdout.metrics.recall >= variable.min_recall  pass
//
// It reads what is recorded and writes nothing.
package trace

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
)

// Requirement is one of a problem's, with what verifies it; its JSON is what scripts read.
type Requirement struct {
	Problem  string         `json:"problem"` // address
	Name     string         `json:"name"`
	Text     string         `json:"text"`
	Link     string         `json:"link,omitempty"`
	Verdict  string         `json:"verdict"` // the worst of those that verify it; Unverified if there are none
	Verifies []Verification `json:"verified_by"`
}

// Verification is a block that verifies a requirement, and how it was last decided.
type Verification struct {
	Address string `json:"address"`
	Verdict string `json:"verdict"` // a plan.RuleVerdict, Measured or NotRecorded
	Rules   []Rule `json:"rules,omitempty"`
}

// Rule is a rule as the module has it, and how that very condition was last decided.
type Rule struct {
	Name     string `json:"name"`
	Assert   string `json:"assert"`
	Severity string `json:"severity"`
	Verdict  string `json:"verdict"` // a plan.RuleVerdict or NotRecorded
}

// Verdicts that no rule gives.
const (
	Unverified  = "unverified"
	NotRecorded = "not recorded"
	Measured    = "measured" // figures are there, and no rule of the block's own
)

// Figures returns what is recorded of a stage's figures, as JSON, and reports whether there are any.
type Figures func(address string) (json.RawMessage, bool, error)

// Requirements follows the requirements of all problems, in the module's order. The list is empty, never nil. Errors are those
// of figures, and of records that cannot be read.
func Requirements(m *check.Module, recorded *plan.State, figures Figures) ([]Requirement, error) {
	t := &tracer{module: m, recorded: recorded, figures: figures}
	all := []Requirement{}
	for _, b := range m.Module.Blocks {
		if !b.KindSpec.Poses {
			continue
		}
		found, err := t.of(m.Blocks[b.Address])
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return all, nil
}

// tracer reads a module beside what is recorded of it.
type tracer struct {
	module   *check.Module
	recorded *plan.State
	figures  Figures
}

// of traces the requirements of one problem block. A requirement that names several blocks has the worst verdict of them:
// one that fails is enough for it not to be met.
func (t *tracer) of(b *check.Block) ([]Requirement, error) {
	var told struct {
		Requirement []struct{ Name, Text, Link string }
	}
	if err := json.Unmarshal(b.Meta, &told); err != nil {
		return nil, fmt.Errorf("requirements of %s: %w", b.Address, err)
	}
	var out []Requirement
	for _, r := range told.Requirement {
		one := Requirement{Problem: b.Address, Name: r.Name, Text: r.Text, Link: r.Link, Verdict: Unverified, Verifies: []Verification{}}
		seen := map[string]bool{}
		for _, ref := range b.Refs {
			if !strings.HasPrefix(ref.Path, "requirement["+r.Name+"].") || seen[ref.Target] {
				continue
			}
			seen[ref.Target] = true
			v, err := t.verification(ref.Target)
			if err != nil {
				return nil, err
			}
			one.Verdict = worseOf(one.Verdict, v.Verdict)
			one.Verifies = append(one.Verifies, v)
		}
		out = append(out, one)
	}
	return out, nil
}

// worseOf ranks verdicts: a failure is worst, then what is not decided yet. A measurement says neither yes nor no.
func worseOf(a, b string) string {
	rank := map[string]int{Unverified: 0, Measured: 1, string(plan.Pass): 2, NotRecorded: 3, string(plan.Open): 4, string(plan.RuleError): 5, string(plan.Fail): 6}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// verification is what is recorded of one block that verifies: a gate's last verdict with its rules, a check's rules decided
// on its recorded figures, or that figures are there. Nothing is run.
func (t *tracer) verification(address string) (Verification, error) {
	v := Verification{Address: address, Verdict: NotRecorded}
	b := t.module.Blocks[address]
	if b == nil {
		return v, nil
	}
	v.Rules = declaredRules(b)
	if g, ok := t.recorded.Gates[address]; ok {
		v.Verdict = string(g.Verdict)
		v.settle(g.Rules)
		return v, nil
	}
	figures, ok, err := t.figures(address)
	if err != nil || !ok {
		return v, err
	}
	v.Verdict = Measured
	if b.TypeSpec.IsCheck() {
		return v, t.decideCheck(b, figures, &v)
	}
	return v, nil
}

// declaredRules are the block's as the module has them now.
func declaredRules(b *check.Block) []Rule {
	var policy struct {
		Rule []struct{ Name, Assert, Severity string }
	}
	if json.Unmarshal(b.Policy, &policy) != nil {
		return nil
	}
	var out []Rule
	for _, r := range policy.Rule {
		out = append(out, Rule{Name: r.Name, Assert: strings.Join(strings.Fields(r.Assert), " "), Severity: r.Severity, Verdict: NotRecorded})
	}
	return out
}

// settle takes over the verdicts of rules that are still as they were when they were decided. If any of them is not, the
// block's own verdict is of another text.
func (v *Verification) settle(decided []plan.Rule) {
	for i := range v.Rules {
		for _, d := range decided {
			if d.Name == v.Rules[i].Name && strings.Join(strings.Fields(d.Assert), " ") == v.Rules[i].Assert {
				v.Rules[i].Verdict = string(d.Verdict)
			}
		}
		if v.Rules[i].Verdict == NotRecorded && v.Verdict == string(plan.Pass) {
			v.Verdict = NotRecorded
		}
	}
}

// decideCheck decides a check's rules on its recorded figures, as the engine does.
func (t *tracer) decideCheck(b *check.Block, figures json.RawMessage, v *Verification) error {
	var expectations struct{ Failed float64 }
	if err := json.Unmarshal(figures, &expectations); err != nil {
		return fmt.Errorf("figures of %s: %w", b.Address, err)
	}
	v.Verdict = string(plan.Pass)
	if expectations.Failed > 0 {
		v.Verdict = string(plan.Fail)
	}
	if len(v.Rules) == 0 {
		return nil
	}
	set := plan.Rules{Env: b.Env, Known: t.knownTo(b), Figures: []plan.FigureSource{{Node: b.Address}}}
	for _, r := range v.Rules {
		set.Rules = append(set.Rules, plan.Rule{Name: r.Name, Assert: r.Assert, Severity: r.Severity})
	}
	res, err := decide.Rules(&set, func(string) (json.RawMessage, bool) { return figures, true })
	if err != nil {
		return fmt.Errorf("rules of %s: %w", b.Address, err)
	}
	v.settle(res.Rules)
	v.Verdict = worseOf(v.Verdict, string(res.Verdict))
	return nil
}

// knownTo has the variables and locals that a block's rules see; of one within a called module they are not kept as values.
func (t *tracer) knownTo(b *check.Block) json.RawMessage {
	known := map[string]any{}
	if b.Module == "" {
		known["variable"], known["local"] = t.module.VariablesJSON(), t.module.LocalsJSON()
	}
	data, err := json.Marshal(known)
	if err != nil {
		return json.RawMessage("{}")
	}
	return data
}
