package cli

import (
	"bytes"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/runtime/executor/kubernetes/kubernetestest"
	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/s3test"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

const (
	pods    = "/api/v1/namespaces/default/pods"
	jobs    = "/apis/batch/v1/namespaces/default/jobs"
	secrets = "/api/v1/namespaces/default/secrets"
)

// TestKubernetesRefused: what cannot run on a cluster is told before anything is planned.
func TestKubernetesRefused(t *testing.T) {
	dir := exampleCopy(t, "churn")
	t.Setenv(workspace.KubeImageVariable, "")
	onCluster := []string{"apply", "--auto-approve", "--executor", "kubernetes"}
	ends(t, dir, 1, []string{"the store is a folder of this machine, which pods cannot reach", "Name a bucket by --store"}, onCluster...)
	t.Setenv(workspace.StoreVariable, s3test.Start(t, "models").URL("models/x"))
	ends(t, dir, 1, []string{"it is not said which image", "Set MLP_KUBERNETES_IMAGE"}, onCluster...)
	t.Setenv(workspace.KubeImageVariable, "mlp:1")
	t.Setenv(workspace.KubeNodeSelectorVariable, "ml")
	ends(t, dir, 1, []string{`MLP_KUBERNETES_NODE_SELECTOR: "ml" is no label`}, onCluster...)
	t.Setenv(workspace.KubeNodeSelectorVariable, "")
	t.Setenv("KUBECONFIG", filepath.Join(dir, "none"))
	ends(t, dir, 1, []string{"finding the cluster", "KUBECONFIG and MLP_KUBERNETES_CONTEXT say which cluster"}, onCluster...)
	ends(t, dir, 1, []string{"--executor kubernetes is not known"}, "test", "--executor", "kubernetes")
}

// TestCluster is the executor on a real cluster of two nodes, with a store that its pods reach.
func TestCluster(t *testing.T) {
	c := kubernetestest.Start(t, 2)
	s := s3test.StartOn(t, "models", kubernetestest.Address(t))
	binary, err := filepath.Abs(mlp)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", c.Config)
	t.Setenv(workspace.KubeImageVariable, c.Image(t, binary))
	t.Setenv(workspace.KubeSecretVariable, "bucket")
	if code := c.Call(t, http.MethodPost, secrets, "application/json", map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "bucket"}, "stringData": s3test.Environment(),
	}, nil); code != http.StatusCreated {
		t.Fatalf("making the secret: status %d", code)
	}
	c.Program(t, "mlp/program:test")
	for _, x := range []struct {
		name string
		test func(*testing.T, *kubernetestest.Cluster, *s3test.Server)
	}{
		{"digests of churn", func(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
			sameOnCluster(t, c, s, "churn", "process")
		}},
		{"digests of fraud", func(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
			sameOnCluster(t, c, s, "fraud", "process")
		}},
		{"a program", programOnCluster}, {"registry", registryOnCluster}, {"python", pythonExampleOnCluster}, {"rights", rightsOnCluster}, {"inside", insideOnCluster}, {"no image", imageOnCluster}, {"cancelled", cancelledOnCluster}, {"adopted", adoptedOnCluster},
		{"out of memory", memoryOnCluster}, {"more memory", raisedOnCluster}, {"evicted", evictedOnCluster}, {"preempted", preemptedOnCluster}, {"drained", drainedOnCluster},
		{"tainted", taintedOnCluster}, {"deleted", deletedOnCluster}, {"quota", quotaOnCluster}, {"forbidden", forbiddenOnCluster}, {"too late", lateOnCluster},
		{"unschedulable", unplacedOnCluster}, {"killed", killedOnCluster}, {"successor", successorOnCluster}, {"trouble", troubleOnCluster},
		{"ranks", ranksOnCluster}, {"ranks that fail", ranksFailOnCluster}, {"ranks evicted", ranksEvictedOnCluster}, {"ranks adopted", ranksAdoptedOnCluster},
		{"overhead", overheadOnCluster}, {"restarts", restartsOnCluster}, {"node lost", lostOnCluster},
	} {
		t.Run(x.name, func(t *testing.T) {
			x.test(t, c, s)
			emptyCluster(t, c)
		})
	}
}

