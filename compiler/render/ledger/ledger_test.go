package ledger

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/trace"
	"github.com/mlp-lang/mlp/lang/digest"
)

var update = flag.Bool("update", false, "write the golden files")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
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

func of(s string) plan.Digest { return digest.Of([]byte(s)) }

func at(minute int) time.Time { return time.Date(2026, 3, 1, 8, minute, 0, 0, time.UTC) }

var (
	inCI = plan.Origin{Commit: "661f39022b09581f243ee1014c2cfec5639b726e", CI: &plan.CI{System: "github", Run: "4711", Actor: "zoe", URL: "https://github.com/a/b/actions/runs/4711"}}
	here = plan.Origin{Commit: "661f39022b09581f243ee1014c2cfec5639b726e", Dirty: true}
)

// revisions are a release in CI, with an approval in between, and a change by somebody who is another user than they say.
var revisions = []*Revision{
	{Revision: 1, At: at(0), By: "ci", User: "ci", Host: "runner", Apply: "a1", Origin: inCI, Changes: []Change{
		{Kind: "node", Address: "source.wine", Component: "source.csv@2", Fingerprint: of("s"), Data: map[string]Data{"files": {Digest: of("f"), Files: 1, Bytes: 389}}},
		{Kind: "block", Address: "pipeline.wine"}}},
	{Revision: 2, At: at(1), By: "ci", User: "ci", Host: "runner", Apply: "a1", Origin: inCI, Changes: []Change{
		{Kind: "node", Address: "check.wine", Component: "check@1", Fingerprint: of("c"), Check: &plan.CheckState{Verdict: plan.Pass}},
		{Kind: "gate", Address: "gate.g", Verdict: plan.Open}}},
	{Revision: 3, At: at(2), By: "ann", User: "root", Host: "vm", Origin: here, Changes: []Change{
		{Kind: "approval", Address: "gate.g", Approval: "risk", Given: &plan.Given{By: "ann", User: "root", Host: "vm", Reason: "seen\x1b[2Jby all", At: at(2)}}}},
	{Revision: 4, At: at(3), By: "root", User: "root", Host: "vm", Apply: "a2", Changes: []Change{
		{Kind: "gate", Address: "gate.g", Verdict: plan.Pass},
		{Kind: "release", Address: "deploy.d", From: "train.model", Model: of("m"), Before: of("old")},
		{Kind: "node", Address: "monitor.gone", Removed: true, Before: of("x")}}},
	{Revision: 5, At: at(4), Apply: "a3", Changes: []Change{{Kind: "block", Address: "pipeline.wine"}}},
}

func TestHistory(t *testing.T) {
	var b bytes.Buffer
	if err := History(&b, "wine · workspace default", revisions, false); err != nil {
		t.Fatal(err)
	}
	golden(t, "history.txt", b.Bytes())
	b.Reset()
	if err := History(&b, "source.wine", revisions[:1], true); err != nil {
		t.Fatal(err)
	}
	golden(t, "history_one.txt", b.Bytes())
}

