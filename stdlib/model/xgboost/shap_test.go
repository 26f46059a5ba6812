package xgboost

import (
	"errors"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/model/shap"
)

// covering gives the nodes of a tree hessians that sum up, some leaves none.
func covering(random *rand.Rand, t *Tree) {
	for i := len(t.Nodes) - 1; i >= 0; i-- {
		n := &t.Nodes[i]
		if n.Leaf() {
			n.Hessian = float32(random.IntN(5))
			continue
		}
		l, r := &t.Nodes[n.Left], &t.Nodes[n.Right]
		if l.Hessian+r.Hessian == 0 {
			l.Hessian = 1
		}
		n.Hessian = l.Hessian + r.Hessian
	}
}

// forest is a random model of few features, with missing values and categories, and rows for it.
func forest(random *rand.Rand) (m *Model, rows [][]float32) {
	sample := []float32{-1, 0, 0.5, 1, 2, 3}
	m = &Model{Objective: Logistic, BaseScore: []float32{0.3}, NumFeature: 1 + random.IntN(6)}
	if random.IntN(3) == 0 {
		m.Objective, m.NumClass = Softmax, 3
	}
	for i := range 1 + random.IntN(6) {
		t := grown(random, m.NumFeature, random.IntN(14), random.IntN(3) == 0, []int32{0, 4}[random.IntN(2)], sample)
		covering(random, &t)
		m.Trees, m.TreeClass = append(m.Trees, t), append(m.TreeClass, int32(i%m.Groups()))
	}
	for range 6 {
		row := make([]float32, m.NumFeature)
		for f := range row {
			row[f] = sample[random.IntN(len(sample))]
			if random.IntN(5) == 0 {
				row[f] = float32(math.NaN())
			}
		}
		rows = append(rows, row)
	}
	return m, rows
}

// byTheBook are Shapley values by their definition: over all subsets of the features that are known, given what is expected then.
func byTheBook(features int, expected func(known uint) float64) []float64 {
	factorial := func(n int) float64 { return math.Gamma(float64(n) + 1) }
	out := make([]float64, features)
	for known := range uint(1) << features {
		for f := range features {
			if known&(1<<f) != 0 {
				continue
			}
			k := bits.OnesCount(known)
			share := factorial(k) * factorial(features-k-1) / factorial(features)
			out[f] += share * (expected(known|1<<f) - expected(known))
		}
	}
	return out
}

// expectedOfTree is the mean of the leaves below a node with some features known, both ways of the others weighed by rows.
func expectedOfTree(t *Tree, at int32, row []float32, known uint) float64 {
	n := &t.Nodes[at]
	if n.Leaf() {
		return float64(n.Value)
	}
	if known&(1<<n.Feature) != 0 {
		return expectedOfTree(t, n.next(row[n.Feature]), row, known)
	}
	l, r := float64(t.Nodes[n.Left].Hessian), float64(t.Nodes[n.Right].Hessian)
	return (l*expectedOfTree(t, n.Left, row, known) + r*expectedOfTree(t, n.Right, row, known)) / (l + r)
}

func blank(m *Model) [][]float64 {
	out := make([][]float64, m.Groups())
	for g := range out {
		out[g] = make([]float64, m.NumFeature)
	}
	return out
}

func sum(x []float64) (out float64) {
	for _, v := range x {
		out += v
	}
	return out
}

