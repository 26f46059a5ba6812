package review

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	lang "github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run with -update and look at the change. Got:\n%s", path, got)
	}
}

func at(line int) source.Range {
	return source.Range{File: "fraud.mlp", Start: source.Pos{Line: line, Column: 3}, End: source.Pos{Line: line, Column: 20}}
}

func raw(s string) json.RawMessage { return json.RawMessage(s) }

func digestOf(s string) plan.Digest { return digest.Of([]byte(s)) }

// stage makes a node; inputs are addresses.
func stage(address, kind string, phase schema.Phase, v plan.Verdict, inputs ...string) *plan.Node {
	n := &plan.Node{Address: address, Kind: kind, Phase: phase, Verdict: v, Config: raw("{}"), Inputs: []plan.Input{}, Outputs: []plan.Output{}}
	if of, role := lang.Of(address); role != "" {
		n.Of, n.Role = of, schema.Role(role)
	}
	for _, from := range inputs {
		n.Inputs = append(n.Inputs, plan.Input{Port: from, From: from, FromPort: "table"})
	}
	return n
}

// fraud is the plan of one changed attribute, as a reviewer would have it.
func fraud() *plan.Plan {
	dev, ops := schema.Development, schema.Operations
	live := &plan.ReleaseState{Type: "http", Model: digestOf("live"), From: "train.model", Revision: 38}
	return &plan.Plan{
		FormatVersion: "1.0", Pipeline: "fraud", Workspace: "default", Base: plan.Base{Revision: 41, Digest: digestOf("41")},
		Changes: []plan.Change{
			{Cause: plan.Cause{Kind: plan.ConfigCause, Path: "params.trees", Before: raw("300"), After: raw("400")}, Address: "train.model",
				Category: plan.Rebuild, Range: at(121), Runs: []string{"train.model"}, MayRun: []string{"evaluate.holdout", "evaluate.holdout@champion"}},
			{Cause: plan.Cause{Kind: plan.ConfigCause, Path: "variable.max_fpr", Before: raw("0.01"), After: raw("0.012")}, Address: "gate.release",
				Category: plan.PolicyChange, Range: at(160)},
			{Cause: plan.Cause{Kind: plan.MetadataCause, Path: "description", After: raw(`"Card payments."`)}, Address: "dataset.payments",
				Category: plan.MetadataChange, Range: at(20)},
		},
		Nodes: []*plan.Node{
			stage("dataset.payments", "dataset", dev, plan.Metadata, "source.payments"),
			stage("evaluate.holdout", "evaluate", dev, plan.MayRun, "dataset.payments", "train.model"),
			stage("evaluate.holdout@champion", "evaluate", dev, plan.MayRun, "evaluate.holdout"),
			stage("source.payments", "source", dev, plan.Cached),
			stage("train.model", "train", dev, plan.Run, "dataset.payments"),
			stage("monitor.live", "monitor", ops, plan.Cached, "dataset.payments"),
		},
		Gates: []*plan.Gate{{
			Address: "gate.release", Verdict: plan.Open,
			Rules: plan.Rules{
				Figures: []plan.FigureSource{{Path: "evaluate.holdout", Node: "evaluate.holdout"}, {Path: "evaluate.holdout.delta", Node: "evaluate.holdout@champion"}},
				Rules: []plan.Rule{
					{Name: "enough data", Assert: "check.volume.rows >= 10000.0", Verdict: plan.Pass, Values: []plan.FigureSeen{{Path: "check.volume.rows", Value: raw("1204331")}}},
					{Name: "catches fraud", Assert: "evaluate.holdout.metrics.recall >= variable.min_recall", Residual: "evaluate.holdout.metrics.recall >= 0.7",
						Verdict: plan.Open, Live: []plan.FigureSeen{{Path: "evaluate.holdout.metrics.recall", Value: raw("0.742")}}},
					{Name: "spares the honest", Assert: "evaluate.holdout.metrics.fpr <= 0.012", Residual: "evaluate.holdout.metrics.fpr <= 0.012", Verdict: plan.Open,
						Live: []plan.FigureSeen{{Path: "evaluate.holdout.metrics.fpr", Value: raw("0.0098")}}},
					{Name: "not worse", Assert: "!champion.comparable || evaluate.holdout.delta.auc.low > -0.005", Residual: "evaluate.holdout.delta.auc.low > -0.005", Verdict: plan.Open},
				}},
			Approvals: []plan.Approval{{Name: "risk", From: []string{"risk-officers"}, When: "evaluate.holdout.delta.auc.value < 0.0", Needed: plan.Open}},
		}},
		Releases: []*plan.Release{{Address: "deploy.scorer", Type: "http", Action: plan.MayRelease, Gate: "gate.release", Current: live,
			Model:   plan.Input{Port: "model", From: "train.model", FromPort: "model"},
			Figures: []plan.Compared{{Path: "evaluate.holdout.metrics.fpr", Live: raw("0.0098")}, {Path: "evaluate.holdout.metrics.recall", Live: raw("0.7421234")}}}},
		Diagnostics: []plan.Diagnostic{{Severity: "warning", Summary: "The columns of source.payments are not pinned", Subject: at(3)}},
		Envelope: &plan.Envelope{CreatedAt: time.Unix(0, 0).UTC(), Durations: map[string]int64{
			"train.model": 230_000, "evaluate.holdout": 15_000, "source.payments": 900_000}},
	}
}

