package planner

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
)

// fraud is a whole pipeline: data, a check, a model, its evaluation, a gate and a deployment.
const fraud = `pipeline "p" {}
variable "least" { default = 0.7 }
source "raw" {
  path  = "raw.csv"
  names = ["id:bigint", "amount:double", "y:boolean"]
}
dataset "clean" {
  from  = source.raw
  where = "amount > 0"
}
check "enough" {
  on = dataset.clean
  rule "rows" { assert = "rows > 10.0" }
}
train "trees" "m" {
  data     = dataset.clean
  features = ["amount"]
  trees    = 300
  requires = [check.enough]
}
evaluate "e" {
  model = train.m
  data  = dataset.clean.rest
}
gate "g" {
  champion = deploy.d
  rule "good" { assert = "evaluate.e.metrics.auc >= variable.least" }
  rule "not worse" { assert = "!champion.comparable || evaluate.e.delta.auc.low > -0.05" }
}
deploy "d" {
  model = train.m
  gate  = gate.g
  port  = 1
}
`

// applied is the world after a first apply of that pipeline: everything is recorded and live.
func applied(t *testing.T) *world {
	w := newWorld(t)
	w.data["raw.csv"] = "1,2,true"
	w.figures["check.enough"] = `{"rows":100,"failed":0}`
	w.figures["evaluate.e"] = `{"rows":50,"metrics":{"auc":0.9}}`
	w.figures["evaluate.e@champion"] = `{"metrics":{"auc":0.88},"delta":{"auc":{"low":-0.01}}}`
	w.apply(w.plan(fraud))
	return w
}

func edit(old, new string) string {
	if !strings.Contains(fraud, old) {
		panic("the pipeline does not hold " + old)
	}
	return strings.Replace(fraud, old, new, 1)
}

func TestFirstPlan(t *testing.T) {
	w := newWorld(t)
	w.data["raw.csv"] = "1,2,true"
	p := w.plan(fraud)
	want := map[string]plan.Verdict{"source.raw": plan.Run, "dataset.clean": plan.Run, "check.enough": plan.Run, "train.m": plan.Run, "evaluate.e": plan.Run}
	if diff := cmp.Diff(want, verdicts(p)); diff != "" {
		t.Error(diff)
	}
	for _, c := range p.Changes {
		if c.Cause.Kind != plan.NeverRanCause {
			t.Errorf("got the cause %s at %s", c.Cause.Kind, c.Address)
		}
	}
	if g := p.Gates[0]; g.Verdict != plan.Open || g.Champion.Exists || g.Champion.Why == "" {
		t.Errorf("gate: got %s, champion %+v", g.Verdict, g.Champion)
	}
	if p.Releases[0].Action != plan.CreateRelease || p.Verify() != nil {
		t.Errorf("got %s, %v", p.Releases[0].Action, p.Verify())
	}
}

func TestNothingToDo(t *testing.T) {
	w := applied(t)
	p := w.plan(fraud)
	for address, v := range verdicts(p) {
		if v != plan.Cached {
			t.Errorf("%s: got %s", address, v)
		}
	}
	if !p.Gates[0].Cached || p.Releases[0].Action != plan.NoRelease || len(p.Changes) != 0 {
		t.Errorf("gate cached: %t, release: %s, changes: %v", p.Gates[0].Cached, p.Releases[0].Action, whyText(p))
	}
	again := w.plan("# a comment\n" + strings.ReplaceAll(fraud, "  ", "\t"))
	if len(again.Changes) != 0 || again.ConfigDigest != p.ConfigDigest {
		t.Errorf("a comment and layout are no change, got %v", whyText(again))
	}
}

