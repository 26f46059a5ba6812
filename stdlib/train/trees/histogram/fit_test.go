package histogram

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

func fit(t *testing.T, d, validation *Data, p Params) *Result {
	t.Helper()
	r, err := Fit(context.Background(), d, validation, p, ignore)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func encoded(t *testing.T, r *Result) []byte {
	t.Helper()
	data, err := r.Model.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestThreadsDoNotMatter(t *testing.T) {
	for _, o := range append(amounts, xgboost.Logistic, xgboost.Softmax) {
		for _, leaves := range []int{0, 9} {
			p := params(o)
			p.Quantile, p.HuberSlope, p.TweediePower = 0.8, 500, 1.4
			if o == xgboost.PseudoHuber { // everything that limits splits
				p.Alpha, p.MaxDeltaStep, p.LevelSample, p.NodeSample = 1, 300, 0.9, 0.8
				p.Monotone, p.Interactions = []int8{1, 0, 0, -1}, [][]int32{{0, 1}, {1, 2, 3}}
			}
			p.Trees, p.MaxLeaves, p.Subsample, p.ColumnSample, p.EarlyStoppingRounds, p.Seed = 12, leaves, 0.7, 0.7, 5, 3
			if o == xgboost.Softmax {
				p.Classes = 3
			}
			d := mixedFor(o)
			d.Weight = make([]float64, len(d.Target))
			for r := range d.Weight {
				d.Weight[r] = 0.1 * float64(r%7)
			}
			var first *Result
			for _, threads := range []int{1, 2, 5} {
				p.Threads = threads
				got := fit(t, d, d, p)
				if first == nil {
					first = got
				}
				if !bytes.Equal(encoded(t, got), encoded(t, first)) || got.ValidationLoss != first.ValidationLoss {
					t.Errorf("%s, %d leaves: %d threads give another model than 1", o, leaves, threads)
				}
			}
		}
	}
}

func TestLittleMemoryGivesTheSameTrees(t *testing.T) {
	for _, leaves := range []int{0, 12} {
		p := params(xgboost.SquaredError)
		p.Trees, p.MaxDepth, p.MaxLeaves = 4, 7, leaves
		d := mixedFor(xgboost.SquaredError)
		want := encoded(t, fit(t, d, nil, p))
		for _, most := range []int{1, 3, 8} {
			table, err := Bin(d, 2)
			if err != nil {
				t.Fatal(err)
			}
			b := newBooster(table, nil, p)
			b.grower.most = most
			for round := range p.Trees {
				b.round(round)
				if got := len(b.grower.hist) + len(b.grower.open); got != 0 {
					t.Fatalf("%d histograms and open nodes are left over", got)
				}
			}
			if kept := len(b.grower.free); kept > 2*most+3 {
				t.Errorf("%d histograms were made, %d may be kept", kept, most)
			}
			if !bytes.Equal(encoded(t, b.result(0)), want) {
				t.Errorf("%d leaves, %d histograms: other trees", leaves, most)
			}
		}
	}
}

func TestTheOrderOfRowsDoesNotMatter(t *testing.T) {
	d := mixedFor(xgboost.Logistic)
	p := params(xgboost.Logistic)
	p.Trees = 5
	want := encoded(t, fit(t, d, nil, p))
	order := rand.New(rand.NewPCG(3, 4)).Perm(len(d.Target))
	other := &Data{Levels: d.Levels, Target: take(d.Target, order)}
	for _, c := range d.Columns {
		other.Columns = append(other.Columns, take(c, order))
	}
	if !bytes.Equal(encoded(t, fit(t, other, nil, p)), want) {
		t.Error("the same rows in another order give another model")
	}
}

func take(values []float64, order []int) []float64 {
	out := make([]float64, len(order))
	for i, r := range order {
		out[i] = values[r]
	}
	return out
}

// TestRootSplitIsTheBest tries all splits of the root by hand: every threshold, every subset of categories, missing
// values on either side.
func TestRootSplitIsTheBest(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 0))
		d := &Data{Columns: make([][]float64, 3), Levels: []int{0, 3, 7}}
		for range 60 {
			x := []float64{float64(r.IntN(12)), float64(r.IntN(3)), float64(r.IntN(7))}
			d.Target = append(d.Target, x[0]*r.Float64()+5*is(x[2] == 3 || x[2] == 5)*r.Float64()-2*is(x[1] == 1))
			for c := range x {
				if r.IntN(6) == 0 {
					x[c] = math.NaN()
				}
				d.Columns[c] = append(d.Columns[c], x[c])
			}
		}
		p := params(xgboost.SquaredError)
		p.Trees, p.MaxDepth, p.MinChildWeight, p.LearningRate = 1, 1, 4, 1
		m := fit(t, d, nil, p).Model
		root := &m.Trees[0].Nodes[0]
		want := bestByHand(d, float64(m.BaseScore[0]), p)
		if math.Abs(float64(root.Gain)-want) > 1e-4*want {
			t.Errorf("seed %d: gain %g of the root, %g by hand (%+v)", seed, root.Gain, want, root)
		}
		leavesByHand(t, d, m, p)
	}
}

