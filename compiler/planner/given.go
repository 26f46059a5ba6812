package planner

import (
	"fmt"
	"slices"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/source"
)

// givenPort is the only input of a stage whose result is given.
const givenPort = "given"

// given plans a stage whose result is taken as it is: it rests on nothing else. False if none is given. The result has
// a fingerprint of its own, so that it is never taken for one that the stage made.
func (p *planner) given(n *plan.Node) bool {
	g, ok := p.o.Given[n.Address]
	if !ok {
		return false
	}
	f := p.begin(n, declared)
	p.actions[n.Address] = &plan.Action{Address: n.Address, Outputs: g.Outputs, Figures: g.Figures}
	// The result that is given is the stage's only input, so that another one is another fingerprint.
	digest, err := plan.Sum("given", g)
	if err == nil {
		n.Inputs, n.After = []plan.Input{{Port: givenPort, Digest: digest, External: &plan.External{Root: givenPort}}}, nil
		n.Container, n.NoCache = nil, false
		n.Definition, err = n.Define()
	}
	if err != nil {
		p.report(source.Diagnostic{Severity: source.Error, Code: source.CodeStage, Subject: n.Range, Summary: fmt.Sprintf("%s: %v", n.Address, err)})
		return true
	}
	n.Outputs = slices.DeleteFunc(n.Outputs, func(o plan.Output) bool { return g.Outputs[o.Port] == "" })
	for i := range n.Outputs {
		n.Outputs[i].Digest = g.Outputs[n.Outputs[i].Port]
	}
	n.Fingerprint = plan.Fingerprint(n.Definition, map[string]plan.Digest{givenPort: digest})
	before, recorded := p.o.State.Nodes[n.Address]
	if recorded {
		n.Causes, n.Replaces = p.causes(n, &before, p.typeOf(n.Address)), before.Fingerprint
	}
	f.on(resultGiven)
	p.settle(f, &before, recorded)
	return true
}