// TestChanges changes one thing at a time of a pipeline that is live.
func TestChanges(t *testing.T) {
	const champion = "evaluate.e@champion"
	tests := []struct {
		name    string
		text    string
		prepare func(*world)
		differ  map[string]plan.Verdict // from cached
		why     []string
		gate    plan.RuleVerdict
		release plan.ReleaseAction
	}{
		{name: "an attribute of a trainer", text: edit("300", "400"),
			differ:  map[string]plan.Verdict{"train.m": plan.Run, "evaluate.e": plan.MayRun, champion: plan.MayRun},
			why:     []string{"rebuild train.m config trees 300→400 runs train.m may evaluate.e,evaluate.e@champion"},
			release: plan.MayRelease, gate: plan.Open},
		{name: "two attributes at once", text: strings.Replace(edit("300", "400"), "amount > 0", "amount > 1", 1),
			differ: map[string]plan.Verdict{"dataset.clean": plan.Run, "check.enough": plan.MayRun, "train.m": plan.Run, "evaluate.e": plan.MayRun, champion: plan.MayRun},
			why: []string{`rebuild dataset.clean config where "amount > 0"→"amount > 1" runs dataset.clean,train.m may check.enough,evaluate.e,evaluate.e@champion`,
				"rebuild train.m config trees 300→400 runs train.m may evaluate.e,evaluate.e@champion"},
			release: plan.MayRelease, gate: plan.Open},
		{name: "the data", text: fraud, prepare: func(w *world) { w.data["raw.csv"] = "2,3,false" },
			differ: map[string]plan.Verdict{"source.raw": plan.Run, "dataset.clean": plan.MayRun, "check.enough": plan.MayRun, "train.m": plan.MayRun, "evaluate.e": plan.MayRun, champion: plan.MayRun},
			why: []string{"rebuild source.raw data . {\"bytes\":8,\"digest\":\"" + string(digest.Of([]byte("1,2,true"))) + "\",\"files\":1}→{\"bytes\":9,\"changed\":[\"raw.csv\"],\"digest\":\"" +
				string(digest.Of([]byte("2,3,false"))) + "\",\"files\":1} runs source.raw may check.enough,dataset.clean,evaluate.e,evaluate.e@champion,train.m"},
			release: plan.MayRelease, gate: plan.Open},
		{name: "a description", text: edit(`trees    = 300`, "trees = 300\n  description = \"Trees.\""),
			differ: map[string]plan.Verdict{"train.m": plan.Metadata}, why: []string{`metadata train.m metadata description →"Trees."`}},
		{name: "a time-out", text: edit(`trees    = 300`, "trees = 300\n  timeout = \"5m\""),
			differ: map[string]plan.Verdict{"train.m": plan.Metadata}, why: []string{`metadata train.m metadata timeout "1h"→"5m"`}},
		{name: "a description and an attribute", text: edit(`trees    = 300`, "trees = 9\n  description = \"Trees.\""),
			differ: map[string]plan.Verdict{"train.m": plan.Run, "evaluate.e": plan.MayRun, champion: plan.MayRun},
			why: []string{"rebuild train.m config trees 300→9 runs train.m may evaluate.e,evaluate.e@champion",
				`metadata train.m metadata description →"Trees."`}, release: plan.MayRelease, gate: plan.Open},
		{name: "a rule", text: edit(">= variable.least", ">= 0.85"),
			why: []string{`policy gate.g config rule[good] "evaluate.e.metrics.auc >= variable.least"→"evaluate.e.metrics.auc >= 0.85"`}},
		{name: "a variable that a rule reads", text: edit("0.7", "0.95"), why: []string{"policy gate.g config variable.least 0.7→0.95"}, gate: plan.Fail},
		{name: "the port of a deployment", text: edit("port  = 1", "port = 2"), why: []string{"policy deploy.d config port 1→2"}, release: plan.ChangeRelease},
		{name: "forced", text: fraud, prepare: func(w *world) { w.force = []string{"evaluate.e"} },
			differ: map[string]plan.Verdict{"evaluate.e": plan.Run}, why: []string{"rebuild evaluate.e forced runs evaluate.e"}, gate: plan.Open},
		{name: "a lost result", text: fraud, prepare: func(w *world) { delete(w.actions, w.state.Nodes["train.m"].Fingerprint) },
			differ: map[string]plan.Verdict{"train.m": plan.Run, "evaluate.e": plan.MayRun, champion: plan.MayRun},
			why:    []string{"rebuild train.m lost runs train.m may evaluate.e,evaluate.e@champion"}, release: plan.MayRelease, gate: plan.Open},
		{name: "another component", text: fraud, prepare: func(w *world) {
			s := w.state.Nodes["evaluate.e"]
			s.Version, s.Definition = 0, "blake3:old"
			w.state.Nodes["evaluate.e"] = s
			clear(w.actions)
		}, differ: map[string]plan.Verdict{"source.raw": plan.Run, "dataset.clean": plan.MayRun, "check.enough": plan.MayRun, "train.m": plan.MayRun, "evaluate.e": plan.Run, champion: plan.Run},
			why: []string{"rebuild evaluate.e component  0→1 runs evaluate.e,evaluate.e@champion",
				"rebuild source.raw lost runs evaluate.e,evaluate.e@champion,source.raw may check.enough,dataset.clean,train.m"}, release: plan.MayRelease, gate: plan.Open},
		{name: "a column that others read", text: edit(`"amount:double", `, `"amount:bigint", `),
			differ: map[string]plan.Verdict{"source.raw": plan.Run, "dataset.clean": plan.Run, "check.enough": plan.Run, "train.m": plan.Run, "evaluate.e": plan.Run, champion: plan.Run},
			why: []string{`breaking deploy.d output feature amount "double"→"bigint"`,
				`breaking source.raw output table.amount "double"→"bigint" runs check.enough,dataset.clean,evaluate.e,evaluate.e@champion,train.m`,
				`rebuild source.raw config names ["id:bigint","amount:double","y:boolean"]→["id:bigint","amount:bigint","y:boolean"] runs check.enough,dataset.clean,evaluate.e,evaluate.e@champion,source.raw,train.m`},
			release: plan.MayRelease, gate: plan.Open},
		{name: "a column that is dropped", text: edit(`where = "amount > 0"`, "where = \"amount > 0\"\n  drop = \"id\""),
			differ: map[string]plan.Verdict{"dataset.clean": plan.Run, "check.enough": plan.Run, "train.m": plan.Run, "evaluate.e": plan.Run, champion: plan.Run},
			why: []string{
				`rebuild dataset.clean config drop →"id" runs check.enough,dataset.clean,evaluate.e,evaluate.e@champion,train.m`},
			release: plan.MayRelease, gate: plan.Open},
		{name: "a column that is dropped, and a new reader of the others", text: edit(`where = "amount > 0"`, "where = \"amount > 0\"\n  drop = \"id\"") + "\ndataset \"more\" { from = dataset.clean }\n",
			differ: map[string]plan.Verdict{"dataset.clean": plan.Run, "check.enough": plan.Run, "train.m": plan.Run, "evaluate.e": plan.Run, champion: plan.Run, "dataset.more": plan.Run},
			why: []string{
				`rebuild dataset.clean config drop →"id" runs check.enough,dataset.clean,dataset.more,evaluate.e,evaluate.e@champion,train.m`,
				"rebuild dataset.more never_ran runs dataset.more"},
			release: plan.MayRelease, gate: plan.Open},
		{name: "another model is live", text: fraud, prepare: func(w *world) {
			r, g := w.state.Releases["deploy.d"], w.state.Gates["gate.g"]
			g.Model, g.Champion = r.Model, digest.Of([]byte("the one before"))
			w.state.Gates["gate.g"] = g
			r.Model = digest.Of([]byte("another"))
			w.state.Releases["deploy.d"] = r
		}, differ: map[string]plan.Verdict{champion: plan.Run}, why: []string{"rebuild evaluate.e@champion input runs evaluate.e@champion",
			`policy gate.g policy champion.model "` + string(digest.Of([]byte("the one before"))) + `"→"` + string(digest.Of([]byte("another"))) + `"`}, release: plan.ChangeRelease, gate: plan.Open},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := applied(t)
			if tt.prepare != nil {
				tt.prepare(w)
			}
			p := w.plan(tt.text)
			got := verdicts(p)
			maps.DeleteFunc(got, func(_ string, v plan.Verdict) bool { return v == plan.Cached })
			if tt.differ == nil {
				tt.differ = map[string]plan.Verdict{}
			}
			if diff := cmp.Diff(tt.differ, got); diff != "" {
				t.Errorf("verdicts, -want +got:\n%s", diff)
			}
			if diff := cmp.Diff(tt.why, whyText(p)); diff != "" {
				t.Errorf("changes, -want +got:\n%s", diff)
			}
			if tt.gate == "" {
				tt.gate = plan.Pass
			}
			if tt.release == "" {
				tt.release = plan.NoRelease
			}
			if p.Gates[0].Verdict != tt.gate || p.Releases[0].Action != tt.release {
				t.Errorf("got gate %s, release %s, want %s, %s", p.Gates[0].Verdict, p.Releases[0].Action, tt.gate, tt.release)
			}
		})
	}
}