var applyOnCluster = []string{"apply", "--auto-approve", "--executor", "kubernetes"}

// sameOnCluster applies an example on the cluster and by another executor, in stores of their own: fingerprints and digests are the same. What reads files
// of this machine runs here, all else there.
func sameOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server, example, other string) {
	here, there := exampleCopy(t, example), exampleCopy(t, example)
	mustRun(t, here, "apply", "--auto-approve", "--executor", other)
	want := results(t, here)
	t.Setenv(workspace.StoreVariable, s.URL("models/"+example))
	began := time.Now()
	mustRun(t, there, append(applyOnCluster, "--parallelism", "4")...)
	t.Logf("%s: %d results in %.1f s", example, len(want), time.Since(began).Seconds())
	if diff := cmp.Diff(want, results(t, there)); diff != "" {
		t.Errorf("-%s +kubernetes\n%s", other, diff)
	}
	ends(t, there, 0, []string{"nothing to do"}, "plan")
	var seen podList
	c.Call(t, http.MethodGet, "/api/v1/namespaces/default/events?fieldSelector=reason=Started", "", nil, &seen)
	if len(seen.Items) == 0 {
		t.Error("no container was started on the cluster")
	}
}

type podList struct {
	Items []struct {
		Metadata struct{ Name, UID string }
		Status   struct{ Phase string }
	}
}

// emptyCluster waits until there is no Job, no pod, and no Service and no policy of one, as long as a cluster may take to remove them.
func emptyCluster(t *testing.T, c *kubernetestest.Cluster) {
	t.Helper()
	var left podList
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(time.Second) {
		left = podList{}
		for _, kind := range []string{pods, jobs, "/api/v1/namespaces/default/services?labelSelector=mlp.store", "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies?labelSelector=mlp.store"} {
			var more podList
			c.Call(t, http.MethodGet, kind, "", nil, &more)
			left.Items = append(left.Items, more.Items...)
		}
		if len(left.Items) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("left: %+v", left.Items)
		}
	}
}

// programModule is a module whose trainer is a program of the shell in an image of busybox. It fails if it sees what it must not.
const programModule = `pipeline "p" {}

source "csv" "rows" {
  path = "rows.csv"
  column "x" { type = "double" }
  column "y" { type = "boolean" }
}

split "hash" "parts" {
  from = source.rows
  test = 0.5
}

metric "auc" { type = "roc_auc" }

train "container" "model" {
  data     = split.parts.train
  target   = "y"
  task     = "binary_classification"
  features = ["x"]
  image    = "mlp/program:test"
  command  = ["sh", "-c", "env | grep -c -e KUBERNETES_ -e AWS_ && exit 1; nc -w 1 198.51.100.1 1 2>&1 | grep -q -e 'ermission denied' -e nreachable || exit 2; echo > /x && exit 3; wc -l < $MLP_IN_DATA/table.csv > $MLP_OUT_MODEL/lines; echo trained"]
  predict  = ["sh", "-c", "(echo score; tail -n +2 $MLP_IN_DATA/table.csv | cut -d, -f1 | sed 's/^\\([0-9]*\\).*/0.\\1/') > $MLP_OUT_PREDICTIONS/table.csv"]
  format   = "csv"
}

evaluate "test" {
  model   = train.model
  data    = split.parts.test
  metrics = [metric.auc]
}
`

