package metric

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

// A setting draws one data set; truth is what its figure estimates.
type setting struct {
	name   string
	metric string // its type, and after a blank its average
	truth  float64
	draw   func(r *rand.Rand) (*Data, []int32, int)
}

func gauss(p float64) float64 { return normal(p) }

// decided has positives rows of class 1, each decided so with chance recall, and negatives of class 0 with chance fpr.
func decided(positives, negatives int, recall, fpr float64) func(*rand.Rand) (*Data, []int32, int) {
	return func(r *rand.Rand) (*Data, []int32, int) {
		d := &Data{Task: schema.Binary, Classes: 2}
		for i := range positives + negatives {
			y, p := 1.0, recall
			if i >= positives {
				y, p = 0, fpr
			}
			d.Actual, d.Predicted = append(d.Actual, y), append(d.Predicted, hit(r, p))
		}
		return d, nil, 0
	}
}

func hit(r *rand.Rand, p float64) float64 {
	if r.Float64() < p {
		return 1
	}
	return 0
}

// scored draws scores of both classes.
func scored(positives, negatives int, score func(r *rand.Rand, class int) float64) func(*rand.Rand) (*Data, []int32, int) {
	return func(r *rand.Rand) (*Data, []int32, int) {
		d := &Data{Task: schema.Binary, Classes: 2}
		for i := range positives + negatives {
			y := 1
			if i >= positives {
				y = 0
			}
			x := 1 / (1 + math.Exp(-score(r, y)))
			d.Actual, d.Score, d.Predicted = append(d.Actual, float64(y)), append(d.Score, x), append(d.Predicted, math.Round(x))
		}
		return d, nil, 0
	}
}

// apart are normal scores with an area of auc.
func apart(auc float64) func(r *rand.Rand, class int) float64 {
	return func(r *rand.Rand, class int) float64 { return r.NormFloat64() + float64(class)*gauss(auc)*math.Sqrt2 }
}

// spreadOut are scores of positives that vary three times as much.
func spreadOut(auc float64) func(r *rand.Rand, class int) float64 {
	return func(r *rand.Rand, class int) float64 {
		if class == 0 {
			return r.NormFloat64()
		}
		return 3*r.NormFloat64() + gauss(auc)*math.Sqrt(10)
	}
}

// errorsOf are errors of predictions of 0.
func errorsOf(n int, e func(r *rand.Rand) float64) func(*rand.Rand) (*Data, []int32, int) {
	return func(r *rand.Rand) (*Data, []int32, int) {
		d := &Data{Task: schema.Regression}
		for range n {
			d.Actual, d.Predicted = append(d.Actual, e(r)), append(d.Predicted, 0)
		}
		return d, nil, 0
	}
}

func lognormal(r *rand.Rand) float64 { return math.Exp(r.NormFloat64()) }
func plain(r *rand.Rand) float64     { return r.NormFloat64() }
func student3(r *rand.Rand) float64 {
	var s float64
	for range 3 {
		x := r.NormFloat64()
		s += x * x
	}
	return r.NormFloat64() / math.Sqrt(s/3)
}

// entities draws size rows of each of n entities; row gets what its entity has in common.
func entities(n, size int, task schema.Task, row func(r *rand.Rand, common float64) (actual, predicted, score float64)) func(*rand.Rand) (*Data, []int32, int) {
	return func(r *rand.Rand) (*Data, []int32, int) {
		d := &Data{Task: task, Classes: 2}
		var of []int32
		for e := range n {
			common := r.NormFloat64()
			for range size {
				y, p, s := row(r, common)
				d.Actual, d.Predicted, of = append(d.Actual, y), append(d.Predicted, p), append(of, int32(e))
				if task == schema.Binary {
					d.Score = append(d.Score, s)
				}
			}
		}
		return d, of, n
	}
}

// recalled rows are all positive; those of an entity are found more or less often.
func recalled(recall float64) func(*rand.Rand, float64) (float64, float64, float64) {
	return func(r *rand.Rand, common float64) (float64, float64, float64) {
		if math.Sqrt(0.3)*common+math.Sqrt(0.7)*r.NormFloat64() < gauss(recall) {
			return 1, 1, 0.9
		}
		return 1, 0, 0.1
	}
}

// rankedRows have a common part in their score.
func rankedRows(auc float64) func(*rand.Rand, float64) (float64, float64, float64) {
	return func(r *rand.Rand, common float64) (float64, float64, float64) {
		y := hit(r, 0.3)
		s := 1 / (1 + math.Exp(-(math.Sqrt(0.5)*common + math.Sqrt(0.5)*r.NormFloat64() + y*gauss(auc)*math.Sqrt2)))
		return y, math.Round(s), s
	}
}

