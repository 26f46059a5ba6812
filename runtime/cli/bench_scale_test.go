package cli

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"golang.org/x/sync/errgroup"
)

// cost is what a piece of work took. Processor time is what to compare on a busy machine.
type cost struct {
	wall, cpu time.Duration
	peakMB    float64 // of a process
}

// child runs the real binary in dir.
func child(tb testing.TB, dir string, args ...string) (string, cost) {
	tb.Helper()
	cmd := exec.Command(mlp, append([]string{"-C", dir}, args...)...)
	var out, problems strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &problems
	start := time.Now()
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	peak, tick := 0.0, time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			peak = max(peak, peakOf(cmd.Process.Pid))
		case err := <-done:
			if err != nil {
				tb.Fatalf("mlp %s: %v\n%.2000s", strings.Join(args, " "), err, problems.String())
			}
			return out.String(), cost{time.Since(start), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), peak}
		}
	}
}

// peakOf is the most memory that a running process has had, in MB. What the system tells of it at its end counts this
// process too, which it was forked from.
func peakOf(pid int) float64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	var kb float64
	if _, err := fmt.Sscan(line, &kb); err != nil {
		return 0
	}
	return kb / 1024
}

// parserAlone parses files with HCL's parser and nothing else, side by side.
func parserAlone(tb testing.TB, files map[string]string) cost {
	tb.Helper()
	runtime.GC()
	before, start := processorTime(tb), time.Now()
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for name, text := range files {
		g.Go(func() error {
			_, ds := hclsyntax.ParseConfig([]byte(text), name, hcl.InitialPos)
			if ds.HasErrors() {
				return ds
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		tb.Fatal(err)
	}
	return cost{wall: time.Since(start), cpu: processorTime(tb) - before}
}

// processorTime is that of this process so far.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkLoadAndCheck is `mlp validate` of 10,000 blocks in 100 files, against HCL's parser alone on the same text and
// processors. Once with nothing known of the queries and rules, then with what was learnt of
// them.
func BenchmarkLoadAndCheck(b *testing.B) {
	files, dir := teams(10_000, 100), b.TempDir()
	writeModule(b, dir, files)
	_, first := child(b, dir, "validate")
	b.ReportMetric(first.cpu.Seconds(), "unbound-cpu-s")
	if _, err := os.Stat(dir + "/.mlp/cache/answers"); err != nil {
		b.Fatalf("nothing is cached: %v", err)
	}
	var cpu, wall, peak []float64
	for b.Loop() {
		parser := parserAlone(b, files)
		_, whole := child(b, dir, "validate")
		b.Logf("parser: %v wall, %v cpu; validate: %v wall, %v cpu, %.0f MB", parser.wall, parser.cpu, whole.wall, whole.cpu, whole.peakMB)
		cpu, wall, peak = append(cpu, whole.cpu.Seconds()/parser.cpu.Seconds()), append(wall, whole.wall.Seconds()/parser.wall.Seconds()), append(peak, whole.peakMB)
	}
	for unit, figures := range map[string][]float64{"cpu-ratio": cpu, "wall-ratio": wall, "peak-MB": peak} {
		slices.Sort(figures)
		b.ReportMetric(figures[len(figures)/2], unit)
	}
}