// programOnCluster: a program in an image of its own yields what it yields in a container of this machine, and has no network, no credentials and no folder
// but its own.
func programOnCluster(t *testing.T, _ *kubernetestest.Cluster, s *s3test.Server) {
	here, there := t.TempDir(), t.TempDir()
	rows := "x,y\n"
	for i := range 200 {
		rows += fmt.Sprintf("%d.5,%t\n", i*37%100, i*37%100 > 50)
	}
	for _, dir := range []string{here, there} {
		writeFile(t, filepath.Join(dir, "rows.csv"), rows)
		writeFile(t, filepath.Join(dir, "p.mlp"), programModule)
	}
	mustRun(t, here, "apply", "--auto-approve", "--executor", "docker")
	want := results(t, here)
	t.Setenv(workspace.StoreVariable, s.URL("models/program"))
	mustRun(t, there, applyOnCluster...)
	if diff := cmp.Diff(want, results(t, there)); diff != "" {
		t.Errorf("-docker +kubernetes\n%s", diff)
	}
	ends(t, there, 0, []string{"trained"}, "logs", "train.model")
}

// rightsOnCluster: what 'mlp plan --manifests' prints for a namespace is taken by a real API server, and its account can apply, and do no more.
func rightsOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	dir := clusterModule(t)
	t.Setenv(workspace.StoreVariable, s.URL("models/rights"))
	text := mustRun(t, dir, "plan", "--manifests")
	if again := mustRun(t, dir, "plan", "--manifests"); again != text {
		t.Errorf("another plan prints others:\n%s", cmp.Diff(text, again))
	}
	grant(t, c, text)
	t.Setenv("KUBECONFIG", c.As(t, "mlp-apply"))
	mustRun(t, dir, applyOnCluster...)
	mustRun(t, onStore(t, s, "rightsranks", ranked(2, 1, "true", "")), applyOnCluster...)
	if code := c.CallAs(t, "mlp-apply", http.MethodGet, secrets); code != http.StatusForbidden {
		t.Errorf("who applies may list secrets: status %d", code)
	}
}

// grant makes what manifests have for the namespace, unless it is there.
func grant(t *testing.T, c *kubernetestest.Cluster, manifests string) {
	t.Helper()
	if c.Call(t, http.MethodGet, "/api/v1/namespaces/default/serviceaccounts/mlp-apply", "", nil, nil) == http.StatusNotFound {
		c.Apply(t, strings.Split(manifests, "---\n")[1])
	}
}

// memoryOnCluster: a stage that needs more memory than it may use is told as such, with its log.
func memoryOnCluster(t *testing.T, _ *kubernetestest.Cluster, s *s3test.Server) {
	t.Setenv(workspace.StoreVariable, s.URL("models/memory"))
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "a.csv"), "id\n1\n")
	writeFile(t, filepath.Join(dir, "p.mlp"), `pipeline "p" {}

source "csv" "a" { path = "a.csv" }

dataset "rows" {
  from = [source.a]
  sql  = "select x as id, x % 7 as u, x % 11 as v, (x % 13)::double as y from a, range(600000) t(x)"
  key  = ["id"]
}

train "gradient_boosting" "model" {
  data      = dataset.rows
  target    = "y"
  task      = "regression"
  features  = ["u", "v"]
  memory_mb = 40
}
`)
	ends(t, dir, 1, []string{"train.model needed more memory than it may use, 40 MB"}, applyOnCluster...)
}

// imageOnCluster: an image that cannot be pulled is told as such.
func imageOnCluster(t *testing.T, _ *kubernetestest.Cluster, s *s3test.Server) {
	t.Setenv(workspace.StoreVariable, s.URL("models/image"))
	t.Setenv(workspace.KubeImageVariable, "127.0.0.1:1/none:1")
	ends(t, clusterModule(t), 1, []string{"the image that dataset.b was to run in cannot be had", "127.0.0.1:1/none:1"}, applyOnCluster...)
}

// clusterModule is a module of one source, which runs here, and one dataset, which runs on the cluster.
func clusterModule(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "a.csv"), "id\n1\n")
	writeFile(t, filepath.Join(dir, "p.mlp"), `pipeline "p" {}

source "csv" "a" { path = "a.csv" }

dataset "b" {
  from = [source.a]
  sql  = "select id + 1 as id from a"
}
`)
	return dir
}

