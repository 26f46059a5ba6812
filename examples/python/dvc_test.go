package python_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDVC begins a pipeline over one of DVC and applies it: every output is, to the byte, what the same commands write where they are run by hand in the same
// image, stage after stage in one folder. An edit of a parameter runs what reads it.
func TestDVC(t *testing.T) {
	requireImage(t)
	e := newExample(t)
	e.dir = filepath.Join(t.TempDir(), "loans")
	byHand := t.TempDir()
	for _, dir := range []string{e.dir, byHand} {
		if err := os.CopyFS(dir, os.DirFS("testdata/dvc")); err != nil {
			t.Fatal(err)
		}
	}
	e.want(t, 0, "Read dvc.yaml: 4 stages, 4 figures.", "init", "--from", "dvc.yaml")
	e.replace(t, "pipeline.mlp", `image = "loans:1"`, `image = "mlp-example-python:1"`)
	e.want(t, 0, "gate.release  passed", "apply", "--auto-approve")
	e.want(t, 0, "nothing to do", "plan")

	commands := []string{"python3 src/prepare.py data/loans.csv", "mkdir -p models"}
	for _, c := range []string{"0.1", "10.0"} {
		commands = append(commands, fmt.Sprintf("python3 src/train.py %[1]s models/%[1]s.pkl", c))
	}
	commands = append(commands, "python3 src/evaluate.py")
	out, err := exec.Command("docker", "run", "--rm", "--network", "none", "--user", fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid()), "-v", byHand+":/repo", "-w", "/repo",
		"-e", "PYTHONHASHSEED=0", "-e", "PYTHONDONTWRITEBYTECODE=1", "mlp-example-python:1", "sh", "-ec", strings.Join(commands, "\n")).CombinedOutput()
	if err != nil {
		t.Fatalf("by hand: %v\n%s", err, out)
	}
	for stage, files := range map[string][]string{
		"prepare": {"data/prepared/test.csv", "data/prepared/train.csv"}, "train_0_1": {"models/0.1.pkl"}, "train_10_0": {"models/10.0.pkl"},
		"evaluate": {"eval/metrics.json", "eval/plots.json"},
	} {
		got := e.files(t, "stage."+stage)
		if len(got) != len(files) {
			t.Errorf("stage %s wrote %d files, want %v", stage, len(got), files)
		}
		for _, name := range files {
			want, err := os.ReadFile(filepath.Join(byHand, name))
			if err != nil || string(got[name]) != string(want) {
				t.Errorf("%s of stage %s differs from that by hand (%v)", name, stage, err)
			}
		}
	}

	e.replace(t, "pipeline.mlp", "split = 0.2", "split = 0.25")
	e.want(t, 0, "0.2 → 0.25", "plan")
	e.replace(t, "src/evaluate.py", `open("eval/plots.json", "w")`, `open("elsewhere.json", "w")`)
	e.want(t, 1, "the commands did not write eval/plots.json", "apply", "--auto-approve")
}

// files are what a stage wrote, by name.
func (e example) files(t *testing.T, address string) map[string][]byte {
	t.Helper()
	object := func(digest string) []byte {
		hash, sum, _ := strings.Cut(digest, ":")
		data, err := os.ReadFile(filepath.Join(e.dir, ".mlp", "objects", hash, sum[:2], sum[2:]))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	var tree struct {
		Files []struct{ Name, Digest string }
	}
	if err := json.Unmarshal(object(e.outputs(t, address)["files"]), &tree); err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, f := range tree.Files {
		out[f.Name] = object(f.Digest)
	}
	return out
}
