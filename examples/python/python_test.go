// Package python_test runs the example as its README tells it: the image from Debian's packages, the pipeline through
// plan and apply in containers, a second apply with nothing to do, a gate that is broken on purpose.
package python_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const image = "mlp-example-python:1"

// requireImage skips the test where there is no engine, or no image and no way to make it. With MLP_REQUIRE_DOCKER=1
// the engine must be there, with MLP_REQUIRE_PYTHON_IMAGE=1 the image too.
func requireImage(t *testing.T) {
	t.Helper()
	missing := func(variable, why string) {
		if os.Getenv(variable) == "1" {
			t.Fatalf("%s=1: %s", variable, why)
		}
		t.Skip(why)
	}
	if out, err := exec.Command("docker", "version").CombinedOutput(); err != nil {
		missing("MLP_REQUIRE_DOCKER", "no container engine: "+string(out))
	}
	label, err := exec.Command("docker", "image", "inspect", "--format", `{{index .Config.Labels "mlp.example.scripts"}}`, image).Output()
	if err == nil && strings.TrimSpace(string(label)) == scripts(t) {
		return
	}
	if _, err := exec.LookPath("debootstrap"); err != nil || os.Getuid() != 0 {
		missing("MLP_REQUIRE_PYTHON_IMAGE", "no image "+image+" with these scripts, and image.sh needs root and debootstrap to make it")
	}
	t.Log("making the image from Debian's packages")
	if out, err := exec.Command("./image.sh", image).CombinedOutput(); err != nil {
		missing("MLP_REQUIRE_PYTHON_IMAGE", "image.sh: "+err.Error()+"\n"+string(out))
	}
}

