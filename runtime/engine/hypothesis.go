package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/decide"
	"github.com/mlp-lang/mlp/compiler/plan"
)

// test decides the hypotheses of problems on the figures that the run came to, or had. It returns what is to be recorded, and an event for each
// hypothesis. One whose stage failed, or was not reached, is open. Of a plan of a part, which has none, what is recorded stays.
func (r *run) test() (record []plan.Event, tell []HypothesisTested, err error) {
	now := map[string]plan.HypothesisState{}
	for _, h := range r.Plan.Hypotheses {
		tested := *h
		tested.Rules.Rules = slices.Clone(h.Rules.Rules)
		if tested.Tested, err = decide.Hypothesis(&tested.Rules, r.figuresOf); err != nil {
			return nil, nil, fmt.Errorf("testing the hypothesis %q of %s: %w", h.Name(), h.Problem, err)
		}
		tested.Evidence = r.evidence(&tested.Rules)
		now[h.Key()] = tested.State()
		before, recorded := r.st.Hypotheses[h.Key()]
		tell = append(tell, HypothesisTested{Problem: h.Problem, Name: h.Name(), HypothesisState: tested.State(), Before: recorded && before.Same(tested.State()), Block: h.Place()})
	}
	was := r.st.Hypotheses
	if len(r.Plan.Targets) > 0 {
		was = nil
	}
	record = changed("hypothesis", was, now, func(e *plan.Event, v *plan.HypothesisState) { e.Hypothesis = v })
	slices.SortFunc(record, func(a, b plan.Event) int { return strings.Compare(a.Key, b.Key) })
	return record, tell, nil
}

// evidence are the stages whose figures rules read, with the results that these are of.
func (r *run) evidence(rules *plan.Rules) map[string]plan.Digest {
	out := map[string]plan.Digest{}
	for _, f := range rules.Figures {
		if u := r.graph.node(f.Node); !f.Absent && u != nil && u.outcome != nil && u.outcome.node != nil {
			out[f.Node] = u.outcome.node.Fingerprint
		}
	}
	return out
}
