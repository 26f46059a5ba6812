package planner

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// release compares what a deploy block would release with what is live. The action is decided by plan.Release, the same
// that the engine asks again when the gate has decided.
//
//	the plan is of a sample                             none
//	nothing is live                                     create
//	the candidate was rolled back, and is held          none, with a warning that says by whom and why
//	the block's attributes or its gate differ           change
//	the stage that makes the model is blocked           none
//	the model is used otherwise, or is another one      change
//	whether it is, is not known yet                     may: the apply decides when the model is there
//	it is live as it is                                 none
func (p *planner) release(b *check.Block) {
	r := &plan.Release{Address: b.Address, Type: b.Type, Config: b.Config, Range: b.Range}
	p.strategy(b, r)
	for _, ref := range b.Refs {
		if ref.Path == "gate" {
			r.Gate = ref.Target
		}
	}
	if ref := b.ModelInput(); ref != nil {
		shape := b.In[ref.Port]
		r.Model = plan.Input{Port: ref.Port, From: ref.Target, FromPort: ref.TargetPort, Shape: &shape, Digest: p.output(ref.Target, ref.TargetPort)}
		r.Scoring = p.scorings[ref.Target]
	}
	if n := p.nodes[b.Address]; n != nil {
		r.Node = n.Address
	}
	live, exists := p.o.State.Releases[b.Address]
	if exists {
		r.Current = &live
	}
	if p.o.Sample != nil {
		r.Sample = p.o.Sample.Share
	}
	if !p.writes(b, r) {
		return
	}
	r.Action = r.Decide(p.isBlocked(r.Model.From))
	switch held := r.Holds(); {
	case r.Sample != "":
	case held != nil:
		p.rolledBack(b, r, held)
	default:
		r.Causes = releaseCauses(r)
	}
	p.releases = append(p.releases, r)
}

// writes gives a release its destinations; false after a diagnostic. They are part of its configuration, so that another place is another release; the stage
// that makes the predictions has none of them.
func (p *planner) writes(b *check.Block, r *plan.Release) bool {
	to, err := b.TypeSpec.Destinations(b.Policy)
	if err != nil || len(to) == 0 || r.Node == "" {
		return err == nil
	}
	config := map[string]json.RawMessage{}
	policy := map[string]json.RawMessage{}
	if json.Unmarshal(orEmpty(b.Config), &config) != nil || json.Unmarshal(b.Policy, &policy) != nil {
		return false
	}
	for name := range to {
		config[name] = policy[name]
	}
	r.Config = canonical(encode(config))
	var ok bool
	if r.Secrets, ok = p.secrets(b); !ok {
		return false
	}
	base := ""
	if up := p.o.State.Upstream; up != nil {
		base = up.Workspace
	}
	n := p.nodes[r.Node]
	r.Writes = r.DecideWrites(to, n.Predictions(), n.Verdict, base)
	return true
}

// rolledBack tells that the candidate is held.
func (p *planner) rolledBack(b *check.Block, r *plan.Release, held *plan.Held) {
	back := r.Current.Rollback
	summary := fmt.Sprintf("%s: %s %s was rolled back to the release of revision %d by %s, and is held: %s", b.Address, held.From, held.Model.Short(), back.To, back.By, back.Reason)
	live := "is live again"
	if held.Role != "" {
		summary = fmt.Sprintf("%s: %s %s was taken away as a %s, last by %s, and is held: %s", b.Address, held.From, held.Model.Short(), held.Role, back.By, back.Reason)
		live = "is live"
	}
	p.report(source.Diagnostic{Severity: source.Warning, Code: source.CodeRolledBack, Subject: b.Range, Summary: summary,
		Detail: fmt.Sprintf("%s %s %s. An apply does not release what is held.", r.Current.From, r.Current.Model.Short(), live),
		Hint:   fmt.Sprintf("Another candidate is released as ever. To let this one through its gate again: %s", render.Command(p.o.Workspace, "rollback "+render.ShellWord(b.Address)+" --lift --reason '…'"))})
}

// isBlocked reports whether the stage at an address is known not to run, since something before it fails.
func (p *planner) isBlocked(address string) bool {
	n := p.nodes[address]
	return n != nil && n.Verdict == plan.Blocked
}

