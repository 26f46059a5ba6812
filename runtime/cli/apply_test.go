package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/runtime/workspace"
)

// recorded is what must be the same wherever and however a pipeline ran.
type recorded struct {
	Fingerprint string
	Outputs     map[string]string
}

// exampleCopy is a copy of an example that a test may work in.
func exampleCopy(t *testing.T, example string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("../../examples", example))); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, workspace.StoreName)); err != nil {
		t.Fatal(err)
	}
	return dir
}

// run runs mlp in dir and returns its output and exit code.
func run(t *testing.T, dir string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := exec.Command(mlp, append([]string{"-C", dir}, args...)...)
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	var exit *exec.ExitError
	if e := cmd.Run(); errors.As(e, &exit) {
		code = exit.ExitCode()
	} else if e != nil {
		t.Fatal(e)
	}
	return out.String(), err.String(), code
}

func mustRun(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, stderr, code := run(t, dir, args...)
	if code != 0 {
		t.Fatalf("mlp %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, stderr)
	}
	return out
}

// results reads what is recorded of each block.
func results(t *testing.T, dir string) map[string]recorded {
	t.Helper()
	var all []struct {
		Address, Fingerprint string
		Outputs              map[string]string
	}
	if err := json.Unmarshal([]byte(mustRun(t, dir, "show", "--format", "json")), &all); err != nil {
		t.Fatal(err)
	}
	out := map[string]recorded{}
	for _, x := range all {
		out[x.Address] = recorded{x.Fingerprint, x.Outputs}
	}
	return out
}

// TestSameDigests runs one pipeline in every way there is: all fingerprints and digests must be the same.
func TestSameDigests(t *testing.T) {
	ways := [][]string{
		{"--executor", "process", "--threads", "1", "--parallelism", "1"},
		{"--executor", "process", "--threads", "2"},
	}
	if engineAnswers(t) {
		ways = append(ways, []string{"--executor", "docker"})
	} else {
		t.Log("SKIPPED: the same in containers; no engine answers")
	}
	var want map[string]recorded
	for _, way := range ways {
		dir := exampleCopy(t, "fraud")
		mustRun(t, dir, append([]string{"apply", "--auto-approve"}, way...)...)
		got := results(t, dir)
		if want == nil {
			want = got
			if len(want) < 10 {
				t.Fatalf("got %d recorded blocks, want those of the whole pipeline", len(want))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: differs from %v:\n%s", way, ways[0], diff)
		}
		if out := mustRun(t, dir, "plan"); !strings.Contains(out, "Plan: nothing to do") {
			t.Errorf("%v: a second plan has something to do:\n%s", way, out)
		}
	}
}

// TestKill ends applies with kill -9 at random moments. The next one must finish, with the digests of an undisturbed one.
func TestKill(t *testing.T) {
	executors := []string{"process"}
	if engineAnswers(t) {
		executors = append(executors, "docker")
	}
	undisturbed := exampleCopy(t, "fraud")
	began := time.Now()
	mustRun(t, undisturbed, "apply", "--auto-approve", "--executor", "process")
	whole := time.Since(began)
	want := results(t, undisturbed)
	for _, ex := range executors {
		t.Run(ex, func(t *testing.T) {
			dir := exampleCopy(t, "fraud")
			moments := rand.New(rand.NewPCG(1, 2))
			for i := range 10 {
				after := time.Duration(moments.Float64() * float64(whole) * 0.6)
				cmd := exec.Command(mlp, "-C", dir, "apply", "--auto-approve", "--executor", ex)
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(after)
				if err := cmd.Process.Signal(syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
					t.Fatal(err)
				}
				_ = cmd.Wait() // killed
				if _, stderr, code := run(t, dir, "plan"); code != 0 {
					t.Fatalf("kill %d after %s: a plan fails:\n%s", i, after, stderr)
				}
			}
			mustRun(t, dir, "apply", "--auto-approve", "--executor", ex)
			if diff := cmp.Diff(want, results(t, dir)); diff != "" {
				t.Errorf("after ten kills the results differ:\n%s", diff)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, workspace.StoreName, "tmp", "*")); len(left) > 0 {
				t.Errorf("work folders are left: %v", left)
			}
			if ex == "docker" {
				noContainers(t, dir)
			}
		})
	}
}

// noContainers makes sure that nothing of a store's applies is left in the engine.
func noContainers(t *testing.T, dir string) {
	t.Helper()
	out, err := exec.Command("docker", "ps", "-aq", "--filter", "label=mlp.store="+filepath.Join(dir, workspace.StoreName)).Output()
	if err != nil {
		t.Fatalf("asking the engine: %v", err)
	}
	if len(bytes.TrimSpace(out)) > 0 {
		t.Errorf("containers are left: %s", out)
	}
}

// TestTwoApplies starts a second apply while the first runs: it is refused with its own exit code, and nothing is lost.
func TestTwoApplies(t *testing.T) {
	dir := exampleCopy(t, "fraud")
	first := exec.Command(mlp, "-C", dir, "apply", "--auto-approve", "--executor", "process")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	lock := filepath.Join(dir, workspace.StoreName, "locks", "fraud", "default")
	for range 200 {
		if info, err := os.Stat(lock); err == nil && info.Size() > 0 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	_, stderr, code := run(t, dir, "apply", "--auto-approve", "--executor", "process")
	if code != exitLocked || !strings.Contains(stderr, "is locked: apply by") {
		t.Errorf("second apply: got exit code %d and %q, want %d and who holds the lock", code, stderr, exitLocked)
	}
	if err := first.Wait(); err != nil {
		t.Fatalf("first apply: %v", err)
	}
	if out := mustRun(t, dir, "plan"); !strings.Contains(out, "Plan: nothing to do") {
		t.Errorf("something is left to do:\n%s", out)
	}
}

// TestInterrupt interrupts an apply once a stage has begun: that one is finished and recorded, no other is started, and the
// next apply does the rest.
func TestInterrupt(t *testing.T) {
	for _, by := range []os.Signal{os.Interrupt, syscall.SIGHUP} {
		t.Run(by.String(), func(t *testing.T) { interrupted(t, by) })
	}
}

func interrupted(t *testing.T, by os.Signal) {
	taken := make(chan os.Signal, 1)
	signal.Notify(taken, by) // what is started does not ignore it then, as under nohup it would
	defer signal.Stop(taken)
	dir := exampleCopy(t, "fraud")
	cmd := exec.Command(mlp, "-C", dir, "apply", "--auto-approve", "--executor", "process", "--parallelism", "1")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out, begun := "", 0
	for lines := bufio.NewScanner(pipe); lines.Scan(); {
		out += lines.Text() + "\n"
		if words := strings.Fields(lines.Text()); len(words) == 2 && words[1] == "started" {
			if begun++; begun == 1 {
				if err := cmd.Process.Signal(by); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	_ = cmd.Wait() // its exit code is asked for
	if code := cmd.ProcessState.ExitCode(); code != exitError || !strings.Contains(out, "Applied: ") {
		t.Fatalf("got %v, want exit code %d\n%s%s", cmd.ProcessState, exitError, out, errs.String())
	}
	if n := len(results(t, dir)); n == 0 {
		t.Error("what ran is not recorded")
	}
	mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
	if got := mustRun(t, dir, "plan"); !strings.Contains(got, "Plan: nothing to do") {
		t.Errorf("something is left to do:\n%s", got)
	}
}

// TestInterruptedPlan interrupts an apply before it has a plan: it ends at once, by the signal, and nothing is left.
func TestInterruptedPlan(t *testing.T) {
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt) // what is started does not ignore them then, as in the background of a script it would
	defer signal.Stop(interrupts)
	dir := exampleCopy(t, "fraud")
	cmd := exec.Command(mlp, "-C", dir, "apply", "--auto-approve", "--executor", "process")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // how it ended is in its state
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGINT {
		t.Errorf("got %v, want that the signal ended it", cmd.ProcessState)
	}
	if got := mustRun(t, dir, "show"); !strings.Contains(got, "revision 0") {
		t.Errorf("something is recorded:\n%s", got)
	}
	mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
}

// TestCorruptObject damages objects of the store: the producer runs again and gives the same digest.
func TestCorruptObject(t *testing.T) {
	dir := exampleCopy(t, "churn")
	mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
	want := results(t, dir)
	err := filepath.WalkDir(filepath.Join(dir, workspace.StoreName, "objects"), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if err := os.Chmod(path, 0o644); err != nil {
			return err
		}
		return os.WriteFile(path, []byte("not what its name says"), 0o444)
	})
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(dir, "churn.mlp"))
	if err != nil {
		t.Fatal(err)
	}
	changed := append(source, []byte("\nmetric \"brier\" { type = \"brier_score\" }\n\nevaluate \"again\" {\n  model   = train.trees\n  data    = split.parts.test\n  metrics = [metric.brier]\n}\n")...)
	changed = bytes.ReplaceAll(changed, []byte("split.parts"), []byte(splitOf(t, source)))
	if err := os.WriteFile(filepath.Join(dir, "churn.mlp"), changed, 0o644); err != nil {
		t.Fatal(err)
	}
	mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
	got := results(t, dir)
	delete(got, "evaluate.again")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results made again differ:\n%s", diff)
	}
}

// splitOf finds the name of a module's split.
func splitOf(t *testing.T, source []byte) string {
	t.Helper()
	for _, line := range strings.Split(string(source), "\n") {
		var typ, name string
		if n, _ := fmt.Sscanf(line, "split %q %q {", &typ, &name); n == 2 {
			return "split." + name
		}
	}
	t.Fatal("the example has no split")
	return ""
}
