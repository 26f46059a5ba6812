package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/lang/schema"
)

// gated is a pipeline with a check, a model, its evaluation, a gate and a deployment.
type gated struct {
	rows, auc, delta string // as JSON
	model            string
	champion         bool
	current          *plan.ReleaseState
	assert           string
	severity         string
	approval         *plan.Approval
}

func (g gated) plan() *plan.Plan {
	figures := plan.Output{Port: "figures", Type: schema.FiguresPort}
	check := stage("check.rows", script{Figures: json.RawMessage(`{"failed": 0, "table": {"rows": ` + g.rows + `}}`), Write: map[string]string{}})
	check.Outputs = []plan.Output{{Port: "verdict", Type: schema.VerdictPort}}
	check.Rules = &plan.Rules{
		Env:     schema.Object(map[string]*schema.FigureType{"table": schema.Object(map[string]*schema.FigureType{"rows": schema.Double})}),
		Figures: []plan.FigureSource{{Path: "table", Node: "check.rows", Pick: "table"}},
		Rules:   []plan.Rule{{Name: "enough", Assert: "table.rows >= 100", Severity: "fail"}},
	}
	train := stage("train.m", script{Note: g.model, Write: map[string]string{"model/m": g.model}})
	train.Outputs = []plan.Output{{Port: "model", Type: schema.ModelPort}}
	train.After = []string{"check.rows"}
	eval := stage("evaluate.e", script{Figures: json.RawMessage(`{"metrics": {"auc": ` + g.auc + `}, "undefined": {"metrics.auc": "no positives"}, "delta": {"auc": {"low": ` + g.delta + `}}}`), Write: map[string]string{}})
	eval.Inputs = []plan.Input{{Port: "model", From: "train.m", FromPort: "model"}}
	eval.Outputs = []plan.Output{figures}
	p := newPlan(check, train, eval)
	p.Gates = []*plan.Gate{g.gate()}
	p.Releases = []*plan.Release{{
		Address: "deploy.d", Type: "http", Action: plan.MayRelease, Gate: "gate.g", Config: json.RawMessage(`{"port":1}`),
		Model: plan.Input{Port: "model", From: "train.m", FromPort: "model"}, Current: g.current,
	}}
	return p
}

func (g gated) gate() *plan.Gate {
	metrics := schema.KeyedMap(schema.Double, "auc")
	low := schema.KeyedMap(schema.Object(map[string]*schema.FigureType{"low": schema.Double}), "auc")
	env := schema.Object(map[string]*schema.FigureType{
		"variable": schema.Object(map[string]*schema.FigureType{"min": schema.Double}),
		"champion": schema.Object(map[string]*schema.FigureType{"exists": schema.Flag}),
		"evaluate": schema.Object(map[string]*schema.FigureType{"e": schema.Object(map[string]*schema.FigureType{"metrics": metrics, "delta": low})}),
	})
	definition, err := plan.Sum("gate.definition", g.assert)
	if err != nil {
		panic(err)
	}
	gate := &plan.Gate{Address: "gate.g", Definition: definition, After: []string{"check.rows"}, Rules: plan.Rules{
		Env: env, Known: json.RawMessage(fmt.Sprintf(`{"variable":{"min":0.8},"champion":{"exists":%v}}`, g.champion)),
		Figures: []plan.FigureSource{
			{Path: "evaluate.e", Node: "evaluate.e"},
			{Path: "evaluate.e.delta", Node: "evaluate.e", Pick: "delta", Absent: !g.champion},
		},
		Rules: []plan.Rule{{Name: "good", Assert: g.assert, Severity: g.severity}},
	}}
	if g.approval != nil {
		gate.Approvals = []plan.Approval{*g.approval}
	}
	return gate
}

func base() gated {
	return gated{rows: "1000", auc: "0.9", delta: "0.1", model: "m1", assert: "evaluate.e.metrics.auc >= variable.min", severity: "fail"}
}

