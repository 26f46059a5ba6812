package planner

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// looked notes at each gate on how many models' behalf the rows that its figures come from were looked at: each look
// may have led to a choice, and rows that choices were made by prove less (see Dwork et al., The reusable holdout,
// Science 349, 2015). Rows that are not known yet are new ones.
func (p *planner) looked(ctx context.Context) {
	others := map[plan.Digest]int{}
	for _, g := range p.gates {
		for _, f := range g.Rules.Figures {
			for _, rows := range p.evaluatedOn(f.Node) {
				p.lookedAt(ctx, g, rows, others)
			}
		}
		slices.SortFunc(g.Looks, func(a, b plan.Looked) int {
			return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.FromPort, b.FromPort))
		})
	}
}

// evaluatedOn are the rows that the figures of a stage come from, as far as their content is known: of an evaluation its own, of one that sums up
// others theirs.
func (p *planner) evaluatedOn(address string) []*plan.Input {
	n := p.nodes[address]
	if n == nil {
		return nil
	}
	rows := n.Measured()
	if rows == nil {
		var out []*plan.Input
		for _, in := range n.Inputs {
			if in.Shape != nil && in.Shape.Type == schema.FiguresPort {
				out = append(out, p.evaluatedOn(in.From)...)
			}
		}
		return out
	}
	if rows.Digest == "" || derivation(p.m.Blocks[address], schema.ChampionRole) == nil {
		return nil
	}
	return []*plan.Input{rows}
}

// lookedAt notes at a gate the looks at some rows. Those count that were measured on these very rows (by digest), whatever the evaluation was called.
// others holds what was found out of other workspaces.
func (p *planner) lookedAt(ctx context.Context, g *plan.Gate, rows *plan.Input, others map[plan.Digest]int) {
	l := plan.Looked{From: rows.From, FromPort: rows.FromPort}
	if p.saved != nil {
		l.Elsewhere = p.saved.elsewhere(g.Address, l)
	} else if _, asked := others[rows.Digest]; !asked {
		n, err := p.elsewhere(ctx, rows.Digest)
		if err != nil {
			p.report(source.Diagnostic{Severity: source.Error, Code: source.CodeRules, Subject: g.Range,
				Summary: fmt.Sprintf("how often the rows of %s.%s have been looked at cannot be found out: %v", l.From, l.FromPort, err)})
		}
		others[rows.Digest] = n
	}
	l.Elsewhere += others[rows.Digest]
	l.Models = len(p.o.State.Looks[rows.Digest]) + l.Elsewhere
	if l.Models > 0 && !slices.Contains(g.Looks, l) {
		g.Looks = append(g.Looks, l)
	}
}

// elsewhere is how many models were measured on rows in other workspaces alone.
func (p *planner) elsewhere(ctx context.Context, rows plan.Digest) (int, error) {
	if p.o.Looked == nil {
		return 0, nil
	}
	models, err := p.o.Looked(ctx, rows)
	own := p.o.State.Looks[rows]
	models = slices.DeleteFunc(models, func(m plan.Digest) bool { return slices.Contains(own, m) })
	return len(models), err
}

// elsewhere is what a saved plan says: more may have been measured since it was made, which does not make it another plan.
func (s *saved) elsewhere(gate string, l plan.Looked) int {
	for _, g := range s.plan.Gates {
		for _, said := range g.Looks {
			if g.Address == gate && said.From == l.From && said.FromPort == l.FromPort {
				return max(said.Elsewhere, 0)
			}
		}
	}
	return 0
}
