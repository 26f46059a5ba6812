package histogram

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

// python returns an interpreter that can import xgboost, and skips the test where there is none.
func python(tb testing.TB) string {
	tb.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import numpy, xgboost").Run() == nil {
			return name
		}
	}
	tb.Skip("needs python3 with xgboost (Debian: apt-get install python3-xgboost), which is not here")
	return ""
}

// run runs a script on the folder's files, on so many threads, and decodes what it prints.
func run(tb testing.TB, script, dir string, threads int, out any) {
	tb.Helper()
	cmd := exec.Command(python(tb), "-c", script, dir)
	cmd.Env = append(os.Environ(), fmt.Sprintf("OMP_NUM_THREADS=%d", threads))
	var errors bytes.Buffer
	cmd.Stderr = &errors
	printed, err := cmd.Output()
	if err != nil {
		tb.Fatalf("%v\n%s", err, errors.String())
	}
	if err := json.Unmarshal(printed, out); err != nil {
		tb.Fatalf("%v in %s", err, printed)
	}
}

// rows are the feature columns as JSON, null where missing.
func writeRows(tb testing.TB, path string, d *Data) {
	tb.Helper()
	type file struct {
		Columns [][]*float64 `json:"columns"`
		Target  []float64    `json:"target"`
	}
	f := file{Target: d.Target}
	for _, column := range d.Columns {
		cells := make([]*float64, len(column))
		for r := range column {
			if column[r] == column[r] {
				cells[r] = &column[r]
			}
		}
		f.Columns = append(f.Columns, cells)
	}
	writeJSON(tb, path, f)
}

func writeJSON(tb testing.TB, path string, v any) {
	tb.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		tb.Fatal(err)
	}
}

const reading = `
import json, sys, time, numpy as np, xgboost
dir = sys.argv[1]
def table(name):
    d = json.load(open(dir + "/" + name))
    x = np.array([[np.nan if v is None else v for v in c] for c in d["columns"]], dtype=np.float32).T
    return x, np.array(d["target"], dtype=np.float32)
`

const scoreScript = reading + `
b = xgboost.Booster()
b.load_model(dir + "/model.json")
x, _ = table("rows.json")
m = xgboost.DMatrix(x, feature_names=b.feature_names, feature_types=b.feature_types, enable_categorical=True)
print(json.dumps({"margin": b.predict(m, output_margin=True).tolist(), "score": b.predict(m).tolist(),
  "contributions": b.predict(m, pred_contribs=True).tolist(), "resaved": b.save_raw("json").decode()}))
`

// mixed is a table of numbers, few and many categories, all with gaps; rows beyond the first half hold values and
// categories that the first half has not.
func mixed(rows int, target func(x, few, many float64, r *rand.Rand) float64) *Data {
	r := rand.New(rand.NewPCG(1, 2))
	d := &Data{Columns: make([][]float64, 4), Levels: []int{0, 3, 40, 0}}
	for range rows {
		x, few, many := r.NormFloat64()*100, float64(r.IntN(3)), float64(r.IntN(40))
		d.Target = append(d.Target, target(x, few, many, r))
		for c, v := range []float64{x, few, many, math.Round(r.ExpFloat64() * 3)} {
			if r.IntN(8) == 0 {
				v = math.NaN()
			}
			d.Columns[c] = append(d.Columns[c], v)
		}
	}
	return d
}

func mixedFor(o xgboost.Objective) *Data {
	return mixed(3000, func(x, few, many float64, r *rand.Rand) float64 {
		v := x/50 + few + float64(int(many)%5) + r.NormFloat64()
		switch o {
		case xgboost.Logistic:
			return is(v > 3)
		case xgboost.Softmax:
			return min(max(math.Floor(v/2), 0), 2)
		case xgboost.Poisson, xgboost.Gamma, xgboost.Tweedie:
			return math.Exp(v / 3)
		}
		return v * 1000
	})
}

// strange are rows to score: what was trained on, and what was not.
func strange(d *Data) *Data {
	out := &Data{Columns: make([][]float64, len(d.Columns)), Target: append([]float64{}, d.Target[:500]...)}
	for c := range d.Columns {
		out.Columns[c] = append(out.Columns[c], d.Columns[c][:500]...)
	}
	for _, row := range [][]float64{
		{math.NaN(), math.NaN(), math.NaN(), math.NaN()}, {1e30, 2, 39, -1e30}, {-1e30, 0, 0, 1e30}, {0, 1, 63, 0}, {0, 1, 31, 0}, {0, 1, 32, 0},
	} {
		for c := range row {
			out.Columns[c] = append(out.Columns[c], row[c])
		}
		out.Target = append(out.Target, 0)
	}
	return out
}

