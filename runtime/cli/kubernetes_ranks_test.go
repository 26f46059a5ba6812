package cli

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/runtime/executor/kubernetes/kubernetestest"
	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/s3test"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// ranked is a module whose one stage runs so many times at once. Each counts to a number, as that of counting does; then it does what it is told. More is further
// attributes of the stage.
func ranked(replicas, to int, then, more string) string {
	return fmt.Sprintf(`pipeline "p" {}

stage "container" "count" {
  image    = "mlp/program:test"
  command  = ["sh", "-c", "cd /mlp/checkpoint; n=$(cat n 2>/dev/null || echo 0); echo from $n; trap 'exit 1' TERM; while [ $n -lt %d ]; do n=$((n+1)); echo $n > new; mv new n; sleep 1 & wait $!; done; %s; if [ $RANK = 0 ]; then echo $n > $MLP_OUT_FILES/n; fi; echo counted"]
  replicas = %d
  %s
}
`, to, then, replicas, more)
}

// ranksOnCluster: the example that trains over four replicas yields the same by docker and on the cluster, where each is in a pod of its own.
func ranksOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	pythonImage(t, c)
	here, there := exampleCopy(t, "ranks"), exampleCopy(t, "ranks")
	mustRun(t, here, "apply", "--auto-approve", "--executor", "docker")
	want := results(t, here)
	t.Setenv(workspace.StoreVariable, s.URL("models/ranks"))
	began := time.Now()
	mustRun(t, there, applyOnCluster...)
	t.Logf("%d results in %.1f s", len(want), time.Since(began).Seconds())
	if diff := cmp.Diff(want, results(t, there)); diff != "" {
		t.Errorf("-docker +kubernetes\n%s", diff)
	}
	log := mustRun(t, there, "logs", "train.model")
	for rank := range 4 {
		if line := fmt.Sprintf("[rank %d] step 300: loss ", rank); strings.Count(log, line) != 1 {
			t.Errorf("no %q in\n%s", line, log)
		}
	}
}

// ranksFailOnCluster: the rank that fails ends all and is told, with its own words, and the log has what all said; so is which ones a time-out met.
func ranksFailOnCluster(t *testing.T, _ *kubernetestest.Cluster, s *s3test.Server) {
	dir := onStore(t, s, "ranksfail", ranked(3, 1, `[ $RANK = 1 ] && echo '{\"mlp\":\"error\",\"summary\":\"share 1 is bad\"}' && exit 3; sleep 300 & wait $!`, ""))
	began := time.Now()
	ends(t, dir, 1, []string{"rank 1 of 3: share 1 is bad"}, applyOnCluster...)
	if took := time.Since(began); took > 2*time.Minute {
		t.Errorf("the others were not ended: it took %v", took)
	}
	log := mustRun(t, dir, "logs", "stage.count")
	for _, want := range []string{"[rank 0] from 0", "[rank 1] from 0", "[rank 2] from 0"} {
		if !strings.Contains(log, want) {
			t.Errorf("no %q in\n%s", want, log)
		}
	}
	dir = onStore(t, s, "rankslate", ranked(3, 1, `[ $RANK = 1 ] && sleep 300`, `timeout = "15s"`))
	ends(t, dir, 1, []string{"did not end within its time-out of 15s: rank 1 had not ended, ranks 0 and 2 had"}, applyOnCluster...)
	dir = onStore(t, s, "rankswrote", ranked(2, 1, `echo $RANK > $MLP_OUT_FILES/n`, ""))
	ends(t, dir, 1, []string{"rank 1 wrote files/n to its outputs, and those of the stage are rank 0's"}, applyOnCluster...)
}

// podOfRank is that of one replica which runs.
func podOfRank(t *testing.T, c *kubernetestest.Cluster, rank int) aPod {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		var list struct{ Items []aPod }
		c.Call(t, http.MethodGet, fmt.Sprintf("%s?labelSelector=batch.kubernetes.io/job-completion-index=%d", pods, rank), "", nil, &list)
		for _, p := range list.Items {
			if p.Status.Phase == "Running" && p.Metadata.DeletionTimestamp == "" && strings.Contains(c.Text(t, pods+"/"+p.Metadata.Name+"/log?container=stage"), "from ") {
				return p
			}
		}
		if time.Now().After(end) {
			t.Fatalf("rank %d does not run: %+v", rank, list.Items)
		}
	}
}

// ranksEvictedOnCluster: what befalls one replica ends all, and all begin again, from what rank 0 has kept.
func ranksEvictedOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	dir := onStore(t, s, "ranksevicted", ranked(3, 30, "true", ""))
	apply := begin(t, dir, "count", applyOnCluster...)
	p := podOfRank(t, c, 2)
	time.Sleep(4 * time.Second)
	evict(t, c, p.Metadata.Name)
	apply.until(t, "its pod was evicted on node "+p.Spec.NodeName, 1)
	apply.ended(t, 0, "rank 2: EvictionByEvictionAPI", "Applied: 1 ran")
	if n := inJournal(t, s, "ranksevicted", `"failure":"evicted"`); n != 1 {
		t.Errorf("the journal has %d evictions, want 1", n)
	}
	log := mustRun(t, dir, "logs", "stage.count")
	from := ""
	for line := range strings.Lines(log) {
		if _, n, ok := strings.Cut(line, "] from "); ok && from == "" {
			from = n
		} else if ok && n != from {
			t.Errorf("one goes on from %s and another from %s", from, n)
		}
	}
	if strings.TrimSpace(from) == "0" || strings.Count(log, "counted") != 3 {
		t.Errorf("it begins anew, or lacks the log of one:\n%s", log)
	}
	noneKept(t, s, "ranksevicted")
}

// ranksAdoptedOnCluster: replicas whose apply was killed go on, and record what they yield.
func ranksAdoptedOnCluster(t *testing.T, c *kubernetestest.Cluster, s *s3test.Server) {
	dir := onStore(t, s, "ranksadopted", ranked(2, 4, "true", ""))
	apply := begin(t, dir, "count", applyOnCluster...)
	podOfRank(t, c, 0)
	podOfRank(t, c, 1)
	if err := apply.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-apply.wait
	for end := time.Now().Add(time.Minute); ; time.Sleep(500 * time.Millisecond) {
		var list struct {
			Items []struct{ Status struct{ Succeeded int } }
		}
		c.Call(t, http.MethodGet, jobs, "", nil, &list)
		if len(list.Items) == 1 && list.Items[0].Status.Succeeded == 2 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("got %+v", list.Items)
		}
	}
	ends(t, dir, 0, []string{"1 cached"}, append(applyOnCluster, "--wait")...)
	c.Call(t, http.MethodDelete, jobs+"?propagationPolicy=Background", "", nil, nil) // which would stay for an hour
}
