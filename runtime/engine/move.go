package engine

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// move records what goes on under another address, all in one revision, before anything else is done.
// Where nothing is recorded under the former addresses no revision is written.
func (r *run) move(ctx context.Context) error {
	moved := r.st.Renamed(r.Plan.Moves)
	if moved == r.st {
		return nil
	}
	events := difference(r.st, moved)
	st, err := r.Log.Append(context.WithoutCancel(ctx), r.st, events)
	if err != nil {
		return err
	}
	r.st, r.State = st, st
	r.emit(StateRecorded{Revision: st.Revision, Keys: keys(events)})
	for _, m := range r.Plan.Moves {
		if m.Pending {
			r.emit(Moved{From: m.From, To: m.To})
		}
	}
	return nil
}

// describe returns what has to be recorded of what blocks say of themselves. It goes with what is recorded first, so
// that no revision says nothing else; alone only if nothing is.
func (r *run) describe() []plan.Event {
	before, after := blocks(r.st.Described, r.st.Policies), blocks(r.Plan.Described, r.Plan.Policies)
	if len(r.Plan.Targets) > 0 { // what blocks elsewhere say is no part of the plan
		maps.DeleteFunc(before, func(address string, _ plan.BlockState) bool { _, part := after[address]; return !part })
	}
	out := described(before, after)
	for _, gate := range r.Plan.GatesGone {
		if _, ok := r.st.Gates[gate]; ok {
			out = append(out, plan.Event{Key: "gate/" + gate, Removed: true})
		}
	}
	slices.SortFunc(out, func(a, b plan.Event) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// described are the events of blocks that are no stage and no gate.
func described(before, after map[string]plan.BlockState) []plan.Event {
	return changed("block", before, after, func(e *plan.Event, v *plan.BlockState) { e.Block = v })
}

// blocks are what is said by, and asked of others by, blocks that are no stage and no gate.
func blocks(meta map[string]json.RawMessage, policies map[string]plan.Policy) map[string]plan.BlockState {
	out := map[string]plan.BlockState{}
	for address, m := range meta {
		out[address] = plan.BlockState{Meta: m, Policy: policies[address]}
	}
	for address, p := range policies {
		if _, ok := out[address]; !ok {
			out[address] = plan.BlockState{Policy: p}
		}
	}
	return out
}

// difference is what has to be recorded to make one state another.
// They are sorted by key, so that one change is one revision, byte for byte.
func difference(before, after *plan.State) []plan.Event {
	var out []plan.Event
	out = append(out, changed("node", before.Nodes, after.Nodes, func(e *plan.Event, v *plan.NodeState) { e.Node = v })...)
	out = append(out, changed("gate", before.Gates, after.Gates, func(e *plan.Event, v *plan.GateState) { e.Gate = v })...)
	out = append(out, changed("release", before.Releases, after.Releases, func(e *plan.Event, v *plan.ReleaseState) { e.Release = v })...)
	out = append(out, changed("approval", before.Approvals, after.Approvals, func(e *plan.Event, v *plan.ApprovalState) { e.Approval = v })...)
	out = append(out, changed("hypothesis", before.Hypotheses, after.Hypotheses, func(e *plan.Event, v *plan.HypothesisState) { e.Hypothesis = v })...)
	out = append(out, changed("watch", before.Watched, after.Watched, func(e *plan.Event, v *plan.WatchState) { e.Watch = v })...)
	out = append(out, described(blocks(before.Described, before.Policies), blocks(after.Described, after.Policies))...)
	slices.SortFunc(out, func(a, b plan.Event) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// changed are the events that make one map of a state into another: removals, then what is new or differs. The caller sorts
// them.
func changed[T any](kind string, before, after map[string]T, set func(*plan.Event, *T)) []plan.Event {
	var out []plan.Event
	for name := range before {
		if _, ok := after[name]; !ok {
			out = append(out, plan.Event{Key: kind + "/" + name, Removed: true})
		}
	}
	for name, v := range after {
		if old, ok := before[name]; !ok || !equal(old, v) {
			e := plan.Event{Key: kind + "/" + name}
			set(&e, &v)
			out = append(out, e)
		}
	}
	return out
}