// offRows have a common part in their error.
func offRows(r *rand.Rand, common float64) (float64, float64, float64) {
	return common + r.NormFloat64(), 0, 0
}

func settings() []setting {
	var out []setting
	add := func(name, metric string, truth float64, draw func(*rand.Rand) (*Data, []int32, int)) {
		out = append(out, setting{name, metric, truth, draw})
	}
	for _, p := range []float64{0.5, 0.8, 0.9, 0.95, 0.99} {
		add(fmt.Sprintf("20 positives, recall %v", p), "recall", p, decided(20, 380, p, 0.1))
		add(fmt.Sprintf("20 positives, recall %v", p), "balanced_accuracy", (p+0.9)/2, decided(20, 380, p, 0.1))
		add(fmt.Sprintf("20 positives, recall %v", p), "recall macro", (p+0.9)/2, decided(20, 80, p, 0.1))
		add(fmt.Sprintf("20 negatives, specificity %v", p), "specificity", p, decided(80, 20, 0.7, 1-p))
		add(fmt.Sprintf("40 rows, accuracy %v", p), "accuracy", p, decided(20, 20, p, 1-p))
		add(fmt.Sprintf("20 positives, precise %v", p), "matthews_corrcoef", mcc(20, 80, p, 0.05), decided(20, 80, p, 0.05))
		for _, n := range []int{20, 40, 80} {
			add(fmt.Sprintf("%d entities, recall %v", n, p), "recall", p, entities(n, 10, schema.Binary, recalled(p)))
		}
	}
	for _, n := range []int{100, 400} {
		for _, auc := range []float64{0.64, 0.76, 0.92, 0.98} {
			add(fmt.Sprintf("20 positives of %d, AUC %v", n, auc), "roc_auc", auc, scored(20, n-20, apart(auc)))
		}
		add(fmt.Sprintf("20 positives of %d, AUC 0.95, spread out", n), "roc_auc", 0.95, scored(20, n-20, spreadOut(0.95)))
		add(fmt.Sprintf("%d normal errors", n), "root_mean_squared_error", 1, errorsOf(n, plain))
		add(fmt.Sprintf("%d lognormal errors", n), "root_mean_squared_error", math.E, errorsOf(n, lognormal))
		add(fmt.Sprintf("%d t(3) errors", n), "root_mean_squared_error", math.Sqrt(3), errorsOf(n, student3))
		add(fmt.Sprintf("%d normal errors", n), "mean_absolute_error", math.Sqrt(2/math.Pi), errorsOf(n, plain))
		add(fmt.Sprintf("%d lognormal errors", n), "mean_absolute_error", math.Exp(0.5), errorsOf(n, lognormal))
		add(fmt.Sprintf("%d t(3) errors", n), "mean_absolute_error", 2*math.Sqrt(3)/math.Pi, errorsOf(n, student3))
		add(fmt.Sprintf("%d lognormal errors", n), "median_absolute_error", 1, errorsOf(n, lognormal))
	}
	for _, n := range []int{20, 40, 80} {
		for _, auc := range []float64{0.76, 0.92} {
			add(fmt.Sprintf("%d entities, AUC %v", n, auc), "roc_auc", auc, entities(n, 10, schema.Binary, rankedRows(auc)))
		}
		add(fmt.Sprintf("%d entities", n), "root_mean_squared_error", math.Sqrt2, entities(n, 10, schema.Regression, offRows))
		add(fmt.Sprintf("%d entities", n), "mean_absolute_error", 2/math.Sqrt(math.Pi), entities(n, 10, schema.Regression, offRows))
	}
	return out
}

// weighted gives the rows weights that have nothing to do with how they were decided.
func weighted(draw func(*rand.Rand) (*Data, []int32, int)) func(*rand.Rand) (*Data, []int32, int) {
	return func(r *rand.Rand) (*Data, []int32, int) {
		d, of, n := draw(r)
		for range d.Actual {
			d.Weight = append(d.Weight, math.Exp(0.7*r.NormFloat64()))
		}
		return d, of, n
	}
}

