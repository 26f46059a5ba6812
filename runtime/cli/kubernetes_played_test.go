package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io/fs"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/storeurl"
	"github.com/mlp-lang/mlp/runtime/attempt"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/kubernetes/kubernetestest"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud"
	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/s3test"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// TestPlayed is the executor on a real API server with its controllers and scheduler, and nodes that kwok plays: more stages than one machine can run. What
// `mlp attempt` does in a pod is done in this process, by the same code: tasks, objects, logs, records and outcomes are real, and no container is started.
func TestPlayed(t *testing.T) {
	c := kubernetestest.Start(t, 0)
	s := s3test.StartOn(t, "models", kubernetestest.Address(t))
	c.Program(t, "mlp/played:test") // plans ask what it is
	t.Setenv("KUBECONFIG", c.Config)
	t.Setenv(workspace.KubeImageVariable, "mlp:1")
	t.Setenv(workspace.KubeNodeSelectorVariable, "kwok=true")
	for _, x := range []struct {
		name string
		test func(*testing.T, *kubernetestest.Cluster, *s3test.Server)
	}{{"fan-out", fanOut}, {"faults", manyFaults}} {
		t.Run(x.name, func(t *testing.T) {
			x.test(t, c, s)
			emptyCluster(t, c)
		})
	}
}

// fanOut: a pipeline of many items runs, each as a Job, and what that takes is told: of the whole, and of the processors for each item, which tells what a machine can do
// that others do not work on.
func fanOut(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	batches, items, atOnce := 1, 300, "100"
	if os.Getenv("MLP_SOAK") != "" {
		batches, items, atOnce = 5, 10_000, "500" // 50,000 instances are more than a module may make
	}
	y := &player{t: t, address: func(string, string) fault { return fault{} }}
	played := c.Play(t, 20, y.run)
	for batch := range batches {
		name := fmt.Sprint("fanout", batch)
		dir := onStore(t, s, name, manyItems(items))
		y.store = storeOf(t, s, name)
		apply := exec.Command(mlp, append([]string{"-C", dir}, append(applyOnCluster, "--parallelism", atOnce)...)...)
		before, began := c.CPU(t), time.Now()
		said, err := apply.CombinedOutput()
		took := time.Since(began)
		if err != nil || !bytes.Contains(said, fmt.Appendf(nil, "Applied: %d ran", items)) {
			t.Fatalf("%v\n%s", err, said[max(0, len(said)-2000):])
		}
		t.Logf("%d items in %.0f s: %.0f tasks a minute, %s at once", items, took.Seconds(), float64(items)/took.Minutes(), atOnce)
		each := func(d time.Duration) float64 { return d.Seconds() * 1000 / float64(items) }
		sum, own := time.Duration(0), apply.ProcessState.UserTime()+apply.ProcessState.SystemTime()
		after := c.CPU(t)
		for _, name := range slices.Sorted(maps.Keys(after)) {
			sum += after[name] - before[name]
			t.Logf("  processor time of an item: %s %.1f ms", name, each(after[name]-before[name]))
		}
		t.Logf("  mlp apply %.1f ms; all %.1f ms, besides the bucket's", each(own), each(sum+own))
		if begun, ended := played.Count(); begun != items*(batch+1) || ended != begun {
			t.Errorf("%d pods began and %d ended, of %d items", begun, ended, items*(batch+1))
		}
		ends(t, dir, 0, []string{"nothing to do"}, "plan")
		emptyCluster(t, c)
	}
}

// manyItems is a module of so many stages, which need nothing of each other.
func manyItems(n int) string {
	return fmt.Sprintf(`pipeline "p" {}

stage "container" "item" {
  for_each = toset(flatten([for i in range(%d) : [for j in range(%d) : "i${i}_${j}"]]))
  image    = "mlp/played:test"
  command  = ["write", each.key]
}
`, max(1, n/1000), min(n, 1000))
}

// storeOf opens a store of the bucket, as pods do.
func storeOf(t *testing.T, s *s3test.Server, name string) *store.Store {
	t.Helper()
	u, err := storeurl.Parse(s.URL("models/" + name))
	if err != nil {
		t.Fatal(err)
	}
	b, err := cloud.Open(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	st, err := store.Over(t.Context(), b, t.TempDir(), u.Place())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = st.Close() })
	return st
}

// fault is what befalls a pod.
type fault struct {
	name string                                      // of the failure that the journal has for it
	meet func(t *testing.T, p kubernetestest.Pod)    // does it, while the pod's program runs
	end  func(kubernetestest.End) kubernetestest.End // how the pod ends in place of as it would; nil: as it would
}

