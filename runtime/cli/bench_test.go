package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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

// BenchmarkBinary is `mlp version`, which is the start of every command, and reports the size of the binary.
func BenchmarkBinary(b *testing.B) {
	for b.Loop() {
		if out, err := exec.Command(mlp, "version").CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	}
	info, err := os.Stat(mlp)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/1e6, "MB")
}

// BenchmarkTinyStages applies a thousand tiny SQL stages as processes, in a folder on a disk and in one in memory, and reports stages a
// second, their processor time, and that over what starting the binary costs: a process for each stage cannot be below one.
func BenchmarkTinyStages(b *testing.B) {
	const stages = 1000
	for _, on := range []struct {
		name string
		dir  func(testing.TB) string
	}{{"disk", func(tb testing.TB) string { return tb.TempDir() }}, {"memory", tempDir}} {
		b.Run(on.name, func(b *testing.B) {
			base := on.dir(b)
			_, start := child(b, base, "version")
			var cpu, wall float64
			for b.Loop() {
				// A folder of its own: where thousands of files have just been removed, some file systems look past each before they make one.
				dir, err := os.MkdirTemp(base, "")
				if err != nil {
					b.Fatal(err)
				}
				writeModule(b, dir, tiny(stages))
				child(b, dir, "validate") // binds the queries
				_, c := child(b, dir, "apply", "--auto-approve", "--executor", "process")
				cpu, wall = cpu+c.cpu.Seconds(), wall+c.wall.Seconds()
			}
			n := float64(b.N * (stages + 1))
			b.ReportMetric(n/wall, "stages/s")
			b.ReportMetric(1000*cpu/n, "cpu-ms/stage")
			b.ReportMetric(cpu/n/start.cpu.Seconds(), "stage/start")
		})
	}
}

// fresh removes a module's store, with all that is remembered of the module.
func fresh(tb testing.TB, dir string) {
	tb.Helper()
	if err := os.RemoveAll(filepath.Join(dir, ".mlp")); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkFraud is an apply of the fraud example from nothing, as processes, and reports its processor time, that of the stages included.
func BenchmarkFraud(b *testing.B) {
	dir := b.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("../../examples/fraud"))); err != nil {
		b.Fatal(err)
	}
	var cpu float64
	for b.Loop() {
		fresh(b, dir)
		_, c := child(b, dir, "apply", "--auto-approve", "--executor", "process")
		cpu += c.cpu.Seconds()
	}
	b.ReportMetric(cpu/float64(b.N), "cpu-s")
}

// tiny is a module of tiny SQL stages, and one more for its source.
func tiny(stages int) map[string]string {
	var m strings.Builder
	m.WriteString("pipeline \"tiny\" {}\n\nsource \"csv\" \"s\" {\n  path = \"s.csv\"\n\n  column \"id\" { type = \"bigint\" }\n}\n")
	for i := range stages {
		fmt.Fprintf(&m, "\ndataset \"sql\" \"d%d\" {\n  from = [source.s]\n  key  = [\"id\"]\n  sql  = \"select id, id + %[1]d as x from s\"\n}\n", i)
	}
	return map[string]string{"tiny.mlp": m.String(), "s.csv": "id\n1\n2\n3\n"}
}
