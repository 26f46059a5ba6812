package planner

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// acceptance says by what a node's recorded result may be taken though it was made by another definition: by what is
// recorded, or by an accept block. Nil if it may not; then why says what is in the way of a block. Whether the inputs
// are those of the result is not looked at yet. An acceptance that is recorded stays in force without its block: the
// result was taken, and the state has the reason.
//
// A dependency's new version changed the image of train.model, and a team knows that the model would come out the same:
//
//	accept {
//	  block      = train.model
//	  definition = "blake3:ca44fd91e4736ab9"   (the new one, as far as it tells it from others)
//	  reason     = "Only a comment changed in train.py."
//	}
//
// The plan takes the recorded model for that of the new definition; everything behind it stays cached. With the next change of the
// stage the block is for a definition that is no more, and the stage runs (lapsed).
func (p *planner) acceptance(n *plan.Node, before *plan.NodeState, recorded bool) (accepted *plan.Acceptance, why string) {
	var kept *plan.Acceptance
	if recorded && before.Accepted != nil && before.Definition == n.Definition {
		was := *before.Accepted
		kept = &was
	}
	a := p.accept(n.Address)
	switch {
	case kept == nil && recorded && p.onlyNames(n, before):
		return &plan.Acceptance{Was: origin(before), Reason: "only names of its inputs moved"}, ""
	case a == nil:
		return kept, ""
	case !recorded:
		return nil, fmt.Sprintf("it never ran in workspace %s, so there is no result to take", p.o.Workspace)
	case before.Definition == n.Definition: // it was accepted, or has run
		return kept, ""
	case !strings.HasPrefix(string(n.Definition), a.Definition):
		return nil, fmt.Sprintf("it is for the definition %s, and that is %s now", plan.Digest(a.Definition).Short(), n.Definition.Short())
	}
	if port := otherShape(n, before); port != "" {
		p.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeAcceptUnlike, Subject: a.At,
			Summary: fmt.Sprintf("%s cannot be accepted: its %s has other columns, features or marks by now than the recorded one", n.Address, port),
			Hint:    "Remove the block, and let it run.",
		})
		return nil, ""
	}
	return &plan.Acceptance{Was: origin(before), Reason: a.Reason}, ""
}

// origin is the definition that a recorded result was made by, over however many acceptances.
func origin(before *plan.NodeState) plan.Digest {
	if before.Accepted != nil {
		return before.Accepted.Was
	}
	return before.Definition
}

// onlyNames reports whether a node differs from what is recorded in nothing but the names that moved blocks have in lists of
// references. Such a list has its names from the blocks, and no meaning in them: where names have one, an object can give them.
func (p *planner) onlyNames(n *plan.Node, before *plan.NodeState) bool {
	b := p.m.Blocks[n.Address]
	if b == nil || len(p.formers) == 0 || before.Definition == n.Definition {
		return false
	}
	former, renamed := *n, map[string]string{}
	former.Inputs = slices.Clone(n.Inputs)
	for i, in := range n.Inputs {
		x, moved := p.formers[in.From]
		list, name, _ := strings.Cut(in.Port, ".")
		if spec := b.TypeSpec.Body.Attr(list); !moved || spec == nil || spec.Type != schema.RefList {
			continue
		}
		renamed[list+"."+name] = inputName(x.From)
		former.Inputs[i].Port = list + "." + inputName(x.From)
	}
	config, err := formerNames(n.Config, renamed)
	if err != nil || len(renamed) == 0 {
		return false
	}
	former.Config = config
	slices.SortFunc(former.Inputs, func(a, b plan.Input) int { return strings.Compare(a.Port, b.Port) })
	definition, err := former.Define()
	return err == nil && definition == before.Definition
}

// inputName is how a list of references calls a block: payments of source.payments, by_region_eu of
// source.by_region["eu"].
func inputName(a string) string { return schema.KeyedName(address.Name(a), address.Key(a)) }

// formerNames writes the former names of inputs into the lists that they stand in, by the name of the port.
// A moved source is read under another name, from.orders for from.sales, and the name is part of the configuration. What
// was accepted is then compared as it would be under the old name: a rename alone must not end an acceptance.
func formerNames(config json.RawMessage, former map[string]string) (json.RawMessage, error) {
	var all map[string]any
	if err := json.Unmarshal(config, &all); err != nil {
		return nil, err
	}
	for list, v := range all {
		names, _ := v.([]any)
		for i, name := range names {
			if old, ok := former[list+"."+fmt.Sprint(name)]; ok {
				names[i] = old
			}
		}
	}
	return encode(all), nil
}

// lapsed warns of an accept block that does not keep its stage from running, with why. It is no error: the stage runs, which is always right.
func (p *planner) lapsed(n *plan.Node, why string) {
	if a := p.accept(n.Address); a != nil && why != "" && (n.Verdict == plan.Run || n.Verdict == plan.MayRun) {
		p.report(source.Diagnostic{
			Severity: source.Warning, Code: source.CodeAcceptStale, Subject: a.At,
			Summary: fmt.Sprintf("The acceptance of %s does not hold: %s", n.Address, why),
		})
	}
}

// accept is the accept block of an address, nil if there is none.
func (p *planner) accept(address string) *resolve.Accept {
	return p.accepts[address]
}

// otherShape is a port whose table or model is described otherwise than the recorded one; empty if there is none.
// Whatever reads the result was checked against the new description, so that the old bytes would not fit.
func otherShape(n *plan.Node, before *plan.NodeState) string {
	for _, o := range n.Outputs {
		_, there := before.Outputs[o.Port]
		was := before.Shapes[o.Port]
		if !there || was != nil && string(encode(was)) != string(encode(o.Shape)) {
			return o.Port
		}
	}
	return ""
}

// take returns the recorded result that may stand for the node's own, and sets the node's fingerprint to that of the result. It
// returns nil, and leaves the fingerprint alone, where the result was made from other inputs, or where its action is no longer in the
// store; the latter is noted as a cause (plan.LostCause).
func (p *planner) take(n *plan.Node, before *plan.NodeState, inputs map[string]plan.Digest) (*plan.Action, error) {
	if !plan.SameInputs(before.Inputs, inputs) {
		return nil, nil
	}
	action, ok, err := p.o.Actions.Action(before.Fingerprint)
	if err != nil {
		return nil, err
	}
	if !ok {
		n.Causes = append(n.Causes, plan.Cause{Kind: plan.LostCause})
		return nil, nil
	}
	n.Fingerprint = before.Fingerprint
	return action, nil
}

// resting notes at each gate the accepted results that its figures and models come from: an approver sees what was
// taken on somebody's word.
func (p *planner) resting() {
	accepted := false
	for _, n := range p.nodes {
		accepted = accepted || n.Accepted != nil && n.Verdict.Known()
	}
	if !accepted {
		return
	}
	for _, g := range p.gates {
		seen := map[string]bool{}
		var visit func(string)
		visit = func(address string) {
			n := p.nodes[address]
			if n == nil || seen[address] {
				return
			}
			seen[address] = true
			if n.Accepted != nil && n.Verdict.Known() {
				g.Accepted = append(g.Accepted, address)
			}
			for _, in := range n.Inputs {
				visit(in.From)
			}
		}
		for _, f := range g.Rules.Figures {
			visit(f.Node)
		}
		for _, r := range p.releases {
			if r.Gate == g.Address {
				visit(r.Model.From)
			}
		}
		slices.Sort(g.Accepted)
	}
}