// player does what containers do.
type player struct {
	t        *testing.T
	store    *store.Store
	address  func(address, job string) fault // what befalls the next pod of a stage
	followed func(context.Context, kubernetestest.Pod)
}

// run is `mlp attempt` in a pod: its task is an object of the store, and so is its outcome.
func (y *player) run(ctx context.Context, p kubernetestest.Pod, log func(string)) kubernetestest.End {
	args := p.Spec.Containers[0].Args
	text, err := y.store.Get(plan.Digest(args[slices.Index(args, "--task")+1]))
	if err != nil {
		return kubernetestest.End{Code: 1, Message: err.Error()}
	}
	task, err := attempt.Read(strings.NewReader(string(text)))
	if err != nil {
		return kubernetestest.End{Code: 1, Message: err.Error()}
	}
	meets := y.address(task.Node.Address, p.Metadata.Labels["batch.kubernetes.io/controller-uid"])
	program := &playedProgram{node: p.Spec.NodeName, meets: func() {
		if meets.meet != nil {
			y.followed(ctx, p) // so that the apply has seen it
			meets.meet(y.t, p)
		}
	}, hangs: meets.meet != nil, fails: meets.end != nil}
	out := attempt.Run(ctx, task, attempt.Options{Store: y.store, Executor: program, Listener: lines(log), Dir: y.t.TempDir(), Convert: workspace.Convert, ToolVersion: workspace.Version(), Stored: true})
	if text, err = json.Marshal(out); err != nil {
		return kubernetestest.End{Code: 1, Message: err.Error()}
	}
	digest, err := y.store.PutBytes(context.WithoutCancel(ctx), text)
	if err != nil {
		return kubernetestest.End{Code: 1, Message: err.Error()}
	}
	end := kubernetestest.End{Message: string(digest)}
	if out.Failure != nil {
		end.Code = 1
	}
	if meets.end != nil {
		end = meets.end(end)
	}
	return end
}

// lines has what a stage says written to its pod's log.
type lines func(string)

func (l lines) Line(text string)       { l(text) }
func (l lines) Progress(int, int)      {}
func (l lines) Warning(message string) { l("warning: " + message) }

// playedProgram is the program of a stage: it writes the second word of its command to its outputs.
type playedProgram struct {
	node  string
	meets func()
	hangs bool // until it is told to end
	fails bool // before it has written anything
}

func (*playedProgram) Name() string { return "kubernetes" }
func (*playedProgram) Close() error { return nil }

func (y *playedProgram) Run(ctx context.Context, t executor.Task) (executor.Result, error) {
	word := t.Container.Command[1]
	fmt.Fprintln(t.Log, "began", word)
	y.meets()
	if y.hangs {
		<-ctx.Done()
		return executor.Result{}, ctx.Err()
	}
	if y.fails { // so that nothing is recorded
		return executor.Result{ExitCode: 1}, nil
	}
	err := os.WriteFile(filepath.Join(t.Out, "files", "word"), []byte(word+"\n"), 0o644)
	fmt.Fprintln(t.Log, "wrote", word)
	return executor.Result{Trace: executor.Trace{Platform: "linux/amd64", Node: y.node}}, err
}

// manyFaults: of a pipeline whose stages meet as many faults as are drawn by a seed, while requests to the API server go wrong, the results are those of an undisturbed
// run, each fault has its own name in the journal and its log in the store, and nothing is left.
func manyFaults(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	stages, each := 20, 3
	if os.Getenv("MLP_SOAK") != "" {
		stages, each = 200, 5
	}
	module := manyItems(stages)
	dir := onStore(t, s, "quiet", module)
	quiet := &player{t: t, store: storeOf(t, s, "quiet"), address: func(string, string) fault { return fault{} }}
	drawn := &drawnFaults{each: each, seed: 1, kinds: c, met: map[string][]string{}, jobs: map[string]bool{}}
	disturbed := &player{t: t, store: storeOf(t, s, "faults"), address: drawn.next}
	var on *player
	played := c.Play(t, 10, func(ctx context.Context, p kubernetestest.Pod, log func(string)) kubernetestest.End {
		return on.run(ctx, p, log)
	})
	disturbed.followed = played.Followed
	on = quiet
	mustRun(t, dir, append(applyOnCluster, "--parallelism", "20")...)
	want := results(t, dir)
	emptyCluster(t, c)

	on = disturbed
	dir = onStore(t, s, "faults", module)
	p := c.Trouble(t, 1, 0.1)
	t.Setenv("KUBECONFIG", p.Config)
	began := time.Now()
	mustRun(t, dir, append(applyOnCluster, "--parallelism", "20")...)
	met, _ := json.Marshal(p.Met())
	t.Logf("%d stages met %d faults in %.0f s; requests: %s", stages, stages*each, time.Since(began).Seconds(), met)
	if diff := cmp.Diff(want, results(t, dir)); diff != "" {
		t.Errorf("-quiet +disturbed\n%s", diff)
	}
	told, lost := map[string][]string{}, 0
	for _, e := range events(t, s, "faults") {
		if e.Type != "stage_retried" {
			continue
		}
		r := e.Data
		told[r.Address] = append(told[r.Address], r.Failure)
		if text, err := disturbed.store.Get(plan.Digest(r.Log)); err != nil || !strings.Contains(string(text), "began ") {
			lost++
			t.Errorf("the log of attempt %d of %s (%s, %s) is %q, %v", r.Attempt, r.Address, r.Failure, r.Why, text, err)
		}
	}
	if diff := cmp.Diff(drawn.met, told); diff != "" {
		t.Errorf("-what befell pods +what the journal says\n%s", diff)
	}
	t.Logf("%d logs lost", lost)
}

