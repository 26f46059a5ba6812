package check

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/mlp-lang/mlp/compiler/graph"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// references builds the graph of all blocks from the references in HCL. References to state are no edges; what comes along
// with another reference stands before that one's block already.
func (c *checker) references() *graph.Graph {
	g := graph.New()
	for _, b := range c.m.Module.Blocks {
		c.must(g.Add(b.Address))
	}
	for _, b := range c.m.Module.Blocks {
		for _, r := range b.Refs {
			if r.Edge != schema.StateEdge && !r.Along {
				c.must(g.Connect(r.Target, b.Address, r.Range))
			}
		}
	}
	c.candidates(g)
	return g
}

// candidates puts gates behind the models that they would let pass: what a gate decides on is bound to them.
// No reference says that order: the deployment names both, the gate neither. So a deployment whose model rests on its
// gate is a circle, and is told with the place of the reference.
func (c *checker) candidates(g *graph.Graph) {
	for _, b := range c.m.Module.Blocks {
		var gate, model string
		var where source.Range
		for _, r := range b.Refs {
			switch {
			case !b.TypeSpec.IsDeployment():
			case r.Path == "gate":
				gate, where = r.Target, r.Range
			case r.Path == "model":
				model = r.Target
			}
		}
		if gate != "" && model != "" {
			c.must(g.Connect(model, gate, where))
		}
	}
}

// order orders the graph; a cycle is told hop by hop, and what hangs behind it is left out.
func (c *checker) order(g *graph.Graph) []string {
	order, err := g.Order()
	var cycle *graph.CycleError
	if errors.As(err, &cycle) {
		c.cyclic = true
		c.cycle(cycle)
		c.leaveOut(order)
		return order
	}
	c.must(err)
	return order
}

// leaveOut marks the blocks on a cycle and behind it: they get no types, and rules that read them are not told wrong.
func (c *checker) leaveOut(order []string) {
	ordered := make(map[string]bool, len(order))
	for _, address := range order {
		ordered[address] = true
	}
	for address := range c.m.Blocks {
		if !ordered[address] {
			c.untyped[address] = true
		}
	}
}

// cycle tells of blocks that need each other, hop by hop, each at its reference.
func (c *checker) cycle(e *graph.CycleError) {
	names := []string{e.Hops[0].From}
	d := source.Diagnostic{Severity: source.Error, Code: source.CodeBlockCycle, Subject: e.Hops[0].Range}
	for _, h := range e.Hops {
		names = append(names, h.To)
		d.Related = append(d.Related, source.Related{Message: fmt.Sprintf("%s needs %s", h.To, h.From), Range: h.Range})
	}
	d.Summary = "these blocks need each other: " + strings.Join(names, " → ")
	d.Detail = "None of them can run first. Take one of these references away."
	c.add(d)
}

// must tells of an error that no text can bring about, since what it rests on was checked before: a defect that shows as a
// diagnostic is better than a plan without what failed.
func (c *checker) must(err error) {
	if err != nil {
		c.add(source.Diagnostic{Severity: source.Error, Code: source.CodeBlockCycle, Summary: err.Error()})
	}
}

// blockOfPath is the nested block that a path stands in: "requirement[R1]" of "requirement[R1].verified_by[0]".
func blockOfPath(path string) string {
	if i := strings.Index(path, "]."); i >= 0 {
		return path[:i+1]
	}
	return path
}

// requirementOf is the label of the requirement block at a path: R1 of "requirement[R1]". False of what stands inside of
// one.
func requirementOf(path string) (label string, ok bool) {
	rest, ok := strings.CutPrefix(path, "requirement[")
	if !ok || !strings.HasSuffix(rest, "]") || strings.Contains(rest, "].") {
		return "", false
	}
	return strings.TrimSuffix(rest, "]"), true
}

// sortedPaths are the paths of ranges in their order.
func sortedPaths(m map[string]source.Range) []string {
	out := make([]string, 0, len(m))
	for p := range m {
		out = append(out, p)
	}
	sort.Strings(out)
	return out
}
