package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// tempDir is a folder in memory where there is one: what is measured is not how fast a disk syncs.
func tempDir(tb testing.TB) string {
	tb.Helper()
	base := "/dev/shm"
	if info, err := os.Stat(base); err != nil || !info.IsDir() {
		return tb.TempDir()
	}
	dir, err := os.MkdirTemp(base, "mlp-bench-")
	if err != nil {
		return tb.TempDir()
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// record writes what an apply of the module's first plan would have recorded: an action for each stage, and one revision.
// Digests of outputs are made up; all else is the planner's.
func record(tb testing.TB, dir string) {
	tb.Helper()
	ctx := context.Background()
	a := &workspace.Workspace{Dir: dir, Name: "default"}
	s, err := a.Open(ctx, workspace.Settings{})
	if err != nil {
		tb.Fatal(err)
	}
	defer s.Close()
	p, err := s.Plan(ctx, nil)
	if err != nil {
		tb.Fatal(err)
	}
	nodes, outputs := map[string]*plan.Node{}, map[string]plan.Digest{}
	for _, n := range p.Nodes {
		nodes[n.Address] = n
	}
	var events []plan.Event
	var g errgroup.Group
	g.SetLimit(8)
	for _, address := range s.Module.Order {
		n := nodes[address]
		if n == nil {
			continue
		}
		st := stateOf(n, outputs)
		events = append(events, plan.Event{Key: "node/" + address, Node: st})
		g.Go(func() error {
			_, err := s.Store.PutAction(plan.Action{
				Fingerprint: st.Fingerprint, Definition: st.Definition, Address: n.Address, Component: fmt.Sprintf("%s@%d", workspace.ComponentName(n.Kind, n.Type), n.Version),
				Inputs: st.Inputs, Outputs: st.Outputs, Figures: json.RawMessage(`{}`), Platform: "linux/amd64", Executor: "process", ToolVersion: "bench", StartedAt: time.Unix(0, 0).UTC(), DurationMS: 65,
			})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		tb.Fatal(err)
	}
	for _, g := range p.Gates {
		asked, err := g.Policy()
		if err != nil {
			tb.Fatal(err)
		}
		events = append(events, plan.Event{Key: "gate/" + g.Address, Gate: &plan.GateState{Definition: g.Definition, Verdict: plan.Open, Policy: asked, Rules: g.Rules.Rules, Meta: g.Meta}})
	}
	for _, r := range p.Releases {
		events = append(events, plan.Event{Key: "release/" + r.Address, Release: &plan.ReleaseState{Type: r.Type, Model: outputs[r.Model.From+":"+r.Model.FromPort], From: r.Model.From,
			Gate: r.Gate, Config: r.Config, Signature: r.Model.Shape.Model}})
	}
	for address, meta := range p.Described {
		events = append(events, plan.Event{Key: "block/" + address, Block: &plan.BlockState{Meta: meta, Policy: p.Policies[address]}})
	}
	if _, err := s.Log.Append(ctx, s.State, events); err != nil {
		tb.Fatal(err)
	}
}

// stateOf is what is recorded of a stage. What it yields is added to outputs, by address and port.
func stateOf(n *plan.Node, outputs map[string]plan.Digest) *plan.NodeState {
	st := &plan.NodeState{Definition: n.Definition, Kind: n.Kind, Type: n.Type, Version: n.Version, Engine: n.Engine, Config: n.Config, Meta: n.Meta,
		Wiring: map[string]string{}, Inputs: map[string]plan.Digest{}, External: map[string]*plan.External{}, Outputs: map[string]plan.Digest{}, Shapes: plan.Shapes(n.Outputs)}
	st.Policy, _ = n.Policy() // of what a planner made
	for _, in := range n.Inputs {
		st.Inputs[in.Port] = in.Digest
		if in.From != "" {
			st.Inputs[in.Port], st.Wiring[in.Port] = outputs[in.From+":"+in.FromPort], in.From+":"+in.FromPort
		}
		if in.External != nil {
			st.External[in.Port] = in.External
		}
	}
	st.Fingerprint = plan.Fingerprint(n.Definition, st.Inputs)
	for _, out := range n.Outputs {
		d := digest.Of([]byte(string(st.Fingerprint) + out.Port))
		st.Outputs[out.Port], outputs[n.Address+":"+out.Port] = d, d
	}
	return st
}

// BenchmarkPlan is `mlp plan` by the real binary of modules of many stages: the first, in all forms, and with nothing to do.
func BenchmarkPlan(b *testing.B) {
	for _, shape := range []string{"wide", "deep", "layered"} {
		for _, stages := range []int{1_000, 10_000, 100_000} {
			b.Run(fmt.Sprintf("%s/%d", shape, stages), func(b *testing.B) { plans(b, shapes[shape](stages), stages) })
		}
	}
}

// BenchmarkFirstPlan is `mlp plan` of 10,000 stages of which no result is recorded: where nothing is known of the queries, as on a machine that
// has not seen the module, and once more. In "unlike" no two queries have the same structure.
func BenchmarkFirstPlan(b *testing.B) {
	const stages = 10_000
	for _, shape := range []string{"layered", "unlike"} {
		b.Run(shape, func(b *testing.B) {
			dir := tempDir(b)
			writeModule(b, dir, shapes[shape](stages))
			writeSource(b, dir)
			var cold, warm, peak float64
			for b.Loop() {
				fresh(b, dir)
				_, first := child(b, dir, "plan")
				_, second := child(b, dir, "plan")
				cold, warm, peak = cold+first.cpu.Seconds(), warm+second.cpu.Seconds(), max(peak, first.peakMB)
			}
			n := float64(b.N)
			b.ReportMetric(cold/n, "cold-cpu-s")
			b.ReportMetric(warm/n, "warm-cpu-s")
			b.ReportMetric(peak, "peak-MB")
		})
	}
}

// writeSource writes what the source of a module of shapes reads.
func writeSource(tb testing.TB, dir string) {
	tb.Helper()
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
		tb.Fatal(err)
	}
	writeModule(tb, filepath.Join(dir, "data"), map[string]string{"a.csv": "id,amount\n1,2.5\n"})
}

func plans(b *testing.B, files map[string]string, stages int) {
	dir := tempDir(b)
	writeModule(b, dir, files)
	writeSource(b, dir)
	child(b, dir, "validate") // binds the queries
	out, first := child(b, dir, "plan")
	b.ReportMetric(first.cpu.Seconds(), "first-cpu-s")
	b.ReportMetric(float64(len(out)), "first-bytes")
	record(b, dir)
	var cpu, wall, peak float64
	for b.Loop() {
		out, c := child(b, dir, "plan")
		if want := fmt.Sprintf("nothing to do, %d cached", stages+1); !strings.Contains(out, want) {
			b.Fatalf("want %q, got %.500s", want, out)
		}
		cpu, wall, peak = c.cpu.Seconds(), c.wall.Seconds(), max(peak, c.peakMB)
	}
	b.ReportMetric(cpu, "cpu-s")
	b.ReportMetric(wall, "wall-s")
	b.ReportMetric(peak, "peak-MB")
}