// threeClasses draws rows of three classes, of which the first is the rarest; each is decided right with chance right.
func threeClasses(sizes [3]int, right float64) func(*rand.Rand) (*Data, []int32, int) {
	return func(r *rand.Rand) (*Data, []int32, int) {
		d := &Data{Task: schema.Multiclass, Classes: 3, Scores: make([][]float64, 3)}
		for class, size := range sizes {
			for range size {
				told := class
				if r.Float64() >= right {
					told = (class + 1 + r.IntN(2)) % 3
				}
				d.Actual, d.Predicted = append(d.Actual, float64(class)), append(d.Predicted, float64(told))
				var x [3]float64
				var sum float64
				for c := range x {
					x[c] = math.Exp(r.NormFloat64())
					if c == told {
						x[c] *= 5
					}
					sum += x[c]
				}
				for c := range x {
					d.Scores[c] = append(d.Scores[c], x[c]/sum)
				}
			}
		}
		return d, nil, 0
	}
}

// furtherSettings have a truth that only a very large sample tells.
func furtherSettings(t *testing.T) []setting {
	var out []setting
	add := func(name, metric string, large, draw func(*rand.Rand) (*Data, []int32, int)) {
		d, _, _ := large(rand.New(rand.NewPCG(1, 1)))
		s := sample(t, d)
		out = append(out, setting{name, metric, replicate(averaged(t, metric), s, s.Weights()), draw})
	}
	for _, auc := range []float64{0.76, 0.92} {
		name := fmt.Sprintf("20 positives of 100, AUC %v", auc)
		large, draw := scored(10000, 40000, apart(auc)), scored(20, 80, apart(auc))
		for _, m := range []string{"average_precision", "log_loss", "brier_score", "f1", "precision", "cohen_kappa"} {
			add(name, m, large, draw)
		}
		add(name+", weighted", "roc_auc", large, weighted(draw))
	}
	for _, right := range []float64{0.7, 0.95} {
		name := fmt.Sprintf("three classes of 20, 40 and 140, %v", right)
		large, draw := threeClasses([3]int{5000, 10000, 35000}, right), threeClasses([3]int{20, 40, 140}, right)
		for _, m := range []string{"recall macro", "precision macro", "f1 macro", "f1 weighted", "accuracy", "balanced_accuracy", "matthews_corrcoef", "roc_auc_ovr", "log_loss"} {
			add(name, m, large, draw)
		}
	}
	for _, p := range []float64{0.8, 0.95} {
		add(fmt.Sprintf("40 positives, weighted, recall %v", p), "recall", decided(25000, 25000, p, 0.1), weighted(decided(40, 100, p, 0.1)))
	}
	add("200 normal errors, weighted", "root_mean_squared_error", errorsOf(100000, plain), weighted(errorsOf(200, plain)))
	add("200 normal errors", "mean_prediction", errorsOf(100, func(*rand.Rand) float64 { return 0 }), func(r *rand.Rand) (*Data, []int32, int) {
		d, of, n := errorsOf(200, plain)(r)
		d.Actual, d.Predicted = d.Predicted, d.Actual
		return d, of, n
	})
	r2 := func(n int) func(*rand.Rand) (*Data, []int32, int) {
		return func(r *rand.Rand) (*Data, []int32, int) {
			d := &Data{Task: schema.Regression}
			for range n {
				x := r.NormFloat64()
				d.Actual, d.Predicted = append(d.Actual, x+r.NormFloat64()), append(d.Predicted, x)
			}
			return d, nil, 0
		}
	}
	add("100 rows, half explained", "r2", r2(100000), r2(100))
	return out
}

// mcc is Matthews' coefficient of the expected counts.
func mcc(positives, negatives int, recall, fpr float64) float64 {
	tp, fp := float64(positives)*recall, float64(negatives)*fpr
	x, _ := matthews(&Metric{}, matrix{k: 2, cells: []float64{float64(negatives) - fp, fp, float64(positives) - tp, tp}})
	return x
}

// soak tells whether simulations run in their long form: MLP_SOAK=1, as `make soak` sets.
func soak() bool { return os.Getenv("MLP_SOAK") != "" }

