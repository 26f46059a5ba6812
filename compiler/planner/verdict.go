package planner

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/diff"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/policy"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// decide works out whether a node runs, and why.
func (p *planner) decide(n *plan.Node) {
	p.nodes[n.Address] = n
	var err error
	if n.Definition, err = n.Define(); err != nil {
		p.report(source.Diagnostic{Severity: source.Error, Code: source.CodeStage, Subject: n.Range, Summary: fmt.Sprintf("%s: %v", n.Address, err)})
		return
	}
	known := p.resolveInputs(n)
	before, recorded := p.o.State.Nodes[n.Address]
	switch {
	case recorded:
		n.Causes, n.Replaces = causes(n, &before, p.typeOf(n.Address)), before.Fingerprint
	case n.Derived(): // there because of the one it is derived from, not for itself
		n.Causes = []plan.Cause{{Kind: plan.InputCause, From: n.Of}}
	default:
		n.Causes = []plan.Cause{{Kind: plan.NeverRanCause}}
	}
	forced := slices.Contains(p.o.Force, n.Address) || n.NoCache
	if forced {
		n.Causes = append(n.Causes, plan.Cause{Kind: plan.ForcedCause})
	}
	why := ""
	if !forced {
		n.Accepted, why = p.acceptance(n, &before, recorded)
	}
	accepted := n.Accepted != nil
	switch {
	case p.blocked(n):
		n.Verdict, n.Accepted = plan.Blocked, nil
	case !known && recorded && (before.Definition == n.Definition || n.Accepted != nil) && !forced:
		n.Verdict = plan.MayRun
	case !known && p.mayBeSpared(n):
		n.Verdict = plan.MayRun
	case !known:
		n.Verdict = plan.Run
	default:
		p.lookUp(n, &before, recorded, forced)
	}
	if accepted && n.Accepted == nil {
		why = "its result was made from other inputs, or is gone"
	}
	p.lapsed(n, why)
}

// mayBeSpared reports whether a derived stage, such as that which scores the champion, hangs on stages that may not run: on
// the one that it is derived from, if that is decided already, else on all that its inputs come from.
func (p *planner) mayBeSpared(n *plan.Node) bool {
	if !n.Derived() {
		return false
	}
	if base := p.nodes[n.Of]; base != nil {
		return base.Verdict == plan.MayRun
	}
	for _, in := range n.Inputs {
		if up := p.nodes[in.From]; in.Digest == "" && (up == nil || up.Verdict != plan.MayRun) {
			return false
		}
	}
	return true
}

// lookUp asks for the recorded result of a node whose inputs are all known.
func (p *planner) lookUp(n *plan.Node, before *plan.NodeState, recorded, forced bool) {
	inputs := map[string]plan.Digest{}
	for _, in := range n.Inputs {
		inputs[in.Port] = in.Digest
	}
	n.Fingerprint = plan.Fingerprint(n.Definition, inputs)
	n.Verdict = plan.Run
	if forced {
		return
	}
	taken, ok := false, false
	var action *plan.Action
	var err error
	kept := n.Accepted != nil && before.Definition == n.Definition // recorded so: it stays, whatever turned up since
	if kept {
		taken, err = p.take(n, before, inputs)
	}
	if err == nil && !taken {
		action, ok, err = p.o.Actions.Action(n.Fingerprint)
	}
	if err == nil && !taken && !ok && !kept && n.Accepted != nil {
		taken, err = p.take(n, before, inputs)
	}
	if err != nil {
		p.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeRecord, Subject: n.Range,
			Summary: fmt.Sprintf("the recorded result of %s cannot be read: %v", n.Address, err),
			Hint:    "Remove the file named to have the stage run again.",
		})
		return
	}
	if taken {
		return
	}
	n.Accepted = nil
	if !ok {
		if recorded && before.Fingerprint == n.Fingerprint {
			n.Causes = []plan.Cause{{Kind: plan.LostCause}}
		}
		return
	}
	p.found(n, before, recorded, action)
}

// found gives a node its result.
func (p *planner) found(n *plan.Node, before *plan.NodeState, recorded bool, action *plan.Action) {
	p.reuse(n, before, recorded)
	p.actions[n.Address] = action
	for i := range n.Outputs {
		n.Outputs[i].Digest = action.Outputs[n.Outputs[i].Port]
	}
}

