package planner

import (
	"cmp"
	"slices"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
)

// looked notes at each gate on how many models' behalf the rows that its figures come from were looked at: each look
// may have led to a choice, and rows that choices were made by prove less (see Dwork et al., The reusable holdout,
// Science 349, 2015). Rows that are not known yet are new ones.
func (p *planner) looked() {
	for _, g := range p.gates {
		for _, f := range g.Rules.Figures {
			n := p.nodes[f.Node]
			if n == nil || derivation(p.m.Blocks[f.Node], schema.ChampionRole) == nil {
				continue
			}
			rows := n.Measured()
			if rows == nil || rows.Digest == "" || len(p.o.State.Looks[rows.Digest]) == 0 {
				continue
			}
			// Models counts those that were measured on these very rows (by digest), whatever the evaluation was called.
			l := plan.Looked{From: rows.From, FromPort: rows.FromPort, Models: len(p.o.State.Looks[rows.Digest])}
			if !slices.Contains(g.Looks, l) {
				g.Looks = append(g.Looks, l)
			}
		}
		slices.SortFunc(g.Looks, func(a, b plan.Looked) int {
			return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.FromPort, b.FromPort))
		})
	}
}
