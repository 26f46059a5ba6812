package attempt

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/store"
)

// program runs as each rank does in a test.
type program func(ctx context.Context, t executor.Task) executor.Result

func (program) Name() string { return "test" }
func (program) Close() error { return nil }

func (p program) Run(ctx context.Context, t executor.Task) (executor.Result, error) {
	r := p(ctx, t)
	return r, context.Cause(ctx)
}

type silent struct{}

func (silent) Line(string)       {}
func (silent) Progress(int, int) {}
func (silent) Warning(string)    {}

// replicated is a task of a stage of so many replicas, which yields files.
func replicated(t *testing.T, n int) Task {
	t.Helper()
	image := plan.Outside(plan.ImagePort, "i:1", "sha256:1 linux/amd64")
	node := &plan.Node{
		Address: "stage.s", Kind: "stage", Type: "container", Phase: "development", Version: 1, Verdict: plan.Run, Config: json.RawMessage(`{}`),
		Inputs: []plan.Input{image}, Outputs: []plan.Output{{Port: "files", Type: schema.FilesPort}}, Container: &plan.Container{Command: []string{"t"}, Replicas: n},
	}
	var err error
	if node.Definition, err = node.Define(); err != nil {
		t.Fatal(err)
	}
	inputs := map[string]plan.Digest{plan.ImagePort: image.Digest}
	return Task{Pipeline: "p", Workspace: "default", Apply: "a", Node: node, Inputs: inputs, Fingerprint: plan.Fingerprint(node.Definition, inputs)}
}

