package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// benchmarked is a copy of the fraud example, applied once.
func benchmarked(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("../../examples/fraud"))); err != nil {
		b.Fatal(err)
	}
	if out, err := exec.Command(mlp, "-C", dir, "apply", "--auto-approve", "--executor", "process").CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return dir
}

func measure(b *testing.B, args ...string) {
	args = append([]string{"-C", benchmarked(b)}, args...)
	for b.Loop() {
		if out, err := exec.Command(mlp, args...).CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
}

// BenchmarkValidate is a whole `mlp validate` of the fraud example.
func BenchmarkValidate(b *testing.B) { measure(b, "validate") }

// BenchmarkPlanNothing is a whole `mlp plan` of it with nothing to do.
func BenchmarkPlanNothing(b *testing.B) { measure(b, "plan") }
