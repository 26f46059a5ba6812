package plan

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/address"
)

// Define digests what a gate asks for: its rules and approvals, what it comes after and compares with, and the variables
// and locals that its rules read.
func (g *Gate) Define() (Digest, error) {
	type rule struct {
		Name     string `json:"name"`
		Assert   string `json:"assert"`
		Message  string `json:"message,omitempty"`
		Severity string `json:"severity"`
	}
	type approval struct {
		Name string   `json:"name"`
		From []string `json:"from"`
		When string   `json:"when,omitempty"`
	}
	var def struct {
		Policy struct {
			After    []string        `json:"after,omitempty"`
			Champion string          `json:"champion,omitempty"`
			Rule     []rule          `json:"rule,omitempty"`
			Approval []approval      `json:"approval,omitempty"`
			Rollback *RollbackPolicy `json:"rollback,omitempty"`
		}
		After     []string
		Variables map[string]json.RawMessage
	}
	for _, r := range g.Rules.Rules {
		def.Policy.Rule = append(def.Policy.Rule, rule{r.Name, r.Assert, r.Message, r.Severity})
	}
	for _, a := range g.Approvals {
		def.Policy.Approval = append(def.Policy.Approval, approval{a.Name, a.From, a.When})
	}
	def.After, def.Policy.After, def.Policy.Rollback = g.After, g.After, g.Rollback
	if g.Champion != nil {
		def.Policy.Champion = g.Champion.Deploy
	}
	if err := json.Unmarshal(g.Rules.Known, &def.Variables); err != nil {
		return "", err
	}
	delete(def.Variables, "champion") // a gate is the same gate whoever is live
	return Sum("gate-definition", def)
}

// Former is the gate as it would stand under the addresses from before the moves that are to be made, by which its
// recorded definition can be compared. g is not changed.
func (g *Gate) Former(moves []Move) *Gate {
	former, _ := names(moves, address.Module(g.Address))
	out := *g
	out.Rules.Rules, out.Approvals, out.After = slices.Clone(g.Rules.Rules), slices.Clone(g.Approvals), nil
	for i := range out.Rules.Rules {
		r := &out.Rules.Rules[i]
		r.Name, r.Assert, r.Message = replaceNames(r.Name, former), replaceNames(r.Assert, former), replaceNames(r.Message, former)
	}
	for i := range out.Approvals {
		a := &out.Approvals[i]
		a.Name, a.When = replaceNames(a.Name, former), replaceNames(a.When, former)
	}
	for _, a := range g.After {
		out.After = append(out.After, replaceNames(a, former))
	}
	slices.Sort(out.After)
	if g.Champion != nil {
		champion := *g.Champion
		champion.Deploy = replaceNames(champion.Deploy, former)
		out.Champion = &champion
	}
	return &out
}

// Moved is what is recorded of a gate under the addresses from after the moves. same says that it asks for the same as
// before.
func (s GateState) Moved(g *Gate, moves []Move, same bool) GateState {
	_, now := names(moves, address.Module(g.Address))
	if same {
		s.Definition = g.Definition
	}
	s.Rules, s.Policy = slices.Clone(s.Rules), s.Policy.reworded(now)
	for i, r := range s.Rules {
		r.Assert = replaceNames(r.Assert, now)
		r.Values = slices.Clone(r.Values)
		for k := range r.Values {
			r.Values[k].Path = replaceNames(r.Values[k].Path, now)
		}
		s.Rules[i] = r
	}
	return s
}

// names are the new addresses by which a module's policies name blocks, with the former ones, and the other way round.
func names(moves []Move, module string) (former, now map[string]string) {
	former, now = map[string]string{}, map[string]string{}
	for _, x := range moves {
		if !x.Pending {
			continue
		}
		former[x.To], now[x.From] = x.From, x.To
		from, inside := strings.CutPrefix(x.From, module)
		if to, ok := strings.CutPrefix(x.To, module); ok && inside && module != "" {
			former[to], now[from] = from, to
		}
	}
	return former, now
}

// replaceNames replaces addresses in a text where they stand whole: evaluate.test in "evaluate.test.metrics.auc > 0.8"
// but not in "evaluate.tests". Of several that fit the longest is taken. What has been replaced is not looked at again,
// so that a → b and b → a may both be there.
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

// standsWhole reports whether no part of a word goes on before or behind a stretch of a text.
func standsWhole(text string, from, to int) bool {
	word := func(c byte) bool {
		return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	return (from == 0 || !word(text[from-1]) && text[from-1] != '.') && (to == len(text) || !word(text[to]))
}
