package planner

import (
	"fmt"
	"maps"
	"slices"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// A plan of targets is that of a part of the module: the targets, and what they rest on. It is made as if the module had no other blocks, and
// leaves alone what is recorded of those: nothing is removed, and no gate is decided but with all that it decides over. Of the
// target train.linear that is the training, its split and the sources below; the evaluation behind it is no part.

// partOf is the module with the blocks alone that targets rest on, in the order that they have in the whole. What a problem's requirements are
// verified by is none of that: an evaluation that names its problem would else bring in all others that verify it.
func partOf(m *check.Module, targets []string) *check.Module {
	in := map[string]*check.Block{}
	var need func(address string)
	need = func(address string) {
		b := m.Blocks[address]
		if b == nil || in[address] != nil || b.KindSpec.Poses {
			return
		}
		in[address] = b
		for _, a := range b.Needs {
			need(a)
		}
	}
	for _, t := range targets {
		need(address.Block(t))
	}
	for at, b := range m.Blocks { // who is told of a part is who is told of all, with the secrets that it takes
		if b.KindSpec.Tells {
			need(at)
			for _, r := range b.Refs {
				need(r.Target)
			}
		}
	}
	part := *m
	part.Blocks = in
	part.Order = slices.DeleteFunc(slices.Clone(m.Order), func(a string) bool { return in[a] == nil })
	return &part
}

// only leaves out of the plan what no target rests on, where targets are stages that are derived of a block and not the block: of train.model@image that is the training,
// and the rows that it learns from.
func (p *planner) only() {
	if !slices.ContainsFunc(p.o.Targets, address.IsDerived) {
		return
	}
	whole := slices.DeleteFunc(slices.Clone(p.o.Targets), address.IsDerived)
	blocks := partOf(p.m, whole).Blocks
	kept := map[string]bool{}
	var keep func(at string)
	keep = func(at string) {
		n := p.nodes[at]
		if n == nil || kept[at] {
			return
		}
		kept[at] = true
		for _, in := range n.Inputs {
			keep(in.From)
		}
		for _, after := range n.After {
			keep(after)
		}
	}
	for at := range p.nodes {
		if slices.Contains(p.o.Targets, at) || blocks[address.Block(at)] != nil {
			keep(at)
		}
	}
	p.left = map[string]bool{}
	for at := range p.nodes {
		if !kept[at] {
			delete(p.nodes, at)
			delete(p.fates, at)
			p.left[address.Block(at)] = true
		}
	}
}

// undivided refuses a part with a gate of which a deployment is left out: a gate decides over all models behind it, and approvals
// are given for all of them.
func (p *planner) undivided() {
	if p.whole == nil {
		return
	}
	over := map[string]string{} // deployments that are left out, by a gate that decides over them
	for at, b := range p.whole.Blocks {
		if b.TypeSpec.IsDeployment() && p.m.Blocks[at] == nil {
			for _, r := range b.Refs {
				if r.Path == "gate" {
					over[at] = r.Target
				}
			}
		}
	}
	for at, live := range p.o.State.Releases {
		if p.m.Blocks[at] == nil && live.Gate != "" {
			over[at] = live.Gate
		}
	}
	for at := range p.gates {
		if c := p.gates[at].Champion; c != nil && p.m.Blocks[c.Deploy] == nil {
			over[c.Deploy] = at
		}
	}
	for _, at := range slices.Sorted(maps.Keys(over)) {
		if gate := p.gates[over[at]]; gate != nil {
			hint := "Make " + at + " a target too, or take what rests on the gate out of the targets."
			if p.whole.Blocks[at] == nil {
				hint = "It is live, and in the module no more: apply the whole module."
			}
			p.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodePart, Subject: gate.Range,
				Summary: fmt.Sprintf("the targets rest on %s, which also decides over %s", gate.Address, at),
				Detail:  "A gate decides over all models behind it at once.",
				Hint:    hint,
			})
		}
	}
}

// TestLook is an evaluation that would look at rows of a test side.
type TestLook struct {
	Address string // of the evaluation
	Rows    string // "split.holdout.test"
}

// TestLooks are the evaluations of a plan that run, or may, and measure models on rows that are not known to be kept from a test side,
// by address. Each is a look, which gates count.
func TestLooks(m *check.Module, p *plan.Plan) []TestLook {
	var out []TestLook
	for _, n := range p.Nodes {
		rows := n.Looks()
		if rows == nil || n.Verdict != plan.Run && n.Verdict != plan.MayRun {
			continue
		}
		switch sideOf(m, rows.From, rows.FromPort) {
		case schema.TrainSide, schema.ValidationSide, schema.SelectionSide:
		default:
			out = append(out, TestLook{n.Address, rows.From + "." + rows.FromPort})
		}
	}
	return out
}

// sideOf is the side of a split that a table's rows come from, through whatever was computed of them; empty where there is no
// split, or more than one side. Rows of which the side is not known are not known to be kept from the test side, and count as a look (TestLooks).
func sideOf(m *check.Module, at, port string) schema.Side {
	b := m.Blocks[at]
	if b == nil {
		return ""
	}
	if b.TypeSpec.Splits() {
		return b.TypeSpec.SideOf(port)
	}
	var side schema.Side
	for _, r := range b.Refs {
		if r.Edge != schema.InputEdge || b.In[r.Port].Type != schema.TablePort {
			continue
		}
		switch s := sideOf(m, r.Target, r.TargetPort); {
		case s == schema.TestSide:
			return s
		case side != "" && s != "" && s != side:
			return ""
		case s != "":
			side = s
		}
	}
	return side
}
