package planner

import (
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/resolve"
)

var (
	allStates = []state{declared, waiting, sought, held, taken, recorded,
		state(plan.Run), state(plan.MayRun), state(plan.Cached), state(plan.Metadata), state(plan.Moved), state(plan.Accepted), state(plan.Blocked), state(plan.Remove)}
	allEvents = []event{failedUp, inputUnknown, inputsKnown, mayBeSpared, mustRun, resultGiven, resultFound, resultTaken,
		nothingNew, newAddress, newDescription, otherDefinition, leftModule}
	allVerdicts = []plan.Verdict{plan.Run, plan.MayRun, plan.Cached, plan.Metadata, plan.Moved, plan.Accepted, plan.Blocked, plan.Remove}
)

// TestTransitions takes each event to each state: those below lead where they say, all others are refused.
func TestTransitions(t *testing.T) {
	want := map[string]state{}
	for _, line := range strings.Split(strings.TrimSpace(`
declared failedUp        blocked
declared inputUnknown    waiting
declared inputsKnown     sought
declared resultGiven     held
waiting  mayBeSpared     may_run
waiting  mustRun         run
sought   mustRun         run
sought   resultFound     held
sought   resultTaken     taken
held     nothingNew      cached
held     newAddress      moved
held     newDescription  metadata
taken    nothingNew      cached
taken    newAddress      moved
taken    newDescription  metadata
taken    otherDefinition accepted
recorded leftModule      remove
`), "\n") {
		f := strings.Fields(line)
		want[f[0]+" "+f[1]] = state(f[2])
	}
	for _, s := range allStates {
		for _, e := range allEvents {
			f := &fate{node: &plan.Node{Address: "train.m"}, at: s}
			f.on(e)
			to, legal := want[string(s)+" "+string(e)]
			switch {
			case legal && (f.err != nil || f.at != to):
				t.Errorf("%s, %s: got %s (%v), want %s", s, e, f.at, f.err, to)
			case legal && f.ended() && f.node.Verdict != plan.Verdict(to):
				t.Errorf("%s, %s: the verdict is %q, want %q", s, e, f.node.Verdict, to)
			case legal && !f.ended() && f.node.Verdict != "":
				t.Errorf("%s, %s: there is a verdict already: %s", s, e, f.node.Verdict)
			case !legal && (f.err == nil || f.at != s || f.node.Verdict != ""):
				t.Errorf("%s, %s: got %s and verdict %q (%v), want it refused", s, e, f.at, f.node.Verdict, f.err)
			}
		}
	}
}

// TestFatesEnd follows all ways from where a node begins: each leads to a verdict, each verdict is reached, and so is each state.
func TestFatesEnd(t *testing.T) {
	reached := map[state]bool{}
	var visit func(state, int)
	visit = func(s state, steps int) {
		if steps > len(allStates) {
			t.Fatalf("a circle at %s", s)
		}
		reached[s] = true
		if next := transitions[s]; next == nil && !slices.Contains(allVerdicts, plan.Verdict(s)) {
			t.Errorf("%s is an end, and no verdict", s)
		}
		for _, to := range transitions[s] {
			visit(to, steps+1)
		}
	}
	visit(declared, 0)
	visit(recorded, 0)
	for _, s := range allStates {
		if !reached[s] {
			t.Errorf("%s is never reached", s)
		}
	}
	if len(reached) != len(allStates) {
		t.Errorf("%d states are reached, %d are tested", len(reached), len(allStates))
	}
}

// TestAcceptanceOfFate: an acceptance is left where a result is taken by it, or may be.
func TestAcceptanceOfFate(t *testing.T) {
	for _, c := range []struct {
		events []event
		kept   bool
	}{
		{[]event{failedUp}, false},
		{[]event{inputUnknown, mayBeSpared}, true},
		{[]event{inputUnknown, mustRun}, false},
		{[]event{inputsKnown, mustRun}, false},
		{[]event{inputsKnown, resultFound, nothingNew}, false},
		{[]event{inputsKnown, resultTaken, nothingNew}, true},
		{[]event{inputsKnown, resultTaken, newDescription}, true},
		{[]event{inputsKnown, resultTaken, otherDefinition}, true},
		{[]event{resultGiven, nothingNew}, false},
	} {
		f := &fate{node: &plan.Node{Accepted: &plan.Acceptance{Reason: "the same rows"}}, at: declared}
		for _, e := range c.events {
			f.on(e)
		}
		if got := f.node.Accepted != nil; got != c.kept || f.err != nil {
			t.Errorf("%v: an acceptance is left: %v, want %v (%v)", c.events, got, c.kept, f.err)
		}
	}
}

// TestUnsettled: no plan is handed out in which a node has no verdict, two, or another than its fate led to.
func TestUnsettled(t *testing.T) {
	n := func() *plan.Node { return &plan.Node{Address: "train.m"} }
	for name, c := range map[string]struct {
		do   func(*planner)
		want string
	}{
		"all is well":        {func(p *planner) { p.begin(n(), recorded).on(leftModule) }, ""},
		"nothing is decided": {func(p *planner) { p.nodes["train.m"] = n() }, "nothing is decided of train.m"},
		"no end":             {func(p *planner) { p.begin(n(), declared).on(inputsKnown) }, "train.m has no verdict, it is sought"},
		"twice":              {func(p *planner) { p.begin(n(), declared); p.begin(n(), declared).on(failedUp) }, "train.m is planned twice"},
		"another verdict":    {func(p *planner) { f := p.begin(n(), declared); f.on(failedUp); f.node.Verdict = plan.Run }, "train.m is run, and was decided to be blocked"},
		"after its end": {func(p *planner) { f := p.begin(n(), declared); f.on(failedUp); f.on(resultFound) },
			"train.m is blocked, and then resultFound"},
	} {
		p := newPlanner(&check.Module{Module: &resolve.Module{}}, Options{})
		c.do(p)
		err := p.unsettled()
		if c.want == "" && err != nil || c.want != "" && (err == nil || err.Error() != "mlp has a defect: "+c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
