package file_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/model/file"
	"github.com/mlp-lang/mlp/stdlib/stagetest"
)

// TestONNX: models of scikit-learn by their graphs, with what scikit-learn says of the rows (stdlib/model/onnx).
func TestONNX(t *testing.T) {
	block := func(name, config, target string) stagetest.Block {
		data, err := os.ReadFile(filepath.Join("..", "onnx", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		return stagetest.Block{Address: "model.m", Config: `{"path": "m.onnx", "target": "y", ` + config + `}`, Files: map[string]string{"m.onnx": string(data)},
			Tables: map[string]stagetest.Table{"data": {SQL: `select * from (values (1, 0.0::double, 0.0::double, 0.0::double, ` + target + `), (2, 1, -1, 0.5, ` + target + `), (3, -0.3, 2, -2, ` + target + `)) t(id, age, pay, size, y)`}}}
	}
	_, p := read(t, stagetest.Run(t, file.Component, block("boosted.onnx", `"features": ["size", "age", "pay"]`, "1.5::double")))
	for r, want := range []float64{100.29691854658213, 100.83557432526607, 99.31416621697777} {
		if math.Abs(p.Score[r]/want-1) > 1e-6 {
			t.Errorf("an amount: row %d: got %v, want %v", r, p.Score[r], want)
		}
	}
	b, p := read(t, stagetest.Run(t, file.Component, block("forest.onnx", `"features": ["age", "pay", "size"]`, "'mid'")))
	for r, want := range []float64{0.4194423683185151, 0.6653446164814556, 0.3859577922077922} {
		if math.Abs(p.Scores[1][r]-want) > 1e-6 {
			t.Errorf("a forest: row %d: got %v, want %v", r, p.Scores[1][r], want)
		}
	}
	if s := b.Signature(); strings.Join(s.Classes, " ") != "low mid top" || b.Kind() != model.DecisionTrees || !strings.HasPrefix(b.Provenance().From, "ONNX of sklearn-onnx") {
		t.Errorf("got %+v, %+v", s, b.Provenance())
	}
	binary := block("binary.onnx", `"features": ["age", "pay", "size"], "threshold": 0.4`, "id = 2")
	binary.Tables["data"] = stagetest.Table{SQL: strings.Replace(strings.ReplaceAll(binary.Tables["data"].SQL, "id = 2", "1"), "select *", "select * replace (id = 2 as y)", 1)}
	b, p = read(t, stagetest.Run(t, file.Component, binary))
	for r, want := range []float64{0.3746660987623653, 0.6555159458158138, 0.4462512715607659} {
		if math.Abs(p.Score[r]-want) > 1e-6 || (p.Class[r] == 1) != (want >= 0.4) {
			t.Errorf("two classes: row %d: got %v and class %d, want %v", r, p.Score[r], p.Class[r], want)
		}
	}
	if b.Threshold() != 0.4 {
		t.Errorf("got the threshold %v", b.Threshold())
	}
	refused(t, block("forest.onnx", `"features": ["age", "pay", "size"], "classes": ["mid", "low", "top"]`, "'mid'"), "it has the classes low, mid, top, and the block says mid, low, top")
	refused(t, block("binary.onnx", `"features": ["age", "pay", "size"], "rounds": 2`, "true"), "it has 1 rounds, not 2")
	refused(t, block("boosted.onnx", `"features": ["size", "pay"]`, "1.5::double"), `its trees ask for "age"`)
}

// TestONNXIsExplained: the rows of data are counted where the file does not say how many of the training went which way, so single scores are explained: they start from the mean margin over these rows, and
// add up to the margin. Without rows there is nothing to start from, and the reason is said once.
func TestONNXIsExplained(t *testing.T) {
	for name, target := range map[string]string{"boosted.onnx": "1.5::double", "forest.onnx": "'mid'", "binary.onnx": "id % 3 = 0"} {
		data, err := os.ReadFile(filepath.Join("..", "onnx", "testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		taken := func(rows string) *model.Bundle {
			b, _ := read(t, stagetest.Run(t, file.Component, stagetest.Block{Address: "model.m", Config: `{"path": "m.onnx", "target": "y", "features": ["age", "pay", "size"]}`, Files: map[string]string{"m.onnx": string(data)},
				Tables: map[string]stagetest.Table{"data": {SQL: `select *, ` + target + ` as y from (select i as id, (hash(i) % 400) / 100.0 - 2 as age, (hash(i + 1000) % 400) / 100.0 - 2 as pay, (hash(i + 2000) % 400) / 100.0 - 2 as size from range(` + rows + `) t(i))`}}}))
			return b
		}
		b := taken("90")
		columns, rows := make([]component.Values, 3), 90
		var at []int
		f := stagetest.Read(t, `select (hash(i) % 400) / 100.0 - 2 as age, (hash(i + 1000) % 400) / 100.0 - 2 as pay, (hash(i + 2000) % 400) / 100.0 - 2 as size from range(90) t(i)`)
		for c := range columns {
			columns[c].Num = f.Columns[c].Num
		}
		for r := range rows {
			at = append(at, r)
		}
		got, err := b.Serve().(component.Explainer).Explain(t.Context(), rows, columns)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		a, err := b.Attribute(t.Context(), f, at, nil, "", 2)
		if err != nil || a.Method != model.TreeSHAP {
			t.Fatalf("%s: %v, %+v", name, err, a)
		}
		for o := range got[0].Base {
			mean := 0.0
			for r, x := range got {
				sum := x.Base[o]
				for k, part := range x.Contributions[o] {
					sum += part
					if part != a.Values[o][k][r] {
						t.Fatalf("%s, row %d: served %v, evaluated %v", name, r, part, a.Values[o][k][r])
					}
				}
				if math.Abs(sum-x.Margin[o]) > 1e-9 {
					t.Errorf("%s, row %d: %v adds up to %v, and the margin is %v", name, r, x, sum, x.Margin[o])
				}
				mean += x.Margin[o] / float64(rows)
			}
			if math.Abs(mean-got[0].Base[o]) > 1e-9 {
				t.Errorf("%s: explanations start from %v, and the mean margin is %v", name, got[0].Base[o], mean)
			}
		}
		if name != "boosted.onnx" { // classes are found in the data
			continue
		}
		_, err = taken("0").Serve().(component.Explainer).Explain(t.Context(), rows, columns)
		if !errors.Is(err, component.ErrUnexplained) || strings.Count(err.Error(), "which way") != 1 {
			t.Errorf("%s without rows: %v", name, err)
		}
		_, err = taken("0").Attribute(t.Context(), f, at, nil, model.TreeSHAP, 1)
		if !errors.Is(err, model.ErrMethod) || err.Error() != "the trees do not say how many training rows went which way" {
			t.Errorf("%s without rows: %v", name, err)
		}
	}
}
