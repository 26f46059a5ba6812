package planner

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/source"
)

// Moves are the former addresses of a module's blocks, and which of them have to be moved in a state.
func Moves(m *check.Module, st *plan.State) []plan.Move {
	if len(m.Moves) == 0 {
		return nil
	}
	var out []plan.Move
	for _, address := range sortedKeys(m.Blocks) {
		free := !st.Records(address)
		for _, x := range m.Formers(address) {
			pending := free && st.Records(x.From)
			free = free && !pending
			out = append(out, plan.Move{From: x.From, To: address, Pending: pending, Range: x.Range})
		}
	}
	return out
}

// move begins with the state as it is after the moves, so that all else is planned under the new addresses.
func (p *planner) move() {
	p.moves = Moves(p.m, p.o.State)
	recorded := p.o.State
	p.o.State = recorded.Renamed(p.moves)
	p.formers = map[string]plan.Move{}
	for _, x := range p.moves {
		switch {
		case x.Pending:
			p.formers[x.To] = x
		case recorded.Records(x.From):
			p.warn(x.Range, "MLP1611", fmt.Sprintf("%s is not moved to %s, of which there are results already: it would be removed", x.From, x.To), "")
		}
	}
}

// missed warns of moves of what is not recorded where something much like it would be removed.
func (p *planner) missed() {
	var gone []string
	for address, n := range p.nodes {
		if n.Verdict == plan.Remove {
			gone = append(gone, address)
		}
	}
	names := source.NewNames(gone)
	for _, x := range p.m.Moves {
		if p.o.State.Records(x.To) {
			continue
		}
		if near := names.Near(x.From); near != "" {
			p.warn(x.Range, "MLP1611", fmt.Sprintf("Nothing is recorded of %s; %s is, and would be removed", x.From, near), names.DidYouMean(x.From))
		}
	}
}

func (p *planner) warn(r source.Range, code, summary, hint string) {
	p.diags = append(p.diags, source.Diagnostic{Severity: source.Warning, Code: code, Summary: summary, Subject: r, Hint: hint})
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

// renamedGate brings what is recorded of a gate to the new addresses, if nothing else differs: then it asks for the same
// as before.
func (p *planner) renamedGate(b *check.Block, g *plan.Gate) error {
	before, ok := p.o.State.Gates[g.Address]
	if !ok || len(p.formers) == 0 || before.Definition == g.Definition {
		return nil
	}
	former, now := p.names(b.Module)
	policy, err := replaceStrings(b.Policy, former)
	if err != nil {
		return err
	}
	after := make([]string, len(g.After))
	for i, a := range g.After {
		after[i] = replaceNames(a, former)
	}
	slices.Sort(after)
	same, err := gateDefinition(policy, after, constants(g.Rules.Known))
	if err != nil || same != before.Definition {
		return err
	}
	before.Definition = g.Definition
	before.Rules = slices.Clone(before.Rules)
	for i, r := range before.Rules {
		r.Assert = replaceNames(r.Assert, now)
		r.Values = slices.Clone(r.Values)
		for k := range r.Values {
			r.Values[k].Path = replaceNames(r.Values[k].Path, now)
		}
		before.Rules[i] = r
	}
	p.o.State.Gates[g.Address] = before
	return nil
}

// names are the new addresses by which a module's policies name blocks, with the former ones, and the other way round.
func (p *planner) names(module string) (former, now map[string]string) {
	former, now = map[string]string{}, map[string]string{}
	for _, x := range p.formers {
		former[x.To], now[x.From] = x.From, x.To
		from, inside := strings.CutPrefix(x.From, module)
		if to, ok := strings.CutPrefix(x.To, module); ok && inside && module != "" {
			former[to], now[from] = from, to
		}
	}
	return former, now
}

// replaceStrings replaces names in all strings of a JSON value.
func replaceStrings(v json.RawMessage, names map[string]string) (json.RawMessage, error) {
	var tree any
	if err := json.Unmarshal(orEmpty(v), &tree); err != nil {
		return nil, err
	}
	var walk func(any) any
	walk = func(v any) any {
		switch x := v.(type) {
		case string:
			return replaceNames(x, names)
		case []any:
			for i := range x {
				x[i] = walk(x[i])
			}
		case map[string]any:
			for k := range x {
				x[k] = walk(x[k])
			}
		}
		return v
	}
	return plan.Canonical(walk(tree))
}

// replaceNames replaces addresses in a text where they stand whole.
func replaceNames(text string, names map[string]string) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		best := ""
		for old := range names {
			if len(old) > len(best) && strings.HasPrefix(text[i:], old) && standsWhole(text, i, i+len(old)) {
				best = old
			}
		}
		if best == "" {
			b.WriteByte(text[i])
			i++
			continue
		}
		b.WriteString(names[best])
		i += len(best)
	}
	return b.String()
}

func standsWhole(text string, from, to int) bool {
	word := func(c byte) bool {
		return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	return (from == 0 || !word(text[from-1]) && text[from-1] != '.') && (to == len(text) || !word(text[to]))
}