// failing is a plan whose gate is known to fail, with everything that leaves or breaks.
func failing() *plan.Plan {
	dev := schema.Development
	live := &plan.ReleaseState{Type: "http", Model: digestOf("live"), From: "train.model", Revision: 3}
	return &plan.Plan{
		FormatVersion: "1.0", Pipeline: "fraud", Workspace: "prod", Base: plan.Base{Revision: 7, Digest: digestOf("7")},
		Changes: []plan.Change{
			{Cause: plan.Cause{Kind: plan.OutputCause, Path: "table.amount", Before: raw(`"double"`)}, Address: "dataset.clean", Category: plan.Breaking,
				Range: at(9), Runs: []string{"train.model"}},
			{Cause: plan.Cause{Kind: plan.OutputCause, Path: "feature country", After: raw(`"varchar"`)}, Address: "deploy.scorer", Category: plan.Breaking, Range: at(90)},
			{Cause: plan.Cause{Kind: plan.DataCause, Path: "data", Before: raw(`{"files":1,"bytes":9,"digest":"` + string(digestOf("a")) + `"}`),
				After: raw(`{"files":2,"bytes":1234567,"digest":"` + string(digestOf("b")) + `"}`)}, Address: "source.payments", Category: plan.Rebuild, Range: at(3),
				Runs: []string{"source.payments"}, MayRun: []string{"check.volume", "dataset.clean"}},
			{Cause: plan.Cause{Kind: plan.ConfigCause, Path: "where", Before: raw(`"a > 0"`), After: raw(`"a > 1"`)}, Address: "dataset.other", Category: plan.Rebuild, Range: at(14)},
			{Cause: plan.Cause{Kind: plan.ConfigCause, Path: "port", Before: raw(`80`), After: raw(`81`)}, Address: "deploy.scorer", Category: plan.PolicyChange},
			{Cause: plan.Cause{Kind: plan.NeverRanCause}, Address: "train.model", Category: plan.Rebuild, Runs: []string{"train.model"}},
		},
		Nodes: []*plan.Node{
			stage("check.volume", "check", dev, plan.MayRun, "dataset.clean"),
			stage("dataset.clean", "dataset", dev, plan.MayRun, "source.payments"),
			stage("dataset.other", "dataset", dev, plan.Cached),
			stage("evaluate.holdout", "evaluate", dev, plan.Blocked, "train.model"),
			stage("evaluate.old", "evaluate", "", plan.Remove),
			stage("source.payments", "source", dev, plan.Run),
			stage("train.model", "train", dev, plan.Run, "dataset.clean"),
		},
		Gates: []*plan.Gate{
			{Address: "gate.release", Verdict: plan.Fail,
				Rules: plan.Rules{Rules: []plan.Rule{
					{Name: "open still", Assert: "a.b > 1.0", Residual: "a.b > 1", Verdict: plan.Open},
					{Name: "undefined", Assert: "evaluate.e.metrics.recall > 0.5", Verdict: plan.RuleError, Reason: "evaluate.e.metrics.recall is undefined: no positives"},
					{Name: "good enough", Assert: "evaluate.e.metrics.auc >= variable.least", Verdict: plan.Fail, Message: "Too weak to release.",
						Values: []plan.FigureSeen{{Path: "evaluate.e.metrics.auc", Value: raw("0.68123456")}, {Path: "variable.least", Value: raw("0.7")}}},
					{Name: "small", Assert: "evaluate.e.rows < 5.0", Severity: "warn", Verdict: plan.Fail, Values: []plan.FigureSeen{{Path: "evaluate.e.rows", Value: raw("50")}}},
				}},
				Approvals: []plan.Approval{{Name: "risk", From: []string{"a", "b"}, Needed: plan.Pass}, {Name: "given", From: []string{"c"}, Needed: plan.Pass, GivenBy: "ada"},
					{Name: "later", From: []string{"d"}, Needed: plan.Open}, {Name: "never", From: []string{"e"}, Needed: plan.Fail}}},
			{Address: "gate.blocked", Verdict: plan.Fail, BlockedBy: []string{"check.volume"}},
			{Address: "gate.done", Verdict: plan.Pass, Cached: true, Rules: plan.Rules{Rules: []plan.Rule{{Name: "r", Assert: "true", Verdict: plan.Pass}}}},
		},
		Releases: []*plan.Release{
			{Address: "deploy.old", Action: plan.RemoveRelease, Current: live, Model: plan.Input{From: "train.model", Digest: live.Model}},
			{Address: "deploy.new", Action: plan.CreateRelease, Gate: "gate.release", Model: plan.Input{From: "train.model", Digest: digestOf("next")},
				Figures: []plan.Compared{{Path: "evaluate.e.metrics.auc", Next: raw("0.68123456")}}},
			{Address: "deploy.scorer", Action: plan.ChangeRelease, Current: live, Model: plan.Input{From: "train.model", Digest: digestOf("next")}},
			{Address: "deploy.same", Action: plan.NoRelease, Current: live, Model: plan.Input{From: "train.model", Digest: live.Model}},
		},
	}
}

