package graph

import (
	"maps"
	"slices"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/lang/schema"
)

// OfModule is the graph of all blocks that something flows through, or that something waits for. Blocks that stand
// alone are left out. Nodes have no marks, since nothing is planned.
// It has the edges of the text: an evaluation reads a model, a gate is waited for. An edge of order, drawn dashed, is
// one along which nothing flows. That a block reads what was recorded of another (a state edge, as of a champion) is no
// edge here, since it would draw circles that no run has.
func OfModule(m *check.Module) *Graph {
	g := &Graph{}
	for _, address := range slices.Sorted(maps.Keys(m.Blocks)) {
		b := m.Blocks[address]
		if len(b.Needs) == 0 && len(m.NeededBy[address]) == 0 {
			continue
		}
		g.Nodes = append(g.Nodes, Node{Address: address, Caption: render.TypeWord(b.Kind, b.Type), Title: b.Description,
			Phase: b.KindSpec.Phase, Form: formOfBlock(b)})
		// Where something flows as well, the edge is no edge of order.
		order := map[string]bool{}
		for _, r := range b.Refs {
			if flows, seen := order[r.Target]; r.Edge != schema.StateEdge && (!seen || flows) {
				order[r.Target] = r.Edge == schema.OrderEdge
			}
		}
		for _, need := range b.Needs {
			g.Edges = append(g.Edges, Edge{From: need, To: address, Order: order[need]})
		}
	}
	return g
}

// formOfBlock is the shape of a block's node. A block whose component has no version computes nothing: it is a definition.
func formOfBlock(b *check.Block) Form {
	switch {
	case b.TypeSpec.IsGate():
		return GateForm
	case b.TypeSpec.IsDeployment():
		return ReleaseForm
	case b.TypeSpec.Version == 0:
		return DefinitionForm
	}
	return StageForm
}
