// Package brownfield_test runs the example as its README tells it: from a script and its figures to a plan that says in
// the pull request that the model got worse, without data and without a container engine.
package brownfield_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// repository is a copy of what the team had, and the binary that is tried on it.
type repository struct{ dir, mlp string }

func newRepository(t *testing.T) repository {
	t.Helper()
	r := repository{dir: filepath.Join(t.TempDir(), "brownfield"), mlp: os.Getenv("MLP_BIN")}
	if r.mlp == "" {
		t.Skip("MLP_BIN names no binary of mlp; `make test` builds one and does")
	}
	if err := os.Mkdir(r.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"train.py", "requirements.txt", "metrics.json"} {
		r.write(t, name, read(t, name))
	}
	return r
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func (r repository) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(r.dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// want runs mlp where no container engine can be reached, and holds its exit code and what it prints.
func (r repository) want(t *testing.T, exit int, text string, args ...string) {
	t.Helper()
	cmd := exec.Command(r.mlp, append([]string{"-C", r.dir}, args...)...)
	cmd.Env = append(os.Environ(), "DOCKER_HOST=unix:///nonexistent.sock", "NO_COLOR=1")
	out, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	if got := cmd.ProcessState.ExitCode(); got != exit || !strings.Contains(string(out), text) {
		t.Fatalf("mlp %s: got exit code %d, want %d and %q in\n%s", strings.Join(args, " "), got, exit, text, out)
	}
}

func TestStory(t *testing.T) {
	r := newRepository(t)
	r.want(t, 0, "Read 4 figures from metrics.json.", "init", "--from", ".")
	if got, want := read(t, filepath.Join(r.dir, "pipeline.mlp")), read(t, "pipeline.mlp"); got != want {
		t.Errorf("pipeline.mlp is not what init makes; got\n%s", got)
	}
	r.want(t, 0, "is valid", "validate")
	r.want(t, 0, "Plan: 1 to run. 1 gate open.", "plan")
	r.want(t, 0, "gate.release  passed", "apply", "--auto-approve", "--executor", "process")

	r.write(t, "metrics.json", `{"auc": 0.8448, "recall": 0.0, "log_loss": 0.4944, "rows": 1741}`)
	r.want(t, 0, "live: recall = 0.5093", "plan")
	r.want(t, 3, "Gate failed", "--workspace", "pr-7", "apply", "--base", "default", "--auto-approve", "--executor", "process")
	r.want(t, 3, "| ❌ FAIL | `recall` |", "--workspace", "pr-7", "plan", "--base", "default", "--format", "markdown", "--fail-on", "gate")
	r.want(t, 3, "✓  auc       evaluate.script.metrics.auc >= 0.835       auc = 0.8448", "--workspace", "pr-7", "plan", "--fail-on", "gate")

	r.write(t, "metrics.json", read(t, "metrics.json"))
	r.want(t, 0, "Plan: nothing to do, 1 cached", "plan", "--fail-on", "gate")
}

// TestReadmeShowsWhatIsPrinted holds the figures of the README to the files beside it.
func TestReadmeShowsWhatIsPrinted(t *testing.T) {
	readme := read(t, "README.md")
	for _, line := range strings.Split(read(t, "pipeline.mlp"), "\n") {
		_, rule, found := strings.Cut(line, `assert = "`)
		if rule, _, _ = strings.Cut(rule, `"`); found && !strings.Contains(readme, rule) {
			t.Errorf("README.md does not have the rule %q", rule)
		}
	}
}
