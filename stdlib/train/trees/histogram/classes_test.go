package histogram

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

// letters are rows of 16 small whole numbers of 26 classes, each class in three clusters.
func letters(rows int) *Data {
	r := rand.New(rand.NewPCG(3, 4))
	const classes, clusters, features = 26, 3, 16
	var centre [classes * clusters][features]float64
	for i := range centre {
		for f := range features {
			centre[i][f] = 2 + 11*r.Float64()
		}
	}
	d := &Data{Columns: make([][]float64, features), Levels: make([]int, features)}
	for range rows {
		k := r.IntN(len(centre))
		d.Target = append(d.Target, float64(k%classes))
		for f := range features {
			d.Columns[f] = append(d.Columns[f], math.Round(min(max(centre[k][f]+2.5*r.NormFloat64(), 0), 15)))
		}
	}
	return d
}

const classesScript = reading + `
import resource
x, y = table("rows.json")
m = xgboost.DMatrix(x, y, nthread=1)
start = resource.getrusage(resource.RUSAGE_SELF).ru_utime
p = {"objective": "multi:softprob", "num_class": 26, "tree_method": "hist", "max_depth": 6, "eta": 0.1, "nthread": 1}
b = xgboost.train(p, m, int(json.load(open(dir + "/rounds.json"))))
used = resource.getrusage(resource.RUSAGE_SELF).ru_utime - start
q = b.predict(m)
print(json.dumps({"seconds": used, "loss": float(-np.mean(np.log(q[np.arange(len(y)), y.astype(int)].astype(float))))}))
`

// processor is the time that the process has computed for, in seconds.
func processor(tb testing.TB) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return float64(u.Utime.Sec) + float64(u.Utime.Usec)/1e6
}

// BenchmarkClassesAgainstXGBoost fits 26 classes for 60 rounds here and there, on one thread each. The ratio is of the time
// that the processors computed, for other things may run beside it.
func BenchmarkClassesAgainstXGBoost(b *testing.B) {
	d, dir := letters(15_000), b.TempDir()
	p := params(xgboost.Softmax)
	p.Classes, p.Trees, p.Threads = 26, 60, 1
	writeRows(b, filepath.Join(dir, "rows.json"), d)
	writeJSON(b, filepath.Join(dir, "rounds.json"), p.Trees)
	for b.Loop() {
		var theirs struct{ Seconds, Loss float64 }
		run(b, classesScript, dir, 1, &theirs)
		start := processor(b)
		r, err := Fit(context.Background(), d, nil, p, ignore)
		if err != nil {
			b.Fatal(err)
		}
		ours := processor(b) - start
		b.ReportMetric(ours, "cpu-s/fit")
		b.ReportMetric(theirs.Seconds, "xgboost-cpu-s/fit")
		b.ReportMetric(ours/theirs.Seconds, "times-xgboost")
		b.Logf("training loss %.4f, XGBoost's %.4f", r.TrainingLoss, theirs.Loss)
	}
}
