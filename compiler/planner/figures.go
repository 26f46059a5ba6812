package planner

import (
	"encoding/json"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
)

// compareFigures puts the metrics of the live model and of the one that would be live beside each other, as far as they
// are recorded. It decides nothing: gates compare by rules. A reviewer reads of it, under Production:
//
//	evaluate.test auc  0.8426 → ?
//
// where the next figure is not known before the apply.
func (p *planner) compareFigures() {
	judges := map[string][]string{} // the evaluations of a model, by the stage that makes it
	for _, address := range sortedKeys(p.nodes) {
		n := p.nodes[address]
		if m := input(n, "model"); m != nil && !n.Derived() && yieldsFigures(n) {
			judges[m.From] = append(judges[m.From], address)
		}
	}
	for _, r := range p.releases {
		if r.Action == plan.NoRelease || r.Action == plan.RemoveRelease {
			continue
		}
		for _, address := range judges[r.Model.From] {
			r.Figures = append(r.Figures, p.compared(address, r)...)
		}
	}
}

// yieldsFigures reports whether a stage has a port of figures, as evaluations do.
func yieldsFigures(n *plan.Node) bool {
	for _, o := range n.Outputs {
		if o.Type == schema.FiguresPort {
			return true
		}
	}
	return false
}

// compared are the metrics of one evaluation for the live model and the next, by name. What is not known on a side is nil.
// A metric that only one of the two models has is listed as well: that it is new, or gone, is worth seeing.
func (p *planner) compared(evaluate string, r *plan.Release) []plan.Compared {
	live, next := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	if r.Current != nil {
		// The live model's figures on the rows of now, if they are known, else those that were recorded when it went live.
		if live = p.liveMetrics(evaluate, r.Current.Model); live == nil {
			live = numbers(r.Current.Figures[evaluate])
		}
	}
	if a := p.actions[evaluate]; a != nil {
		next = metricsOf(a)
	}
	both := map[string]bool{}
	for name := range live {
		both[name] = true
	}
	for name := range next {
		both[name] = true
	}
	var out []plan.Compared
	for _, name := range sortedKeys(both) {
		out = append(out, plan.Compared{Path: evaluate + ".metrics." + name, Live: live[name], Next: next[name]})
	}
	return out
}

// liveMetrics are those of the live model: as the champion on the rows of today, or else from when it was evaluated last;
// nil if neither is recorded any more.
func (p *planner) liveMetrics(evaluate string, model plan.Digest) map[string]json.RawMessage {
	champion := address.Derived(evaluate, string(schema.ChampionRole))
	if a := p.actions[champion]; a != nil && a.Inputs["model"] == model {
		return metricsOf(a)
	}
	for _, a := range []string{evaluate, champion} {
		before, ok := p.o.State.Nodes[a]
		if !ok || before.Inputs["model"] != model {
			continue
		}
		if a, ok, err := p.o.Actions.Action(before.Fingerprint); err == nil && ok { // shown only: one that cannot be read is left out
			return metricsOf(a)
		}
	}
	return nil
}

// metricsOf are the plain numbers among a result's metrics.
func metricsOf(a *plan.Action) map[string]json.RawMessage {
	var figures struct {
		Metrics json.RawMessage `json:"metrics"`
	}
	if json.Unmarshal(a.Figures, &figures) != nil {
		return nil
	}
	return numbers(figures.Metrics)
}

// numbers are the fields of an object that are plain numbers.
// Null is left out: a metric that is not defined on these rows is shown as unknown, and not as 0.
func numbers(object json.RawMessage) map[string]json.RawMessage {
	var all map[string]json.RawMessage
	if len(object) == 0 || json.Unmarshal(object, &all) != nil {
		return nil
	}
	for name, v := range all {
		var number float64
		if json.Unmarshal(v, &number) != nil || string(v) == "null" {
			delete(all, name)
		}
	}
	return all
}
