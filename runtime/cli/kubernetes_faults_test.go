package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/runtime/executor/kubernetes/kubernetestest"
	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/s3test"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// counting is a module whose one stage counts to a number, one a second, in its checkpoint, and goes on from there. More is further attributes of the stage. Whoever looks
// for it while it runs has it count to 20 at least: on a busy machine seconds pass until the cluster says that a pod runs.
func counting(to int, more string) string {
	return fmt.Sprintf(`pipeline "p" {}

stage "container" "count" {
  image   = "mlp/program:test"
  command = ["sh", "-c", "cd /mlp/checkpoint; n=$(cat n 2>/dev/null || echo 0); echo from $n; trap 'sleep 3; echo told >> ends; exit 1' TERM; while [ $n -lt %d ]; do n=$((n+1)); echo $n > new; mv new n; sleep 1 & wait $!; done; echo $n > $MLP_OUT_FILES/n; cat ends; echo counted"]
  %s
}
`, to, more)
}

// onStore is a folder with a module, and a store of its own in the bucket.
func onStore(t *testing.T, s *s3test.Server, name, module string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	writeFile(t, filepath.Join(dir, "p.mlp"), module)
	t.Setenv(workspace.StoreVariable, s.URL("models/"+name))
	return dir
}

// aPod is what the tests read of one.
type aPod struct {
	Metadata struct {
		Name, UID         string
		DeletionTimestamp string
	}
	Spec   struct{ NodeName string }
	Status struct {
		Phase string
	}
}

// runningPod waits for a pod whose program counts, and that is none of those seen before.
func runningPod(t *testing.T, c *kubernetestest.Cluster, seen ...string) aPod {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		var list struct{ Items []aPod }
		c.Call(t, http.MethodGet, pods+"?labelSelector=app.kubernetes.io/managed-by=mlp", "", nil, &list)
		for _, p := range list.Items {
			if p.Status.Phase == "Running" && p.Metadata.DeletionTimestamp == "" && !slices.Contains(seen, p.Metadata.UID) &&
				strings.Contains(c.Text(t, pods+"/"+p.Metadata.Name+"/log?container=stage"), "from ") {
				return p
			}
		}
		if time.Now().After(end) {
			t.Fatalf("no pod runs: %+v", list.Items)
		}
	}
}

// said waits until an apply has said something so often.
func (r *goingOn) until(t *testing.T, what string, times int) {
	t.Helper()
	for end := time.Now().Add(3 * time.Minute); strings.Count(r.said(), what) < times; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it does not say %q %d times:\n%s", what, times, r.said())
		}
	}
}

// ended waits for the end of an apply, and holds it to an exit code and to what it says.
func (r *goingOn) ended(t *testing.T, code int, wants ...string) {
	t.Helper()
	select {
	case <-r.wait:
	case <-time.After(5 * time.Minute):
		t.Fatalf("it does not end:\n%s", r.said())
	}
	if got := r.cmd.ProcessState.ExitCode(); got != code {
		t.Errorf("exit code %d, want %d\n%s", got, code, r.said())
	}
	for _, want := range wants {
		if !strings.Contains(r.said(), want) {
			t.Errorf("it does not say %q:\n%s", want, r.said())
		}
	}
}

// evict asks the Eviction API for the end of a pod.
func evict(t *testing.T, c *kubernetestest.Cluster, pod string) {
	t.Helper()
	if code := c.Call(t, http.MethodPost, pods+"/"+pod+"/eviction", "application/json", map[string]any{
		"apiVersion": "policy/v1", "kind": "Eviction", "metadata": map[string]any{"name": pod, "namespace": "default"},
	}, nil); code != http.StatusCreated {
		t.Fatalf("evicting %s: status %d", pod, code)
	}
}

// patch changes an object of the cluster.
func patch(t *testing.T, c *kubernetestest.Cluster, path string, change map[string]any) {
	t.Helper()
	if code := c.Call(t, http.MethodPatch, path, "application/merge-patch+json", change, nil); code != http.StatusOK {
		t.Fatalf("changing %s: status %d", path, code)
	}
}

