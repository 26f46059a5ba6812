package planner

import (
	"fmt"
	"slices"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/source"
)

// decide works out what will happen to a node, and why. Whatever the node takes has been decided before. The node gets
// its definition, digests of inputs that are known, causes and verdict; if its result is known, digests of outputs too.
//
// Three questions are asked, in this order, and each is an event of the node's fate (fate.go):
//
//	may it run?                 no, where what must have passed is known to have failed: blocked
//	are its inputs known?       no, where a stage before it runs: then it runs too, or may, if the same result is recorded under the
//	                            same definition and the inputs may come out as they were
//	is there a result of them?  yes: cached, or taken under another name, description or definition; no: it runs
//
// Only force comes before the last two: what is forced runs whatever is recorded.
func (p *planner) decide(n *plan.Node) {
	f := p.begin(n, declared)
	n.Sample = p.shareOf(n)
	var err error
	if n.Definition, err = n.Define(); err != nil {
		p.report(source.Diagnostic{Severity: source.Error, Code: source.CodeStage, Subject: n.Range, Summary: fmt.Sprintf("%s: %v", n.Address, err)})
		return
	}
	known := p.resolveInputs(n)
	before, recorded := p.o.State.Nodes[n.Address]
	switch {
	case recorded:
		n.Causes, n.Replaces = p.causes(n, &before, p.typeOf(n.Address)), before.Fingerprint
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
		f.on(failedUp)
	case !known:
		f.on(inputUnknown)
		if recorded && (before.Definition == n.Definition || accepted) && !forced || p.hangsOnSpared(n) {
			f.on(mayBeSpared)
		} else {
			f.on(mustRun)
		}
	default:
		f.on(inputsKnown)
		p.lookUp(f, &before, recorded, forced)
	}
	if accepted && n.Accepted == nil {
		why = "its result was made from other inputs, or is gone"
	}
	p.lapsed(n, why)
}

// hangsOnSpared reports whether a derived stage, such as that which scores the champion, hangs on stages that may not run: on
// the one that it is derived from, if that is decided already, else on all that its inputs come from.
func (p *planner) hangsOnSpared(n *plan.Node) bool {
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

// lookUp decides on a node whose inputs are all known, by the recorded result that it finds.
// In the order of what is asked: was it forced; is there a result under this fingerprint (cached, here or in the
// workspace's base); is there one recorded that is lost. Only then does the node run for the reasons that causes give.
func (p *planner) lookUp(f *fate, before *plan.NodeState, recorded, forced bool) {
	n := f.node
	inputs := map[string]plan.Digest{}
	for _, in := range n.Inputs {
		inputs[in.Port] = in.Digest
	}
	n.Fingerprint = plan.Fingerprint(n.Definition, inputs)
	if forced {
		f.on(mustRun)
		return
	}
	// Found or not, the fingerprint is known from here on; the verdict says whether the result is.
	how, action, err := p.search(n, before, inputs)
	f.on(how)
	switch {
	case err != nil:
		p.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeRecord, Subject: n.Range,
			Summary: fmt.Sprintf("the recorded result of %s cannot be read: %v", n.Address, err),
			Hint:    "Remove the file named to have the stage run again.",
		})
	case action != nil:
		if p.o.Ahead.standIn(n.Fingerprint) != action { // a stand-in has no figures to decide by
			p.actions[n.Address] = action
		}
		for i := range n.Outputs {
			n.Outputs[i].Digest = action.Outputs[n.Outputs[i].Port]
		}
		p.settle(f, before, recorded)
	case recorded && before.Fingerprint == n.Fingerprint:
		n.Causes = []plan.Cause{{Kind: plan.LostCause}}
	}
}

// search finds the recorded result that stands for a node. One that was taken by an acceptance before stays, whatever turned up since;
// else the one of the node's own fingerprint counts; else one that is to be accepted. Nil, and that the node must run, if there is none.
func (p *planner) search(n *plan.Node, before *plan.NodeState, inputs map[string]plan.Digest) (event, *plan.Action, error) {
	kept := n.Accepted != nil && before.Definition == n.Definition
	if kept {
		if action, err := p.take(n, before, inputs); action != nil || err != nil {
			return found(resultTaken, action, err)
		}
	}
	action, ok, err := p.o.Actions.Action(n.Fingerprint)
	if ok || err != nil {
		return found(resultFound, action, err)
	}
	if made := p.o.Ahead.standIn(n.Fingerprint); made != nil {
		return found(resultFound, made, nil)
	}
	if n.Accepted != nil && !kept {
		action, err := p.take(n, before, inputs)
		return found(resultTaken, action, err)
	}
	return mustRun, nil, nil
}

// found is the event of a look-up that yielded an action, or none.
func found(e event, action *plan.Action, err error) (event, *plan.Action, error) {
	if action == nil || err != nil {
		return mustRun, nil, err
	}
	return e, action, nil
}

// settle ends the fate of a node whose result is there. Its causes stay if another result is recorded of it, such as before a
// change was taken back; what flows in is told where it comes from.
func (p *planner) settle(f *fate, before *plan.NodeState, recorded bool) {
	n := f.node
	n.Causes = slices.DeleteFunc(n.Causes, func(c plan.Cause) bool {
		return c.Kind == plan.InputCause || c.Kind == plan.SchemaCause || c.Kind == plan.NeverRanCause
	})
	beside := func(c plan.Cause) bool { return c.Kind == plan.MetadataCause || predicts(n, c) }
	if !recorded || before.Fingerprint == n.Fingerprint && (n.Accepted == nil || before.Definition == n.Definition) {
		n.Causes = slices.DeleteFunc(n.Causes, func(c plan.Cause) bool { return !beside(c) })
	}
	_, moved := p.formers[n.Address]
	switch {
	case f.at == taken && before.Definition != n.Definition:
		f.on(otherDefinition)
	case slices.ContainsFunc(n.Causes, beside):
		f.on(newDescription)
	case moved:
		f.on(newAddress)
	default:
		f.on(nothingNew)
	}
}

// resolveInputs fills in the digests of inputs that are known; false if one is not.
// An input that is not known yet makes the node one that may run: whether it does is decided when the input is there.
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

// output is the digest of what a node yields at a port; empty while it is not known, and for an address that is no node of the plan.
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

// blocked reports whether something that must have passed is known to have failed, or is blocked itself. A failure that
// the apply may still bring is no reason: the stage runs, unless the engine finds it.
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