// A change in words alone is shown once: the apply that runs nothing records it.
func TestMetadataIsShownOnce(t *testing.T) {
	w := applied(t)
	text := edit(`trees    = 300`, "trees = 300\n  description = \"Trees.\"")
	w.apply(w.plan(text))
	if p := w.plan(text); len(p.Changes) != 0 || p.Node("train.m").Verdict != plan.Cached {
		t.Errorf("got %v", whyText(p))
	}
}

// Early cut-off: what is upstream yields the same bytes, so nobody runs and nothing is released.
func TestEarlyCutOff(t *testing.T) {
	w := applied(t)
	before := w.state.Nodes["dataset.clean"].Outputs
	text := edit("amount > 0", "amount >  0")
	p := w.plan(text)
	if v := verdicts(p); v["dataset.clean"] != plan.Run || v["train.m"] != plan.MayRun {
		t.Errorf("got %v", v)
	}
	w.run(p.Node("dataset.clean"))
	w.actions[w.state.Nodes["dataset.clean"].Fingerprint].Outputs = before
	p = w.plan(text)
	for address, v := range verdicts(p) {
		if v != plan.Cached {
			t.Errorf("%s: got %s", address, v)
		}
	}
	if p.Releases[0].Action != plan.NoRelease || !p.Gates[0].Cached {
		t.Errorf("release %s, gate cached %t", p.Releases[0].Action, p.Gates[0].Cached)
	}
}