// TestAttributionsAreShapleyValues: both kinds are, on random forests, what the definition gives over all subsets of features, and add up to the margin,
// which is that of the scorer but for its rounding to 32 bits.
func TestAttributionsAreShapleyValues(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 5))
	near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*(1+math.Abs(b)) }
	for range 200 {
		m, rows := forest(random)
		e, err := m.Explainer()
		if err != nil {
			t.Fatal(err)
		}
		s, err := m.Scorer()
		if err != nil {
			t.Fatal(err)
		}
		expected, err := e.Expected()
		if err != nil {
			t.Fatal(err)
		}
		margins, rounded, others := make([]float64, m.Groups()), make([]float32, m.Groups()), make([]float64, m.Groups())
		for i, row := range rows {
			e.Margins(row, margins)
			s.Margins(row, rounded)
			path, pair, other := blank(m), blank(m), rows[(i+1)%len(rows)]
			if err := e.PathDependent(row, path); err != nil {
				t.Fatal(err)
			}
			e.Interventional(row, other, 0.5, pair)
			e.Interventional(row, row, 7, pair) // adds nothing
			e.Interventional(row, other, 0.5, pair)
			e.Margins(other, others)
			for g := range margins {
				if !near(margins[g], float64(rounded[g])) && math.Abs(margins[g]-float64(rounded[g])) > 1e-5 {
					t.Fatalf("got the margin %v, the scorer has %v", margins[g], rounded[g])
				}
				if !near(expected[g]+sum(path[g]), margins[g]) || !near(others[g]+sum(pair[g]), margins[g]) {
					t.Fatalf("%v and %v do not add up to %v from %v and %v", path[g], pair[g], margins[g], expected[g], others[g])
				}
				wantPath := byTheBook(m.NumFeature, func(known uint) (out float64) {
					for k := range m.Trees {
						if int(m.TreeClass[k]) == g {
							out += expectedOfTree(&m.Trees[k], 0, row, known)
						}
					}
					return out
				})
				wantPair := byTheBook(m.NumFeature, func(known uint) (out float64) {
					mixed := slices.Clone(other)
					for f := range mixed {
						if known&(1<<f) != 0 {
							mixed[f] = row[f]
						}
					}
					for k := range m.Trees {
						if int(m.TreeClass[k]) == g {
							out += float64(walk(&m.Trees[k], mixed))
						}
					}
					return out
				})
				for f := range m.NumFeature {
					if !near(path[g][f], wantPath[f]) || !near(pair[g][f], wantPair[f]) {
						t.Fatalf("row %v against %v, feature %d: got %v and %v, want %v and %v", row, other, f, path[g][f], pair[g][f], wantPath[f], wantPair[f])
					}
				}
			}
		}
	}
}

// TestAttributionsOfDeepTrees: on paths of 60 splits, the same features again and again, attributions still add up.
func TestAttributionsOfDeepTrees(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 9))
	m := &Model{Objective: SquaredError, BaseScore: []float32{0.5}, NumFeature: 20, TreeClass: []int32{0}}
	tree := grown(random, 20, 60, true, 0, values()[:6])
	covering(random, &tree)
	m.Trees = []Tree{tree}
	e, err := m.Explainer()
	if err != nil {
		t.Fatal(err)
	}
	expected, err := e.Expected()
	if err != nil {
		t.Fatal(err)
	}
	row, margin := make([]float32, 20), make([]float64, 1)
	for range 100 {
		for f := range row {
			row[f] = float32(random.NormFloat64())
		}
		out := blank(m)
		if err := e.PathDependent(row, out); err != nil {
			t.Fatal(err)
		}
		e.Margins(row, margin)
		if d := expected[0] + sum(out[0]) - margin[0]; math.Abs(d) > 1e-9 {
			t.Fatalf("the attributions of %v miss the margin by %g", row, d)
		}
	}
}

// TestAttributionsWithoutCover: of trees without hessians only interventional ones are known.
func TestAttributionsWithoutCover(t *testing.T) {
	m := &Model{Objective: SquaredError, BaseScore: []float32{0}, NumFeature: 1, TreeClass: []int32{0},
		Trees: []Tree{{Nodes: []Node{{Left: 1, Right: 2, Parent: -1, Value: 2.5}, {Left: NoChild, Right: NoChild, Value: 1}, {Left: NoChild, Right: NoChild, Value: 4}}}}}
	e, err := m.Explainer()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Expected(); !errors.Is(err, shap.ErrNoCover) {
		t.Errorf("got %v, want that there is no cover", err)
	}
	out := blank(m)
	if err := e.PathDependent([]float32{1}, out); !errors.Is(err, shap.ErrNoCover) {
		t.Errorf("got %v, want that there is no cover", err)
	}
	e.Interventional([]float32{1}, []float32{3}, 1, out)
	if out[0][0] != -3 {
		t.Errorf("got %v, want -3: the other row has 4", out[0][0])
	}
}
