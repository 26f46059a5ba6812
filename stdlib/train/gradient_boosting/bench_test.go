package gradient_boosting_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
	"github.com/mlp-lang/mlp/stdlib/table"
	gb "github.com/mlp-lang/mlp/stdlib/train/gradient_boosting"
)

// peerScript fits the rows of a file of 32-bit floats, the target behind the features, and tells what that took: processor seconds of
// the fit, matrix included, and of the whole process, and the most memory that the process had.
const peerScript = `
import json, sys, time, numpy as np, xgboost
rows = np.fromfile(sys.argv[1], dtype=np.float32).reshape(-1, int(sys.argv[2]) + 1)
start = time.process_time()
m = xgboost.DMatrix(rows[:, :-1], rows[:, -1], nthread=2)
b = xgboost.train({"objective": "binary:logistic", "tree_method": "hist", "max_depth": 6, "eta": 0.3, "nthread": 2}, m, 100)
fit = time.process_time() - start
peak = [int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("VmHWM")][0] / 1024
print(json.dumps({"fit": fit, "process": time.process_time(), "peak": peak, "loss": float(b.eval(m).split(":")[1])}))
`

// BenchmarkStage trains on 1,000,000 rows of 28 numbers, 100 trees of depth 6, as a stage in a process of its own, and then has XGBoost's
// histogram method fit the same rows, each on two threads. It reports the stage's processor time over that of XGBoost's fit alone, and
// its peak memory over that of XGBoost's process, which reads the rows as 32-bit floats.
func BenchmarkStage(b *testing.B) {
	const rows, features = 1_000_000, 28
	mlp := os.Getenv("MLP_BIN")
	if mlp == "" {
		b.Skip("MLP_BIN names no binary")
	}
	if exec.Command("/usr/bin/python3", "-c", "import numpy, xgboost").Run() != nil {
		b.Skip("needs python3 with xgboost (Debian: apt-get install python3-xgboost), which is not here")
	}
	root, floats := b.TempDir(), filepath.Join(b.TempDir(), "rows.f32")
	stageOf(b, root, floats, rows, features)
	var ours, theirs struct{ CPU, Peak float64 }
	for b.Loop() {
		if err := os.RemoveAll(filepath.Join(root, "out")); err != nil {
			b.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(root, "out"), 0o755); err != nil {
			b.Fatal(err)
		}
		cpu, peak := stageProcess(b, mlp, root)
		var peer struct{ Fit, Process, Peak, Loss float64 }
		python := exec.Command("/usr/bin/python3", "-c", peerScript, floats, fmt.Sprint(features))
		python.Env = append(os.Environ(), "OMP_WAIT_POLICY=passive") // on a busy machine its threads would count for their waiting
		out, err := python.Output()
		if err != nil {
			b.Fatal(err)
		}
		if err := json.Unmarshal(out, &peer); err != nil {
			b.Fatalf("%v in %s", err, out)
		}
		b.Logf("training loss: %.5f here, %.5f there", trainingLoss(b, root), peer.Loss)
		ours.CPU, theirs.CPU = ours.CPU+cpu, theirs.CPU+peer.Fit
		ours.Peak, theirs.Peak = max(ours.Peak, peak), max(theirs.Peak, peer.Peak)
	}
	n := float64(b.N)
	b.ReportMetric(ours.CPU/n, "cpu-s")
	b.ReportMetric(theirs.CPU/n, "xgboost-fit-cpu-s")
	b.ReportMetric(ours.CPU/theirs.CPU, "cpu/xgboost-fit")
	b.ReportMetric(ours.Peak, "peak-MB")
	b.ReportMetric(theirs.Peak, "xgboost-peak-MB")
	b.ReportMetric(ours.Peak/theirs.Peak, "peak/xgboost")
}

