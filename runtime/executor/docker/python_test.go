package docker

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/executor"
)

const pythonImage = "mlp-example-python:1"

// TestDockerTrainsAndPredictsInPython runs the scripts of examples/python as the engine would: trained twice, the model
// is the same to the byte, and it ranks the test rows well.
func TestDockerTrainsAndPredictsInPython(t *testing.T) {
	e := newExecutor(t, Options{})
	image, _, err := e.Resolve(context.Background(), pythonImage)
	if errors.Is(err, executor.ErrImage) && os.Getenv("MLP_REQUIRE_PYTHON_IMAGE") != "1" {
		t.Skipf("no image %s: examples/python/image.sh makes it", pythonImage)
	}
	if err != nil {
		t.Fatal(err)
	}
	train, test, actual := creditTables(t)
	models := [2]string{}
	for i := range models {
		task := pythonTask(t, image, "train.py", map[string]string{"data": train}, "model", schema.ModelPort)
		models[i] = filepath.Join(task.Out, "model")
		runPython(t, e, task)
	}
	if a, b := readFile(t, filepath.Join(models[0], "model.pickle")), readFile(t, filepath.Join(models[1], "model.pickle")); !bytes.Equal(a, b) {
		t.Error("trained twice on the same rows, the models differ")
	}
	task := pythonTask(t, image, "predict.py", map[string]string{"data": test, "model": models[0]}, "predictions", schema.TablePort)
	runPython(t, e, task)
	rows, err := csv.NewReader(bytes.NewReader(readFile(t, filepath.Join(task.Out, "predictions", "table.csv")))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(rows), len(actual)+1; got != want || rows[0][0] != "score" {
		t.Fatalf("got %d lines under %q, want %d under score", got, rows[0], want)
	}
	var scores []float64
	for _, row := range rows[1:] {
		score, err := strconv.ParseFloat(row[0], 64)
		if err != nil {
			t.Fatal(err)
		}
		scores = append(scores, score)
	}
	if got := auc(scores, actual); got < 0.82 {
		t.Errorf("AUC on the test rows: got %.4f, want 0.82 or more", got)
	} else {
		t.Logf("AUC on the test rows: %.4f", got)
	}
}

// creditTables splits the example's data by its is_test column into CSV tables without it, and returns the folders and
// the actual values of the test side.
func creditTables(t *testing.T) (train, test string, actual []bool) {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(readFile(t, "../../../examples/python/data/credit.csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	last := len(rows[0]) - 1
	sides := map[string][][]string{"0": {rows[0][:last]}, "1": {rows[0][:last]}}
	for _, row := range rows[1:] {
		sides[row[last]] = append(sides[row[last]], row[:last])
		if row[last] == "1" {
			actual = append(actual, row[last-1] == "1")
		}
	}
	return writeTable(t, sides["0"]), writeTable(t, sides["1"]), actual
}

func writeTable(t *testing.T, rows [][]string) string {
	t.Helper()
	dir := t.TempDir()
	file, err := os.Create(filepath.Join(dir, "table.csv"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(csv.NewWriter(file).WriteAll(rows), file.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func pythonTask(t *testing.T, image, script string, inputs map[string]string, out string, outType schema.PortType) executor.Task {
	t.Helper()
	task, _ := newTask(t, "python")
	task.Container = &executor.Container{ImageID: image, Command: []string{"python3", "/app/" + script}}
	task.Inputs = nil
	for port, path := range inputs {
		task.Inputs = append(task.Inputs, executor.Input{Port: port, Path: path})
	}
	table := &schema.Table{}
	for _, name := range []string{"seniority", "expenses", "income", "assets", "debt", "amount", "price"} {
		table.Columns = append(table.Columns, schema.Column{Name: name, Type: "double"})
	}
	for _, name := range []string{"home", "records", "job"} {
		table.Columns = append(table.Columns, schema.Column{Name: name, Type: "varchar"})
	}
	table.Columns = append(table.Columns, schema.Column{Name: "target", Type: "bigint"})
	task.Spec = component.Spec{
		Protocol: component.Protocol, Address: "train.forest", Component: "train.container", Version: 1, Seed: 7,
		Config: []byte(`{"target":"target","params":{"trees":150,"learning_rate":0.05},
			"features":["seniority","home","records","job","expenses","income","assets","debt","amount","price"]}`),
		In:  map[string]schema.Shape{"data": {Type: schema.TablePort, Table: table}},
		Out: map[string]schema.Shape{out: {Type: outType}},
	}
	if _, ok := inputs["model"]; ok {
		task.Spec.In["model"] = schema.Shape{Type: schema.ModelPort}
	}
	return task
}

func runPython(t *testing.T, e *Executor, task executor.Task) {
	t.Helper()
	got, err := e.Run(context.Background(), task)
	if err != nil || got.ExitCode != 0 {
		t.Fatalf("got %+v, %v, want success; log %q", got, err, task.Log)
	}
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// auc is the share of pairs of a positive and a negative that the scores put in order, ties counting half.
func auc(scores []float64, actual []bool) float64 {
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(a, b int) bool { return scores[order[a]] < scores[order[b]] })
	var positives, negatives, wins float64
	for i := 0; i < len(order); {
		var tiedPositives, tiedNegatives float64
		j := i
		for ; j < len(order) && scores[order[j]] == scores[order[i]]; j++ {
			if actual[order[j]] {
				tiedPositives++
			} else {
				tiedNegatives++
			}
		}
		wins += tiedPositives * (negatives + tiedNegatives/2)
		positives, negatives, i = positives+tiedPositives, negatives+tiedNegatives, j
	}
	return wins / (positives * negatives)
}
