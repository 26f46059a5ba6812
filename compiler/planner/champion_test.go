package planner

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/plan"
)

func TestChampion(t *testing.T) {
	w := applied(t)
	next := edit("300", "400")
	p := w.plan(next)
	c := p.Gates[0].Champion
	if !c.Exists || !c.Comparable || c.Candidate || c.Model != w.state.Releases["deploy.d"].Model {
		t.Errorf("got %+v", c)
	}
	n := p.Node("evaluate.e@champion")
	if n == nil || input(n, "model").Digest != c.Model || input(n, "challenger").From != "evaluate.e" {
		t.Fatalf("got %+v", n)
	}
	w.figures["evaluate.e"] = `{"rows":50,"metrics":{"auc":0.93,"recall":null}}`
	w.apply(p)
	p = w.plan(next)
	if c := p.Gates[0].Champion; !c.Candidate || p.Node("evaluate.e@champion") != nil || !p.Gates[0].Cached {
		t.Errorf("once live there is nothing to compare with: champion %+v, gate cached %t", c, p.Gates[0].Cached)
	}
}

func TestIncomparableChampions(t *testing.T) {
	tests := map[string]struct {
		text string
		why  string
	}{
		"a column is gone":      {strings.Replace(strings.Replace(fraud, `"amount:double", `, `"sum:double", `, 1), `["amount"]`, `["sum"]`, 1), "needs the column amount"},
		"a column is no number": {strings.Replace(fraud, `"amount:double"`, `"amount:varchar"`, 1), "amount as double"},
		"the candidate is opaque": {strings.Replace(fraud, `train "trees" "m" {`, "train \"container\" \"m\" {\n  image = \"i\"\n  command = [\"t\"]\n  predict = [\"p\"]", 1),
			"its own image"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := applied(t).plan(tt.text)
			c := p.Gates[0].Champion
			if !c.Exists || c.Comparable || !strings.Contains(c.Why, tt.why) || p.Node("evaluate.e@champion") != nil {
				t.Errorf("got %+v", c)
			}
			if i := slices.IndexFunc(p.Gates[0].Rules.Figures, func(f plan.FigureSource) bool { return f.Path == "evaluate.e.delta" }); !p.Gates[0].Rules.Figures[i].Absent {
				t.Error("the delta is said to come, got not absent")
			}
		})
	}
}

// An opaque model is scored by its own image in a stage of its own.
func TestPredictStage(t *testing.T) {
	w := applied(t)
	text := strings.Replace(fraud, `train "trees" "m" {`, "train \"container\" \"m\" {\n  image = \"i\"\n  command = [\"t\"]\n  predict = [\"p\"]", 1)
	p := w.plan(text)
	q := p.Node("evaluate.e@predict")
	if q == nil || q.Container == nil || !slices.Equal(q.Container.Command, []string{"p"}) || input(p.Node("evaluate.e"), "predictions").From != q.Address {
		t.Fatalf("got %+v", q)
	}
	w.apply(p)
	w.image = "sha256:2"
	want := []string{`rebuild train.m image i "sha256:1 linux/amd64"→"sha256:2 linux/amd64" runs train.m may evaluate.e,evaluate.e@predict`}
	if diff := cmp.Diff(want, whyText(w.plan(text))); diff != "" {
		t.Error(diff)
	}
}