func fitMixed(tb testing.TB, o xgboost.Objective) (*Data, *xgboost.Model) {
	tb.Helper()
	d := mixedFor(o)
	p := params(o)
	p.Trees, p.MaxDepth, p.Subsample = 40, 5, 0.9
	p.Quantile, p.HuberSlope, p.TweediePower = 0.8, 500, 1.4
	if o == xgboost.Softmax {
		p.Classes = 3
	}
	r, err := Fit(context.Background(), d, nil, p, ignore)
	if err != nil {
		tb.Fatal(err)
	}
	r.Model.FeatureNames = []string{"x", "few", "many", "count"}
	r.Model.FeatureTypes = []string{"q", "c", "c", "q"}
	return d, r.Model
}

// TestXGBoostReadsOurModels compares margins bit by bit, scores to within 1e-6, and what margins come from (TreeSHAP) as far as XGBoost's 32 bits go.
func TestXGBoostReadsOurModels(t *testing.T) {
	python(t)
	for _, o := range []xgboost.Objective{xgboost.Logistic, xgboost.Softmax, xgboost.SquaredError} {
		t.Run(string(o), func(t *testing.T) {
			d, m := fitMixed(t, o)
			dir := t.TempDir()
			data, err := m.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "model.json"), data, 0o644); err != nil {
				t.Fatal(err)
			}
			rows := strange(d)
			writeRows(t, filepath.Join(dir, "rows.json"), rows)
			var got struct {
				Margin, Score, Contributions any
				Resaved                      string
			}
			run(t, scoreScript, dir, 1, &got)
			compare(t, m, rows, flatten(got.Margin), flatten(got.Score))
			compareAttributions(t, m, rows, flatten(got.Contributions))
			again, err := xgboost.Decode([]byte(got.Resaved))
			if err != nil {
				t.Fatalf("what XGBoost saved of it: %v", err)
			}
			compare(t, again, rows, flatten(got.Margin), flatten(got.Score))
		})
	}
}

func flatten(v any) []float64 {
	list, ok := v.([]any)
	if !ok {
		return []float64{v.(float64)}
	}
	var out []float64
	for _, e := range list {
		out = append(out, flatten(e)...)
	}
	return out
}

func compare(t *testing.T, m *xgboost.Model, d *Data, margins, scores []float64) {
	t.Helper()
	s, err := m.Scorer()
	if err != nil {
		t.Fatal(err)
	}
	g := m.Groups()
	if len(margins) != len(d.Target)*g || len(scores) != len(margins) {
		t.Fatalf("%d margins and %d scores of %d rows", len(margins), len(scores), len(d.Target))
	}
	row, margin, score := make([]float32, len(d.Columns)), make([]float32, g), make([]float64, g)
	wrong := 0
	for r := range d.Target {
		for c := range row {
			row[c] = float32(d.Columns[c][r])
		}
		s.Margins(row, margin)
		s.Transform(margin, score)
		for k := range margin {
			want, probability := margins[r*g+k], scores[r*g+k]
			if margin[k] != float32(want) || math.Abs(score[k]-probability) > 1e-6*max(1, math.Abs(probability)) {
				wrong++
				if wrong < 4 {
					t.Errorf("row %d %v: got margin %v and score %v, XGBoost says %v and %v", r, row, margin[k], score[k], want, probability)
				}
			}
		}
	}
	if wrong > 0 {
		t.Errorf("%d scores differ", wrong)
	}
}