// stageOf lays out a stage that trains on so many rows, of which each fiftieth value is missing, and writes the rows for XGBoost.
func stageOf(b *testing.B, root, floats string, rows, features int) {
	b.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	f := &frame.Frame{Rows: rows, Columns: make([]frame.Column, features+1)}
	margin := make([]float64, rows)
	names := make([]string, features)
	for i := range names {
		names[i] = fmt.Sprintf("x%d", i)
		column := make([]float64, rows)
		for row := range column {
			x := r.NormFloat64()
			switch i % 4 {
			case 1:
				x = math.Exp(x)
			case 2:
				x = math.Round(20 * x)
			}
			if i < 8 {
				margin[row] += math.Sin(x+float64(i)) * float64(i+1) / 6
			}
			if column[row] = float64(float32(x)); r.IntN(50) == 0 {
				column[row] = math.NaN()
			}
		}
		f.Columns[i] = frame.Column{Name: names[i], Type: "double", Num: column}
	}
	target := make([]float64, rows)
	for row := range target {
		if r.Float64() < 1/(1+math.Exp(-margin[row])) {
			target[row] = 1
		}
	}
	f.Columns[features] = frame.Column{Name: "y", Type: "boolean", Num: target}
	config := fmt.Sprintf(`{"target": "y", "features": ["%s"], "params": {"trees": 100, "learning_rate": 0.3, "max_depth": 6}}`, strings.Join(names, `", "`))
	in := &schema.Table{}
	for _, c := range f.Columns {
		in.Columns = append(in.Columns, schema.Column{Name: c.Name, Type: c.Type})
	}
	block := stagetest.Block{Address: "train.m", Config: config, Tables: map[string]stagetest.Table{"data": {SQL: "select 1 as one", Schema: *in}}}
	shape := stagetest.Shape(b, gb.Component, block)
	s := component.Stage{Root: root, Spec: component.Spec{Protocol: component.Protocol, Address: block.Address, Component: gb.Component.Name(),
		Version: gb.Component.Type.Version, Config: json.RawMessage(config), Out: shape.Out,
		In: map[string]schema.Shape{"data": {Type: schema.TablePort, Table: in}}}}
	spec, err := json.Marshal(s.Spec)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(s.InputTable("data")), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "stage.json"), spec, 0o644); err != nil {
		b.Fatal(err)
	}
	if err := table.WriteFrame(b.Context(), s.InputTable("data"), f, nil); err != nil {
		b.Fatal(err)
	}
	all := make([]float32, 0, rows*(features+1))
	for row := range rows {
		for i := range f.Columns {
			all = append(all, float32(f.Columns[i].Num[row]))
		}
	}
	if err := os.WriteFile(floats, unsafe.Slice((*byte)(unsafe.Pointer(&all[0])), 4*len(all)), 0o644); err != nil {
		b.Fatal(err)
	}
}

// stageProcess runs a stage on two threads; processor seconds, and the most memory that it had, in MB, as was seen while it ran.
func stageProcess(b *testing.B, mlp, root string) (cpu, peak float64) {
	b.Helper()
	var log strings.Builder
	cmd := exec.Command(mlp, "stage", "--root", root, "--threads", "2")
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
			_, line, _ := strings.Cut(string(status), "VmHWM:")
			var kb float64
			if _, err := fmt.Sscan(line, &kb); err == nil {
				peak = max(peak, kb/1024)
			}
		case err := <-done:
			if err != nil {
				b.Fatalf("%v\n%.2000s", err, log.String())
			}
			return (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), peak
		}
	}
}

func trainingLoss(b *testing.B, root string) float64 {
	b.Helper()
	data, err := os.ReadFile(filepath.Join(root, "out", "metrics.json"))
	if err != nil {
		b.Fatal(err)
	}
	var figures struct {
		TrainingLoss float64 `json:"training_loss"`
	}
	if err := json.Unmarshal(data, &figures); err != nil {
		b.Fatal(err)
	}
	return figures.TrainingLoss
}