func bestByHand(d *Data, base float64, p Params) float64 {
	score := func(g, h float64) float64 { return g * g / (h + p.Lambda) }
	best := 0.0
	try := func(left func(r int) bool) {
		var gl, hl, g, h float64
		for r, y := range d.Target {
			g, h = g+base-y, h+1
			if left(r) {
				gl, hl = gl+base-y, hl+1
			}
		}
		if hl >= p.MinChildWeight && h-hl >= p.MinChildWeight {
			best = max(best, score(gl, hl)+score(g-gl, h-hl)-score(g, h))
		}
	}
	for c, column := range d.Columns {
		sides := 12
		if d.Levels[c] > 0 {
			sides = 1 << d.Levels[c]
		}
		for _, missing := range []bool{false, true} {
			for cut := range sides + 1 {
				try(func(r int) bool {
					switch x := column[r]; {
					case x != x:
						return missing
					case d.Levels[c] == 3: // one category against the rest
						return x != float64(cut)
					case d.Levels[c] > 0:
						return cut>>int(x)&1 == 1
					default:
						return x < float64(cut)
					}
				})
			}
		}
	}
	return best
}

// leavesByHand checks that each leaf is -G/(H+λ) of the rows that scoring sends there.
func leavesByHand(t *testing.T, d *Data, m *xgboost.Model, p Params) {
	t.Helper()
	predicted := predict(t, m, d)[0]
	g, h := map[float64]float64{}, map[float64]float64{}
	for r, y := range d.Target {
		g[predicted[r]] += float64(m.BaseScore[0]) - y
		h[predicted[r]]++
	}
	for leaf := range g {
		want := float64(m.BaseScore[0]) - g[leaf]/(h[leaf]+p.Lambda)
		if math.Abs(leaf-want) > 1e-5*max(1, math.Abs(want)) {
			t.Errorf("a leaf says %g, its rows say %g", leaf, want)
		}
	}
}

func TestAWeightIsSoManyRows(t *testing.T) {
	d := mixedFor(xgboost.Logistic)
	d.Weight = make([]float64, len(d.Target))
	twice := &Data{Levels: d.Levels, Columns: make([][]float64, len(d.Columns))}
	for r := range d.Target {
		d.Weight[r] = float64(r % 3)
		for range r % 3 {
			twice.Target = append(twice.Target, d.Target[r])
			for c := range d.Columns {
				twice.Columns[c] = append(twice.Columns[c], d.Columns[c][r])
			}
		}
	}
	p := params(xgboost.Logistic)
	p.Trees = 10
	// The categories have a bin each and the numbers here few enough values, but the cuts of the first are quantiles of
	// the rows, which weights are not: so it is left out.
	d.Columns, d.Levels = d.Columns[1:], d.Levels[1:]
	twice.Columns, twice.Levels = twice.Columns[1:], twice.Levels[1:]
	a, b := fit(t, d, nil, p), fit(t, twice, nil, p)
	x, y := predict(t, a.Model, twice)[0], predict(t, b.Model, twice)[0]
	for r := range x {
		if math.Abs(x[r]-y[r]) > 1e-5 {
			t.Fatalf("row %d: weighted %g, repeated %g", r, x[r], y[r])
		}
	}
}