// TestCoverage simulates data sets whose truth is known: an interval of 95 % must hold it in 93 % of them or more, or
// say that it cannot. In the short form there are few sets, and what chance may do to them is allowed for.
func TestCoverage(t *testing.T) {
	sets, resamples := 150, 100
	if soak() {
		sets, resamples = 2000, 500
	}
	slack := 3 * math.Sqrt(0.93*0.07/float64(sets))
	for i, c := range append(settings(), furtherSettings(t)...) {
		m := averaged(t, c.metric)
		held, undefined, above, below := 0, 0, 0, 0
		r := rand.New(rand.NewPCG(uint64(i), 77))
		for e := range sets {
			d, of, n := c.draw(r)
			got := intervals(t, Bootstrap{Resamples: resamples, Confidence: 0.95, Seed: int64(e), Threads: 2}, []*Metric{m}, sample(t, d), of, n)[0]
			switch {
			case got.Undefined != "":
				undefined++
			case c.truth < got.Low:
				below++
			case c.truth > got.High:
				above++
			default:
				held++
			}
		}
		share := float64(held+undefined) / float64(sets)
		if soak() {
			t.Logf("%-45s %-26s held %.3f, undefined %.3f, below %.3f, above %.3f", c.name, c.metric, float64(held)/float64(sets), float64(undefined)/float64(sets), float64(below)/float64(sets), float64(above)/float64(sets))
		}
		if share < 0.93-slack {
			t.Errorf("%s, %s: held or undefined in %.3f of %d sets (undefined %d, truth below %d, above %d)", c.name, c.metric, share, sets, undefined, below, above)
		}
	}
}

