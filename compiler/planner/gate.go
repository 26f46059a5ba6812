package planner

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// gate decides a gate as far as the figures it reads are known. After a mistake the gate stands in the plan as far as
// it was made, and the mistake is a diagnostic at the block, so that there is no plan.
// Definition covers what is asked (plan.Gate.Define) and not what came of it: new figures are decided by the same
// policy, while a changed rule is told as a change of policy.
func (p *planner) gate(b *check.Block) {
	g := &plan.Gate{Address: b.Address, Range: b.Range, Champion: p.champion(b), Meta: b.Meta}
	for _, r := range b.Refs {
		if r.Edge == schema.OrderEdge {
			g.After = append(g.After, r.Target)
		}
	}
	slices.Sort(g.After)
	g.After = slices.Compact(g.After)
	// The gate is in the plan whatever goes wrong below: what stands behind it must find it.
	p.gates[b.Address] = g
	rules, approvals, rollback, err := p.conditions(b)
	if err == nil {
		g.Rollback = rollback
		g.Rules, err = p.ruleSet(b, rules, g.Champion)
		g.Approvals = approvals
	}
	var asked plan.Policy
	if err == nil {
		asked, err = g.Policy()
	}
	if err == nil {
		g.Definition, err = g.Define()
	}
	if err == nil {
		g.Replaces = p.o.State.Gates[b.Address].Definition
		err = p.renamedGate(g)
	}
	if err == nil {
		err = p.decideGate(g, asked)
	}
	if err != nil {
		p.report(source.Diagnostic{Severity: source.Error, Code: source.CodeRules, Subject: b.Range, Summary: fmt.Sprintf("%s: %v", b.Address, err)})
	}
}

// ruleNames are the names in the order of the rules; never nil, as JSON of plans has a list.
func ruleNames(rules []plan.Rule) []string {
	names := []string{}
	for _, r := range rules {
		names = append(names, r.Name)
	}
	return names
}

// decideGate decides what is known, unless the same was decided before and is live. The order matters: rules first;
// then what the gate waits for, which can only make the verdict worse; then causes; then approvals, which are asked of
// people only for what the rules let pass, and are no question where nothing is left to release.
func (p *planner) decideGate(g *plan.Gate, asked plan.Policy) error {
	figures := func(node string) (json.RawMessage, bool) {
		if a := p.actions[node]; a != nil {
			return a.Figures, true
		}
		return nil, false
	}
	d, err := decide.NewRemembering(p.o.Rules, &g.Rules, figures)
	if err != nil {
		return err
	}
	res, err := d.Rules(&g.Rules)
	if err != nil {
		return err
	}
	g.Rules.Rules, g.Verdict = res.Rules, res.Verdict
	before, recorded := p.o.State.Gates[g.Address]
	p.remember(g, &before)
	waiting := false
	for _, a := range g.After {
		switch {
		case p.failed[a]:
			g.BlockedBy = append(g.BlockedBy, a)
		case p.nodes[a] != nil && !p.nodes[a].Verdict.Known(), p.gates[a] != nil && p.gates[a].Verdict == plan.Open:
			waiting = true
		}
	}
	// A gate whose rules pass on what is known stays open while something before it may still fail. A failure stays
	// one.
	if waiting {
		g.Verdict = decide.Worse(g.Verdict, plan.Open)
	}
	if len(g.BlockedBy) > 0 {
		g.Verdict = plan.Fail
	}
	// Rules that only changed places are no other policy, but another definition: with nothing else to name, their
	// order is named.
	if recorded && before.Definition != g.Definition {
		g.Causes = policyCauses(plan.ConfigCause, before.Policy, asked)
		if a, b := ruleNames(before.Rules), ruleNames(g.Rules.Rules); len(g.Causes) == 0 && !slices.Equal(a, b) {
			g.Causes = []plan.Cause{{Kind: plan.ConfigCause, Path: "rule", Before: encode(a), After: encode(b)}}
		}
	}
	settled := p.settled(g.Address) || p.o.Sample != nil // of a sample nothing is left to let pass
	if recorded && !waiting && p.passedAhead(g, &before) {
		g.Verdict, g.Rules.Rules = plan.Pass, before.Rules
	}
	g.Cached = recorded && before.Definition == g.Definition && before.Verdict == plan.Pass && g.Verdict == plan.Pass &&
		settled && sameFigures(g.Rules.Rules, before.Rules)
	if recorded && before.Definition == g.Definition && !g.Cached {
		g.Causes = p.championCause(g, &before)
	}
	g.Causes = append(g.Causes, metaCauses(before.Meta, g.Meta)...)
	for i := range g.Approvals {
		// Nobody is asked about what is live already, held since it was rolled back, or of a sample. Who approved it then is still
		// told.
		if g.Cached || settled && (len(p.behind(g.Address)) > 0 || p.o.Sample != nil) {
			a := &g.Approvals[i]
			a.Needed = plan.Fail // there is nothing to let pass
			if given, ok := p.o.State.Approvals[g.Address+"/"+a.Name]; ok && recorded && given.Subject == before.Subject {
				a.GivenBy, a.Given = given.By, given.Given()
			}
			continue
		}
		if err := p.approval(g, &g.Approvals[i], d); err != nil {
			return err
		}
	}
	p.failed[g.Address] = g.Verdict == plan.Fail || g.Verdict == plan.RuleError
	return nil
}