func TestGates(t *testing.T) {
	tests := []struct {
		name   string
		change func(*gated)
		gate   GateStatus
		deploy Status
		exit   int
		reason string // in the first rule's
	}{
		{"passes", func(*gated) {}, GatePassed, Changed, ExitDone, ""},
		{"fails", func(g *gated) { g.auc = "0.7" }, GateFailed, Blocked, ExitGateFailed, ""},
		{"fails but warns only", func(g *gated) { g.auc, g.severity = "0.7", "warn" }, GatePassed, Changed, ExitDone, ""},
		{"figure undefined", func(g *gated) { g.auc = "null" }, GateFailed, Blocked, ExitGateFailed, "no positives"},
		{"figure undefined, warns only", func(g *gated) { g.auc, g.severity = "null", "warn" }, GatePassed, Changed, ExitDone, "no positives"},
		{"without a champion", func(g *gated) { g.assert = "!champion.exists || evaluate.e.delta.auc.low > 0" }, GatePassed, Changed, ExitDone, ""},
		{"check failed", func(g *gated) { g.rows = "10" }, GateBlocked, Blocked, ExitGateFailed, ""},
		{"check without rows", func(g *gated) { g.rows = "null" }, GateBlocked, Blocked, ExitGateFailed, ""},
		{"approval missing", func(g *gated) { g.approval = &plan.Approval{Name: "risk"} }, GateWaits, Blocked, ExitApprovalMissing, ""},
		{"approval not needed", func(g *gated) {
			g.approval = &plan.Approval{Name: "risk", When: "evaluate.e.metrics.auc < 0.85"}
		}, GatePassed, Changed, ExitDone, ""},
		{"approval needed", func(g *gated) { g.approval = &plan.Approval{Name: "risk", When: "evaluate.e.metrics.auc < 0.95"} }, GateWaits, Blocked, ExitApprovalMissing, ""},
		{"approval undecidable", func(g *gated) {
			g.auc, g.severity = "null", "warn"
			g.approval = &plan.Approval{Name: "risk", When: "evaluate.e.metrics.auc < 0.95"}
		}, GateWaits, Blocked, ExitApprovalMissing, "no positives"},
	}
	for _, tt := range tests {
		g := base()
		tt.change(&g)
		r := newRig(t)
		res := r.run(g.plan())
		if got := res.Gates[0]; got.Status != tt.gate {
			t.Errorf("%s: gate %+v, want %s", tt.name, got, tt.gate)
		} else if tt.reason != "" && !strings.Contains(got.Rules[0].Reason, tt.reason) {
			t.Errorf("%s: reason %q, want %q", tt.name, got.Rules[0].Reason, tt.reason)
		}
		if got := res.Releases[0].Status; got != tt.deploy {
			t.Errorf("%s: release %s, want %s", tt.name, got, tt.deploy)
		}
		if got := res.ExitCode(); got != tt.exit {
			t.Errorf("%s: exit code %d, want %d", tt.name, got, tt.exit)
		}
		if _, live := r.state().Releases["deploy.d"]; live != (tt.deploy == Changed) {
			t.Errorf("%s: live: %v", tt.name, live)
		}
	}
}

func TestCheckBlocksWhatRequiresIt(t *testing.T) {
	g := base()
	g.rows = "10"
	res := newRig(t).run(g.plan())
	checkStatuses(t, res, "check.rows ran, evaluate.e blocked, train.m blocked, gate.g blocked, deploy.d blocked")
	if got := res.Releases[0].BlockedBy; !reflect.DeepEqual(got, []string{"check.rows"}) {
		t.Errorf("release is blocked by %v", got)
	}
	c := res.node("check.rows").Check
	if c == nil || c.Passed || c.Rules[0].Verdict != plan.Fail || string(c.Rules[0].Values[0].Value) != "10" {
		t.Errorf("check: got %+v", c)
	}
}

func TestReleases(t *testing.T) {
	r := newRig(t)
	g := base()
	first := r.run(g.plan())
	live := r.state().Releases["deploy.d"]
	model := first.node("train.m")
	if live.Model != model.Outputs["model"] || live.Fingerprint != model.Fingerprint || live.From != "train.m" || live.Gate != "gate.g" ||
		live.Subject != first.Gates[0].Subject || live.Revision == 0 || first.Releases[0].After.Revision != live.Revision {
		t.Errorf("live: got %+v", live)
	}
	revision := r.state().Revision
	g.current = &live
	if res := r.run(g.plan()); res.Releases[0].Status != Unchanged || r.state().Revision != revision {
		t.Errorf("again: got %s, revision %d, want nothing new after %d", res.Releases[0].Status, r.state().Revision, revision)
	}

	g.model = "m2"
	g.auc = "0.1"
	if res := r.run(g.plan()); res.Releases[0].Status != Blocked || r.state().Releases["deploy.d"].Model != live.Model {
		t.Errorf("a worse one: got %s", res.Releases[0].Status)
	}
	g.auc = "0.95"
	g.current = &plan.ReleaseState{Model: "blake3:other"}
	if res := r.run(g.plan()); res.Releases[0].Failure == nil || res.ExitCode() != ExitStale {
		t.Errorf("another release is live than planned: got %+v", res.Releases[0])
	}
	g.current = &live
	res := r.run(g.plan())
	if rel := res.Releases[0]; rel.Status != Changed || rel.Before.Model != live.Model || rel.After.Model == live.Model {
		t.Errorf("a better one: got %+v", rel)
	}

	p := g.plan()
	next := r.state().Releases["deploy.d"]
	p.Releases[0].Action, p.Releases[0].Current = plan.RemoveRelease, &next
	if res := r.run(p); res.Releases[0].Status != Removed || len(r.state().Releases) != 0 {
		t.Errorf("removal: got %+v", res.Releases[0])
	}
}