// apart runs all replicas of a task as pods do, each beside the others, and returns the outcome of rank 0 and the store. lost is a rank whose machine is lost while
// it runs, and told one whose pod is told to end; 0: none.
func apart(t *testing.T, task Task, lost, told int, p program) (Outcome, *store.Store) {
	t.Helper()
	dir := t.TempDir()
	open := func() *store.Store {
		s, err := store.Open(filepath.Join(dir, ".mlp"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	world := task.Node.Container.Replicas
	var others sync.WaitGroup
	for rank := 1; rank < world; rank++ {
		s := open()
		others.Go(func() {
			m := &Member{rank: executor.Rank{Number: rank, World: world, Master: "127.0.0.1"}, fingerprint: task.Fingerprint, port: port}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if rank == told {
				time.AfterFunc(200*time.Millisecond, cancel)
			}
			out := Run(ctx, task, Options{Store: s, Executor: p, Listener: silent{}, Dir: dir, Stored: true, Rank: &m.rank, Rally: m})
			if rank == lost {
				_ = m.conn.Close()
				return
			}
			text, err := json.Marshal(out)
			if err != nil {
				t.Error(err)
			}
			digest, err := s.PutBytes(t.Context(), text)
			if err != nil {
				t.Error(err)
			}
			m.Close(digest)
		})
	}
	s, lead := open(), newLeader(l, world, task.Fingerprint)
	out := Run(t.Context(), task, Options{Store: s, Executor: p, Listener: silent{}, Dir: dir, Stored: true, Rank: &executor.Rank{World: world, Master: "127.0.0.1"}, Rally: lead})
	lead.Close("")
	others.Wait()
	return out, s
}

// works is a program that says who it is, and as rank 0 writes what the stage yields.
func works(_ context.Context, t executor.Task) executor.Result {
	fmt.Fprintf(t.Log, "I am %d of %d\n", t.Rank.Number, t.Rank.World)
	if t.Rank.Number == 0 {
		if err := os.WriteFile(filepath.Join(t.Out, "files", "f"), []byte("yield"), 0o644); err != nil {
			panic(err)
		}
	}
	return executor.Result{Trace: executor.Trace{CPU: time.Second, PeakMemory: int64(t.Rank.Number)}}
}

// TestRanksApart: what rank 0 yields is recorded once all have succeeded, with the logs of all.
func TestRanksApart(t *testing.T) {
	task := replicated(t, 4)
	out, s := apart(t, task, 0, 0, works)
	if out.Action == nil {
		t.Fatalf("got %+v", out.Failure)
	}
	if got, err := s.Action(task.Fingerprint); err != nil || got.Outputs["files"] != out.Action.Outputs["files"] || got.CPUMS != 4000 || got.PeakMemory != 3 {
		t.Errorf("got %+v, %v", got, err)
	}
	log, err := s.Get(out.Action.Log)
	want := "[rank 0] I am 0 of 4\n[rank 1] I am 1 of 4\n[rank 2] I am 2 of 4\n[rank 3] I am 3 of 4\n"
	if string(log) != want || err != nil {
		t.Errorf("got %q, %v, want %q", log, err, want)
	}
}

// TestRanksFailTogether: the failure is that of the rank that caused the others, and nothing is recorded.
func TestRanksFailTogether(t *testing.T) {
	gone := func(ctx context.Context, t executor.Task, own executor.Result) executor.Result {
		if t.Rank.Number == 2 {
			fmt.Fprintln(t.Log, `{"mlp":"error","summary":"share 2 is bad"}`)
			return own
		}
		<-ctx.Done()
		return executor.Result{ExitCode: 1}
	}
	for name, x := range map[string]struct {
		do   program
		lost int
		told int
		kind FailureKind
		code int
		want []string
	}{
		"exit": {func(ctx context.Context, t executor.Task) executor.Result {
			return gone(ctx, t, executor.Result{ExitCode: 75})
		}, 0, 0, ExitFailure, 75, []string{"rank 2 of 4: share 2 is bad", "A rank that fails ends the attempt of all."}},
		"memory, said last": {func(ctx context.Context, t executor.Task) executor.Result {
			switch t.Rank.Number {
			case 2:
				time.Sleep(200 * time.Millisecond)
				return executor.Result{OutOfMemory: true, MemoryMB: 64}
			case 1:
				return executor.Result{ExitCode: 1}
			}
			return works(ctx, t)
		}, 0, 0, MemoryFailure, 0, []string{"rank 2 of 4: stage.s needed more memory than it may use, 64 MB", "Rank 1 failed after it."}},
		"time": {func(ctx context.Context, t executor.Task) executor.Result {
			if t.Rank.Number == 3 {
				time.Sleep(100 * time.Millisecond)
				return executor.Result{TimedOut: true}
			}
			return works(ctx, t)
		}, 0, 0, TimeoutFailure, 0, []string{"stage.s did not end within its time-out of 24h0m0s: rank 3 had not ended, ranks 0, 1 and 2 had"}},
		"told to end": {func(ctx context.Context, t executor.Task) executor.Result {
			<-ctx.Done()
			return executor.Result{ExitCode: 143}
		}, 0, 3, KilledFailure, 0, []string{"killed"}},
		"lost": {func(ctx context.Context, t executor.Task) executor.Result { return gone(ctx, t, executor.Result{}) }, 2, 0, EngineFailure, 0, []string{"rank 2 of 4: its pod was lost"}},
		"its own": {func(_ context.Context, t executor.Task) executor.Result {
			return executor.Result{ExitCode: t.Rank.Number ^ 1&1}
		}, 0, 0, ExitFailure, 0, []string{" of 4: stage.s ended with exit code"}},
		"an output": {func(ctx context.Context, t executor.Task) executor.Result {
			r := works(ctx, t)
			if t.Rank.Number == 1 {
				_ = os.WriteFile(filepath.Join(t.Out, "metrics.json"), []byte("{}"), 0o644)
			}
			return r
		}, 0, 0, OutputFailure, 0, []string{"rank 1 of 4: stage.s: rank 1 wrote metrics.json to its outputs", `Write outputs and figures where RANK is "0" alone`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			task := replicated(t, 4)
			out, s := apart(t, task, x.lost, x.told, x.do)
			if out.Failure == nil {
				t.Fatalf("got %+v", out.Action)
			}
			if _, err := s.Action(task.Fingerprint); err == nil {
				t.Error("it is recorded")
			}
			f := out.Failure
			if f.Kind != x.kind || x.code != 0 && f.ExitCode != x.code || out.Again != (x.lost > 0) {
				t.Errorf("got %+v", f)
			}
			for _, want := range x.want {
				if !strings.Contains(f.Error(), want) {
					t.Errorf("no %q in %q", want, f.Error())
				}
			}
			if log, err := s.Get(f.Log); name == "exit" && (err != nil || !strings.Contains(string(log), `[rank 2] {"mlp":"error","summary":"share 2 is bad"}`)) {
				t.Errorf("got log %q, %v", log, err)
			}
		})
	}
}
