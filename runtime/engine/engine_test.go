package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/attempt"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/state"
)

func chain() *plan.Plan {
	return newPlan(stage("stage.a", script{}), stage("stage.b", script{}, "stage.a"), stage("stage.c", script{}, "stage.b", "stage.a"))
}

func TestRunThenNothingToDo(t *testing.T) {
	r := newRig(t)
	res := r.run(chain())
	checkStatuses(t, res, "stage.a ran, stage.b ran, stage.c ran")
	data, err := r.store.ReadFile(res.node("stage.c").Outputs["files"], "data")
	if want := "stage.c[in0/data:stage.b[in0/data:stage.a]][in1/data:stage.a]"; err != nil || string(data) != want {
		t.Errorf("output: got %q, %v, want %q", data, err, want)
	}
	st := r.state()
	if got := st.Nodes["stage.c"]; got.Outputs["files"] != res.node("stage.c").Outputs["files"] || got.Wiring["in0"] != "stage.b:files" || got.Inputs["in1"] != res.node("stage.a").Outputs["files"] {
		t.Errorf("state: got %+v", got)
	}
	again := r.run(chain())
	checkStatuses(t, again, "stage.a cached, stage.b cached, stage.c cached")
	if got := r.started(); got != nil {
		t.Errorf("second run started %v", got)
	}
	if got := r.state().Revision; got != st.Revision {
		t.Errorf("second run made revision %d after %d", got, st.Revision)
	}
	if again.ExitCode() != ExitDone {
		t.Errorf("exit code %d", again.ExitCode())
	}
	if left, err := os.ReadDir(r.store.Place().Path("tmp")); err != nil || len(left) != 1 {
		t.Errorf("left in tmp: %v, %v, want this process's session alone", left, err)
	}
}

// The same plan gives the same digests in another folder, on one slot and on four.
func TestSameDigestsAnywhere(t *testing.T) {
	var first *Result
	for _, parallelism := range []int{1, 4} {
		r := newRig(t)
		r.opts = func(o *Options) { o.Parallelism = parallelism }
		res := r.run(chain())
		if first == nil {
			first = res
		}
		for i, n := range res.Nodes {
			if n.Fingerprint != first.Nodes[i].Fingerprint || !reflect.DeepEqual(n.Outputs, first.Nodes[i].Outputs) {
				t.Errorf("%s: got %v, want %v", n.Address, n.Outputs, first.Nodes[i].Outputs)
			}
		}
	}
}

func TestEarlyCutOff(t *testing.T) {
	r := newRig(t)
	r.run(chain())
	p := newPlan(stage("stage.a", script{Note: "other definition, same bytes"}), stage("stage.b", script{}, "stage.a"), stage("stage.c", script{}, "stage.b", "stage.a"))
	checkStatuses(t, r.run(p), "stage.a ran, stage.b cached, stage.c cached")
	p.Nodes[0] = stage("stage.a", script{Write: map[string]string{"files/data": "other bytes"}})
	checkStatuses(t, r.run(p), "stage.a ran, stage.b ran, stage.c ran")
}

func TestForcedAndUncached(t *testing.T) {
	r := newRig(t)
	r.run(chain())
	p := chain()
	p.Nodes[0].Causes = []plan.Cause{{Kind: plan.ForcedCause}}
	checkStatuses(t, r.run(p), "stage.a ran, stage.b cached, stage.c cached")

	random := func() *plan.Plan {
		n := stage("stage.r", script{Random: true})
		n.NoCache = true
		return newPlan(n, stage("stage.s", script{}, "stage.r"))
	}
	first := r.run(random())
	second := r.run(random())
	checkStatuses(t, second, "stage.r ran, stage.s ran")
	if first.node("stage.r").Outputs["files"] == second.node("stage.r").Outputs["files"] {
		t.Error("the second result was not taken")
	}
	p = newPlan(stage("stage.x", script{Random: true}))
	r.run(p)
	p.Nodes[0].Causes = []plan.Cause{{Kind: plan.ForcedCause}}
	f := r.run(p).node("stage.x").Failure
	if f == nil || f.Kind != attempt.NondeterministicFailure || !strings.Contains(f.Summary, "files") {
		t.Errorf("nondeterministic stage: got %v", f)
	}
}

