package plan

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// HypothesisVerdict is what figures say of a hypothesis. It never holds anything: gates do that.
type HypothesisVerdict string

const (
	Supported HypothesisVerdict = "supported" // its condition holds wherever in their intervals the figures lie
	Refuted   HypothesisVerdict = "refuted"   // it holds nowhere in them
	Undecided HypothesisVerdict = "open"      // it holds at one end and not at another, or a figure is missing or not known yet
)

// Hypothesis is one of a problem's, decided on the figures known at plan time. Its condition is the one rule of Rules, whose own verdict is that of
// the figures as they stand, without their intervals.
type Hypothesis struct {
	Problem   string `json:"problem" is:"address"`
	Statement string `json:"statement" is:"text"`
	Tested
	Rules    Rules             `json:"rules"`
	Replaces HypothesisVerdict `json:"replaces,omitempty"` // that is recorded now; empty: none
}

// Tested is what came of testing a hypothesis.
type Tested struct {
	Verdict HypothesisVerdict `json:"verdict"`
	Reason  string            `json:"reason,omitempty" is:"text"` // why it is open, or what the verdict is to be read with
	// Intervals of the figures that it reads, by path; those of which there is none are left out.
	Intervals []IntervalSeen `json:"intervals,omitempty"`
	// Evidence are the stages whose figures it reads, with the fingerprints of their results as far as these are known.
	Evidence map[string]Digest `json:"evidence,omitempty" is:"address"`
}

// IntervalSeen is a figure's interval.
type IntervalSeen struct {
	Path string  `json:"path" is:"text"` // of the figure, or where the interval stands: "evaluate.a.metrics.auc", "evaluate.a.delta.auc"
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// HypothesisState is the last verdict on a hypothesis, with what it rests on.
type HypothesisState struct {
	Statement string       `json:"statement"`
	Assert    string       `json:"assert"`
	Values    []FigureSeen `json:"values,omitempty"`
	Tested
}

// Rule is the condition.
func (h *Hypothesis) Rule() *Rule { return &h.Rules.Rules[0] }

// Name is the hypothesis' own, within its problem.
func (h *Hypothesis) Name() string { return h.Rule().Name }

// Key is that of its record in the state: "problem.churn/trees help".
func (h *Hypothesis) Key() string { return h.Problem + "/" + h.Name() }

// State is what is recorded of it.
func (h *Hypothesis) State() HypothesisState {
	return HypothesisState{Statement: h.Statement, Assert: h.Rule().Assert, Values: h.Rule().Values, Tested: h.Tested}
}

// Place is where the hypothesis is written.
func (h *Hypothesis) Place() source.Range { return h.Rule().Range }

// Same reports whether two records say the same.
func (s HypothesisState) Same(as HypothesisState) bool {
	x, errX := json.Marshal(s)
	y, errY := json.Marshal(as)
	return errX == nil && errY == nil && string(x) == string(y)
}

// hypothesis holds one to what is in the plan: it has one condition, and reads figures where they stand, of the results that it names.
func (c *consistency) hypothesis(h *Hypothesis) error {
	if h == nil || len(h.Rules.Rules) != 1 {
		return fmt.Errorf("it has not one condition")
	}
	key := h.Key()
	if c.hypotheses[key] {
		return fmt.Errorf("%q stands in it twice", h.Name())
	}
	c.hypotheses[key] = true
	evidence := map[string]Digest{}
	for _, f := range h.Rules.Figures {
		node, path, pick := f.Node, f.Path, ""
		if of, role := address.Of(node); role == string(schema.ChampionRole) {
			within, ok := strings.CutSuffix(path, ".delta")
			if !ok || f.Absent != (c.nodes[node] == nil) {
				return fmt.Errorf("the figures at %s are not those of %s", f.Path, f.Node)
			}
			node, path, pick = of, within, "delta"
		} else if f.Absent || c.nodes[node] == nil {
			return fmt.Errorf("the figures at %s are said to be nobody's", f.Path)
		}
		if f.Pick != pick || address.Path(strings.TrimPrefix(node, address.Module(h.Problem))) != path {
			return fmt.Errorf("the figures at %s are those of %s", f.Path, f.Node)
		}
		if !f.Absent {
			evidence[f.Node] = c.nodes[f.Node].Fingerprint
		}
	}
	if !maps.Equal(evidence, h.Evidence) {
		return fmt.Errorf("%q rests on other results than those whose figures it reads", h.Name())
	}
	return nil
}