func TestReleaseOfALostModel(t *testing.T) {
	r := newRig(t)
	g := base()
	g.auc = "0.1"
	first := r.run(g.plan())
	r.damage(first.node("train.m").Outputs["model"], true)
	g.auc = "0.9"
	res := r.run(g.plan())
	if res.Releases[0].Status != Changed {
		t.Errorf("got %+v", res.Releases[0])
	}
	if err := r.store.Verify(t.Context(), res.Releases[0].After.Model); err != nil {
		t.Error(err)
	}
}

func TestApprovals(t *testing.T) {
	r := newRig(t)
	g := base()
	g.approval = &plan.Approval{Name: "risk", From: []string{"ada"}}
	approve := func(subject plan.Digest) {
		l := r.log()
		_, err := l.Append(context.Background(), r.state(), []plan.Event{{Key: "approval/gate.g/risk", Approval: &plan.ApprovalState{
			Gate: "gate.g", Name: "risk", Subject: subject, By: "ada", At: time.Now(),
		}}})
		if err != nil {
			t.Fatal(err)
		}
	}
	first := r.run(g.plan()).Gates[0]
	if !reflect.DeepEqual(first.Missing, []string{"risk"}) || r.state().Gates["gate.g"].Verdict != plan.Open {
		t.Fatalf("got %+v", first)
	}
	approve(digest.Of([]byte("other figures")))
	if got := r.run(g.plan()).Gates[0].Status; got != GateWaits {
		t.Errorf("an approval of something else: got %s", got)
	}
	approve(first.Subject)
	p := g.plan()
	p.Gates[0].Cached = true // as the planner finds it, the facts being those of the state
	res := r.run(p)
	if got := res.Gates[0]; got.Status != GatePassed || got.Approvals[0].GivenBy != "ada" || !got.Before || res.Releases[0].Status != Changed {
		t.Errorf("approved: got %+v, release %s", got, res.Releases[0].Status)
	}
	if got := r.state().Gates["gate.g"]; got.Verdict != plan.Pass || got.Approvals[0].GivenBy != "ada" {
		t.Errorf("state: got %+v", got)
	}
	g.model = "m2"
	live := r.state().Releases["deploy.d"]
	g.current = &live
	if got := r.run(g.plan()).Gates[0].Status; got != GateWaits {
		t.Errorf("another model under the old approval: got %s", got)
	}
}

// A gate decided on the same facts stays as it was, whatever its rules would say now.
func TestCachedGate(t *testing.T) {
	r := newRig(t)
	g := base()
	r.run(g.plan())
	p := g.plan()
	live := r.state().Releases["deploy.d"]
	p.Releases[0].Current = &live
	p.Gates[0].Cached = true
	p.Gates[0].Rules.Known = json.RawMessage(`{"variable":{"min":0.8},"champion":{"exists":true}}`)
	revision := r.state().Revision
	if res := r.run(p); res.Gates[0].Status != GatePassed || !res.Gates[0].Before || r.state().Revision != revision {
		t.Errorf("got %+v, revision %d", res.Gates[0], r.state().Revision)
	}
}

func TestRuleThatCannotBeRead(t *testing.T) {
	g := base()
	g.assert = "evaluate.e.metrics.auc >"
	r := newRig(t)
	res, err := r.try(context.Background(), g.plan())
	if err == nil || !strings.Contains(err.Error(), "gate.g") || len(r.state().Releases) != 0 {
		t.Errorf("got %v", err)
	}
	if res.Releases[0].Status == Changed {
		t.Error("it was released all the same")
	}
}

// A stage that yields no figures leaves rules on them undecided, which is no pass.
func TestRuleWithoutFigures(t *testing.T) {
	g := base()
	p := g.plan()
	p.Gates[0].Rules.Figures[0].Node = "train.m"
	res := newRig(t).run(p)
	if got := res.Gates[0]; got.Status != GateFailed || got.Rules[0].Verdict != plan.RuleError || got.Rules[0].Reason == "" {
		t.Errorf("got %+v", got)
	}
}

func TestChampionThatMoved(t *testing.T) {
	r := newRig(t)
	p := base().plan()
	p.Gates[0].Champion = &plan.Champion{Deploy: "deploy.d", Exists: true, Model: "blake3:gone"}
	_, err := r.try(context.Background(), p)
	var stale *StaleError
	if !errors.As(err, &stale) || len(r.state().Releases) != 0 {
		t.Errorf("got %v", err)
	}
}
