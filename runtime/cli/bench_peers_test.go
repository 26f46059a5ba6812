package cli

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// peerSet is a table to learn from with what XGBoost and scikit-learn come to on its splits, as testdata/peers/peers.py tells.
type peerSet struct {
	Name, Task       string
	Kinds            []string
	Splits           int
	XGBoost, Sklearn []float64
}

// tunedSplits is how many splits of a set are tuned at most: a set that is parted ten times would have 900 fits, and three folds of each.
const tunedSplits = 3

// figure is the metric by which sets of a task are compared.
func (s *peerSet) figure() string {
	return map[string]string{"regression": "root_mean_squared_error", "binary_classification": "roc_auc", "multiclass_classification": "roc_auc_ovr"}[s.Task]
}

// module learns from each split with the parameters of the peers, and with those that 30 trials choose on folds of the training rows.
func (s *peerSet) module(rounds, depth int, rate float64) string {
	features := make([]string, len(s.Kinds))
	for i := range features {
		features[i] = fmt.Sprintf("%q", fmt.Sprint("x", i))
	}
	parts := make([]string, s.Splits)
	for i := range parts {
		parts[i] = fmt.Sprintf("s%d = %[1]d", i)
	}
	trained := fmt.Sprintf("  data = split.fixed[each.key].train\n  target = \"y\"\n  task = %q\n  features = [%s]\n", s.Task, strings.Join(features, ", "))
	of := func(name, each, more string) string {
		return fmt.Sprintf("train \"gradient_boosting\" %q {\n  for_each = %s\n%s  params {\n    trees = %d\n    max_depth = %d\n    learning_rate = %g\n  }\n%s}\n\n", name, each, trained, rounds, depth, rate, more) +
			fmt.Sprintf("evaluate %q {\n  for_each = %s\n  model = train.%[1]s[each.key]\n  data = split.fixed[each.key].test\n  metrics = [metric.figure]\n}\n\n", name, each)
	}
	all := "{ " + strings.Join(parts, ", ") + " }"
	some := "{ " + strings.Join(parts[:min(tunedSplits, s.Splits)], ", ") + " }"
	return fmt.Sprintf("pipeline \"peers\" {}\n\nsource \"csv\" \"rows\" { path = %q }\n\nsplit \"column\" \"fixed\" {\n  for_each = %s\n  from = source.rows\n  by = each.key\n}\n\nmetric \"figure\" { type = %q }\n\n", s.Name+".csv", all, s.figure()) +
		of("peer", all, "") +
		of("tuned", some, `  tune {
    metric = metric.figure
    trials = 30
    folds { count = 3 }
    space {
      trees            = { min = 50, max = 400, scale = "log" }
      learning_rate    = { min = 0.02, max = 0.3, scale = "log" }
      max_depth        = { min = 2, max = 10 }
      min_child_weight = { min = 1, max = 50, scale = "log" }
      lambda           = { min = 0.1, max = 20, scale = "log" }
      subsample        = { min = 0.5, max = 1 }
      column_sample    = { min = 0.4, max = 1 }
    }
  }
`)
}

// behind is by how much a figure is worse than a peer's, over splits: of an error as a share of the peer's in percent, of an area as it is.
func (s *peerSet) behind(mine, peer []float64) float64 {
	var got, want float64
	for i, v := range mine {
		got, want = got+v, want+peer[i]
	}
	if s.Task == "regression" {
		return 100 * (got/want - 1)
	}
	return (want - got) / float64(len(mine))
}

// figures are those of the evaluations of a block, by split.
func (s *peerSet) figures(b *testing.B, dir, block string) []float64 {
	b.Helper()
	var out []float64
	for i := range min(s.Splits, map[string]int{"peer": s.Splits, "tuned": tunedSplits}[block]) {
		text, _ := child(b, dir, "show", fmt.Sprintf("evaluate.%s[\"s%d\"]", block, i), "--format", "json")
		var shown struct {
			Metrics struct{ Metrics struct{ Figure *float64 } }
		}
		if err := json.Unmarshal([]byte(text), &shown); err != nil || shown.Metrics.Metrics.Figure == nil {
			b.Fatalf("%v: no figure in %.500s", err, text)
		}
		out = append(out, *shown.Metrics.Metrics.Figure)
	}
	return out
}