// A change that is taken back finds its old results; what differs from the record is still told.
func TestTakenBack(t *testing.T) {
	w := applied(t)
	w.apply(w.plan(edit("300", "400")))
	p := w.plan(fraud)
	for address, v := range verdicts(p) {
		if v != plan.Cached && address != "evaluate.e@champion" {
			t.Errorf("%s: got %s", address, v)
		}
	}
	if diff := cmp.Diff([]string{"rebuild train.m config trees 400→300 runs evaluate.e@champion"}, whyText(p)); diff != "" {
		t.Error(diff)
	}
	if p.Releases[0].Action != plan.ChangeRelease {
		t.Errorf("got %s", p.Releases[0].Action)
	}
}

func TestRemoved(t *testing.T) {
	w := applied(t)
	at := strings.Index(fraud, "deploy")
	p := w.plan(strings.Replace(fraud[:at], "  champion = deploy.d\n  rule", "  rule", 1)[:strings.Index(fraud, "evaluate \"e\"")])
	v := verdicts(p)
	if v["evaluate.e"] != plan.Remove || p.Node("evaluate.e").Replaces != w.state.Nodes["evaluate.e"].Fingerprint {
		t.Errorf("got %v", v)
	}
	if len(p.Releases) != 1 || p.Releases[0].Action != plan.RemoveRelease || p.Releases[0].Current == nil {
		t.Errorf("got %+v", p.Releases)
	}
	w.apply(p)
	if p := w.plan(fraud[:strings.Index(fraud, "evaluate \"e\"")]); p.Node("evaluate.e") != nil || len(p.Releases) != 0 {
		t.Errorf("once removed: got %v, %v", verdicts(p), p.Releases)
	}
}