func TestEarlyStoppingKeepsTheBestRound(t *testing.T) {
	d, other := mixedFor(xgboost.Logistic), mixedFor(xgboost.Logistic)
	r := rand.New(rand.NewPCG(9, 9))
	for i := range other.Target { // a noisy validation side, so that overfitting is seen
		if r.IntN(4) == 0 {
			other.Target[i] = 1 - other.Target[i]
		}
	}
	p := params(xgboost.Logistic)
	p.LearningRate, p.EarlyStoppingRounds = 0.3, 5
	var rounds int
	stopped, err := Fit(context.Background(), d, other, p, func(done, total int) { rounds = done })
	if err != nil {
		t.Fatal(err)
	}
	if stopped.Rounds+5 != rounds || len(stopped.Model.Trees) != stopped.Rounds {
		t.Fatalf("%d rounds and %d trees are kept of %d", stopped.Rounds, len(stopped.Model.Trees), rounds)
	}
	p.EarlyStoppingRounds = 0
	for _, trees := range []int{stopped.Rounds - 1, stopped.Rounds, stopped.Rounds + 1, rounds} {
		p.Trees = trees
		loss := fit(t, d, other, p).ValidationLoss
		if trees == stopped.Rounds && loss != stopped.ValidationLoss || loss < stopped.ValidationLoss {
			t.Errorf("%d trees have validation loss %.9f, the %d kept have %.9f", trees, loss, stopped.Rounds, stopped.ValidationLoss)
		}
	}
	if want := fmt.Sprint(stopped.Rounds - 1); stopped.Model.Attributes["best_iteration"] != want {
		t.Errorf("best_iteration is %s, want %s", stopped.Model.Attributes["best_iteration"], want)
	}
}

func TestTheLossesAreThoseOfTheModel(t *testing.T) {
	d := mixedFor(xgboost.Softmax)
	p := params(xgboost.Softmax)
	p.Trees, p.Classes = 10, 3
	r := fit(t, d, d, p)
	var want float64
	scores := predict(t, r.Model, d)
	for row, y := range d.Target {
		want -= math.Log(scores[int(y)][row]) / float64(len(d.Target))
	}
	if math.Abs(r.TrainingLoss-want) > 1e-9 || r.TrainingLoss != r.ValidationLoss {
		t.Errorf("losses %g and %g, want %g", r.TrainingLoss, r.ValidationLoss, want)
	}
}

func TestLimitsOfTrees(t *testing.T) {
	d := mixedFor(xgboost.SquaredError)
	tests := []struct {
		name  string
		set   func(*Params)
		check func(m *xgboost.Model) bool
	}{
		{"max_depth", func(p *Params) { p.MaxDepth = 3 }, func(m *xgboost.Model) bool { return depth(m) == 3 }},
		{"max_leaves", func(p *Params) { p.MaxLeaves = 5; p.MaxDepth = 0 }, func(m *xgboost.Model) bool { return leaves(m) == 5 }},
		{"both", func(p *Params) { p.MaxLeaves = 100; p.MaxDepth = 4 }, func(m *xgboost.Model) bool { return depth(m) == 4 && leaves(m) == 16 }},
		{"gamma", func(p *Params) { p.Gamma = 1e12 }, func(m *xgboost.Model) bool { return leaves(m) == 1 }},
		{"min_child_weight", func(p *Params) { p.MinChildWeight = 500 }, func(m *xgboost.Model) bool {
			return !slices.ContainsFunc(m.Trees[0].Nodes, func(n xgboost.Node) bool { return n.Hessian < 500 })
		}},
	}
	for _, tt := range tests {
		p := params(xgboost.SquaredError)
		p.Trees = 1
		tt.set(&p)
		if m := fit(t, d, nil, p).Model; !tt.check(m) {
			t.Errorf("%s does not hold: depth %d, %d leaves", tt.name, depth(m), leaves(m))
		}
	}
}

func leaves(m *xgboost.Model) (n int) {
	for i := range m.Trees[0].Nodes {
		n += int(is(m.Trees[0].Nodes[i].Leaf()))
	}
	return n
}

func depth(m *xgboost.Model) (deepest int) {
	nodes := m.Trees[0].Nodes
	for at := range nodes {
		d := 0
		for p := nodes[at].Parent; p >= 0; p = nodes[p].Parent {
			d++
		}
		deepest = max(deepest, d)
	}
	return deepest
}

func TestSamplesFollowTheSeed(t *testing.T) {
	d := mixedFor(xgboost.Logistic)
	p := params(xgboost.Logistic)
	p.Trees, p.Subsample, p.ColumnSample, p.Seed = 5, 0.5, 0.5, 1
	a, again := encoded(t, fit(t, d, nil, p)), encoded(t, fit(t, d, nil, p))
	p.Seed = 2
	if !bytes.Equal(a, again) || bytes.Equal(a, encoded(t, fit(t, d, nil, p))) {
		t.Error("the same seed must give the same model, another seed another")
	}
	drawn := sampleRows(100_000, 0.3, 7, 0)
	if n := len(drawn); n < 29_000 || n > 31_000 {
		t.Errorf("%d of 100000 rows drawn, about 30000 wanted", n)
	}
	if got := sampleFeatures(10, 0.25, 7, 3); len(got) != 3 || !slices.IsSorted(got) {
		t.Errorf("features %v drawn, 3 wanted", got)
	}
}