func TestFailureBlocksOnlyWhatRestsOnIt(t *testing.T) {
	r := newRig(t)
	p := newPlan(
		stage("stage.bad", script{Exits: []int{78}, Log: []string{"reading", "row 3"}}),
		stage("stage.child", script{}, "stage.bad"), stage("stage.grandchild", script{}, "stage.child", "stage.good"),
		stage("stage.good", script{}), stage("stage.other", script{}, "stage.good"),
	)
	res := r.run(p)
	checkStatuses(t, res, "stage.bad failed, stage.child blocked, stage.good ran, stage.grandchild blocked, stage.other ran")
	f := res.node("stage.bad").Failure
	if f.Kind != attempt.ExitFailure || f.ExitCode != 78 || f.Summary != "bad row 3" || f.Detail != "Mend it." || f.Attempts != 1 || f.Tail[0] != "reading" {
		t.Errorf("failure: got %+v", f)
	}
	if log, err := r.store.Get(f.Log); err != nil || !strings.Contains(string(log), "row 3\n") {
		t.Errorf("log: got %q, %v", log, err)
	}
	if got := res.node("stage.grandchild").BlockedBy; !reflect.DeepEqual(got, []string{"stage.bad"}) {
		t.Errorf("blocked by %v", got)
	}
	if res.ExitCode() != ExitError {
		t.Errorf("exit code %d", res.ExitCode())
	}
	last, ok, err := JournalsOf(r.store, "test", "default").LastRunOf(t.Context(), "stage.bad")
	if err != nil || !ok || !last.Ended || last.Log != f.Log || last.Message != "bad row 3" {
		t.Errorf("last run: got %+v %v %v", last, ok, err)
	}
	last, ok, err = JournalsOf(r.store, "test", "default").LastRunOf(t.Context(), "stage.good")
	if err != nil || !ok || !last.Ended || last.Log == "" {
		t.Errorf("last run of one that succeeded: got %+v %v %v", last, ok, err)
	}
}

func TestRetries(t *testing.T) {
	tests := []struct {
		name     string
		exits    []int
		retries  int
		ok       bool
		attempts int
	}{
		{"none needed", nil, 2, true, 1},
		{"second attempt", []int{75}, 1, true, 2},
		{"budget spent", []int{75, 75}, 1, false, 2},
		{"no budget", []int{75}, 0, false, 1},
		{"failure of its own", []int{1, 0}, 3, false, 1},
		{"never", []int{78, 0}, 3, false, 1},
		{"unknown code", []int{99, 0}, 3, false, 1},
	}
	for _, tt := range tests {
		r := newRig(t)
		n := stage("stage.x", script{Exits: tt.exits, Warn: "careful"})
		n.Retries = tt.retries
		res := r.run(newPlan(n)).node("stage.x")
		if got := len(r.started()); got != tt.attempts || (res.Failure == nil) != tt.ok {
			t.Errorf("%s: got %d attempts, failure %v; want %d, ok %v", tt.name, got, res.Failure, tt.attempts, tt.ok)
		}
		if tt.ok && !reflect.DeepEqual(res.Warnings, []string{"careful"}) {
			t.Errorf("%s: warnings %v", tt.name, res.Warnings)
		}
	}
}

// flaky fails some attempts in the way that an engine does, and lets the others through.
type flaky struct {
	executor.Executor
	errs []error
	res  executor.Result
}

func (f *flaky) Run(ctx context.Context, t executor.Task) (executor.Result, error) {
	if len(f.errs) > 0 {
		err := f.errs[0]
		f.errs = f.errs[1:]
		return f.res, err
	}
	return f.Executor.Run(ctx, t)
}

func TestFaultsOfTheEngine(t *testing.T) {
	gone := fmt.Errorf("dial: %w", executor.ErrUnavailable)
	tests := []struct {
		name     string
		fault    flaky
		want     attempt.FailureKind
		attempts int
	}{
		{"comes back", flaky{errs: []error{gone, gone}}, "", 3},
		{"stays away", flaky{errs: []error{gone, gone, gone}}, attempt.EngineFailure, 3},
		{"no image", flaky{errs: []error{executor.ErrImage}}, attempt.ImageFailure, 1},
		{"unsupported", flaky{errs: []error{executor.ErrUnsupported}}, attempt.EngineFailure, 1},
		{"out of memory", flaky{errs: []error{nil}, res: executor.Result{ExitCode: 137, OutOfMemory: true}}, attempt.MemoryFailure, 1},
	}
	for _, tt := range tests {
		r := newRig(t)
		tt.fault.Executor = r.exec
		r.exec = &tt.fault
		var got attempt.FailureKind
		if f := r.run(newPlan(stage("stage.x", script{}))).node("stage.x").Failure; f != nil {
			got = f.Kind
		}
		if n := len(r.started()); got != tt.want || n != tt.attempts {
			t.Errorf("%s: got %q after %d attempts, want %q after %d", tt.name, got, n, tt.want, tt.attempts)
		}
	}
}