// reuse makes a node cached. Its causes stay if another result is recorded of it, such as before a change was taken
// back; what flows in is told where it comes from.
func (p *planner) reuse(n *plan.Node, before *plan.NodeState, recorded bool) {
	n.Verdict = plan.Cached
	if _, ok := p.formers[n.Address]; ok {
		n.Verdict = plan.Moved
	}
	n.Causes = slices.DeleteFunc(n.Causes, func(c plan.Cause) bool {
		return c.Kind == plan.InputCause || c.Kind == plan.SchemaCause || c.Kind == plan.NeverRanCause
	})
	beside := func(c plan.Cause) bool { return c.Kind == plan.MetadataCause || predicts(n, c) }
	if !recorded || before.Fingerprint == n.Fingerprint && (n.Accepted == nil || before.Definition == n.Definition) {
		n.Causes = slices.DeleteFunc(n.Causes, func(c plan.Cause) bool { return !beside(c) })
	}
	if slices.ContainsFunc(n.Causes, beside) {
		n.Verdict = plan.Metadata
	}
}

// resolveInputs fills in the digests of inputs that are known; false if one is not.
func (p *planner) resolveInputs(n *plan.Node) bool {
	known := true
	for i := range n.Inputs {
		in := &n.Inputs[i]
		if in.From == "" { // what lies elsewhere may not be known
			known = known && in.Digest != ""
			continue
		}
		if in.Digest != "" {
			continue
		}
		in.Digest = p.output(in.From, in.FromPort)
		known = known && in.Digest != ""
	}
	return known
}

// output is the digest of what a node yields at a port; empty while it is not known.
func (p *planner) output(address, port string) plan.Digest {
	n := p.nodes[address]
	if n == nil || !n.Verdict.Known() {
		return ""
	}
	for _, out := range n.Outputs {
		if out.Port == port {
			return out.Digest
		}
	}
	return ""
}

// blocked tells whether something that must have passed is known to have failed, or is blocked itself.
func (p *planner) blocked(n *plan.Node) bool {
	for _, a := range n.After {
		if p.failed[a] {
			return true
		}
	}
	for _, in := range n.Inputs {
		if up := p.nodes[in.From]; up != nil && up.Verdict == plan.Blocked {
			return true
		}
	}
	return false
}

// causes compares a node with what is recorded of it. Every difference is kept, but for defaults of its type that came or went
// with what somebody wrote.
func causes(n *plan.Node, before *plan.NodeState, t *schema.Type) []plan.Cause {
	var out []plan.Cause
	if before.Kind != n.Kind || before.Type != n.Type {
		out = append(out, plan.Cause{Kind: plan.ConfigCause, Path: "type", Before: text(before.Type), After: text(n.Type)})
	} else if before.Version != n.Version {
		out = append(out, plan.Cause{Kind: plan.ComponentCause, Before: number(before.Version), After: number(n.Version)})
	} else if before.Engine != n.Engine {
		out = append(out, plan.Cause{Kind: plan.ComponentCause, Path: "engine", Before: text(before.Engine), After: text(n.Engine)})
	}
	fields := diff.Fields(before.Config, n.Config)
	for i, f := range fields {
		fields[i].Weaker = policy.Loosened(n.Kind, f.Path, f.Before, f.After)
	}
	if before.Type == n.Type {
		fields = diff.Written(before.Config, n.Config, fields, t)
	}
	for _, f := range fields {
		out = append(out, plan.Cause{Kind: plan.ConfigCause, Path: f.Path, Before: f.Before, After: f.After, Weaker: f.Weaker})
	}
	for i, c := range out {
		if c.Path == "image" && n.Container != nil && before.Container != nil && n.Container.ImageID == before.Container.ImageID {
			out[i].Kind = plan.MetadataCause // another name of the same image
		}
	}
	out = append(out, containerCauses(n, before.Container)...)
	if model := modelInput(n); n.Role == schema.PredictRole && model != nil {
		for i := range out {
			if out[i].Kind == plan.ConfigCause || out[i].Kind == plan.ImageCause {
				out[i].From = model.From // whose block says it
			}
		}
	}
	if n.Fetches() {
		for i := range out {
			if out[i].Kind == plan.ConfigCause {
				out[i].From = n.Of // whose block says it
			}
		}
	}
	inputs := inputCauses(n, before)
	if before.Definition != n.Definition {
		out = append(out, formCauses(n, before, slices.ContainsFunc(append(slices.Clone(out), inputs...), func(c plan.Cause) bool {
			return c.Kind != plan.MetadataCause && !predicts(n, c)
		}))...)
	}
	return append(append(out, inputs...), metaCauses(before.Meta, n.Meta)...)
}