func nothing() *plan.Plan {
	return &plan.Plan{FormatVersion: "1.0", Pipeline: "fraud", Workspace: "default", Base: plan.Base{Revision: 2}, Changes: []plan.Change{},
		Nodes: []*plan.Node{stage("dataset.a", "dataset", schema.Development, plan.Cached), stage("monitor.m", "monitor", schema.Operations, plan.Cached, "dataset.a")},
		Gates: []*plan.Gate{}, Releases: []*plan.Release{}}
}

func TestGolden(t *testing.T) {
	plans := map[string]*plan.Plan{"change": fraud(), "failing": failing(), "nothing": nothing()}
	for name, p := range plans {
		t.Run(name, func(t *testing.T) {
			for form, write := range forms {
				golden(t, name+form, rendered(t, write, p, render.Options{}))
			}
			golden(t, name+".all.txt", rendered(t, forms[".txt"], p, render.Options{All: true}))
		})
	}
}

func TestColours(t *testing.T) {
	got := rendered(t, Text, failing(), render.Options{Color: true})
	if !bytes.Contains(got, []byte("\x1b[31m✗\x1b[0m gate.release")) || bytes.Contains(rendered(t, Text, failing(), render.Options{}), []byte("\x1b")) {
		t.Errorf("got %q", got)
	}
}

func TestCriticalPath(t *testing.T) {
	p := nothing()
	p.Nodes = []*plan.Node{stage("a.a", "a", "", plan.Run), stage("a.b", "a", "", plan.MayRun, "a.a"), stage("a.c", "a", "", plan.Run, "a.a"),
		stage("a.d", "a", "", plan.Run, "a.b", "a.c"), stage("a.e", "a", "", plan.Cached, "a.d"), stage("a.f", "a", "", plan.Run)}
	p.Envelope = &plan.Envelope{Durations: map[string]int64{"a.a": 1000, "a.b": 5000, "a.c": 60_000, "a.d": 2000, "a.e": 900_000}}
	got, want := cost(p), "About 1 m 8 s of work; the longest chain takes 1 m 3 s: a.a, a.c, a.d (from past runs). Not counted: a.f, which has never run."
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	p.Envelope.Scaled = map[string]string{"a.b": "2 × the data", "a.c": "trees 100 → 5000"}
	want = strings.Replace(want, "past runs)", "past runs; a.c counted for trees 100 → 5000; a.b counted for 2 × the data)", 1)
	if got := cost(p); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	p.Envelope.Durations = nil
	if got := cost(p); got != "" {
		t.Errorf("nothing known: got %s", got)
	}
}