// BenchmarkPeers learns from each set with the rounds, depth and rate of XGBoost, and with what 30 trials choose, and reports by how much the figures
// on the test rows are behind those of XGBoost's histogram method and of scikit-learn's histogram boosting as it comes. MLP_PEERS_DATA names a
// folder with further sets.
func BenchmarkPeers(b *testing.B) {
	python := "/usr/bin/python3"
	if exec.Command(python, "-c", "import sklearn, xgboost").Run() != nil {
		b.Skip("needs python3 with scikit-learn and XGBoost (Debian: apt-get install python3-sklearn python3-xgboost), which are not here")
	}
	dir := b.TempDir()
	cmd := exec.Command(python, "testdata/peers/peers.py", dir, os.Getenv("MLP_PEERS_DATA"))
	cmd.Env = append(os.Environ(), "OMP_WAIT_POLICY=passive") // on a busy machine its threads would wait for each other by turning in circles
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		b.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "peers.json"))
	if err != nil {
		b.Fatal(err)
	}
	var told struct {
		Rounds, Depth int
		Rate          float64
		Sets          []peerSet
	}
	if err := json.Unmarshal(data, &told); err != nil {
		b.Fatal(err)
	}
	for _, s := range told.Sets {
		b.Run(s.Name, func(b *testing.B) {
			own := b.TempDir()
			if err := os.Rename(filepath.Join(dir, s.Name+".csv"), filepath.Join(own, s.Name+".csv")); err != nil {
				b.Fatal(err)
			}
			writeModule(b, own, map[string]string{"peers.mlp": s.module(told.Rounds, told.Depth, told.Rate)})
			for b.Loop() {
				child(b, own, "apply", "--auto-approve", "--executor", "process")
			}
			peer, tuned := s.figures(b, own, "peer"), s.figures(b, own, "tuned")
			unit := map[bool]string{true: "%", false: "auc"}[s.Task == "regression"]
			b.ReportMetric(mean(peer), "figure")
			b.ReportMetric(mean(s.XGBoost), "xgboost")
			b.ReportMetric(s.behind(peer, s.XGBoost), unit+"-behind-xgboost")
			b.ReportMetric(mean(tuned), "tuned")
			b.ReportMetric(mean(s.Sklearn[:len(tuned)]), "sklearn")
			b.ReportMetric(s.behind(tuned, s.Sklearn), unit+"-behind-sklearn")
		})
	}
}

func mean(of []float64) float64 {
	sum := 0.0
	for _, v := range of {
		sum += v
	}
	return sum / math.Max(1, float64(len(of)))
}

// BenchmarkEdit is what a person waits for: an evaluation of 10,000 rows is changed, and the apply of it brings the new figures, as processes.
func BenchmarkEdit(b *testing.B) {
	dir := b.TempDir()
	var rows strings.Builder
	rows.WriteString("id,x0,x1,x2,y,side\n")
	for i := range 40_000 {
		x := [3]float64{math.Sin(float64(i)), math.Cos(float64(7 * i)), math.Mod(float64(i)*0.618, 1)}
		y := 0
		if x[0]+x[1]*x[2]+math.Sin(float64(i)*float64(i)) > 0 {
			y = 1
		}
		side := "train"
		if i%4 == 0 {
			side = "test"
		}
		fmt.Fprintf(&rows, "%d,%g,%g,%g,%d,%s\n", i, x[0], x[1], x[2], y, side)
	}
	module := func(edited int) map[string]string {
		return map[string]string{"rows.csv": rows.String(), "edit.mlp": fmt.Sprintf(`pipeline "edit" {}

source "csv" "rows" { path = "rows.csv" }

split "column" "rows" {
  from = source.rows
  by   = "side"
}

train "gradient_boosting" "model" {
  data     = split.rows.train
  target   = "y"
  task     = "binary_classification"
  features = ["x0", "x1", "x2"]
}

metric "auc"      { type = "roc_auc" }
metric "log_loss" { type = "log_loss" }

evaluate "test" {
  model   = train.model
  data    = split.rows.test
  metrics = [metric.auc, metric.log_loss]
  slice "part" { where = "x0 > %d.0 / 1000" }
}
`, edited)}
	}
	writeModule(b, dir, module(0))
	child(b, dir, "apply", "--auto-approve", "--executor", "process")
	var cpu, wall float64
	n := 0
	for b.Loop() {
		n++
		writeModule(b, dir, module(n))
		_, c := child(b, dir, "apply", "--auto-approve", "--executor", "process")
		cpu, wall = cpu+c.cpu.Seconds(), wall+c.wall.Seconds()
	}
	b.ReportMetric(wall/float64(n), "s-to-figures")
	b.ReportMetric(cpu/float64(n), "cpu-s")
}
