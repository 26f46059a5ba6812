package resolve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// Move says that what was recorded under one address goes on under another. Addresses are whole, those of blocks or of
// modules, with keys where one instance is meant.
type Move struct {
	From, To string
	Range    source.Range // of the block's header
	r        *resolver
	b        *syntax.Block
}

// Readdress follows a block from one address to another: itself, its instances where neither address has a key, and
// what is in it where it is a module. False if the address is none of these. With the move from train.a to train.b
//
//	train.a              train.b
//	train.a["eu"]        train.b["eu"]
//	train.ab             false
//
// and from module.x to module.y, module.x.train.a goes to module.y.train.a.
func Readdress(a, from, to string) (string, bool) {
	rest, ok := strings.CutPrefix(a, from)
	switch {
	case !ok:
		return "", false
	case rest == "", rest[0] == '.' && address.Kind(from) == moduleKind, rest[0] == '[' && !strings.HasSuffix(to, "]"):
		return to + rest, true
	}
	return "", false
}

// Formers are the addresses that a block had before, the latest first, over several moves one after another. Of moves
// that lead to it the most particular counts: one of the block itself before one of the module that it is in.
func (m *Module) Formers(address string) []Move {
	var out []Move
	for range m.Moves {
		var last *Move
		for _, x := range m.Moves {
			if _, ok := Readdress(address, x.To, x.From); ok && (last == nil || len(x.To) > len(last.To)) {
				last = x
			}
		}
		if last == nil {
			break
		}
		from, _ := Readdress(address, last.To, last.From)
		out = append(out, Move{From: from, To: address, Range: last.Range})
		address = from
	}
	return out
}

// refactorings reads the blocks that say of addresses what became of them.
// They change no block: what becomes of recorded results is for the planner.
func (r *resolver) refactorings() {
	for _, b := range r.in.Blocks {
		if b.Kind != movedKind && b.Kind != acceptKind {
			continue
		}
		w := r.walker(&instance{Block: b, owner: r, scope: r.scope})
		p := w.body(b, "", false)
		if b.Kind == acceptKind {
			r.accept(b, p)
			continue
		}
		from, okFrom := p.config["from"].(string)
		to, okTo := p.config["to"].(string)
		if okFrom && okTo {
			r.out.Moves = append(r.out.Moves, &Move{From: from, To: to, Range: b.Header, r: r, b: b})
		}
	}
}

// checkMoves adds diagnostics for moved blocks that cannot be carried out, and leaves the others in Module.Moves, sorted by the address
// that they lead to.
func (s *shared) checkMoves() {
	s.out.Moves = slices.DeleteFunc(s.out.Moves, func(m *Move) bool { return !s.movable(m) })
	slices.SortFunc(s.out.Moves, func(a, b *Move) int { return strings.Compare(a.To+" "+a.From, b.To+" "+b.From) })
}

// movable reports whether a move may be applied to what is recorded, and tells why not. The order of the questions is that
// of the messages: first what is wrong with the move alone, then with other moves, then with the blocks that there are.
func (s *shared) movable(m *Move) bool {
	from, to := m.b.Attrs["from"].Range, m.b.Attrs["to"].Range
	refuse := func(d source.Diagnostic) bool {
		d.Severity, d.Code = source.Error, source.CodeMoved
		m.r.report(d)
		return false
	}
	kind := address.Kind(m.To)
	switch other := s.rival(m); {
	case m.From == m.To:
		return refuse(source.Diagnostic{Subject: to, Summary: m.To + " is moved to itself", Detail: "Nothing would be another than before.", Hint: "remove the block"})
	case address.Kind(m.From) != kind:
		return refuse(source.Diagnostic{
			Subject: to,
			Summary: fmt.Sprintf("%s cannot become %s", m.From, m.To),
			Detail:  "They are of different kinds: what is recorded of the one means nothing for the other.",
		})
	case other != nil:
		what := "is moved twice"
		at := from
		if other.To == m.To {
			what, at = "is where two blocks are moved to", to
		}
		return refuse(source.Diagnostic{
			Subject: at,
			Summary: map[bool]string{true: m.To, false: m.From}[other.To == m.To] + " " + what,
			Detail:  "Each address has one successor and one predecessor.",
			Hint:    "remove one of the two",
			Related: []source.Related{{Message: "the other one is here", Range: other.Range}},
		})
	case s.circular(m):
		return refuse(source.Diagnostic{
			Subject: to,
			Summary: m.From + " is moved in a circle",
			Detail:  "Its new address is moved on until it is the old one.",
			Hint:    "remove the move that is taken back",
		})
	}
	if at := s.still(m); at != "" {
		return refuse(source.Diagnostic{
			Subject: from,
			Summary: at + " is still there",
			Detail:  "A block that is moved leaves its address: rename the block, or remove the move.",
		})
	}
	if s.leads(m.To) {
		return s.recorded(m)
	}
	if !s.there(m.To) {
		if m.r.in.Incomplete || m.r.unclear(m.To) {
			return false
		}
		return refuse(source.Diagnostic{
			Subject: to,
			Summary: "there is no " + m.To,
			Detail:  "A block is moved to the address that it has now.",
			Hint:    suggest.DidYouMean(m.To, s.ofKind(kind)),
		})
	}
	return s.recorded(m)
}

