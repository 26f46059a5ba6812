package suite

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/planner"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/state"
)

// begin makes the state that the test starts from: that of the test before, and what is given as live. The workspace is
// named after the test's number, so that each test has a log of its own in the one store.
func (r *run) begin(ctx context.Context) error {
	pipeline := r.test.module.Pipeline.Name
	var err error
	if r.log, err = state.Open(r.suite.store, pipeline, fmt.Sprintf("test%d", r.number)); err != nil {
		return err
	}
	if r.state, err = r.log.Load(ctx); err != nil {
		return err
	}
	r.known = map[plan.Digest]bool{}
	var events []plan.Event
	if r.base != nil {
		maps.Copy(r.known, r.base.known)
		events = inherited(r.base.state)
	}
	for _, g := range r.test.givens {
		if g.live != nil {
			key := "release/" + g.block.Address
			events = slices.DeleteFunc(events, func(e plan.Event) bool { return e.Key == key })
			events = append(events, plan.Event{Key: key, Release: g.live})
		}
	}
	r.state, err = r.log.Append(ctx, r.state, events)
	return err
}

// inherited are the events that make an empty state into st. Their order does not matter: each has a key of its own.
func inherited(st *plan.State) []plan.Event {
	var out []plan.Event
	for address, n := range st.Nodes {
		out = append(out, plan.Event{Key: "node/" + address, Node: &n})
	}
	for address, g := range st.Gates {
		out = append(out, plan.Event{Key: "gate/" + address, Gate: &g})
	}
	for address, rel := range st.Releases {
		out = append(out, plan.Event{Key: "release/" + address, Release: &rel})
	}
	for key, a := range st.Approvals {
		out = append(out, plan.Event{Key: "approval/" + key, Approval: &a})
	}
	return out
}

// makePlan plans the module with what is given, and records that as results. For an apply it also finds the part that
// is wanted, and refuses one that could not be carried out.
func (r *run) makePlan(ctx context.Context) error {
	given, err := r.given(ctx)
	if err != nil {
		return err
	}
	m := r.test.module
	found := &sources{run: r, absent: map[string]bool{}}
	p, diags := planner.Make(ctx, m, planner.Options{
		Workspace: r.log.Workspace(), State: r.state, Actions: actions{r}, Sources: found,
		Given: given,
	})
	if diags.HasErrors() {
		return &diagnostics{slices.DeleteFunc(diags, func(d source.Diagnostic) bool { return d.Severity != source.Error })}
	}
	r.plan = p
	for _, a := range sortedKeys(given) {
		n := p.Node(a)
		if n == nil {
			return fmt.Errorf("delta of %s is given, and nothing is compared: no rule reads it, or nothing comparable is live (given %q { })",
				address.Block(a), "deploy.NAME")
		}
		if err := r.record(n, given[a]); err != nil {
			return err
		}
	}
	if r.limit, err = limit(p, r.targets()); err != nil || r.result.Run == "plan" {
		return err
	}
	return r.runnable(found.absent, given)
}

// targets are the addresses that the apply is limited to; nil: all. A test that expects rows and says nothing else runs
// what those rows need, and no training beside.
func (r *run) targets() []string {
	out := slices.Clone(r.test.spec.Targets)
	if len(out) == 0 && r.test.spec.Run == "" {
		for _, e := range r.test.expects {
			out = append(out, e.rows.block.Address)
		}
	}
	return out
}

// runnable refuses to begin what cannot be done, with what to give instead: stages that read what is not here, fetches,
// a port that is not given of a block of which another is, and a comparison with a model that exists in the test alone.
func (r *run) runnable(absent map[string]bool, given map[string]planner.Given) error {
	for _, n := range r.limit.Nodes {
		if n.Verdict != plan.Run && n.Verdict != plan.MayRun {
			continue
		}
		if absent[n.Address] && n.Fetches() {
			return fmt.Errorf("%s has to run, and tests fetch nothing: give what it is for, with given %q { … }", n.Address, n.Of)
		}
		if absent[n.Address] {
			return fmt.Errorf("%s has to run, and its files are not here: give it, with given %q { … }", n.Address, n.Address)
		}
		for _, in := range n.Inputs {
			if g, ok := given[in.From]; ok && g.Outputs[in.FromPort] == "" {
				return fmt.Errorf("%s has to run and takes %s of %s, of which that is not given", n.Address, in.FromPort, in.From)
			}
		}
		if n.Role == schema.ChampionRole && r.liveGiven() {
			return fmt.Errorf("%s would compare with a model that is only given as live: give the comparison too, with delta = { … } of %s", n.Address, n.Of)
		}
	}
	return nil
}

// champion is the address of the stage that compares an evaluation with what is live.
func champion(evaluate string) string { return address.Derived(evaluate, string(schema.ChampionRole)) }

// liveGiven reports whether the test gives a model that is live.
func (r *run) liveGiven() bool {
	return slices.ContainsFunc(r.test.givens, func(g *given) bool { return g.live != nil })
}
