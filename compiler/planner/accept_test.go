package planner

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/source"
)

// accepting is a text with an acceptance of what its train.m is.
func (w *world) accepting(text string) string {
	w.t.Helper()
	n := w.plan(text).Node("train.m")
	return text + fmt.Sprintf("accept {\n  block      = train.m\n  definition = %q\n  reason     = \"the same trees\"\n}\n", n.Definition)
}

// TestAcceptedResults: train.m has another definition than the recorded one, and an accept block for it.
func TestAcceptedResults(t *testing.T) {
	more := edit("trees    = 300", "trees    = 301")
	otherRows := strings.Replace(more, "amount > 0", "amount > 1", 1)
	for name, c := range map[string]struct {
		text     string
		before   func(*world) // what happens between the first apply and the plan
		force    bool
		want     plan.Verdict
		accepted bool
		warned   bool
		causes   []plan.CauseKind
	}{
		"all else is as it was": {text: more, want: plan.Accepted, accepted: true, causes: []plan.CauseKind{plan.ConfigCause}},
		"forced":                {text: more, force: true, want: plan.Run, causes: []plan.CauseKind{plan.ConfigCause, plan.ForcedCause}},
		"its input is made anew": {text: otherRows, want: plan.MayRun, accepted: true,
			causes: []plan.CauseKind{plan.ConfigCause, plan.InputCause}},
		"its input is made anew, forced": {text: otherRows, force: true, want: plan.Run,
			causes: []plan.CauseKind{plan.ConfigCause, plan.InputCause, plan.ForcedCause}},
		"of the recorded definition, forced": {text: edit("amount > 0", "amount > 1"), force: true, want: plan.Run,
			causes: []plan.CauseKind{plan.InputCause, plan.ForcedCause}},
		"its input is another": {text: otherRows, want: plan.Run, warned: true, causes: []plan.CauseKind{plan.ConfigCause, plan.InputCause},
			before: func(w *world) {
				first := w.state.Nodes["train.m"]
				w.apply(w.plan(edit("amount > 0", "amount > 1")))
				w.state.Nodes["train.m"] = first
			}},
		"the result is gone": {text: more, want: plan.Run, warned: true, causes: []plan.CauseKind{plan.ConfigCause, plan.LostCause},
			before: func(w *world) { delete(w.actions, w.state.Nodes["train.m"].Fingerprint) }},
		"its own result has turned up": {text: more, want: plan.Cached, causes: []plan.CauseKind{plan.ConfigCause},
			before: func(w *world) {
				first := w.state.Nodes["train.m"]
				w.apply(w.plan(more))
				w.state.Nodes["train.m"] = first
			}},
		"a check before it failed": {text: more, want: plan.Blocked, causes: []plan.CauseKind{plan.ConfigCause},
			before: func(w *world) {
				w.actions[w.state.Nodes["check.enough"].Fingerprint].Figures = json.RawMessage(`{"rows":1,"failed":1}`)
			}},
	} {
		w := applied(t)
		if c.before != nil {
			c.before(w)
		}
		text := w.accepting(c.text)
		if c.force {
			w.force = []string{"train.m"}
		}
		p := w.plan(text)
		n := p.Node("train.m")
		var causes []plan.CauseKind
		for _, x := range n.Causes {
			causes = append(causes, x.Kind)
		}
		warned := slices.ContainsFunc(p.Diagnostics, func(d plan.Diagnostic) bool { return d.Code == source.CodeAcceptStale })
		if n.Verdict != c.want || n.Accepted != nil != c.accepted || warned != c.warned || !slices.Equal(causes, c.causes) {
			t.Errorf("%s: got %s, an acceptance %v, a warning %v, for %v; want %s, %v, %v, for %v",
				name, n.Verdict, n.Accepted != nil, warned, causes, c.want, c.accepted, c.warned, c.causes)
		}
	}
}

// TestAcceptedOnceRecorded: an acceptance stands when it is recorded, and its result stays when that of its own definition turns up.
func TestAcceptedOnceRecorded(t *testing.T) {
	w := applied(t)
	text := w.accepting(edit("trees    = 300", "trees    = 301"))
	first := w.state.Nodes["train.m"]
	for i, want := range []plan.Verdict{plan.Accepted, plan.Cached, plan.Cached} {
		p := w.plan(text)
		n := p.Node("train.m")
		if n.Verdict != want || n.Accepted == nil || n.Accepted.Was != first.Definition || n.Fingerprint != first.Fingerprint {
			t.Errorf("plan %d: got %s by %+v of %s, want %s of %s", i+1, n.Verdict, n.Accepted, n.Fingerprint, want, first.Fingerprint)
		}
		if i > 0 && (len(n.Causes) > 0 || len(p.Changes) > 0) {
			t.Errorf("plan %d: %v and %v, want nothing", i+1, n.Causes, whyText(p))
		}
		w.apply(p)
		w.actions[plan.Fingerprint(n.Definition, first.Inputs)] = &plan.Action{Outputs: map[string]plan.Digest{"model": "blake3:own"}}
	}
	w.force = []string{"train.m"}
	if n := w.plan(text).Node("train.m"); n.Verdict != plan.Run || n.Accepted != nil {
		t.Errorf("forced: got %s by %+v, want it to run", n.Verdict, n.Accepted)
	}
}