// rival is an earlier move of the same address, or to the same.
func (s *shared) rival(m *Move) *Move {
	for _, other := range s.out.Moves {
		if other == m {
			break
		}
		if other.From == m.From || other.To == m.To {
			return other
		}
	}
	return nil
}

// circular reports whether following a move leads back to it. More steps than there are moves are a circle too.
// A chain a → b → c is allowed: a result that was recorded under a is found under c, whichever version of the files
// wrote it last.
func (s *shared) circular(m *Move) bool {
	at := m.To
	for range s.out.Moves {
		next, ok := s.next(at)
		if !ok {
			return false
		}
		if _, back := Readdress(next, m.From, m.To); back || next == m.From {
			return true
		}
		at = next
	}
	return true
}

// next is where an address is moved.
func (s *shared) next(address string) (string, bool) {
	for _, m := range s.out.Moves {
		if to, ok := Readdress(address, m.From, m.To); ok {
			return to, true
		}
	}
	return "", false
}

// leads reports whether an address is moved on by another move: a → b and b → c may both stand.
func (s *shared) leads(address string) bool {
	_, ok := s.next(address)
	return ok
}

// still is a block that the old address of a move means; empty if there is none.
func (s *shared) still(m *Move) string {
	if s.called[m.From] {
		return m.From
	}
	for _, in := range s.order {
		if _, ok := Readdress(in.Address, m.From, m.To); ok {
			return in.Address
		}
	}
	return ""
}

// there reports whether an address is that of a block, a repeated block or a module that is called; of a repeated one
// also without a key.
func (s *shared) there(address string) bool {
	if s.blocks[address] != nil || s.called[address] {
		return true
	}
	for _, in := range s.order {
		if strings.HasPrefix(in.Address, address+"[") {
			return true
		}
	}
	for called := range s.called {
		if strings.HasPrefix(called, address+"[") {
			return true
		}
	}
	return false
}

// recorded reports whether the state can have something of the blocks that a move is about. If not, as of a metric, it adds the
// diagnostic.
func (s *shared) recorded(m *Move) bool {
	for _, in := range s.order {
		if _, ok := Readdress(in.Address, m.To, m.From); !ok || address.Kind(m.To) == moduleKind {
			continue
		}
		if in.TypeSpec.Version == 0 && !in.TypeSpec.IsGate() && !in.TypeSpec.IsDeployment() {
			m.r.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeMoved, Subject: m.b.Attrs["to"].Range,
				Summary: fmt.Sprintf("nothing is recorded of a %s", in.Kind),
				Detail:  "It can have another name without being moved.",
				Hint:    "remove the block",
			})
			return false
		}
	}
	return true
}

// unclear reports whether an address is that of a block that is written and could not be read, or of something in it; it may exist, so
// that nothing is said of it.
func (r *resolver) unclear(address string) bool {
	local := strings.TrimPrefix(address, r.prefix)
	for a := range r.invalid {
		if r.there(r.prefix + a) {
			continue
		}
		if local == a || strings.HasPrefix(local, a+"[") || strings.HasPrefix(local, a+".") {
			return true
		}
	}
	return false
}

// ofKind are the addresses of one kind, for suggestions.
// Modules are no blocks, but can be moved as a whole; so they are listed for their kind.
func (s *shared) ofKind(kind string) []string {
	var out []string
	for _, in := range s.order {
		if in.Kind == kind {
			out = append(out, in.Address)
		}
	}
	for called := range s.called {
		if kind == moduleKind {
			out = append(out, called)
		}
	}
	slices.Sort(out)
	return out
}