// releaseCauses compare a release with the one that was let pass last, which is live or the candidate of a rollout: configuration, the gate, how the model is used, the model. That no
// gate holds the deployment any more is weaker policy.
func releaseCauses(r *plan.Release) []plan.Cause {
	if r.Current == nil {
		return []plan.Cause{{Kind: plan.NeverRanCause}}
	}
	newest := r.Current.Newest()
	out := configCauses(newest.Config, r.Config)
	for i, c := range out {
		out[i].Weaker = cmp.Or(weakerStep(c), weakerExploration(newest.Config, r.Config, c))
	}
	if newest.Gate != r.Gate {
		c := plan.Cause{Kind: plan.ConfigCause, Path: "gate", Before: optional(newest.Gate), After: optional(r.Gate)}
		if newest.Gate != "" {
			c.Weaker = "no longer held by " + newest.Gate
		}
		out = append(out, c)
	}
	out = append(out, scoringCauses(r)...)
	if r.Model.Digest != newest.Model {
		out = append(out, plan.Cause{Kind: plan.InputCause, Path: "model", From: r.Model.From})
	}
	return out
}

// scoringCauses compare how an opaque model is used with how the live one is. What the module says otherwise is told where
// it stands, at the stage that makes the model.
func scoringCauses(r *plan.Release) []plan.Cause {
	out := configCauses(said(r.Current.Newest().Scoring), said(r.Scoring))
	for i := range out {
		out[i].From = r.Model.From
		if out[i].Path == "image" && r.Scoring != nil {
			out[i].Kind, out[i].Path = plan.ImageCause, r.Scoring.Image.Root
		}
	}
	return out
}

// said puts a scoring in the words of its block.
// So a cause has the path "predict" and not one within a container, which no file has.
func said(s *plan.Scoring) json.RawMessage {
	if s == nil {
		return nil
	}
	out := map[string]any{}
	if json.Unmarshal(orEmpty(s.Config), &out) != nil {
		return s.Config
	}
	out["predict"], out["network"] = s.Container.Command, s.Container.Network
	if s.Image != nil && s.Image.Version != "" {
		out["image"] = s.Image.Version
	}
	if s.Code != nil {
		files := map[string]plan.Digest{}
		for _, f := range s.Code.Files {
			files[f.Name] = f.Digest
		}
		out["code"] = files
	}
	return encode(out)
}

// canonical is JSON in its one form (plan.Canonical), so that equal values have equal bytes.
func canonical(m json.RawMessage) []byte {
	data, err := plan.Canonical(orEmpty(m))
	if err != nil {
		return m
	}
	return data
}

// champion is the live model that a gate compares with, and whether it can be compared with; nil for a gate that names
// no deployment to compare with.
func (p *planner) champion(gate *check.Block) *plan.Champion {
	for _, ref := range gate.Refs {
		if ref.Path != "champion" {
			continue
		}
		c := &plan.Champion{Deploy: ref.Target}
		live, ok := p.o.State.Releases[ref.Target]
		if !ok {
			c.Why = "nothing is live yet"
			return c
		}
		c.Exists, c.Model, c.Fingerprint = true, live.Model, live.Fingerprint
		for _, m := range p.challengers(gate.Address, ref.Target) {
			if m != nil && live.Is(m.Digest, p.scorings[m.From]) {
				c.Candidate = true
			}
			c.Why = cmp.Or(c.Why, plan.Incomparable(&live, m, p.fitted(m)))
		}
		c.Comparable = c.Why == ""
		return c
	}
	return nil
}

// challengers are the models that a gate compares with what a deployment has live, as plan.Plan.Comparable has them. A gate reads figures of what stands behind it, so
// that those models are planned before it is.
func (p *planner) challengers(gate, champion string) []*plan.Input {
	var of []string
	for _, b := range p.behind(gate) {
		if b.Address == champion {
			return []*plan.Input{p.candidate(champion)}
		}
		of = append(of, b.Address)
	}
	if len(of) == 0 {
		m := p.candidate(champion)
		if m != nil {
			m.Digest = ""
		}
		return []*plan.Input{m}
	}
	slices.Sort(of)
	out := make([]*plan.Input, len(of))
	for i, at := range of {
		out[i] = p.candidate(at)
	}
	return out
}

// candidate is the model that a deploy block would release; its digest is empty while it is not known. Nil where the
// block has no model.
func (p *planner) candidate(deploy string) *plan.Input {
	b := p.m.Blocks[deploy]
	if b == nil {
		return nil
	}
	ref := b.ModelInput()
	if ref == nil {
		return nil
	}
	shape := p.m.Blocks[ref.Target].Out[ref.TargetPort]
	return &plan.Input{From: ref.Target, FromPort: ref.TargetPort, Digest: p.output(ref.Target, ref.TargetPort), Shape: &shape}
}

// fitted are the tables that a model was fitted on: what the champion must be able to score.
func (p *planner) fitted(model *plan.Input) []*schema.Table {
	if model == nil || model.Shape.Model == nil {
		return nil
	}
	var out []*schema.Table
	for _, s := range model.Shape.Model.Seen {
		if t := p.m.Blocks[s.By].In[s.Port].Table; t != nil && s.Use == schema.FittedRows {
			out = append(out, t)
		}
	}
	return out
}