func TestTimeout(t *testing.T) {
	n := stage("stage.x", script{SleepMS: 60_000})
	n.TimeoutMS, n.Retries = 300, 2
	f := newRig(t).run(newPlan(n)).node("stage.x").Failure
	if f == nil || f.Kind != attempt.TimeoutFailure || f.Attempts != 1 || !strings.Contains(f.Summary, "300ms") {
		t.Errorf("got %v", f)
	}
}

func TestOutputsAreChecked(t *testing.T) {
	figures := plan.Output{Port: "figures", Type: schema.FiguresPort}
	table := plan.Output{Port: "table", Type: schema.TablePort}
	files := plan.Output{Port: "files", Type: schema.FilesPort}
	tests := []struct {
		name   string
		script script
		out    plan.Output
		want   string // in the summary; empty: success
	}{
		{"nothing", script{Write: map[string]string{"other/x": ""}}, files, "left out/files empty"},
		{"a file", script{Write: map[string]string{"files": ""}}, files, "no folder out/files"},
		{"link", script{Link: map[string]string{"files/x": "/etc/hostname"}, Write: map[string]string{}}, files, "out/files/x: it is a symbolic link"},
		{"port is a link", script{Link: map[string]string{"files": "/etc"}, Write: map[string]string{"y": ""}}, files, "no folder out/files"},
		{"stray file", script{Write: map[string]string{"files/x": "", "stray": ""}}, files, ""},
		{"no figures", script{Write: map[string]string{"x": ""}}, figures, "no out/metrics.json"},
		{"NaN", script{Figures: []byte(`"{\"auc\": NaN}"`)}, figures, "NaN and Infinity are not JSON"},
		{"list", script{Figures: []byte(`[1]`)}, figures, "not a JSON object"},
		{"a key twice", script{Figures: []byte(`"{\"m\":{\"recall\":0.1,\"recall\":0.8}}"`)}, figures, `can be read in two ways: line 1: "recall" stands twice`},
		{"null", script{Figures: []byte(`"null"`)}, figures, "expected a JSON object"},
		{"nested too deeply", script{Figures: []byte(`{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`)}, figures, "nested more than 100 levels deep"},
		{"nested deeply, and brackets in a string", script{Figures: []byte(`{"[\"[[":` + strings.Repeat("[", 99) + `"` + strings.Repeat("[", 200) + `"` + strings.Repeat("]", 99) + `}`)}, figures, ""},
		{"two values", script{Figures: []byte(`"{} {}"`)}, figures, "more after"},
		{"link as figures", script{Link: map[string]string{"metrics.json": "/etc/hostname"}, Write: map[string]string{"x": ""}}, figures, "no regular file"},
		{"figures", script{Figures: []byte(`{"auc": 0.5}`)}, figures, ""},
		{"report", script{Write: map[string]string{"files/x": "", "report.json": `{"report": 1, "title": "t", "sections": []}`}}, files, ""},
		{"no report", script{Write: map[string]string{"files/x": "", "report.json": `{"report": 1, "title": "t", "sectoins": []}`}}, files, `out/report.json that is no report: json: unknown field "sectoins"`},
		{"a list as report", script{Write: map[string]string{"files/x": "", "report.json": `[]`}}, files, "out/report.json that is not a JSON object"},
		{"link as report", script{Link: map[string]string{"report.json": "/etc/hostname"}, Write: map[string]string{"files/x": ""}}, files, "out/report.json that is no regular file"},
		{"table", script{Write: map[string]string{"table/table.parquet": "PAR1....PAR1"}}, table, ""},
		{"cut table", script{Write: map[string]string{"table/table.parquet": "PAR1...."}}, table, "no whole Parquet file"},
		{"other name", script{Write: map[string]string{"table/t.parquet": "PAR1....PAR1"}}, table, "exactly one regular file out/table/table.parquet; found: t.parquet"},
		{"two files", script{Write: map[string]string{"table/table.parquet": "PAR1....PAR1", "table/x": ""}}, table, "found: table.parquet, x"},
	}
	for _, tt := range tests {
		n := stage("stage.x", tt.script)
		n.Outputs = []plan.Output{tt.out}
		f := newRig(t).run(newPlan(n)).node("stage.x").Failure
		switch {
		case tt.want == "" && f != nil:
			t.Errorf("%s: got %v", tt.name, f)
		case tt.want != "" && (f == nil || f.Kind != attempt.OutputFailure || !strings.Contains(f.Summary, tt.want)):
			t.Errorf("%s: got %v, want %q", tt.name, f, tt.want)
		}
	}
}

