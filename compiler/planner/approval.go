package planner

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/source"
)

// settled reports whether each deployment behind a gate has its candidate live, or one that is held since it was rolled back: there is
// nothing to let pass. With no deployment behind it the answer is yes.
func (p *planner) settled(gate string) bool {
	for _, b := range p.behind(gate) {
		model := p.candidate(b.Address)
		release, ok := p.o.State.Releases[b.Address]
		if !ok || model == nil {
			return false
		}
		scoring := p.scorings[model.From]
		has := release.Is(model.Digest, scoring) && plan.ExploresAlike(release.Config, b.Config)
		if !has && release.Holds(plan.Candidate(model.Digest, scoring), b.Config) == nil {
			return false
		}
	}
	return true
}

// behind are the deployments that a gate lets pass, in no order.
// They are found once for all gates. A gate without any still decides, and releases nothing.
func (p *planner) behind(gate string) []*check.Block {
	if p.deploys == nil {
		p.deploys = map[string][]*check.Block{}
		for _, b := range p.m.Blocks {
			if !b.TypeSpec.IsDeployment() {
				continue
			}
			for _, r := range b.Refs {
				if r.Path == "gate" {
					p.deploys[r.Target] = append(p.deploys[r.Target], b)
				}
			}
		}
	}
	return p.deploys[gate]
}

// approval decides whether a person's yes is asked for, and whether it was given for just this: the figures that the
// rules read, and the models behind the gate (plan.GateSubject). A yes to other figures does not count, and is no
// warning. The gate's verdict becomes open where a yes is missing.
func (p *planner) approval(g *plan.Gate, a *plan.Approval, d *decide.Decider) error {
	a.Needed = plan.Pass
	if a.When != "" {
		decision, err := d.Condition(a.When, a.Range)
		if err != nil {
			return err
		}
		a.Needed = plan.RuleVerdict(decision.Verdict)
	} else if !d.Complete {
		a.Needed = plan.Open
	}
	switch a.Needed {
	case plan.RuleError:
		a.Needed = plan.Pass // what cannot be decided is asked for
	case plan.Open:
		g.Verdict = decide.Worse(g.Verdict, plan.Open)
		return nil
	case plan.Fail:
		return nil
	}
	models := p.candidates(g.Address)
	for _, b := range p.behind(g.Address) {
		if err := plan.Explores(models, b.Address, b.Config); err != nil {
			return err
		}
	}
	subject, err := plan.GateSubject(g.Definition, d.Values, models)
	if err != nil {
		return err
	}
	if given, ok := p.o.State.Approvals[g.Address+"/"+a.Name]; ok && given.Subject == subject {
		if p.may(g, a, given.By) {
			a.GivenBy, a.Given = given.By, given.Given()
			return nil
		}
		p.report(source.Diagnostic{
			Severity: source.Warning, Code: source.CodeApprover, Subject: a.Range,
			Summary: fmt.Sprintf("%s has the approval %q of %s, who may not give it: it does not count", g.Address, a.Name, given.By),
			Hint:    "It is asked of " + strings.Join(a.From, ", ") + ".",
		})
	}
	g.Verdict = decide.Worse(g.Verdict, plan.Open)
	return nil
}

// may reports whether somebody may give an approval. A saved plan says whether it counted where it was made: who may is said by
// the operator there, and decided anew by the one where it is applied.
func (p *planner) may(g *plan.Gate, a *plan.Approval, by string) bool {
	if p.saved != nil {
		return p.saved.counted[g.Address+"/"+a.Name]
	}
	return p.o.Approvers.May(by, a.From)
}

// candidates are what a gate lets pass by the deployment that would release it: models, and how they are used.
func (p *planner) candidates(gate string) map[string]plan.Digest {
	out := map[string]plan.Digest{}
	for _, b := range p.behind(gate) {
		if m := p.candidate(b.Address); m != nil {
			out[b.Address] = plan.Candidate(m.Digest, p.scorings[m.From])
		}
	}
	return out
}
