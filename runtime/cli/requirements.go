package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/store"
)

// requirementsArgument is what `mlp show` takes in place of an address to show the trace.
const requirementsArgument = "requirements"

// requirement is one of a problem's, with what verifies it; its JSON is what scripts read.
type requirement struct {
	Problem  string         `json:"problem"`
	Name     string         `json:"name"`
	Text     string         `json:"text"`
	Link     string         `json:"link,omitempty"`
	Verdict  string         `json:"verdict"` // the worst of those that verify it; "unverified" if there are none
	Verifies []verification `json:"verified_by"`
}

// verification is a block that verifies a requirement, and how it was last decided.
type verification struct {
	Address string     `json:"address"`
	Verdict string     `json:"verdict"` // a plan.RuleVerdict, or "measured", or "not recorded"
	Rules   []ruleSeen `json:"rules,omitempty"`
}

type ruleSeen struct {
	Name     string `json:"name"`
	Assert   string `json:"assert"`
	Severity string `json:"severity"`
	Verdict  string `json:"verdict"`
}

const (
	unverified  = "unverified"
	notRecorded = "not recorded"
	measured    = "measured" // figures are there, and no rule of the block's own
)

// showRequirements prints the trace from each requirement to the blocks and rules that verify it, and their last verdicts.
func (s *session) showRequirements(format string) error {
	all := []requirement{}
	for _, b := range s.module.Module.Blocks {
		if b.Kind != "problem" {
			continue
		}
		found, err := s.requirementsOf(s.module.Blocks[b.Address])
		if err != nil {
			return err
		}
		all = append(all, found...)
	}
	if format == "json" {
		return writeJSON(s.app.out, all)
	}
	if len(all) == 0 {
		fmt.Fprintln(s.app.out, "The module states no requirements: problem blocks do.")
		return nil
	}
	for _, r := range all {
		s.printRequirement(r)
	}
	return nil
}

func (s *session) requirementsOf(b *check.Block) ([]requirement, error) {
	var told struct {
		Requirement []struct{ Name, Text, Link string }
	}
	if err := json.Unmarshal(b.Meta, &told); err != nil {
		return nil, fmt.Errorf("requirements of %s: %w", b.Address, err)
	}
	var out []requirement
	for _, r := range told.Requirement {
		one := requirement{Problem: b.Address, Name: r.Name, Text: r.Text, Link: r.Link, Verdict: unverified, Verifies: []verification{}}
		seen := map[string]bool{}
		for _, ref := range b.Refs {
			if !strings.HasPrefix(ref.Path, "requirement["+r.Name+"].") || seen[ref.Target] {
				continue
			}
			seen[ref.Target] = true
			v, err := s.verification(ref.Target)
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
	rank := map[string]int{unverified: 0, measured: 1, string(plan.Pass): 2, notRecorded: 3, string(plan.Open): 4, string(plan.RuleError): 5, string(plan.Fail): 6}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

func (s *session) verification(address string) (verification, error) {
	v := verification{Address: address, Verdict: notRecorded}
	b := s.module.Blocks[address]
	if b == nil {
		return v, nil
	}
	v.Rules = declaredRules(b)
	if g, ok := s.state.Gates[address]; ok {
		v.Verdict = string(g.Verdict)
		v.settle(g.Rules)
		return v, nil
	}
	figures, ok, err := s.figuresOf(address)
	if err != nil || !ok {
		return v, err
	}
	v.Verdict = measured
	if b.Kind == "check" {
		return v, s.decideCheck(b, figures, &v)
	}
	return v, nil
}

// declaredRules are the block's as the module has them now.
func declaredRules(b *check.Block) []ruleSeen {
	var policy struct {
		Rule []struct{ Name, Assert, Severity string }
	}
	if json.Unmarshal(b.Policy, &policy) != nil {
		return nil
	}
	var out []ruleSeen
	for _, r := range policy.Rule {
		out = append(out, ruleSeen{Name: r.Name, Assert: strings.Join(strings.Fields(r.Assert), " "), Severity: r.Severity, Verdict: notRecorded})
	}
	return out
}

// settle takes over the verdicts of rules that are still as they were when they were decided. If any of them is not, the
// block's own verdict is of another text.
func (v *verification) settle(decided []plan.Rule) {
	for i := range v.Rules {
		for _, d := range decided {
			if d.Name == v.Rules[i].Name && strings.Join(strings.Fields(d.Assert), " ") == v.Rules[i].Assert {
				v.Rules[i].Verdict = string(d.Verdict)
			}
		}
		if v.Rules[i].Verdict == notRecorded && v.Verdict == string(plan.Pass) {
			v.Verdict = notRecorded
		}
	}
}

// figuresOf returns what is recorded of a stage's figures.
func (s *session) figuresOf(address string) (json.RawMessage, bool, error) {
	node, ok := s.state.Nodes[address]
	if !ok {
		return nil, false, nil
	}
	action, err := s.store.Action(node.Fingerprint)
	if errors.Is(err, store.ErrMissing) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return action.Figures, len(action.Figures) > 0, nil
}

// decideCheck decides a check's rules on its recorded figures, as the engine does.
func (s *session) decideCheck(b *check.Block, figures json.RawMessage, v *verification) error {
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
	set := plan.Rules{Env: b.Env, Known: s.knownTo(b), Figures: []plan.FigureSource{{Node: b.Address}}}
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

// knownTo are the variables and locals that a block's rules see; of one within a called module they are not kept as values.
func (s *session) knownTo(b *check.Block) json.RawMessage {
	known := map[string]any{}
	if b.Module == "" {
		known["variable"], known["local"] = s.module.VariablesJSON(), s.module.LocalsJSON()
	}
	data, err := json.Marshal(known)
	if err != nil {
		return json.RawMessage("{}")
	}
	return data
}

func (s *session) printRequirement(r requirement) {
	w := s.app.out
	fmt.Fprintf(w, "%s %s · %s\n  %s\n", r.Problem, render.Line(r.Name), r.Verdict, render.Line(r.Text))
	if r.Link != "" {
		fmt.Fprintf(w, "  %s\n", render.Line(r.Link))
	}
	for _, v := range r.Verifies {
		fmt.Fprintf(w, "  %-36s %s\n", v.Address, v.Verdict)
		for _, rule := range v.Rules {
			severity := ""
			if rule.Severity == "warn" {
				severity = " (warns only)"
			}
			fmt.Fprintf(w, "    %-12s %s%s: %s\n", rule.Verdict, render.Line(rule.Name), severity, render.Line(rule.Assert))
		}
	}
}
