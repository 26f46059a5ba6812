package plan

import (
	"encoding/json"
	"maps"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/source"
)

// Move says that a block had another address. Pending: something is recorded under the old one, and the apply records it
// under the new one; otherwise that is done, or there was nothing.
type Move struct {
	From    string       `json:"from" is:"address"`
	To      string       `json:"to" is:"address"`
	Pending bool         `json:"pending,omitempty"`
	Range   source.Range `json:"range,omitzero"` // of the moved block
}

// Acceptance says that a recorded result is taken for that of another definition than it was made by.
type Acceptance struct {
	Was    Digest    `json:"was"` // the definition that the result was made by
	Reason string    `json:"reason" is:"text"`
	By     string    `json:"by,omitempty" is:"text"` // once recorded
	At     time.Time `json:"at,omitzero"`
}

// MovedFrom is the address under which something is recorded that the apply moves to this one; empty if nothing is.
func (p *Plan) MovedFrom(address string) string {
	for _, m := range p.Moves {
		if m.Pending && m.To == address {
			return m.From
		}
	}
	return ""
}

// Renamed is the state with what is recorded under the old address of each pending move under the new one, and with the
// new addresses wherever others name them. What has been moved already stays. The state itself is not changed; without
// pending moves it is returned.
func (st *State) Renamed(moves []Move) *State {
	to := map[string]string{}
	for _, m := range moves {
		if m.Pending && st.Records(m.From) && !st.Records(m.To) {
			to[m.From] = m.To
		}
	}
	if len(to) == 0 {
		return st
	}
	name := func(a string) string {
		if other, ok := to[address.Block(a)]; ok { // derived stages go with their block
			return address.At(a, other)
		}
		return a
	}
	out := *st
	out.Nodes, out.Gates = map[string]NodeState{}, map[string]GateState{}
	out.Releases, out.Approvals = map[string]ReleaseState{}, map[string]ApprovalState{}
	for a, n := range st.Nodes {
		n.Wiring = maps.Clone(n.Wiring)
		for port, from := range n.Wiring {
			if i := strings.LastIndexByte(from, ':'); i >= 0 {
				n.Wiring[port] = name(from[:i]) + from[i:]
			}
		}
		n.Policy = n.Policy.Renamed(name)
		out.Nodes[name(a)] = n
	}
	for a, g := range st.Gates {
		g.Policy = g.Policy.Renamed(name)
		out.Gates[name(a)] = g
	}
	for a, r := range st.Releases {
		out.Releases[name(a)] = r.renamed(name)
	}
	for key, a := range st.Approvals {
		gate, rest, _ := strings.Cut(key, "/")
		a.Gate = name(a.Gate)
		out.Approvals[name(gate)+"/"+rest] = a
	}
	if st.Hypotheses != nil {
		out.Hypotheses = make(map[string]HypothesisState, len(st.Hypotheses))
	}
	for key, h := range st.Hypotheses {
		problem, rest, _ := strings.Cut(key, "/")
		out.Hypotheses[name(problem)+"/"+rest] = h
	}
	if st.Watched != nil {
		out.Watched = make(map[string]WatchState, len(st.Watched))
	}
	for a, w := range st.Watched {
		asked := w.Asked
		if asked != nil {
			w.Asked = make(map[string]Digest, len(asked))
		}
		for at, d := range asked {
			w.Asked[name(at)] = d
		}
		out.Watched[name(a)] = w
	}
	if st.Described != nil {
		out.Described = make(map[string]json.RawMessage, len(st.Described))
	}
	for a, meta := range st.Described {
		out.Described[name(a)] = meta
	}
	if st.Policies != nil {
		out.Policies = make(map[string]Policy, len(st.Policies))
	}
	for a, p := range st.Policies {
		out.Policies[name(a)] = p.Renamed(name)
	}
	return &out
}

// renamed is a release, and the candidate of its rollout, with other addresses.
func (s ReleaseState) renamed(name func(string) string) ReleaseState {
	s.From, s.Gate = name(s.From), name(s.Gate)
	figures := s.Figures
	if figures != nil {
		s.Figures = make(map[string]json.RawMessage, len(figures))
	}
	for from, f := range figures {
		s.Figures[name(from)] = f
	}
	if s.Rollout != nil {
		moved := *s.Rollout
		moved.Next = moved.Next.renamed(name)
		s.Rollout = &moved
	}
	return s
}

// Records reports whether anything is recorded under the address of a block.
func (st *State) Records(address string) bool {
	_, node := st.Nodes[address]
	_, gate := st.Gates[address]
	_, release := st.Releases[address]
	_, described := st.Described[address]
	_, policy := st.Policies[address]
	return node || gate || release || described || policy
}

// SameInputs reports whether a result made from some inputs was made from these, too: of each port the same content,
// and of a port that there was not, content that came in by another. The latter is so where names in a list of
// references were changed: from.a became from.b, with the same table.
func SameInputs(before, now map[string]Digest) bool {
	had := map[Digest]bool{}
	for _, d := range before {
		had[d] = true
	}
	for port, d := range now {
		if was, ok := before[port]; ok && was != d || !had[d] {
			return false
		}
	}
	return true
}