// What beside its files decides what an opaque model answers is part of what is released: another one is another candidate,
// shown where it stands, and approved anew. Its trainer is not run for it.
func TestScoringIsReleased(t *testing.T) {
	text := strings.Replace(fraud, `train "trees" "m" {`, "train \"container\" \"m\" {\n  image = \"i\"\n  command = [\"t\"]\n  predict = [\"p\"]\n  env = { A = \"1\" }", 1)
	text = strings.Replace(text, "  champion = deploy.d\n", "  approval \"boss\" { from = [\"ada\"] }\n", 1)
	text = strings.Replace(text, "  rule \"not worse\" { assert = \"!champion.comparable || evaluate.e.delta.auc.low > -0.05\" }\n", "", 1)
	line := strings.Count(text[:strings.Index(text, "predict = ")], "\n") + 1
	for name, tt := range map[string]struct {
		old, new, image string
		why             string
	}{
		"predict command": {`predict = ["p"]`, `predict = ["q"]`, "", `rebuild train.m config predict ["p"]→["q"] runs evaluate.e@predict may evaluate.e`},
		"environment":     {`A = "1"`, `A = "2"`, "", `rebuild train.m config env.A "1"→"2" runs evaluate.e@predict,train.m may evaluate.e`},
		"image":           {"", "", "sha256:2", `rebuild train.m image i "sha256:1 linux/amd64"→"sha256:2 linux/amd64" runs train.m may evaluate.e,evaluate.e@predict`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			text := text
			w.data["raw.csv"], w.figures["check.enough"], w.figures["evaluate.e"] = "1", `{"rows":100,"failed":0}`, `{"rows":50,"metrics":{"auc":0.9}}`
			w.same["train.m"] = "the same bytes whatever it is made by"
			yes := func() {
				for _, g := range w.plan(text).Gates {
					w.state.Approvals[g.Address+"/boss"] = plan.ApprovalState{By: "ada", Subject: w.state.Gates[g.Address].Subject}
				}
			}
			w.apply(w.plan(text))
			yes()
			w.apply(w.plan(text))
			if len(w.state.Releases) != 1 {
				t.Fatalf("released: %+v", w.state.Releases)
			}
			if p := w.plan(text); p.Releases[0].Action != plan.NoRelease || len(p.Changes) != 0 || p.Gates[0].Verdict != plan.Pass {
				t.Fatalf("nothing differs: got %+v, %v, %s", p.Releases[0], whyText(p), p.Gates[0].Verdict)
			}
			other := strings.Replace(text, tt.old, tt.new, 1)
			if tt.image != "" {
				w.image = tt.image
			}
			p := w.plan(other)
			if p.Releases[0].Action != plan.ChangeRelease || p.Gates[0].Verdict != plan.Open {
				t.Errorf("got %s, gate %s", p.Releases[0].Action, p.Gates[0].Verdict)
			}
			if diff := cmp.Diff([]string{tt.why}, whyText(p)); diff != "" {
				t.Error(diff)
			}
			if tt.old == `predict = ["p"]` && p.Changes[0].Range.Start.Line != line {
				t.Errorf("line %d, want %d", p.Changes[0].Range.Start.Line, line)
			}
			w.apply(p)
			if p := w.plan(other); p.Gates[0].Verdict != plan.Open || p.Gates[0].Approvals[0].GivenBy != "" || p.Releases[0].Action != plan.ChangeRelease || len(p.Releases[0].Causes) == 0 {
				t.Errorf("applied, not approved: got %+v, %+v", p.Gates[0], p.Releases[0])
			}
			text = other
			yes()
			w.apply(w.plan(other))
			if p := w.plan(other); p.Releases[0].Action != plan.NoRelease || p.Gates[0].Verdict != plan.Pass {
				t.Errorf("approved: got %s, %s", p.Releases[0].Action, p.Gates[0].Verdict)
			}
		})
	}
}

// Figures of both models stand side by side where they are recorded.
func TestFiguresOfBothModels(t *testing.T) {
	w := applied(t)
	next := edit("300", "400")
	got := w.plan(next).Releases[0].Figures
	want := []plan.Compared{{Path: "evaluate.e.metrics.auc", Live: json.RawMessage("0.9")}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("before it is trained: %s", diff)
	}
	w.figures["evaluate.e"] = `{"rows":50,"metrics":{"auc":0.6,"recall":null,"f1":0.5}}`
	w.apply(w.plan(next)) // fails its gate, so that the old one stays
	got = w.plan(next).Releases[0].Figures
	want = []plan.Compared{{Path: "evaluate.e.metrics.auc", Live: json.RawMessage("0.88"), Next: json.RawMessage("0.6")}, {Path: "evaluate.e.metrics.f1", Next: json.RawMessage("0.5")}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after: %s", diff)
	}
}

// Without a champion to compare with, the figures of the live model are those it was released with.
func TestFiguresOfTheRelease(t *testing.T) {
	w := applied(t)
	live := w.state.Releases["deploy.d"]
	live.Figures = map[string]json.RawMessage{"evaluate.e": json.RawMessage(`{"auc":0.77,"recall":null,"note":"x"}`)}
	w.state.Releases["deploy.d"] = live
	clear(w.actions)
	got := w.plan(fraud + "\n").Releases[0].Figures
	if diff := cmp.Diff([]plan.Compared{{Path: "evaluate.e.metrics.auc", Live: json.RawMessage("0.77")}}, got); diff != "" {
		t.Error(diff)
	}
}