func TestEmptyPort(t *testing.T) {
	n := stage("stage.x", script{Write: map[string]string{"files/sub/x": ""}})
	r := newRig(t)
	r.exec = &emptying{r.exec}
	f := r.run(newPlan(n)).node("stage.x").Failure
	if f == nil || !strings.Contains(f.Summary, "left out/files empty") {
		t.Errorf("got %v", f)
	}
}

// emptying removes the files that a stage wrote, leaving their folders.
type emptying struct{ executor.Executor }

func (e *emptying) Run(ctx context.Context, t executor.Task) (executor.Result, error) {
	res, err := e.Executor.Run(ctx, t)
	return res, errors.Join(err, os.Remove(filepath.Join(t.Out, "files", "sub", "x")))
}

func TestStrayFilesAreWarnedOf(t *testing.T) {
	res := newRig(t).run(newPlan(stage("stage.x", script{Write: map[string]string{"files/x": "", "stray": ""}}))).node("stage.x")
	if len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "out/stray") {
		t.Errorf("got %v", res.Warnings)
	}
}

func TestConvert(t *testing.T) {
	r := newRig(t)
	calls := 0
	r.opts = func(o *Options) {
		o.Convert = func(_ context.Context, from, to string, table *schema.Table, src, dst string) error {
			calls++
			data, err := os.ReadFile(src)
			text := strings.TrimSuffix(strings.TrimPrefix(string(data), "PAR1"), "PAR1")
			if to == "parquet" {
				text = "PAR1" + text + "PAR1"
			}
			return errors.Join(err, os.WriteFile(dst, []byte(text), 0o644))
		}
	}
	shape := &schema.Shape{Type: schema.TablePort, Table: &schema.Table{Columns: []schema.Column{{Name: "x", Type: "double"}}}}
	p := func(note string) *plan.Plan {
		a := stage("stage.a", script{Write: map[string]string{"table/table.csv": "x\n1\n2\n3\n"}})
		a.Outputs = []plan.Output{{Port: "table", Type: schema.TablePort, Shape: shape, Format: "csv"}}
		b := stage("stage.b", script{Note: note})
		b.Inputs = []plan.Input{{Port: "data", From: "stage.a", FromPort: "table", Shape: shape, Format: "csv"}}
		return newPlan(a, b)
	}
	res := r.run(p(""))
	checkStatuses(t, res, "stage.a ran, stage.b ran")
	got, err := r.store.ReadFile(res.node("stage.a").Outputs["table"], "table.parquet")
	if err != nil || string(got) != "PAR1x\n1\n2\n3\nPAR1" {
		t.Errorf("stored: got %q, %v", got, err)
	}
	got, err = r.store.ReadFile(res.node("stage.b").Outputs["files"], "data")
	if err != nil || string(got) != "stage.b[data/table.csv:x\n1\n2\n3\n]" {
		t.Errorf("read: got %q, %v", got, err)
	}
	checkStatuses(t, r.run(p("again")), "stage.a cached, stage.b ran")
	if calls != 2 {
		t.Errorf("got %d conversions, want one each way", calls)
	}
	r.opts = nil
	r2 := newRig(t)
	if f := r2.run(p("")).node("stage.a").Failure; f == nil || f.Kind != attempt.OutputFailure {
		t.Errorf("without a converter: got %v", f)
	}
}

