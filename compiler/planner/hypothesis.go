package planner

import (
	"encoding/json"
	"fmt"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// hypotheses tests those of all problems, as far as figures are known. It comes after all blocks: a hypothesis may read a difference from a champion,
// which is there where a gate has it made. A part has none, since problems are no part of it.
func (p *planner) hypotheses() []*plan.Hypothesis {
	var out []*plan.Hypothesis
	for _, at := range sortedKeys(p.m.Blocks) {
		b := p.m.Blocks[at]
		if !b.KindSpec.Poses {
			continue
		}
		var told struct {
			Hypothesis []struct{ Name, Statement, Assert string }
		}
		if err := json.Unmarshal(orEmpty(b.Meta), &told); err != nil {
			p.report(source.Diagnostic{Severity: source.Error, Code: source.CodeRules, Subject: b.Range, Summary: fmt.Sprintf("hypotheses of %s: %v", at, err)})
			continue
		}
		for _, x := range told.Hypothesis {
			h := &plan.Hypothesis{Problem: at, Statement: x.Statement}
			h.Rules.Rules = []plan.Rule{{Name: x.Name, Assert: plan.Condition(x.Assert), Severity: "warn", Verdict: plan.Open, Range: b.Ranges["hypothesis["+x.Name+"]"]}}
			if err := p.test(b, h); err != nil {
				p.report(source.Diagnostic{Severity: source.Error, Code: source.CodeRules, Subject: b.Range, Summary: fmt.Sprintf("hypothesis %q of %s: %v", x.Name, at, err)})
				continue
			}
			out = append(out, h)
		}
	}
	return out
}

// test decides one hypothesis of a problem on what is recorded.
func (p *planner) test(b *check.Block, h *plan.Hypothesis) error {
	only := *b // what a hypothesis sees is what its own condition reads
	only.Rules = nil
	for _, r := range b.Rules {
		if r.Path == "hypothesis["+h.Name()+"].assert" {
			only.Rules = append(only.Rules, r)
		}
	}
	set, err := p.ruleSet(&only, h.Rules.Rules, nil)
	if err != nil {
		return err
	}
	for i, f := range set.Figures {
		if of, role := address.Of(f.Node); role == string(schema.ChampionRole) && of != "" {
			set.Figures[i].Absent = p.nodes[f.Node] == nil
		}
	}
	h.Rules = set
	h.Tested, err = decide.Hypothesis(&h.Rules, func(node string) (json.RawMessage, bool) {
		if a := p.actions[node]; a != nil {
			return a.Figures, true
		}
		return nil, false
	})
	h.Evidence = map[string]plan.Digest{}
	for _, f := range set.Figures {
		if n := p.nodes[f.Node]; n != nil && !f.Absent {
			h.Evidence[f.Node] = n.Fingerprint
		}
	}
	h.Replaces = p.o.State.Hypotheses[h.Key()].Verdict
	return err
}