// post makes an object, which goes with the test.
func post(t *testing.T, c *kubernetestest.Cluster, path, name string, object map[string]any) (remove func()) {
	t.Helper()
	object["metadata"] = map[string]any{"name": name}
	if code := c.Call(t, http.MethodPost, path, "application/json", object, nil); code != http.StatusCreated {
		t.Fatalf("making %s: status %d", name, code)
	}
	gone := false
	remove = func() {
		if !gone {
			gone = true
			c.Call(t, http.MethodDelete, path+"/"+name+"?gracePeriodSeconds=0", "", nil, nil)
		}
	}
	t.Cleanup(remove)
	return remove
}

// inJournal counts events in the journals of a store whose text has all of some parts.
func inJournal(t *testing.T, s *s3test.Server, name string, parts ...string) (n int) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(s.Dir, "models", name, "journal"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		for line := range bytes.Lines(text) {
			all := true
			for _, part := range parts {
				all = all && bytes.Contains(line, []byte(part))
			}
			if all {
				n++
			}
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return n
}

// noneKept: a stage that has succeeded keeps nothing in the bucket.
func noneKept(t *testing.T, s *s3test.Server, name string) {
	t.Helper()
	_ = filepath.WalkDir(filepath.Join(s.Dir, "models", name, "checkpoints"), func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			t.Errorf("kept: %s", path)
		}
		return nil
	})
}

// evictedOnCluster: a stage that is evicted three times, which is more than faults of an engine are tried again, goes on each time from where it was: what
// it kept when it was told to end is there, and what its program wrote then.
func evictedOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	dir := onStore(t, s, "evicted", counting(12, ""))
	apply := begin(t, dir, "count", applyOnCluster...)
	var seen []string
	var nodes []string
	for i := range 3 {
		p := runningPod(t, c, seen...)
		seen, nodes = append(seen, p.Metadata.UID), append(nodes, p.Spec.NodeName)
		time.Sleep(3 * time.Second)
		evict(t, c, p.Metadata.Name)
		apply.until(t, "its pod was evicted on node "+nodes[i], 1)
	}
	apply.ended(t, 0, "EvictionByEvictionAPI", "Applied: 1 ran")
	if n := inJournal(t, s, "evicted", `"failure":"evicted"`); n != 3 {
		t.Errorf("the journal has %d evictions, want 3", n)
	}
	log := mustRun(t, dir, "logs", "stage.count")
	if strings.Contains(log, "from 0\n") || strings.Count(log, "told") != 3 || !strings.Contains(log, "counted") {
		t.Errorf("the last attempt begins anew, or does not have what the others kept:\n%s", log)
	}
	noneKept(t, s, "evicted")
}

// preemptedOnCluster: a pod of a higher priority takes the place of a stage, which goes on when there is room.
func preemptedOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	post(t, c, "/apis/scheduling.k8s.io/v1/priorityclasses", "urgent", map[string]any{"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "value": 1000})
	dir := onStore(t, s, "preempted", counting(20, "cpus = 1.5"))
	t.Setenv(workspace.KubeNodeSelectorVariable, "kubernetes.io/hostname=node1")
	apply := begin(t, dir, "count", applyOnCluster...)
	runningPod(t, c)
	time.Sleep(3 * time.Second)
	gone := post(t, c, pods, "urgent", map[string]any{"apiVersion": "v1", "kind": "Pod", "spec": map[string]any{
		"priorityClassName": "urgent", "nodeSelector": map[string]string{"kubernetes.io/hostname": "node1"}, "terminationGracePeriodSeconds": 0,
		"containers": []any{map[string]any{"name": "c", "image": "docker.io/mlp/busybox:1", "imagePullPolicy": "Never", "resources": map[string]any{"requests": map[string]string{"cpu": "1500m"}}}},
	}})
	apply.until(t, "its pod was preempted on node node1", 1)
	apply.until(t, "its pod waits: Unschedulable", 1)
	gone()
	apply.ended(t, 0, "PreemptionByScheduler", "Applied: 1 ran")
	if n := inJournal(t, s, "preempted", `"failure":"preempted"`); n != 1 {
		t.Errorf("the journal has %d, want 1", n)
	}
	if log := mustRun(t, dir, "logs", "stage.count"); strings.Contains(log, "from 0\n") {
		t.Errorf("it begins anew:\n%s", log)
	}
	noneKept(t, s, "preempted")
}

// drainedOnCluster: a node takes no more pods, and its pods are evicted: the stage goes on on the other one.
func drainedOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	dir := onStore(t, s, "drained", counting(20, ""))
	apply := begin(t, dir, "count", applyOnCluster...)
	p := runningPod(t, c)
	node := "/api/v1/nodes/" + p.Spec.NodeName
	patch(t, c, node, map[string]any{"spec": map[string]any{"unschedulable": true}})
	t.Cleanup(func() { patch(t, c, node, map[string]any{"spec": map[string]any{"unschedulable": false}}) })
	time.Sleep(2 * time.Second)
	evict(t, c, p.Metadata.Name)
	if next := runningPod(t, c, p.Metadata.UID); next.Spec.NodeName == p.Spec.NodeName {
		t.Errorf("it goes on on %s", next.Spec.NodeName)
	}
	apply.ended(t, 0, "its pod was evicted on node "+p.Spec.NodeName, "Applied: 1 ran")
}