func TestLongestChainFirst(t *testing.T) {
	r := newRig(t)
	r.opts = func(o *Options) { o.Parallelism = 1 }
	p := newPlan(stage("stage.a", script{}), stage("stage.b", script{}), stage("stage.c", script{}), stage("stage.d", script{}, "stage.c"))
	p.Envelope = &plan.Envelope{Durations: map[string]int64{"stage.a": 10, "stage.b": 20, "stage.c": 5, "stage.d": 30}}
	r.run(p)
	if got, want := r.started(), []string{"stage.c", "stage.d", "stage.b", "stage.a"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPlansThatMakeNoSense(t *testing.T) {
	circle := newPlan(stage("stage.a", script{}, "stage.b"), stage("stage.b", script{}, "stage.a"))
	tests := map[string]*plan.Plan{
		"unknown input": newPlan(stage("stage.a", script{}, "stage.x")),
		"circle":        circle,
		"twice":         newPlan(stage("stage.a", script{}), stage("stage.a", script{})),
		"future base":   {Pipeline: "test", Workspace: "default", Base: plan.Base{Revision: 9}},
	}
	for name, p := range tests {
		if _, err := newRig(t).try(context.Background(), p); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}

func TestRemovedBlocks(t *testing.T) {
	r := newRig(t)
	r.run(chain())
	gone := stage("stage.c", script{})
	gone.Verdict = plan.Remove
	p := newPlan(stage("stage.a", script{}), stage("stage.b", script{}, "stage.a"), gone)
	checkStatuses(t, r.run(p), "stage.a cached, stage.b cached, stage.c removed")
	if _, ok := r.state().Nodes["stage.c"]; ok {
		t.Error("it is still in the state")
	}
	r.run(p)
}

func TestInterruptedRun(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(context.Background())
	r.opts = func(o *Options) {
		note := o.Events
		o.Events = func(e Event) {
			note(e)
			if _, ok := e.(StageProgress); ok {
				cancel()
			}
		}
	}
	p := newPlan(stage("stage.a", script{SleepMS: 200}), stage("stage.b", script{}, "stage.a"))
	res, err := r.try(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	checkStatuses(t, res, "stage.a ran, stage.b not_started")
	if !res.Interrupted || res.ExitCode() != ExitError || r.state().Nodes["stage.a"].Outputs["files"] == "" {
		t.Errorf("interrupted %v, exit code %d, state %+v", res.Interrupted, res.ExitCode(), r.state())
	}
	if !slices.Contains(r.events, Event(Stopping{1})) {
		t.Error("nobody was told of the stop")
	}
	r.opts = nil
	checkStatuses(t, r.run(p), "stage.a cached, stage.b ran")
}

func TestKilledRun(t *testing.T) {
	r := newRig(t)
	ctx, cancel := context.WithCancel(context.Background())
	r.opts = func(o *Options) {
		o.Kill = ctx
		o.Events = func(e Event) {
			if _, ok := e.(StageProgress); ok {
				cancel()
			}
		}
	}
	p := newPlan(stage("stage.a", script{SleepMS: 60_000}), stage("stage.b", script{}, "stage.a"))
	res, err := r.try(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	checkStatuses(t, res, "stage.a failed, stage.b blocked")
	if f := res.node("stage.a").Failure; f.Kind != attempt.KilledFailure || !res.Interrupted {
		t.Errorf("got %v", f)
	}
}

func TestTwoAppliesAtOnce(t *testing.T) {
	r := newRig(t)
	other := rigAt(t, r.dir)
	var second error
	r.opts = func(o *Options) {
		o.Events = func(e Event) {
			if _, ok := e.(StageProgress); ok {
				_, second = other.try(context.Background(), chain())
			}
		}
	}
	checkStatuses(t, r.run(newPlan(stage("stage.a", script{}))), "stage.a ran")
	if !errors.Is(second, state.ErrLocked) {
		t.Errorf("second apply: got %v, want locked", second)
	}
}

// Somebody who writes without the lock, as an approval does, stops the run only where keys meet.
func TestStateMovedMeanwhile(t *testing.T) {
	for key, want := range map[string]bool{"node/stage.a": true, "node/stage.z": false} {
		r := newRig(t)
		r.opts = func(o *Options) {
			o.Events = func(e Event) {
				if _, ok := e.(StageProgress); ok {
					l := r.log().As("bob", "")
					st, err := l.Load(context.Background())
					if err == nil {
						_, err = l.Append(context.Background(), st, []plan.Event{{Key: key, Node: &plan.NodeState{Kind: "x", Config: []byte("{}")}}})
					}
					if err != nil {
						t.Error(err)
					}
				}
			}
		}
		_, err := r.try(context.Background(), newPlan(stage("stage.a", script{})))
		if got := errors.Is(err, state.ErrMoved); got != want || (!want && err != nil) {
			t.Errorf("%s: got %v, want moved %v", key, err, want)
		}
	}
}

func TestJournalsArePruned(t *testing.T) {
	r := newRig(t)
	for range keptJournals + 3 {
		r.run(newPlan())
	}
	dirs, err := JournalsOf(r.store, "test", "default").List(t.Context())
	if err != nil || len(dirs) != keptJournals {
		t.Errorf("got %d journals, %v", len(dirs), err)
	}
	if _, ok, err := JournalsOf(r.store, "test", "default").LastRunOf(t.Context(), "stage.a"); ok || err != nil {
		t.Errorf("a stage that never ran: got %v, %v", ok, err)
	}
}
