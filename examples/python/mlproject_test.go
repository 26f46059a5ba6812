package python_test

import (
	"os"
	"path/filepath"
	"testing"
)

// TestMLproject begins a pipeline over a project of MLflow and applies it: the command gets its parameters as MLflow writes them, what it wrote and logged is the
// stage's, the same in each run, and a gate holds the figures to those of the last run that is recorded beside the project.
func TestMLproject(t *testing.T) {
	requireImage(t)
	e := newExample(t)
	e.dir = filepath.Join(t.TempDir(), "loans")
	if err := os.CopyFS(e.dir, os.DirFS("testdata/mlproject")); err != nil {
		t.Fatal(err)
	}
	e.want(t, 0, "Read MLproject: 2 stages, 2 figures.", "init", "--from", "MLproject")
	e.replace(t, "pipeline.mlp", `image = "loans:1"`, `image = "mlp-example-python:1"`)
	e.want(t, 0, "gate.release  passed", "apply", "--auto-approve", "--executor", "process")
	e.want(t, 0, `--C 1.0 --note 'it'"'"'s the first' --out model.pkl`, "logs", "stage.main")
	was := e.outputs(t, "stage.main")
	if got := string(e.files(t, "stage.count")["rows.txt"]); got != "400\n" {
		t.Errorf("rows.txt has %q", got)
	}
	got := e.files(t, "stage.main")
	if len(got) != 4 || string(got["model.pkl"]) != string(got["mlflow/artifacts/model.pkl"]) || string(got["mlflow/params.json"]) != "{\n  \"C\": \"1.0\",\n  \"note\": \"it's the first\"\n}\n" {
		t.Errorf("the stage wrote %d files: %v", len(got), got)
	}
	e.want(t, 0, "1 ran", "apply", "--auto-approve", "--executor", "process", "--force", "stage.main")
	if again := e.outputs(t, "stage.main"); again["files"] != was["files"] || again["table"] != was["table"] {
		t.Errorf("another run of the same gives %v, and was %v", again, was)
	}
	e.want(t, 0, "1 → 10 ", "plan", "--var", "c=10")
	e.want(t, 1, "the command ended with exit code 1: awk -v least=401", "apply", "--auto-approve", "--executor", "process", "--var", "least=401")
	e.want(t, 1, "there is no elsewhere.csv, which the parameter data names", "apply", "--auto-approve", "--executor", "process", "--var", "data=elsewhere.csv")
}