// lostOnCluster: a node is gone from one moment to the next, and the stage goes on on the other one.
func lostOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	dir := onStore(t, s, "lost", counting(25, ""))
	apply := begin(t, dir, "count", applyOnCluster...)
	p := runningPod(t, c)
	began := time.Now()
	revive := c.Lose(t, p.Spec.NodeName)
	apply.until(t, "its node was lost on node "+p.Spec.NodeName, 1)
	t.Logf("known after %.0f s", time.Since(began).Seconds())
	if next := runningPod(t, c, p.Metadata.UID); next.Spec.NodeName == p.Spec.NodeName {
		t.Errorf("it goes on on %s", next.Spec.NodeName)
	}
	revive()
	apply.ended(t, 0, "Applied: 1 ran")
	if n := inJournal(t, s, "lost", `"failure":"node_lost"`); n != 1 {
		t.Errorf("the journal has %d, want 1", n)
	}
	ready(t, c, p.Spec.NodeName)
}

// ready waits until a node takes pods again.
func ready(t *testing.T, c *kubernetestest.Cluster, node string) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(time.Second) {
		var n struct {
			Spec   struct{ Taints []struct{ Key string } }
			Status struct {
				Conditions []struct{ Type, Status string }
			}
		}
		c.Call(t, http.MethodGet, "/api/v1/nodes/"+node, "", nil, &n)
		for _, condition := range n.Status.Conditions {
			if condition.Type == "Ready" && condition.Status == "True" && len(n.Spec.Taints) == 0 {
				return
			}
		}
		if time.Now().After(end) {
			t.Fatalf("%s does not come back: %+v", node, n)
		}
	}
}

// taintedOnCluster: who taints a node evicts its pods, and the node is not lost.
func taintedOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	dir := onStore(t, s, "tainted", counting(20, ""))
	apply := begin(t, dir, "count", applyOnCluster...)
	p := runningPod(t, c)
	time.Sleep(2 * time.Second)
	patch(t, c, "/api/v1/nodes/"+p.Spec.NodeName, map[string]any{"spec": map[string]any{"taints": []any{map[string]any{"key": "repair", "effect": "NoExecute"}}}})
	t.Cleanup(func() {
		patch(t, c, "/api/v1/nodes/"+p.Spec.NodeName, map[string]any{"spec": map[string]any{"taints": nil}})
	})
	apply.ended(t, 0, "its pod was evicted on node "+p.Spec.NodeName+": DeletionByTaintManager", "Applied: 1 ran")
}

// deletedOnCluster: somebody deletes the pod, and then the Job.
func deletedOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	dir := onStore(t, s, "deleted", counting(20, ""))
	apply := begin(t, dir, "count", applyOnCluster...)
	p := runningPod(t, c)
	c.Call(t, http.MethodDelete, pods+"/"+p.Metadata.Name, "", nil, nil)
	apply.until(t, "its pod was deleted", 1)
	runningPod(t, c, p.Metadata.UID)
	var list podList
	c.Call(t, http.MethodGet, jobs, "", nil, &list)
	for _, job := range list.Items {
		c.Call(t, http.MethodDelete, jobs+"/"+job.Metadata.Name+"?propagationPolicy=Background", "", nil, nil)
	}
	apply.ended(t, 0, "Applied: 1 ran")
	if n := inJournal(t, s, "deleted", `"failure":"deleted"`); n != 2 {
		t.Errorf("the journal has %d, want 2\n%s", n, apply.said())
	}
}