// averaged is a metric by its type and average.
func averaged(t *testing.T, name string) *Metric {
	t.Helper()
	typ, average := name, ""
	if n, err := fmt.Sscanf(name, "%s %s", &typ, &average); err != nil && n < 1 {
		t.Fatal(err)
	}
	def := fmt.Sprintf(`{"name": "m", "type": %q}`, typ)
	if average != "" {
		def = fmt.Sprintf(`{"name": "m", "type": %q, "average": %q}`, typ, average)
	}
	m, err := New([]byte(def))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// A contest is two models on the same rows.
type contest struct {
	name, metric string
	truth        float64
	draw         func(r *rand.Rand) (before, after *Data, clusters []int32, count int)
}

// both draws the rows of the two models; what they have in common makes half of each.
func both(n int, rows func(r *rand.Rand, i int) (y, a, b float64), task schema.Task) func(*rand.Rand) (*Data, *Data, []int32, int) {
	return func(r *rand.Rand) (*Data, *Data, []int32, int) {
		before, after := &Data{Task: task, Classes: 2}, &Data{Task: task, Classes: 2}
		for i := range n {
			y, a, b := rows(r, i)
			for d, s := range map[*Data]float64{before: a, after: b} {
				d.Actual = append(d.Actual, y)
				if task == schema.Regression {
					d.Predicted = append(d.Predicted, s)
					continue
				}
				d.Score, d.Predicted = append(d.Score, s), append(d.Predicted, math.Round(s))
			}
		}
		return before, after, nil, 0
	}
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// rivals rank with areas a and b.
func rivals(positives int, a, b float64) func(r *rand.Rand, i int) (float64, float64, float64) {
	return func(r *rand.Rand, i int) (float64, float64, float64) {
		y := 0.0
		if i < positives {
			y = 1
		}
		common := r.NormFloat64() * math.Sqrt(0.5)
		score := func(auc float64) float64 {
			return logistic(common + r.NormFloat64()*math.Sqrt(0.5) + y*gauss(auc)*math.Sqrt2)
		}
		return y, score(a), score(b)
	}
}

// finders find a positive with chances a and b, mostly the same ones.
func finders(positives int, a, b float64) func(r *rand.Rand, i int) (float64, float64, float64) {
	return func(r *rand.Rand, i int) (float64, float64, float64) {
		if i >= positives {
			return 0, 0.1, 0.2
		}
		u, v := r.Float64(), r.Float64()
		if r.Float64() < 0.5 {
			v = u
		}
		found := func(u, p float64) float64 {
			if u < p {
				return 0.9
			}
			return 0.1
		}
		return 1, found(u, a), found(v, b)
	}
}

// predictors are off by e and by half as much again.
func predictors(e func(*rand.Rand) float64, worse float64) func(r *rand.Rand, i int) (float64, float64, float64) {
	return func(r *rand.Rand, i int) (float64, float64, float64) { return 0, worse * e(r), e(r) }
}

func contests() []contest {
	var out []contest
	for _, n := range []int{100, 400} {
		for _, auc := range []float64{0.64, 0.76, 0.92, 0.98} {
			out = append(out, contest{fmt.Sprintf("20 positives of %d, AUC %v and the same", n, auc), "roc_auc", 0, both(n, rivals(20, auc, auc), schema.Binary)},
				contest{fmt.Sprintf("20 positives of %d, AUC 0.7 and %v", n, auc), "roc_auc", auc - 0.7, both(n, rivals(20, 0.7, auc), schema.Binary)})
		}
		out = append(out,
			contest{fmt.Sprintf("%d normal errors", n), "root_mean_squared_error", -0.2, both(n, predictors(plain, 1.2), schema.Regression)},
			contest{fmt.Sprintf("%d lognormal errors", n), "root_mean_squared_error", -0.2 * math.E, both(n, predictors(lognormal, 1.2), schema.Regression)},
			contest{fmt.Sprintf("%d t(3) errors", n), "mean_absolute_error", -0.2 * 2 * math.Sqrt(3) / math.Pi, both(n, predictors(student3, 1.2), schema.Regression)})
	}
	for _, p := range []float64{0.5, 0.8, 0.95} {
		out = append(out, contest{fmt.Sprintf("20 positives, recall %v and the same", p), "recall", 0, both(100, finders(20, p, p), schema.Binary)},
			contest{fmt.Sprintf("20 positives, recall 0.6 and %v", p), "recall", p - 0.6, both(100, finders(20, 0.6, p), schema.Binary)})
	}
	return out
}

// TestDeltaCoverage holds intervals of differences to the same.
func TestDeltaCoverage(t *testing.T) {
	sets, resamples := 150, 100
	if soak() {
		sets, resamples = 2000, 500
	}
	slack := 3 * math.Sqrt(0.93*0.07/float64(sets))
	for i, c := range contests() {
		held, undefined, won := 0, 0, 0
		r := rand.New(rand.NewPCG(uint64(i), 78))
		for e := range sets {
			before, after, of, n := c.draw(r)
			found, err := Bootstrap{Resamples: resamples, Confidence: 0.95, Seed: int64(e), Threads: 2}.Deltas(t.Context(), []*Metric{averaged(t, c.metric)}, sample(t, before), sample(t, after), of, n)
			if err != nil {
				t.Fatal(err)
			}
			switch got := found[0]; {
			case got.Undefined != "":
				undefined++
			case got.Low <= c.truth && c.truth <= got.High:
				held++
			case got.Low > c.truth:
				won++
			}
		}
		share := float64(held+undefined) / float64(sets)
		if soak() {
			t.Logf("%-45s %-26s held %.3f, undefined %.3f, better than true %.3f", c.name, c.metric, float64(held)/float64(sets), float64(undefined)/float64(sets), float64(won)/float64(sets))
		}
		if share < 0.93-slack {
			t.Errorf("%s, %s: held or undefined in %.3f of %d sets", c.name, c.metric, share, sets)
		}
	}
}

// TestReplicatedCoverage is about metrics of which only resamples tell, as those in SQL are.
func TestReplicatedCoverage(t *testing.T) {
	sets, resamples := 100, 200
	if soak() {
		sets, resamples = 2000, 500
	}
	slack := 3 * math.Sqrt(0.93*0.07/float64(sets))
	all := settings()
	for _, n := range []int{50, 800} {
		all = append(all, setting{fmt.Sprintf("%d t(3) errors", n), "root_mean_squared_error", math.Sqrt(3), errorsOf(n, student3)})
	}
	for _, c := range all {
		switch c.metric {
		case "recall", "root_mean_squared_error", "mean_absolute_error", "roc_auc", "accuracy":
		default:
			continue
		}
		m := averaged(t, c.metric)
		held, undefined, above, below := 0, 0, 0, 0
		r := rand.New(rand.NewPCG(5, 79))
		for e := range sets {
			d, of, n := c.draw(r)
			s := sample(t, d)
			b := Bootstrap{Resamples: resamples, Confidence: 0.95, Seed: int64(e), Threads: 2}
			replicates := make([]float64, resamples)
			if err := b.Each(t.Context(), s.Weights(), of, n, func(r int, w []float64) { replicates[r] = replicate(m, s, w) }); err != nil {
				t.Fatal(err)
			}
			got := b.Replicated(replicate(m, s, s.Weights()), replicates, units{of: of, count: n, rows: s.rows}.n())
			switch {
			case got.Undefined != "":
				undefined++
			case c.truth < got.Low:
				below++
			case c.truth > got.High:
				above++
			default:
				held++
			}
		}
		share := float64(held+undefined) / float64(sets)
		if soak() {
			t.Logf("%-45s %-26s held %.3f, undefined %.3f, below %.3f, above %.3f", c.name, c.metric, float64(held)/float64(sets), float64(undefined)/float64(sets), float64(below)/float64(sets), float64(above)/float64(sets))
		}
		if share < 0.93-slack {
			t.Errorf("%s, %s: held or undefined in %.3f of %d sets (undefined %d, truth below %d, above %d)", c.name, c.metric, share, sets, undefined, below, above)
		}
	}
}