// scripts is the digest that image.sh labels its image with.
func scripts(t *testing.T) string {
	t.Helper()
	h := sha256.New()
	for _, name := range []string{"stage.py", "train.py", "predict.py"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// example is a copy of this folder, and the binary that is tried on it.
type example struct{ dir, mlp string }

func newExample(t *testing.T) example {
	t.Helper()
	e := example{dir: t.TempDir(), mlp: os.Getenv("MLP_BIN")}
	if e.mlp == "" {
		t.Skip("MLP_BIN names no binary of mlp; `make test` builds one and does")
	}
	for _, name := range []string{"python.mlp", "data/credit.csv"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(e.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

// run runs mlp in the copy and returns what it printed, and its exit code.
func (e example) run(t *testing.T, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command(e.mlp, append([]string{"-C", e.dir}, args...)...)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

func (e example) want(t *testing.T, exit int, text string, args ...string) {
	t.Helper()
	out, got := e.run(t, args...)
	if got != exit || !strings.Contains(out, text) {
		t.Fatalf("mlp %s: got exit code %d, want %d and %q in\n%s", strings.Join(args, " "), got, exit, text, out)
	}
}

// ejected writes the pipeline as a Makefile, which must make the same bytes.
func (e example) ejected(t *testing.T) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ejected")
	e.want(t, 0, "Next: 'make -C", "eject", dir)
	if out, err := exec.Command("make", "-C", dir, "MLP="+e.mlp, "-j2", "check").CombinedOutput(); err != nil {
		t.Errorf("make check: %v\n%s", err, out)
	}
}

// TestProcessesBesideContainers applies the example with built-in components as processes: the same results, and only the stages of
// the image in containers.
func TestProcessesBesideContainers(t *testing.T) {
	requireImage(t)
	e := newExample(t)
	e.want(t, 0, "released train.model", "apply", "--auto-approve", "--executor", "process")
	for address, want := range map[string]string{"source.loans": "process", "train.model": "docker", "evaluate.holdout": "process"} {
		e.want(t, 0, `"executor": "`+want+`"`, "show", address, "--format", "json")
	}
	e.want(t, 0, "Applied: 0 ran, 8 cached.", "apply", "--auto-approve", "--executor", "docker")
}

func TestExample(t *testing.T) {
	requireImage(t)
	e := newExample(t)
	e.want(t, 0, "released train.model", "apply", "--auto-approve", "--executor", "docker")
	e.want(t, 0, "Applied: 0 ran, 8 cached.", "apply", "--auto-approve", "--executor", "docker")
	e.want(t, 0, "trained on 3322 rows, 944 of them positive", "logs", "train.model")
	e.ejected(t)

	out, _ := e.run(t, "show", "evaluate.holdout", "--format", "json")
	var shown struct {
		Metrics struct{ Metrics struct{ AUC float64 } }
	}
	if err := json.Unmarshal([]byte(out), &shown); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if got := shown.Metrics.Metrics.AUC; got < 0.84 {
		t.Errorf("AUC: got %v, want 0.84 or more", got)
	}
	e.want(t, 3, "gate.release", "apply", "--auto-approve", "--executor", "docker", "--var", "min_auc=0.9")
}

// docker runs the engine's command line.
func docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("docker", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("docker %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// tagged gives the test a name of its own for the image of the example, and another image of the same files.
func tagged(t *testing.T) (name, other string) {
	t.Helper()
	name = fmt.Sprintf("mlp-image-test-%d:1", os.Getpid())
	container := docker(t, "create", image, "true")
	defer docker(t, "rm", container)
	other = docker(t, "commit", "-c", "LABEL mlp.test=other", container)
	t.Cleanup(func() {
		for _, x := range []string{name, other} {
			_ = exec.Command("docker", "rmi", x).Run() // it may not be there
		}
	})
	return name, other
}

// TestImageIsAnInput: an image is planned with before it is built, found when the stage runs in it, told when its name means another, and a
// plan that was saved before that is stale.
func TestImageIsAnInput(t *testing.T) {
	requireImage(t)
	e := newExample(t)
	name, other := tagged(t)
	file := filepath.Join(e.dir, "python.mlp")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(data), image, name, 1)
	line := strings.Count(text[:strings.Index(text, name)], "\n") + 1
	tests := "test \"trained\" {\n  run = \"apply\"\n  targets = [\"evaluate.holdout\"]\n  assert \"good\" { that = \"evaluate.holdout.metrics.auc > 0.8\" }\n}\n" +
		"test \"planned\" {\n  assert \"runs\" { that = \"plan.train.model.verdict == 'run'\" }\n}\n"
	if err := errors.Join(os.WriteFile(file, []byte(text), 0o644), os.WriteFile(filepath.Join(e.dir, "python.mlptest"), []byte(tests), 0o644)); err != nil {
		t.Fatal(err)
	}
	saved := func(name string) string { return filepath.Join(e.dir, name) }

	e.want(t, 0, "The image "+name+" is not known yet: no such image", "plan", "--out", saved("early.json"))
	e.want(t, 3, "no such image", "test")
	e.want(t, 0, "1 passed", "test", "--filter", "planned")
	e.want(t, 1, "Build, load or push it, and apply again", "apply", "--auto-approve", "--executor", "process")
	docker(t, "tag", image, name)
	e.want(t, 0, "2 passed", "test")
	e.want(t, 0, "released train.model", "apply", saved("early.json"), "--auto-approve", "--executor", "process")
	e.want(t, 0, "nothing to do", "plan")

	changed := strings.Replace(text, "trees         = 150", "trees         = 160", 1)
	if err := os.WriteFile(file, []byte(changed), 0o644); err != nil {
		t.Fatal(err)
	}
	e.want(t, 0, "train.model  150 → 160", "plan", "--out", saved("other.json"))
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	was := docker(t, "image", "inspect", "--format", "{{.Id}}", name)
	docker(t, "tag", other, name)
	e.want(t, 5, "the image "+name+" was "+was+" linux/", "apply", saved("other.json"), "--auto-approve", "--executor", "process")
	e.want(t, 5, ", and is "+other+" linux/", "apply", saved("other.json"), "--auto-approve", "--executor", "process")
	e.want(t, 0, fmt.Sprintf("image %s of train.model  %s → %s   python.mlp:%d", name, short(was), short(other), line), "plan")
	docker(t, "rmi", name)
	e.want(t, 0, fmt.Sprintf("image %s of train.model  %s → not known yet   python.mlp:%d", name, short(was), line), "plan")
	e.want(t, 0, "Plan: 5 may run, 3 cached.", "plan")
}

// short is an image's ID as it is shown.
func short(id string) string { return strings.TrimPrefix(id, "sha256:")[:12] }

func TestMistakes(t *testing.T) {
	requireImage(t)
	tests := []struct{ name, old, new, want string }{
		{"target among the features", `"seniority",`, `"defaulted",`, `the feature "defaulted" gives the target away`},
		{"protected feature", `"seniority",`, `"age",`, `the feature "age" is protected`},
		{"misspelt feature", `"seniority",`, `"senority",`, `did you mean "seniority"?`},
		{"command for a shell", `["python3", "/app/train.py"]`, `["python3 /app/train.py"]`, `write it as command = ["python3", "/app/train.py"]`},
		{"no predict command", `predict = ["python3", "/app/predict.py"]`, "", "has no predict command"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newExample(t)
			file := filepath.Join(e.dir, "python.mlp")
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(data), tt.old) {
				t.Fatalf("python.mlp has no %s", tt.old)
			}
			if err := os.WriteFile(file, []byte(strings.Replace(string(data), tt.old, tt.new, 1)), 0o644); err != nil {
				t.Fatal(err)
			}
			e.want(t, 1, tt.want, "plan")
		})
	}
}