// raisedOnCluster: a program that needs more memory than it may use gets more, up to what its block says.
func raisedOnCluster(t *testing.T, _ *kubernetestest.Cluster, s *s3test.Server) {
	const grow = `pipeline "p" {}

stage "container" "grow" {
  image   = "mlp/program:test"
  command = ["sh", "-c", "x=$(printf '%%0200000000d' 0); echo $${#x} > $MLP_OUT_FILES/n"]
  memory_mb = 100
  %s
}
`
	dir := onStore(t, s, "raised", fmt.Sprintf(grow, ""))
	ends(t, dir, 1, []string{"stage.grow needed more memory than it may use, 100 MB"}, applyOnCluster...)
	writeFile(t, filepath.Join(dir, "p.mlp"), fmt.Sprintf(grow, "max_memory_mb = 1500"))
	ends(t, dir, 0, []string{"needed more memory than it may use, 100 MB", "the next attempt may use 200 MB", "Applied: 1 ran"}, applyOnCluster...)
	if n := inJournal(t, s, "raised", `"stage_retried"`, `"failure":"out_of_memory"`); n == 0 {
		t.Error("the journal does not say why there was another attempt")
	}
	// What it had is asked for where the block says nothing.
	writeFile(t, filepath.Join(dir, "p.mlp"), strings.NewReplacer("memory_mb = 100\n", "\n", "200000000", "200000001").Replace(fmt.Sprintf(grow, "")))
	ends(t, dir, 0, []string{"Asks for memory: stage.grow ", " used on "}, "plan")
	text := mustRun(t, dir, "plan", "--manifests")
	if strings.Contains(text, "memory: 2112Mi") || !strings.Contains(text, "memory: ") {
		t.Errorf("the Job does not ask for what is learnt:\n%s", text)
	}
	ends(t, dir, 0, []string{"Applied: 1 ran"}, applyOnCluster...)
}

// quotaOnCluster: a namespace that may have no more pods is waited for, as long as the stage may take.
func quotaOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	const quotas = "/api/v1/namespaces/default/resourcequotas"
	full := map[string]any{"apiVersion": "v1", "kind": "ResourceQuota", "spec": map[string]any{"hard": map[string]string{"pods": "0"}}}
	free := post(t, c, quotas, "full", full)
	time.Sleep(2 * time.Second) // the controller counts
	dir := onStore(t, s, "quota", counting(1, `timeout = "8s"`))
	ends(t, dir, 1, []string{"the quota of its namespace refuses its pod", "exceeded quota: full"}, applyOnCluster...)
	if n := inJournal(t, s, "quota", `"kind":"quota"`); n == 0 {
		t.Error("the journal does not say quota")
	}
	emptyCluster(t, c)
	writeFile(t, filepath.Join(dir, "p.mlp"), counting(1, ""))
	apply := begin(t, dir, "its pod waits: Error creating: pods", applyOnCluster...)
	free()
	apply.ended(t, 0, "Applied: 1 ran")
}

// forbiddenOnCluster: what a LimitRange does not admit is told at once.
func forbiddenOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	post(t, c, "/api/v1/namespaces/default/limitranges", "small", map[string]any{"apiVersion": "v1", "kind": "LimitRange",
		"spec": map[string]any{"limits": []any{map[string]any{"type": "Container", "max": map[string]string{"memory": "64Mi"}}}}})
	began := time.Now()
	ends(t, onStore(t, s, "forbidden", counting(1, "")), 1, []string{"a rule of the cluster does not admit its pod", "maximum memory usage per Container is 64Mi"}, applyOnCluster...)
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %s to say so", took)
	}
	if n := inJournal(t, s, "forbidden", `"kind":"forbidden"`); n == 0 {
		t.Error("the journal does not say forbidden")
	}
}

// lateOnCluster: the stage's own time, and that of its pod, which ends one that hangs.
func lateOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	dir := onStore(t, s, "late", counting(1000, `timeout = "4s"`))
	ends(t, dir, 1, []string{"did not end within its time-out of 4s"}, applyOnCluster...)
	writeFile(t, filepath.Join(dir, "p.mlp"), counting(1000, ""))
	apply := begin(t, dir, "count", applyOnCluster...)
	p := runningPod(t, c)
	patch(t, c, pods+"/"+p.Metadata.Name, map[string]any{"spec": map[string]any{"activeDeadlineSeconds": 5}})
	apply.ended(t, 1, "stage.count did not end in time")
}

