package train_test

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/table"
	"github.com/mlp-lang/mlp/stdlib/train/baseline"
)

// elec is whether the price of electricity rose, and whether it had risen half an hour before.
func elec(t *testing.T) *frame.Frame {
	t.Helper()
	file, err := os.Open("../../../shared/data/elec.csv")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("needs ../shared/data/elec.csv, which is not here")
	} else if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	records, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	class := slices.Index(records[0], "class")
	var levels []string
	for _, r := range records[1:] {
		if !slices.Contains(levels, r[class]) {
			levels = append(levels, r[class])
		}
	}
	slices.Sort(levels)
	now := frame.Column{Name: "class", Type: "varchar", Levels: levels}
	for _, r := range records[1:] {
		now.Codes = append(now.Codes, int32(slices.Index(levels, r[class])))
	}
	n := len(now.Codes)
	before := frame.Column{Name: "before", Type: "varchar", Levels: levels, Codes: append([]int32{-1}, now.Codes[:n-1]...)}
	return &frame.Frame{Rows: n, Columns: []frame.Column{now, before}}
}

// TestLastClassSeen: predicting the last class seen has accuracy 0.853303 on this data, which is known.
func TestLastClassSeen(t *testing.T) {
	f := elec(t)
	root := t.TempDir()
	in := filepath.Join(root, "in", "data")
	if err := errors.Join(os.MkdirAll(in, 0o755), os.MkdirAll(filepath.Join(root, "out"), 0o755),
		table.WriteFrame(t.Context(), filepath.Join(in, component.TableFile), f, nil)); err != nil {
		t.Fatal(err)
	}
	spec, err := json.Marshal(component.Spec{Protocol: component.Protocol, Address: "train.last", Component: "train.baseline",
		Config: json.RawMessage(`{"target": "class", "column": "before"}`),
		In: map[string]schema.Shape{"data": {Type: schema.TablePort, Table: &schema.Table{
			Columns: []schema.Column{{Name: "class", Type: "varchar"}, {Name: "before", Type: "varchar"}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "stage.json"), spec, 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := component.Open(root, 1, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := baseline.Component.Run(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	b, err := model.Read(filepath.Join(root, "out", "model"))
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.Score(f, 1)
	if err != nil {
		t.Fatal(err)
	}
	right := 0.0
	for r := 1; r < f.Rows; r++ {
		if p.Class[r] == f.Columns[0].Codes[r] {
			right++
		}
	}
	if got := right / float64(f.Rows-1); math.Abs(got-0.853303) > 5e-7 {
		t.Errorf("accuracy %.6f, want 0.853303", got)
	}
}