func TestLineage(t *testing.T) {
	l := &trace.Lineage{Address: "deploy.d",
		Release: &plan.ReleaseState{Model: of("m"), From: "train.model", Gate: "gate.g", Revision: 4, Since: at(3), Figures: map[string]json.RawMessage{"evaluate.test": json.RawMessage(`{"auc":0.91}`)},
			Scoring: &plan.Scoring{Image: &plan.External{Root: "ours:1", Version: "sha256:33a64df5ab12cd34 linux/amd64"}}},
		Written: &trace.Written{Revision: 4, By: "ci", User: "ci", Host: "runner", Plan: of("p"), Origin: inCI},
		Gate: &plan.GateState{Verdict: plan.Pass, Rules: []plan.Rule{{Name: "good", Assert: "evaluate.test.metrics.auc >= 0.6", Verdict: plan.Pass,
			Values: []plan.FigureSeen{{Path: "evaluate.test.metrics.auc", Value: json.RawMessage("0.91")}}}},
			Approvals: []plan.Approval{{Name: "risk", From: []string{"ann"}, Given: &plan.Given{By: "ann", At: at(2)}}}},
		Stages: []trace.Stage{
			{Address: "train.model", Component: "train.container@1", Fingerprint: of("t"), Revision: 2, Command: []string{"python", "train.py"}, Config: json.RawMessage(`{"target":"good"}`),
				Made:    &plan.Action{StartedAt: at(0), Executor: "docker", Platform: "linux/amd64", ToolVersion: "v1"},
				Outputs: map[string]plan.Digest{"model": of("m")},
				Inputs: []trace.Source{{Port: "data", From: "source.wine:table", Digest: of("table")}, {Port: "gone", From: "dataset.x:table", Digest: of("y"), Unrecorded: true},
					{Port: "image", External: &plan.External{Remote: true, Root: "ours:1", Version: "sha256:33a64df5ab12cd34 linux/amd64"}}}},
			{Address: "source.wine", Component: "source.csv@2", Engine: "duckdb-1.4.5", Fingerprint: of("s"), Revision: 1, Outputs: map[string]plan.Digest{"table": of("table")},
				Accepted: &plan.Acceptance{By: "ann"},
				Inputs:   []trace.Source{{Port: "files", Digest: of("f"), External: &plan.External{Files: []plan.ExternalFile{{Name: "wine.csv", Size: 389, Digest: of("file")}}}}}},
		}}
	var b bytes.Buffer
	if err := Lineage(&b, l); err != nil {
		t.Fatal(err)
	}
	golden(t, "lineage.txt", b.Bytes())
}

func TestGarbage(t *testing.T) {
	var b bytes.Buffer
	for _, c := range []Collected{
		{Used: 42, DryRun: true},
		{Used: 42, Found: 5, FoundBytes: 1234, DryRun: true, Blocks: []Garbage{{"", 1, 34}, {"train.model", 4, 1200}}},
		{Used: 42, Found: 5, FoundBytes: 1234, Marked: 5, Due: at(0), Deleted: 7, Freed: 99, Blocks: []Garbage{{"train.model", 5, 1234}}},
		{Used: 42, Found: 5, FoundBytes: 1234, Marked: 5, Due: at(0), DryRun: true, Blocks: []Garbage{{"train.model", 5, 1234}}},
	} {
		if err := c.Garbage(&b); err != nil {
			t.Fatal(err)
		}
		b.WriteString("\n")
	}
	golden(t, "garbage.txt", b.Bytes())
}

func TestUsage(t *testing.T) {
	var b bytes.Buffer
	for _, u := range []Usage{
		{Blocks: []BlockSpace{{"train.model[\"eu\"]", Space{4, 1 << 30}, Space{2, 1 << 29}}, {"", Space{1, 12}, Space{}}},
			Workspaces: []WorkspaceSpace{{"fraud", "default", Space{3, 1 << 29}, Space{1, 7}}, {"fraud", "pr-41", Space{2, 99}, Space{}}},
			States:     Space{3, 1 << 29}, Past: Space{1, 12}, Garbage: Space{2, 1 << 29}, Logs: Space{20, 4711}, Aside: Space{1, 3}},
		{},
	} {
		if err := u.Text(&b); err != nil {
			t.Fatal(err)
		}
		b.WriteString("\n")
	}
	golden(t, "usage.txt", b.Bytes())
}

func TestRepaired(t *testing.T) {
	all := Repaired{
		Restored: []Restored{{"object", of("x"), "train.model", "this machine's cache"}, {"record", of("y"), "", "s3://models/copy"}},
		Dropped:  []Dropped{{of("z"), "train.model", "its output model is not whole, and 3f09c1 is nowhere"}},
		Left:     []Left{{"deploy.d in workspace default", "the model that is live is not whole", "release another model"}},
	}
	done := all
	done.Done = true
	var b bytes.Buffer
	for _, r := range []Repaired{all, done, {Left: all.Left}, {}} {
		if err := r.Text(&b); err != nil {
			t.Fatal(err)
		}
		b.WriteString("\n")
	}
	golden(t, "repaired.txt", b.Bytes())
}
