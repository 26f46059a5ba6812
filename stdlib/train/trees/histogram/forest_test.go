package histogram

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

func forestParams(classes int) ForestParams {
	return ForestParams{Classes: classes, Trees: 30, MinSamplesLeaf: 3, MaxFeatures: 2, Bootstrap: true, MaxSamples: 1, Seed: 4, Threads: 2}
}

func growForest(t testing.TB, d, validation *Data, p ForestParams) *ForestResult {
	t.Helper()
	b, err := Bin(d, p.Threads)
	if err != nil {
		t.Fatal(err)
	}
	var other *Coded
	if validation != nil {
		other = b.Other(validation.Target, validation.Weight)
		other.Add(validation.columns(0, len(validation.Columns)), 1)
	}
	r, err := b.Forest(t.Context(), other, p, ignore)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// forestOf is a table for so many classes; 0: amounts.
func forestOf(classes int) (*Data, ForestParams) {
	kind := map[int]xgboost.Objective{0: xgboost.SquaredError, 2: xgboost.Logistic, 3: xgboost.Softmax}[classes]
	return mixedFor(kind), forestParams(classes)
}

func TestForestThreadsDoNotMatter(t *testing.T) {
	for _, classes := range []int{0, 2, 3} {
		d, p := forestOf(classes)
		d.Weight = make([]float64, len(d.Target))
		for r := range d.Weight {
			d.Weight[r] = 0.1 * float64(r%7)
		}
		p.Trees = 7
		var first []byte
		var loss float64
		for _, threads := range []int{1, 2, 8} {
			p.Threads = threads
			r := growForest(t, d, d, p)
			got, err := r.Model.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first, loss = got, r.OutOfBagLoss
			}
			if !bytes.Equal(got, first) || r.OutOfBagLoss != loss {
				t.Errorf("%d classes: %d threads give another forest than 1", classes, threads)
			}
		}
	}
}

// TestForestByHand: one tree on all rows splits where the targets part, and its leaves are their means.
func TestForestByHand(t *testing.T) {
	d := &Data{Columns: [][]float64{{1, 2, 3, 4, math.NaN(), math.NaN()}}, Levels: []int{0}, Target: []float64{0, 0, 10, 10, 40, 40}}
	p := ForestParams{Trees: 1, MinSamplesLeaf: 1, MaxFeatures: 1, MaxSamples: 1, Threads: 1}
	r := growForest(t, d, nil, p)
	for i, got := range predict(t, r.Model, d)[0] {
		if got != d.Target[i] {
			t.Errorf("row %d is predicted %g of %g", i, got, d.Target[i])
		}
	}
	// The missing rows apart gain most: 20²·4 + … ; then 2.5 parts the others.
	root := r.Model.Trees[0].Nodes[0]
	if root.DefaultLeft || root.Gain != 1633.3334 {
		t.Errorf("the root has the gain %v, missing left %v", root.Gain, root.DefaultLeft)
	}
	if r.OutOfBag != 0 || !math.IsNaN(r.OutOfBagLoss) {
		t.Errorf("%d rows are out of a bag of all", r.OutOfBag)
	}
	p.MinSamplesLeaf = 4
	if n := len(growForest(t, d, nil, p).Model.Trees[0].Nodes); n != 1 {
		t.Errorf("leaves of four rows of six, and %d nodes", n)
	}
}

// TestForestLeaves: no leaf has fewer rows than it may, by the weight of rows that are drawn once, and no node lies deeper.
func TestForestLeaves(t *testing.T) {
	d, p := forestOf(3)
	p.Bootstrap, p.MaxSamples, p.MaxDepth = false, 0.5, 6
	m := growForest(t, d, nil, p).Model
	for i := range m.Trees {
		depth := make([]int, len(m.Trees[i].Nodes))
		total := 0.0
		for j := range m.Trees[i].Nodes {
			n := &m.Trees[i].Nodes[j]
			if !n.Leaf() {
				depth[n.Left], depth[n.Right] = depth[j]+1, depth[j]+1
				continue
			}
			total += float64(n.Hessian)
			if n.Hessian < 3 || depth[j] > 6 {
				t.Fatalf("a leaf of %g rows at depth %d", n.Hessian, depth[j])
			}
		}
		if total != 1500 {
			t.Errorf("tree %d is grown on %g rows of 3000, half of them wanted", i, total)
		}
	}
}

// TestOutOfBag: the loss on rows that trees were not grown on is near that on rows of the same kind, and far above that on all; shares of classes add up to 1.
func TestOutOfBag(t *testing.T) {
	for _, classes := range []int{0, 2, 3} {
		d, p := forestOf(classes)
		half := len(d.Target) / 2
		train, test := &Data{Levels: d.Levels, Target: d.Target[:half]}, &Data{Levels: d.Levels, Target: d.Target[half:]}
		for _, c := range d.Columns {
			train.Columns, test.Columns = append(train.Columns, c[:half]), append(test.Columns, c[half:])
		}
		p.Trees, p.MinSamplesLeaf = 80, 10
		r := growForest(t, train, test, p)
		if r.OutOfBag != half || math.Abs(r.OutOfBagLoss/r.ValidationLoss-1) > 0.12 || r.TrainingLoss > 0.9*r.OutOfBagLoss {
			t.Errorf("%d classes: loss %g on all rows, %g out of bag (%d rows), %g on others", classes, r.TrainingLoss, r.OutOfBagLoss, r.OutOfBag, r.ValidationLoss)
		}
		out := predict(t, r.Model, test)
		for row := range test.Target {
			total := 0.0
			for c := range out {
				total += out[c][row]
			}
			if classes > 2 && math.Abs(total-1) > 1e-5 {
				t.Fatalf("the shares of row %d add up to %g", row, total)
			}
		}
	}
}

const forestScript = reading + `
x, _ = table("rows.json")
out = []
for c in ["0", "2", "3"]:
    b = xgboost.Booster()
    b.load_model(dir + "/" + c + ".json")
    m = xgboost.DMatrix(x, feature_names=b.feature_names, feature_types=b.feature_types, enable_categorical=True)
    out.append(np.ravel(b.predict(m)).tolist())
print(json.dumps(out))
`

// TestXGBoostReadsForests: XGBoost predicts what we do.
func TestXGBoostReadsForests(t *testing.T) {
	python(t)
	dir := t.TempDir()
	var models []*xgboost.Model
	var rows *Data
	for _, classes := range []int{0, 2, 3} {
		d, p := forestOf(classes)
		m := growForest(t, d, nil, p).Model
		m.FeatureNames, m.FeatureTypes = []string{"x", "few", "many", "count"}, []string{"q", "c", "c", "q"}
		data, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, map[int]string{0: "0", 2: "2", 3: "3"}[classes]+".json"), data, 0o644); err != nil {
			t.Fatal(err)
		}
		again, err := xgboost.Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		models, rows = append(models, again), strange(d)
	}
	writeRows(t, filepath.Join(dir, "rows.json"), rows)
	var got [][]float64
	run(t, forestScript, dir, 1, &got)
	for i, m := range models {
		out := predict(t, m, rows)
		for r := range rows.Target {
			for k := range out {
				if want := got[i][r*len(out)+k]; math.Abs(out[k][r]-want) > 1e-6*max(1, math.Abs(want)) {
					t.Fatalf("row %d, output %d: got %g, XGBoost says %g", r, k, out[k][r], want)
				}
			}
		}
	}
}