// typeOf is the type of the block at an address; nil where no block stands, as at stages that are derived.
func (p *planner) typeOf(address string) *schema.Type {
	if b := p.m.Blocks[address]; b != nil && b.Block != nil {
		return b.TypeSpec
	}
	return nil
}

// formCauses say of which inputs the form is another: of columns, types, order, marks. That is what is left of a definition
// when all else is compared; of what an earlier version recorded no more is known than that.
func formCauses(n *plan.Node, before *plan.NodeState, told bool) []plan.Cause {
	var out []plan.Cause
	if before.Forms != nil {
		forms := n.Forms()
		for _, in := range n.Inputs {
			if was, ok := before.Forms[in.Port]; ok && was != forms[in.Port] {
				out = append(out, plan.Cause{Kind: plan.SchemaCause, Path: in.Port, From: in.From})
			}
		}
	}
	if len(out) == 0 && !told {
		out = append(out, plan.Cause{Kind: plan.SchemaCause})
	}
	return out
}

// metaCauses compares what decides no result. States of earlier versions say nothing of it.
func metaCauses(before, now json.RawMessage) []plan.Cause {
	if len(before) == 0 || len(now) == 0 {
		return nil
	}
	out := configCauses(before, now)
	for i := range out {
		out[i].Kind = plan.MetadataCause
	}
	return out
}

// predicts tells whether a cause is the command that scores the stage's model: it runs others, not the stage itself.
func predicts(n *plan.Node, c plan.Cause) bool {
	return n.Container != nil && n.Role != schema.PredictRole && c.Kind == plan.ConfigCause && (c.Path == "predict" || strings.HasPrefix(c.Path, "predict["))
}

// containerCauses compare what a foreign stage runs, as far as its block does not say it: the image that a name means, and
// all of a stage that another block's command runs in.
func containerCauses(n *plan.Node, before *plan.Container) []plan.Cause {
	after := n.Container
	if before == nil || after == nil {
		return nil
	}
	var out []plan.Cause
	if before.ImageID != after.ImageID {
		out = append(out, plan.Cause{Kind: plan.ImageCause, Path: after.Image, Before: text(before.ImageID), After: text(after.ImageID)})
	} else if before.Platform != after.Platform {
		out = append(out, plan.Cause{Kind: plan.ImageCause, Path: "platform", Before: text(before.Platform), After: text(after.Platform)})
	}
	if n.Role == schema.PredictRole {
		out = append(out, configCauses(commandOf(before), commandOf(after))...)
	}
	return out
}

// commandOf is what a container runs in the words of the block of the model that it scores.
func commandOf(c *plan.Container) json.RawMessage {
	return encode(map[string]any{"predict": c.Command, "network": c.Network})
}

// inputCauses compares the inputs: other wiring, other data from outside, other content from above.
func inputCauses(n *plan.Node, before *plan.NodeState) []plan.Cause {
	var out []plan.Cause
	for _, in := range n.Inputs {
		wired := in.From + ":" + in.FromPort
		was, had := before.Wiring[in.Port]
		switch {
		case in.External != nil:
			if in.Digest != before.Inputs[in.Port] {
				out = append(out, plan.Cause{Kind: plan.DataCause, Path: in.External.Root,
					Before: dataSummary(before.External[in.Port], before.Inputs[in.Port], nil), After: dataSummary(in.External, in.Digest, before.External[in.Port])})
			}
		case in.From != "" && had && was != wired, in.From != "" && !had:
			out = append(out, plan.Cause{Kind: plan.WiringCause, Path: in.Port, Before: text(was), After: text(wired)})
		case in.Digest == "" || in.Digest != before.Inputs[in.Port]:
			c := plan.Cause{Kind: plan.InputCause, Path: in.Port, From: in.From}
			if in.Digest != "" && had {
				c.Before, c.After = text(string(before.Inputs[in.Port])), text(string(in.Digest))
			}
			out = append(out, c)
		}
	}
	return out
}