// What requires a check that is known to fail is blocked, and so is all behind it.
func TestBlocked(t *testing.T) {
	w := applied(t)
	p := w.plan(edit("rows > 10.0", "rows > 1000.0"))
	want := map[string]plan.Verdict{"source.raw": plan.Cached, "dataset.clean": plan.Cached, "check.enough": plan.Cached, "train.m": plan.Blocked,
		"evaluate.e": plan.Blocked, "evaluate.e@champion": plan.Blocked}
	if diff := cmp.Diff(want, verdicts(p)); diff != "" {
		t.Error(diff)
	}
	if r := p.Node("check.enough").Rules.Rules[0]; r.Verdict != plan.Fail {
		t.Errorf("got %+v", r)
	}
	if p.Releases[0].Action != plan.NoRelease {
		t.Errorf("got %s", p.Releases[0].Action)
	}
}

func TestApprovals(t *testing.T) {
	w := applied(t)
	text := edit(`rule "good"`, "approval \"risk\" { from = [\"ada\"] }\n  approval \"odd\" {\n    from = [\"x\"]\n    when = \"evaluate.e.metrics.auc < 0.5\"\n  }\n  rule \"good\"")
	text = strings.Replace(text, "300", "400", 1)
	needed := func(p *plan.Plan) string {
		var s []string
		for _, a := range p.Gates[0].Approvals {
			s = append(s, a.Name+" "+string(a.Needed)+" "+a.GivenBy)
		}
		return strings.Join(s, ", ")
	}
	p := w.plan(text)
	if got, want := needed(p), "risk open , odd open "; got != want {
		t.Errorf("before it is trained: got %s, want %s", got, want)
	}
	w.apply(p)
	p = w.plan(text)
	if got, want := needed(p), "risk pass , odd fail "; got != want || p.Gates[0].Verdict != plan.Open {
		t.Errorf("after: got %s, %s, want %s", got, p.Gates[0].Verdict, want)
	}
	w.state.Approvals["gate.g/risk"] = plan.ApprovalState{By: "ada", Subject: w.state.Gates["gate.g"].Subject}
	p = w.plan(text)
	if got, want := needed(p), "risk pass ada, odd fail "; got != want || p.Gates[0].Verdict != plan.Pass {
		t.Errorf("given: got %s, %s, want %s", got, p.Gates[0].Verdict, want)
	}
	w.state.Approvals["gate.g/risk"] = plan.ApprovalState{By: "ada", Subject: "blake3:of-something-else"}
	if p := w.plan(text); p.Gates[0].Verdict != plan.Open {
		t.Errorf("given for something else: got %s", p.Gates[0].Verdict)
	}
}

func TestPlansThatCannotBeMade(t *testing.T) {
	image := strings.Replace(fraud, `train "trees" "m" {`, "train \"container\" \"m\" {\n  image = \"i\"\n  command = [\"t\"]", 1)
	tests := map[string]struct {
		text    string
		prepare func(*world)
		code    string
	}{
		"no data":                  {fraud, func(w *world) { clear(w.data) }, "MLP1603"},
		"no image":                 {strings.Replace(image, "  image", "  predict = [\"p\"]\n  image", 1), func(w *world) { w.image, w.noImage = "", errors.New("it is to be there") }, "MLP1602"},
		"nothing to predict with":  {image, func(*world) {}, "MLP1605"},
		"a record that is damaged": {fraud, func(w *world) { w.broken = w.state.Nodes["train.m"].Fingerprint }, "MLP1604"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := applied(t)
			tt.prepare(w)
			p, diags := Make(context.Background(), w.module(tt.text), w.options())
			if p != nil || len(diags) == 0 || diags[0].Code != tt.code || diags[0].Subject.IsZero() {
				t.Errorf("got %v, %+v", p, diags)
			}
		})
	}
}

// The same module and state give the same plan, whatever the order of maps.
func TestPlansAreStable(t *testing.T) {
	w := applied(t)
	first := w.plan(edit("300", "400"))
	for range 20 {
		if again := w.plan(edit("300", "400")); again.ID != first.ID {
			t.Fatalf("got %s, want %s", again.ID, first.ID)
		}
	}
}
