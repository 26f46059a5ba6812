package planner

import (
	"fmt"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
)

// Moves are the former addresses of a module's blocks, and which of them have to be moved in a state; nil if there are
// none. They are sorted by the address of now, those of one block the nearest first.
func Moves(m *check.Module, st *plan.State) []plan.Move {
	if len(m.Moves) == 0 {
		return nil
	}
	var out []plan.Move
	for _, address := range sortedKeys(m.Blocks) {
		for _, x := range m.Formers(address) {
			out = append(out, plan.Move{From: x.From, To: address, Range: x.Range})
		}
	}
	return pending(out, st)
}

// pending marks the moves that have to be made in a state. moves has the former addresses of each block one after another, the nearest
// first. Of a block that has nothing recorded under its own address, the first former address that has something is pending: after
// a → b → c with results under a alone, a is moved to c. Of a block with results of its own, none is.
func pending(moves []plan.Move, st *plan.State) []plan.Move {
	free, of := false, ""
	for i := range moves {
		x := &moves[i]
		if of != x.To {
			free, of = !st.Records(x.To), x.To
		}
		x.Pending = free && st.Records(x.From)
		free = free && !x.Pending
	}
	return moves
}

// move begins with the state as it is after the moves, so that all else is planned under the new addresses. The
// caller's state is left as it is.
func (p *planner) move() {
	if p.moves = p.saved.moves(p.o.State); p.saved == nil {
		p.moves = Moves(p.m, p.o.State)
	}
	recorded := p.o.State
	p.o.State = recorded.Renamed(p.moves)
	p.formers = map[string]plan.Move{}
	for _, x := range p.moves {
		switch {
		case x.Pending:
			p.formers[x.To] = x
		case recorded.Records(x.From):
			p.report(source.Diagnostic{
				Severity: source.Warning, Code: source.CodeMovedNothing, Subject: x.Range,
				Summary: fmt.Sprintf("%s is not moved to %s, of which there are results already: it would be removed", x.From, x.To),
			})
		}
	}
}

// missed warns of moves of what is not recorded where something much like it would be removed.
// A misspelt `from` moves nothing, and its stage would be removed and run again under the new name, hours for a letter.
// It is a warning, because a workspace without that stage is the usual case.
func (p *planner) missed() {
	var gone []string
	for address, n := range p.nodes {
		if n.Verdict == plan.Remove {
			gone = append(gone, address)
		}
	}
	// A move whose new address is recorded has been made before, and stays in the text for other workspaces.
	names := suggest.NewNames(gone)
	for _, x := range p.m.Moves {
		if p.o.State.Records(x.To) {
			continue
		}
		if near := names.Near(x.From); near != "" {
			p.report(source.Diagnostic{
				Severity: source.Warning, Code: source.CodeMovedNothing, Subject: x.Range,
				Summary: fmt.Sprintf("Nothing is recorded of %s; %s is, and would be removed", x.From, near),
				Hint:    names.DidYouMean(x.From),
			})
		}
	}
}

// moveChanges are those that the apply only writes down.
func (p *planner) moveChanges() []plan.Change {
	var out []plan.Change
	for _, x := range p.moves {
		if x.Pending {
			out = append(out, plan.Change{Address: x.To, Category: plan.MovedChange, Range: x.Range,
				Cause: plan.Cause{Kind: plan.MovedCause, Before: text(x.From), After: text(x.To)}})
		}
	}
	return out
}

// renamedGate brings what is recorded of a gate to the new addresses. If nothing else differs, it asks for the same as
// before, and approvals that were given count on.
func (p *planner) renamedGate(g *plan.Gate) error {
	before, ok := p.o.State.Gates[g.Address]
	if !ok || len(p.formers) == 0 || before.Definition == g.Definition {
		return nil
	}
	same, err := g.Former(p.moves).Define()
	if err != nil {
		return err
	}
	p.o.State.Gates[g.Address] = before.Moved(g, p.moves, same == before.Definition)
	return nil
}