// unplacedOnCluster: a stage that no node has room for is waited for as long as it may take.
func unplacedOnCluster(t *testing.T, _ *kubernetestest.Cluster, s *s3test.Server) {
	ends(t, onStore(t, s, "unplaced", counting(1, `timeout = "6s"
  cpus = 500`)), 1, []string{"no node took its pod", "Insufficient cpu"}, applyOnCluster...)
}

// troubleOnCluster: of the requests to the API server three in ten go wrong, one way or another, and the results are those of a quiet one.
func troubleOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	here := exampleCopy(t, "churn")
	mustRun(t, here, "apply", "--auto-approve", "--executor", "process")
	want := results(t, here)
	for seed := range uint64(3) {
		there := exampleCopy(t, "churn")
		t.Setenv(workspace.StoreVariable, s.URL(fmt.Sprintf("models/trouble-%d", seed)))
		p := c.Trouble(t, seed, 0.3)
		t.Setenv("KUBECONFIG", p.Config)
		began := time.Now()
		mustRun(t, there, append(applyOnCluster, "--parallelism", "4")...)
		met, _ := json.Marshal(p.Met())
		t.Logf("seed %d: %.1f s, %s", seed, time.Since(began).Seconds(), met)
		if diff := cmp.Diff(want, results(t, there)); diff != "" {
			t.Errorf("-process +kubernetes\n%s", diff)
		}
		emptyCluster(t, c)
	}
}

// successorOnCluster: the pod of an apply that was killed is evicted, the cluster makes another one, which goes on from what was kept, and the next apply
// waits for that.
func successorOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	dir := onStore(t, s, "successor", counting(100, "")) // longer than the lock of a dead apply is waited for
	first := begin(t, dir, "count", applyOnCluster...)
	p := runningPod(t, c)
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-first.wait
	time.Sleep(2 * time.Second)
	evict(t, c, p.Metadata.Name)
	next := runningPod(t, c, p.Metadata.UID)
	second := begin(t, dir, "goes on, which an earlier apply began", append(applyOnCluster, "--wait")...)
	second.ended(t, 0, "Applied: 1 ran")
	var list struct{ Items []aPod }
	c.Call(t, http.MethodGet, pods, "", nil, &list)
	for _, p := range list.Items {
		if p.Metadata.UID != next.Metadata.UID {
			t.Errorf("there is another pod, %s", p.Metadata.Name)
		}
	}
	if log := mustRun(t, dir, "logs", "stage.count"); strings.Contains(log, "from 0\n") {
		t.Errorf("it begins anew:\n%s", log)
	}
	noneKept(t, s, "successor")
}

// restartsOnCluster: API server, controllers and scheduler die and come back while a stage runs.
func restartsOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	dir := onStore(t, s, "restarts", counting(20, ""))
	apply := begin(t, dir, "count", applyOnCluster...)
	runningPod(t, c)
	// A controller that begins while no API server answers gives up, and on a cluster somebody begins it again; here nobody does.
	for _, name := range []string{"apiserver", "controller-manager", "scheduler"} {
		revive := c.Kill(t, name)
		time.Sleep(3 * time.Second)
		revive()
		c.Answers(t)
	}
	apply.ended(t, 0, "Applied: 1 ran")
	if n := inJournal(t, s, "restarts", `"stage_retried"`); n != 0 {
		t.Errorf("it was tried again %d times", n)
	}
}

// killedOnCluster: an apply that is interrupted twice leaves no pod, and what its stage kept by then is there for the next.
func killedOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	dir := onStore(t, s, "killed", counting(20, ""))
	first := begin(t, dir, "count", applyOnCluster...)
	runningPod(t, c)
	time.Sleep(3 * time.Second)
	for range 2 {
		if err := first.cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		time.Sleep(200 * time.Millisecond)
	}
	<-first.wait
	var list podList
	if c.Call(t, http.MethodGet, pods, "", nil, &list); len(list.Items) > 0 {
		t.Errorf("when the apply has ended there is %+v", list.Items)
	}
	ends(t, dir, 0, []string{"Applied: 1 ran"}, applyOnCluster...)
	if log := mustRun(t, dir, "logs", "stage.count"); strings.Contains(log, "from 0\n") {
		t.Errorf("it begins anew:\n%s", log)
	}
	noneKept(t, s, "killed")
}