// anEvent is what tests read of one of a journal.
type anEvent struct {
	Type string
	At   time.Time
	Data struct {
		Address, Failure, Why, Log string
		Attempt                    int
	}
}

// events are those of the journals of a store.
func events(t *testing.T, s *s3test.Server, name string) (all []anEvent) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(s.Dir, "models", name, "journal"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for line := range bytes.Lines(text) {
			var e anEvent
			if json.Unmarshal(line, &e) == nil && e.Type != "" { // what a journal says of itself is none
				all = append(all, e)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// drawnFaults draws what befalls the attempts at each stage, the first so many of them.
type drawnFaults struct {
	each  int
	seed  uint64
	kinds *kubernetestest.Cluster

	mu   sync.Mutex
	met  map[string][]string // by address, in their order
	jobs map[string]bool     // whose first pod was drawn for
}

// next is what befalls a pod of a Job of a stage. A pod that the Job makes in place of one that was disrupted only waits for the end of its Job: the stage's next attempt
// is another Job.
func (f *drawnFaults) next(address, job string) fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.jobs[job] {
		return fault{meet: func(*testing.T, kubernetestest.Pod) {}}
	}
	f.jobs[job] = true
	n := len(f.met[address])
	if n == f.each {
		return fault{}
	}
	h := fnv.New64a()
	fmt.Fprint(h, address, n)
	draw := rand.New(rand.NewPCG(f.seed, h.Sum64()))
	all := f.all()
	x := all[draw.IntN(len(all))]
	if x.name == "engine" && slices.Contains(f.met[address], "engine") { // which an attempt has few of
		x = all[0]
	}
	f.met[address] = append(f.met[address], x.name)
	return x
}

// all are the faults. What a scheduler, the collector of pods or a node does that nobody is asked for is done as they do it: the condition that they set, and then the end.
func (f *drawnFaults) all() []fault {
	c := f.kinds
	at := func(p kubernetestest.Pod) string { return pods + "/" + p.Metadata.Name }
	disrupts := func(reason string) func(*testing.T, kubernetestest.Pod) {
		return func(t *testing.T, p kubernetestest.Pod) {
			c.Call(t, http.MethodPatch, at(p)+"/status", "application/strategic-merge-patch+json", map[string]any{"status": map[string]any{"conditions": []any{
				map[string]string{"type": "DisruptionTarget", "status": "True", "reason": reason, "message": "as the cluster says"},
			}}}, nil)
			c.Call(t, http.MethodDelete, at(p), "", nil, nil)
		}
	}
	return []fault{
		{name: "evicted", meet: func(t *testing.T, p kubernetestest.Pod) { evict(t, c, p.Metadata.Name) }},
		{name: "preempted", meet: disrupts("PreemptionByScheduler")},
		{name: "evicted", meet: disrupts("DeletionByTaintManager")},
		{name: "node_lost", meet: disrupts("DeletionByPodGC")},
		{name: "deleted", meet: func(t *testing.T, p kubernetestest.Pod) { c.Call(t, http.MethodDelete, at(p), "", nil, nil) }},
		{name: "deleted", meet: func(t *testing.T, p kubernetestest.Pod) {
			c.Call(t, http.MethodDelete, jobs+"/"+p.Metadata.Labels["batch.kubernetes.io/job-name"]+"?propagationPolicy=Background", "", nil, nil)
		}},
		{name: "evicted", end: func(kubernetestest.End) kubernetestest.End {
			return kubernetestest.End{Evicted: "The node was low on resource: memory."}
		}},
		{name: "engine", end: func(kubernetestest.End) kubernetestest.End { return kubernetestest.End{Code: 137, Reason: "Error"} }},
	}
}
