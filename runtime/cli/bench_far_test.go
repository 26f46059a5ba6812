package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/s3test"
)

// BenchmarkPlanElsewhere is `mlp plan` with nothing to do of a thousand recorded stages over a server of the S3 protocol on this machine: where
// nothing is known, as on a fresh runner of CI, and where all is, in turns with the same store as a folder. Reported are medians, and what
// they are over those of the folder; unshared is the processor time of a machine that has to find out all about the queries itself.
func BenchmarkPlanElsewhere(b *testing.B) {
	const stages, turns = 1_000, 7
	server := s3test.Start(b, "models")
	far := []string{"--store", server.URL("models/team")}
	dir := tempDir(b)
	writeModule(b, dir, tiny(stages))
	child(b, dir, append([]string{"apply", "--auto-approve", "--executor", "process"}, far...)...)
	near := tempDir(b)
	writeModule(b, near, tiny(stages))
	if err := os.CopyFS(filepath.Join(near, ".mlp"), os.DirFS(filepath.Join(server.Dir, "models", "team"))); err != nil {
		b.Fatal(err)
	}
	forget := func(names ...string) {
		if err := os.RemoveAll(filepath.Join(append([]string{dir, ".mlp"}, names...)...)); err != nil {
			b.Fatal(err)
		}
	}
	plans := func(dir string, args ...string) cost {
		out, c := child(b, dir, append([]string{"plan"}, args...)...)
		if want := fmt.Sprintf("nothing to do, %d cached", stages+1); !strings.Contains(out, want) {
			b.Fatalf("want %q, got %.500s", want, out)
		}
		return c
	}
	plans(near)
	kinds := []string{"folder", "warm", "fresh", "unshared"}
	wall, cpu := map[string][]float64{}, map[string][]float64{}
	for b.Loop() {
		for range turns {
			for _, kind := range kinds {
				var c cost
				switch kind {
				case "folder":
					c = plans(near)
				case "warm":
					plans(dir, far...)
					c = plans(dir, far...)
				case "fresh":
					forget()
					c = plans(dir, far...)
				case "unshared":
					forget()
					_, c = child(b, dir, "validate")
					forget()
				}
				wall[kind], cpu[kind] = append(wall[kind], c.wall.Seconds()), append(cpu[kind], c.cpu.Seconds())
			}
		}
	}
	median := func(of []float64) float64 { return slices.Sorted(slices.Values(of))[len(of)/2] }
	b.ReportMetric(median(wall["folder"]), "folder-s")
	b.ReportMetric(median(wall["warm"])/median(wall["folder"]), "warm/folder")
	b.ReportMetric(median(wall["fresh"])/median(wall["folder"]), "fresh/folder")
	for _, kind := range kinds {
		b.ReportMetric(median(cpu[kind]), kind+"-cpu-s")
	}
}