// goingOn is an apply that goes on beside the test.
type goingOn struct {
	cmd  *exec.Cmd
	wait <-chan error // gets how it ended
	mu   sync.Mutex
	out  bytes.Buffer
}

func (r *goingOn) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.Write(p)
}

func (r *goingOn) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.out.String()
}

// begin starts mlp and waits until it has said something.
func begin(t *testing.T, dir, until string, args ...string) *goingOn {
	t.Helper()
	r := &goingOn{cmd: exec.Command(mlp, append([]string{"-C", dir}, args...)...)}
	r.cmd.Stdout, r.cmd.Stderr = r, r
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		if t.Failed() {
			t.Logf("mlp said:\n%s", r.said())
		}
	})
	ended := make(chan error, 1)
	go func() { ended <- r.cmd.Wait() }()
	r.wait = ended
	for end := time.Now().Add(2 * time.Minute); !strings.Contains(r.said(), until); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) || len(ended) > 0 {
			t.Fatalf("it does not say %q:\n%s", until, r.said())
		}
	}
	return r
}

// waitingPod waits for the one pod that there is, which no node has room for.
func waitingPod(t *testing.T, c *kubernetestest.Cluster) (uid string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		var list podList
		c.Call(t, http.MethodGet, pods, "", nil, &list)
		if len(list.Items) == 1 && list.Items[0].Status.Phase == "Pending" {
			return list.Items[0].Metadata.UID
		}
		if time.Now().After(end) {
			t.Fatalf("got %+v, want one pod that waits", list.Items)
		}
	}
}

// cancelledOnCluster: an apply that is interrupted twice leaves no Job and no pod.
func cancelledOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	t.Setenv(workspace.StoreVariable, s.URL("models/cancelled"))
	t.Setenv(workspace.KubeNodeSelectorVariable, "pool=never")
	apply := begin(t, clusterModule(t), "dataset.b", applyOnCluster...)
	waitingPod(t, c)
	for range 2 {
		if err := apply.cmd.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err := <-apply.wait; err == nil || !strings.Contains(apply.said(), "killed") {
		t.Errorf("%v\n%s", err, apply.said())
	}
	var list podList
	if c.Call(t, http.MethodGet, pods, "", nil, &list); len(list.Items) > 0 {
		t.Errorf("when the apply has ended there is %+v", list.Items)
	}
}

// adoptedOnCluster: the Job of an apply that was killed goes on, and the next apply waits for that one.
func adoptedOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	t.Setenv(workspace.StoreVariable, s.URL("models/adopted"))
	t.Setenv(workspace.KubeNodeSelectorVariable, "pool=late")
	dir := clusterModule(t)
	first := begin(t, dir, "dataset.b", applyOnCluster...)
	pod := waitingPod(t, c)
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-first.wait
	second := begin(t, dir, "dataset.b  started", append(applyOnCluster, "--wait")...)
	time.Sleep(3 * time.Second) // it looks for the Job
	if now := waitingPod(t, c); now != pod {
		t.Errorf("there is another pod, %s, and not %s", now, pod)
	}
	if code := c.Call(t, http.MethodPatch, "/api/v1/nodes/node2", "application/merge-patch+json", map[string]any{"metadata": map[string]any{"labels": map[string]any{"pool": "late"}}}, nil); code != http.StatusOK {
		t.Fatalf("labelling the node: status %d", code)
	}
	if err := <-second.wait; err != nil {
		t.Fatalf("%v\n%s", err, second.said())
	}
	if said := second.said(); !strings.Contains(said, "goes on, which an earlier apply began") || !strings.Contains(said, "its pod waits: Unschedulable") {
		t.Errorf("it is not told that the Job is another apply's, and what its pod waits for:\n%s", said)
	}
}