// compareAttributions holds attributions to XGBoost's, [row][group][feature], the expected margin behind the features. Theirs are sums over 40 trees in
// 32 bits, which is seen in the fifth digit of the largest.
func compareAttributions(t *testing.T, m *xgboost.Model, d *Data, theirs []float64) {
	t.Helper()
	e, err := m.Explainer()
	if err != nil {
		t.Fatal(err)
	}
	expected, err := e.Expected()
	if err != nil {
		t.Fatal(err)
	}
	features, groups := len(d.Columns), m.Groups()
	if len(theirs) != len(d.Target)*groups*(features+1) {
		t.Fatalf("XGBoost has %d attributions of %d rows", len(theirs), len(d.Target))
	}
	row, out := make([]float32, features), make([][]float64, groups)
	for r := range d.Target {
		for c := range row {
			row[c] = float32(d.Columns[c][r])
		}
		for g := range out {
			out[g] = make([]float64, features)
		}
		if err := e.PathDependent(row, out); err != nil {
			t.Fatal(err)
		}
		for g := range out {
			of := theirs[(r*groups+g)*(features+1):][:features+1]
			top := math.Abs(expected[g])
			for _, x := range of {
				top = max(top, math.Abs(x))
			}
			for f, want := range of {
				got := expected[g]
				if f < features {
					got = out[g][f]
				}
				if math.Abs(got-want) > 2e-5*max(1, top) {
					t.Fatalf("row %d %v, output %d, feature %d: got %v, XGBoost says %v", r, row, g, f, got, want)
				}
			}
		}
	}
}

const trainScript = reading + `
x, y = table("rows.json")
objective = sys.argv[1].rsplit("/", 1)[1].replace("_", ":", 1)
p = {"objective": objective, "max_depth": 5, "tree_method": "approx", "max_cat_to_onehot": 4, "eta": 0.3}
if objective.startswith("multi"): p["num_class"] = 3
if objective == "count:poisson": y = np.abs(y)
m = xgboost.DMatrix(x, y, feature_types=["q", "c", "c", "q"], enable_categorical=True)
b = xgboost.train(p, m, 20)
b.save_model(dir + "/model.json")
print(json.dumps({"margin": b.predict(m, output_margin=True).tolist(), "score": b.predict(m).tolist()}))
`

func TestWeReadXGBoostsModels(t *testing.T) {
	python(t)
	for _, o := range []xgboost.Objective{xgboost.Logistic, xgboost.Softmax, xgboost.SquaredError, xgboost.Poisson} {
		t.Run(string(o), func(t *testing.T) {
			d := mixedFor(o)
			if o == xgboost.Poisson {
				d = mixedFor(xgboost.Softmax)
			}
			dir := filepath.Join(t.TempDir(), string(bytes.Replace([]byte(o), []byte(":"), []byte("_"), 1)))
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			writeRows(t, filepath.Join(dir, "rows.json"), d)
			var got struct{ Margin, Score any }
			run(t, trainScript, dir, 1, &got)
			data, err := os.ReadFile(filepath.Join(dir, "model.json"))
			if err != nil {
				t.Fatal(err)
			}
			m, err := xgboost.Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, m, d, flatten(got.Margin), flatten(got.Score))
		})
	}
}

const timeScript = reading + `
x, y = table("rows.json")
best = 1e9
m = xgboost.DMatrix(x, y)
for i in range(3):
    start = time.time()
    m = xgboost.DMatrix(x, y, nthread=2)
    xgboost.train({"objective": "reg:squarederror", "tree_method": "hist", "max_depth": 6, "eta": 0.1, "nthread": 2}, m, 300)
    best = min(best, time.time() - start)
print(json.dumps({"seconds": best, "version": xgboost.__version__}))
`

// BenchmarkAgainstXGBoost fits diamonds here and there, one after the other, each on two threads: 300 trees of depth 6.
// The ratio is of the best of three runs each.
func BenchmarkAgainstXGBoost(b *testing.B) {
	train, _, _ := realData(b, "diamonds.csv")
	dir := b.TempDir()
	writeRows(b, filepath.Join(dir, "rows.json"), train)
	for b.Loop() {
		var theirs struct {
			Seconds float64
			Version string
		}
		run(b, timeScript, dir, 2, &theirs)
		ours := math.Inf(1)
		for range 3 {
			start := time.Now()
			if _, err := Fit(context.Background(), train, nil, params(xgboost.SquaredError), ignore); err != nil {
				b.Fatal(err)
			}
			ours = min(ours, time.Since(start).Seconds())
		}
		b.ReportMetric(ours, "s/fit")
		b.ReportMetric(theirs.Seconds, "xgboost-s/fit")
		b.ReportMetric(ours/theirs.Seconds, "times-xgboost")
		b.Log(fmt.Sprintf("against XGBoost %s", theirs.Version))
	}
}