func TestHardTables(t *testing.T) {
	nan := math.NaN()
	tests := []struct {
		name string
		d    Data
		o    xgboost.Objective
	}{
		{"all missing", Data{Columns: [][]float64{{nan, nan, nan, nan}}, Levels: []int{0}, Target: []float64{0, 1, 0, 1}}, xgboost.Logistic},
		{"constant", Data{Columns: [][]float64{{3, 3, 3, 3}}, Levels: []int{0}, Target: []float64{0, 1, 0, 1}}, xgboost.Logistic},
		{"one row", Data{Columns: [][]float64{{3}}, Levels: []int{0}, Target: []float64{5}}, xgboost.SquaredError},
		{"huge", Data{Columns: [][]float64{{-3e38, 3e38, 0, 1}}, Levels: []int{0}, Target: []float64{1e15, -1e15, 0, 1}}, xgboost.SquaredError},
		{"tiny", Data{Columns: [][]float64{{1e-40, 2e-40, 0, 1}}, Levels: []int{0}, Target: []float64{1e-300, 2e-300, 0, 0}}, xgboost.SquaredError},
		{"no weight", Data{Columns: [][]float64{{1, 2}}, Levels: []int{0}, Target: []float64{0, 1}, Weight: []float64{0, 0}}, xgboost.Logistic},
		{"no category seen", Data{Columns: [][]float64{{nan, nan}}, Levels: []int{1}, Target: []float64{0, 1}}, xgboost.Logistic},
		{"no regularisation", Data{Columns: [][]float64{{1, 2, 3, nan}}, Levels: []int{0}, Target: []float64{0, 1, 0, 1}}, xgboost.Logistic},
	}
	for _, tt := range tests {
		p := params(tt.o)
		p.Trees, p.MinChildWeight, p.Lambda = 20, 0, 0
		m := fit(t, &tt.d, nil, p).Model
		encoded(t, &Result{Model: m})
		for r, x := range predict(t, m, &tt.d)[0] {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				t.Errorf("%s: row %d is scored %v", tt.name, r, x)
			}
		}
	}
}

func TestFitRefuses(t *testing.T) {
	one := &Data{Columns: [][]float64{{1}}, Levels: []int{0}, Target: []float64{1}}
	many := &Data{Columns: [][]float64{{1}}, Levels: []int{MaxLevels + 1}, Target: []float64{1}}
	stopping := params(xgboost.SquaredError)
	stopping.EarlyStoppingRounds = 1
	tests := []struct {
		name string
		d    *Data
		p    Params
	}{
		{"no rows", &Data{Columns: [][]float64{{}}, Levels: []int{0}}, params(xgboost.SquaredError)},
		{"no features", &Data{Target: []float64{1}}, params(xgboost.SquaredError)},
		{"too many categories", many, params(xgboost.SquaredError)},
		{"early stopping on nothing", one, stopping},
	}
	for _, tt := range tests {
		if _, err := Fit(context.Background(), tt.d, nil, tt.p, ignore); err == nil {
			t.Errorf("%s: no error", tt.name)
		}
	}
}

func TestCancelledBetweenTrees(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	rounds := 0
	_, err := Fit(ctx, mixedFor(xgboost.Logistic), nil, params(xgboost.Logistic), func(done, _ int) {
		if rounds = done; done == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) || rounds != 3 {
		t.Errorf("got %v after %d rounds", err, rounds)
	}
}

// TestUnitOfTheTarget: a target in another unit is learnt as well.
func TestUnitOfTheTarget(t *testing.T) {
	var loss [2]float64
	for i, unit := range []float64{1, 0x1p-40} {
		d := mixedFor(xgboost.SquaredError)
		for r := range d.Target {
			d.Target[r] *= unit / 1000
		}
		p := params(xgboost.SquaredError)
		p.Trees = 30
		r, err := Fit(context.Background(), d, nil, p, ignore)
		if err != nil {
			t.Fatal(err)
		}
		loss[i] = r.TrainingLoss / unit
	}
	if math.Abs(loss[1]-loss[0]) > 1e-3*loss[0] {
		t.Errorf("the error is %v, and %v of a target in a smaller unit", loss[0], loss[1])
	}
}
