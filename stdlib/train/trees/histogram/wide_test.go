package histogram

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

// wider is a table whose first column says that it has so many categories more than occur.
func wider(d *Data, more int) *Data {
	out := *d
	out.Levels = append([]int{d.Levels[0] + more}, d.Levels[1:]...)
	return &out
}

// TestWideFeaturesPartAsOthers: a feature of 200 categories is parted in the same way where it is laid out as one of thousands.
func TestWideFeaturesPartAsOthers(t *testing.T) {
	for _, gaps := range []bool{false, true} {
		d := skewed(200, 1500, gaps, 3)
		for _, p := range []struct {
			weight float64
			onehot int
		}{{1, 4}, {0, 4}, {5, 4}, {1, 100_000}} {
			q := params(xgboost.Logistic)
			q.Trees, q.MinChildWeight, q.MaxCatToOneHot, q.MaxCatThreshold = 20, p.weight, p.onehot, 100_000
			few, many := fit(t, d, nil, q), fit(t, wider(d, 5000), nil, q)
			if few.TrainingLoss != many.TrainingLoss {
				t.Errorf("gaps %v, %+v: training loss %.9f, and %.9f of a wide feature", gaps, p, few.TrainingLoss, many.TrainingLoss)
			}
		}
		p := forestParams(2)
		p.Bootstrap, p.MaxFeatures, p.MaxDepth = false, 2, 4
		few, many := growForest(t, d, nil, p), growForest(t, wider(d, 5000), nil, p)
		if math.Abs(few.TrainingLoss-many.TrainingLoss) > 1e-9 {
			t.Errorf("gaps %v: training loss of the forest %.9f, and %.9f of a wide feature", gaps, few.TrainingLoss, many.TrainingLoss)
		}
	}
}

// wideTable has a feature of as many categories as can be, of which a thousand occur, the first and the last among them.
func wideTable() *Data {
	d := skewed(1000, 4000, true, 5)
	d.Levels[0] = MaxLevels
	for r, x := range d.Columns[0] {
		d.Columns[0][r] = math.Floor(x * float64(MaxLevels-1) / 999)
	}
	return d
}

// TestWideThreadsDoNotMatter: the same bytes on any number of threads, and the model says of each row what the fit did.
func TestWideThreadsDoNotMatter(t *testing.T) {
	d := wideTable()
	for _, leaves := range []int{0, 9} {
		p := params(xgboost.Logistic)
		p.Trees, p.MaxLeaves, p.Subsample, p.Seed = 8, leaves, 0.8, 3
		var first []byte
		for _, threads := range []int{1, 2, 8} {
			p.Threads = threads
			r := fit(t, d, d, p)
			got := encoded(t, r)
			if first == nil {
				first = got
				told(t, d, r.Model, r.TrainingLoss)
			}
			if !bytes.Equal(got, first) {
				t.Errorf("boosting, %d leaves: %d threads give another model than 1", leaves, threads)
			}
		}
	}
	q := forestParams(2)
	q.Trees = 8
	var first []byte
	for _, threads := range []int{1, 2, 8} {
		q.Threads = threads
		r := growForest(t, d, d, q)
		got, err := r.Model.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = got
			told(t, d, r.Model, r.TrainingLoss)
		}
		if !bytes.Equal(got, first) {
			t.Errorf("forest: %d threads give another model than 1", threads)
		}
	}
}

// told holds the mean log loss of a model's scores to what its fit said, and the lists of categories to what they may be.
func told(t *testing.T, d *Data, m *xgboost.Model, loss float64) {
	t.Helper()
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := xgboost.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	got, wide := 0.0, 0
	for r, p := range predict(t, again, d)[0] {
		if d.Target[r] == 0 {
			p = 1 - p
		}
		got -= math.Log(max(p, 1e-16)) / float64(len(d.Target))
	}
	if math.Abs(got-loss) > 1e-6 {
		t.Errorf("the model's loss is %.9f, and the fit's was %.9f", got, loss)
	}
	for i := range again.Trees {
		for k := range again.Trees[i].Nodes {
			if n := &again.Trees[i].Nodes[k]; n.Categories != nil {
				wide++
				if len(n.Categories) > 1000 {
					t.Fatalf("a node lists %d categories, of 1000 that occur", len(n.Categories))
				}
			}
		}
	}
	if wide == 0 {
		t.Error("no node splits by categories")
	}
}

const wideScript = reading + `
x, _ = table("rows.json")
out = []
for name in ["boosted", "forest"]:
    b = xgboost.Booster()
    b.load_model(dir + "/" + name + ".json")
    m = xgboost.DMatrix(x, feature_names=b.feature_names, feature_types=b.feature_types, enable_categorical=True)
    out.append(b.predict(m).tolist())
print(json.dumps(out))
`

// TestXGBoostReadsWideFeatures: XGBoost predicts what we do.
func TestXGBoostReadsWideFeatures(t *testing.T) {
	python(t)
	dir, d := t.TempDir(), wideTable()
	p, q := params(xgboost.Logistic), forestParams(2)
	p.Trees, q.Trees = 20, 10
	models := map[string]*xgboost.Model{"boosted": fit(t, d, nil, p).Model, "forest": growForest(t, d, nil, q).Model}
	for name, m := range models {
		m.FeatureNames, m.FeatureTypes = []string{"place", "x"}, []string{"c", "q"}
		data, err := m.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".json"), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, row := range [][2]float64{{math.NaN(), 0}, {1, 1}, {MaxLevels - 1, -1}, {MaxLevels - 2, math.NaN()}} {
		d.Columns[0], d.Columns[1], d.Target = append(d.Columns[0], row[0]), append(d.Columns[1], row[1]), append(d.Target, 0)
	}
	writeRows(t, filepath.Join(dir, "rows.json"), d)
	var got [][]float64
	run(t, wideScript, dir, 1, &got)
	for i, name := range []string{"boosted", "forest"} {
		for r, mine := range predict(t, models[name], d)[0] {
			if math.Abs(mine-got[i][r]) > 1e-6 {
				t.Fatalf("%s, row %d: got %g, XGBoost says %g", name, r, mine, got[i][r])
			}
		}
	}
}
