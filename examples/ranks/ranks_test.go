// Package ranks_test runs the example as its README tells it, in containers.
package ranks_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const image = "mlp-example-python:1"

// TestRanks trains over four replicas, then over two, and then one of them fails.
func TestRanks(t *testing.T) {
	mlp := os.Getenv("MLP_BIN")
	if mlp == "" {
		t.Skip("MLP_BIN names no binary of mlp; `make test` builds one and does")
	}
	if err := exec.Command("docker", "image", "inspect", image).Run(); err != nil {
		if os.Getenv("MLP_REQUIRE_PYTHON_IMAGE") == "1" {
			t.Fatalf("MLP_REQUIRE_PYTHON_IMAGE=1, and no image %s", image)
		}
		t.Skipf("no image %s: examples/python/image.sh makes it", image)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(".")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, ".mlp")); err != nil {
		t.Fatal(err)
	}
	run := func(want bool, args ...string) string {
		t.Helper()
		out, err := exec.Command(mlp, append([]string{"-C", dir}, args...)...).CombinedOutput()
		if (err == nil) != want {
			t.Fatalf("mlp %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	says := func(text string, wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("no %q in\n%s", want, text)
			}
		}
	}
	edit := func(file, old, new string) {
		t.Helper()
		path := filepath.Join(dir, file)
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), old) {
			t.Fatalf("%s has no %q: %v", file, old, err)
		}
		if err := os.WriteFile(path, []byte(strings.Replace(string(text), old, new, 1)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	says(run(true, "plan"), "At once: train.model 4 times, each with 512 MiB of memory and 1 CPU.")
	says(run(true, "apply", "--auto-approve"), "gate.release  passed")
	log := run(true, "logs", "train.model")
	for rank := range 4 {
		says(log, fmt.Sprintf("[rank %d] step 300: loss 0.055869", rank))
	}
	says(run(true, "plan"), "nothing to do")
	edit("ranks.mlp", "replicas  = 4", "replicas  = 2")
	says(run(true, "plan"), "replicas of train.model  4 → 2   ranks.mlp:56", "train.model 2 times")
	run(true, "apply", "--auto-approve")
	edit("train.py", "with Group() as group:", "if RANK == 1:\n    mlp_stage.fail(\"share 1 is bad\")\n\nwith Group() as group:")
	says(run(false, "apply", "--auto-approve"), "rank 1 of 2: share 1 is bad")
}
