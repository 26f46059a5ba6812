package xgboost

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// walk is a tree's leaf for a row by the book: what the format says, and nothing else.
func walk(t *Tree, row []float32) float32 {
	n := &t.Nodes[0]
	for !n.Leaf() {
		x := row[n.Feature]
		left := x < n.Value
		if n.Categories != nil {
			left = !(x >= 0 && x < 1<<24) || !slices.Contains(n.Categories, int32(x))
		}
		if math.IsNaN(float64(x)) {
			left = n.DefaultLeft
		}
		if left {
			n = &t.Nodes[n.Left]
		} else {
			n = &t.Nodes[n.Right]
		}
	}
	return n.Value
}

// walked is what a model predicts of a row, tree after tree.
func walked(m *Model, s *Scorer, row []float32) []float64 {
	margins, out := slices.Clone(s.base), make([]float64, s.groups)
	for i := range m.Trees {
		margins[m.TreeClass[i]] += walk(&m.Trees[i], row)
	}
	s.Transform(margins, out)
	return out
}

// values are numbers at which something may go wrong, as thresholds and as features.
func values() []float32 {
	out := []float32{0, float32(math.Copysign(0, -1)), 1, -1, 62, 63, 64, 125, 126, 1<<24 - 1, 1 << 24, -0.5, 2.5, math.MaxFloat32, -math.MaxFloat32,
		math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, float32(math.Inf(1)), float32(math.Inf(-1))}
	for _, x := range out[2:15] {
		out = append(out, math.Nextafter32(x, float32(math.Inf(1))), math.Nextafter32(x, float32(math.Inf(-1))))
	}
	return out
}

// grown is a tree of random form, with splits by that many categories: complete, a chain, or anything between, of nodes in any order that puts children after parents.
func grown(random *rand.Rand, features, inner int, chain bool, categories int32, sample []float32) Tree {
	t := Tree{Nodes: []Node{{Left: NoChild, Right: NoChild, Parent: -1}}}
	leaves := []int32{0}
	for range inner {
		at := random.IntN(len(leaves))
		if chain {
			at = len(leaves) - 1
		}
		parent, next := leaves[at], int32(len(t.Nodes))
		n := &t.Nodes[parent]
		n.Left, n.Right, n.Feature, n.DefaultLeft = next, next+1, random.Int32N(int32(features)), random.IntN(2) == 0
		if random.IntN(2) == 0 {
			n.Left, n.Right = n.Right, n.Left
		}
		n.Value = sample[random.IntN(len(sample))]
		if categories > 0 && random.IntN(2) == 0 {
			n.Value, n.Categories = 0, []int32{}
			for range random.IntN(6) {
				n.Categories = append(n.Categories, random.Int32N(categories))
			}
		}
		for range 2 {
			t.Nodes = append(t.Nodes, Node{Left: NoChild, Right: NoChild, Parent: parent})
		}
		leaves[at] = next
		leaves = append(leaves, next+1)
	}
	for _, leaf := range leaves {
		t.Nodes[leaf].Value = float32(random.NormFloat64())
	}
	return t
}

// TestScoresAreThoseOfAPlainWalk: random forests score every row to the last bit as a walk by the book does, however many rows
// there are, with missing values, infinities, values that are thresholds, and categories that are in no set or are none.
func TestScoresAreThoseOfAPlainWalk(t *testing.T) {
	random, sample := rand.New(rand.NewPCG(7, 11)), values()
	for forest := range 300 {
		classes := []int{0, 0, 3}[forest%3]
		m := &Model{Objective: Logistic, BaseScore: []float32{0.3}, NumClass: classes, NumFeature: 1 + random.IntN(6)}
		if classes > 0 {
			m.Objective = Softmax
		}
		for i := range random.IntN(30) {
			inner := random.IntN(40)
			if random.IntN(8) == 0 {
				inner = 0
			}
			m.Trees = append(m.Trees, grown(random, m.NumFeature, inner, random.IntN(4) == 0, []int32{0, 31, 32, 130}[random.IntN(4)], sample))
			m.TreeClass = append(m.TreeClass, int32(i%m.Groups()))
		}
		if err := m.Validate(); err != nil {
			t.Fatal(err)
		}
		s, err := m.Scorer()
		if err != nil {
			t.Fatal(err)
		}
		rows := []int{1, 7, 8, 9, 63, 64, 65, 200}[random.IntN(8)]
		columns := make([][]float64, m.NumFeature)
		for c := range columns {
			for range rows {
				x := float64(sample[random.IntN(len(sample))])
				switch random.IntN(4) {
				case 0:
					x = math.NaN()
				case 1:
					x = float64(random.IntN(140))
				}
				columns[c] = append(columns[c], x)
			}
		}
		got, err := s.Predict(t.Context(), columns, rows, 1)
		if err != nil {
			t.Fatal(err)
		}
		row, margins, alone := make([]float32, m.NumFeature), make([]float32, s.groups), make([]float64, s.groups)
		for r := range rows {
			for c := range row {
				row[c] = float32(columns[c][r])
			}
			s.Margins(row, margins)
			s.Transform(margins, alone)
			for g, want := range walked(m, s, row) {
				if math.Float64bits(got[g][r]) != math.Float64bits(want) || math.Float64bits(alone[g]) != math.Float64bits(want) {
					t.Fatalf("forest %d, row %v: got %v, alone %v, want %v", forest, row, got[g][r], alone[g], want)
				}
			}
		}
	}
}

// BenchmarkPredict compares scoring with a plain walk, in turns: plain/flat 5 is a walk that takes five times as long. The 300 trees have depth 6; categories below
// 31 are members of masks.
func BenchmarkPredict(b *testing.B) {
	for _, categories := range []int32{0, 30, 60} {
		random := rand.New(rand.NewPCG(1, 2))
		var sample []float32
		for range 1000 {
			sample = append(sample, random.Float32()*130)
		}
		m := &Model{Objective: Logistic, BaseScore: []float32{0.5}, NumFeature: 30, TreeClass: make([]int32, 300)}
		for range 300 {
			m.Trees = append(m.Trees, complete(random, m.NumFeature, 6, categories, sample))
		}
		s, err := m.Scorer()
		if err != nil {
			b.Fatal(err)
		}
		for _, rows := range []int{1, 100, 1024} {
			columns := make([][]float64, m.NumFeature)
			for c := range columns {
				for range rows + others {
					columns[c] = append(columns[c], float64(sample[random.IntN(len(sample))]))
				}
			}
			b.Run(fmt.Sprintf("categories=%d/rows=%d", categories, rows), func(b *testing.B) { inTurns(b, m, s, columns, rows) })
		}
	}
}

// others are rows that are scored in between: a processor learns the way of one row by heart.
const others = 5000

func inTurns(b *testing.B, m *Model, s *Scorer, columns [][]float64, rows int) {
	var flat, plain time.Duration
	row, part, from := make([]float32, len(columns)), make([][]float64, len(columns)), 0
	for b.Loop() {
		from = (from + 1) % others
		for c := range columns {
			part[c] = columns[c][from : from+rows]
		}
		start := cpu(b)
		if _, err := s.Predict(b.Context(), part, rows, 1); err != nil {
			b.Fatal(err)
		}
		flat += cpu(b) - start
		start = cpu(b)
		for r := range rows {
			for c := range row {
				row[c] = float32(part[c][r])
			}
			walked(m, s, row)
		}
		plain += cpu(b) - start
	}
	b.ReportMetric(float64(flat.Nanoseconds())/float64(b.N*rows), "flat-ns/row")
	b.ReportMetric(float64(plain.Nanoseconds())/float64(b.N*rows), "plain-ns/row")
	b.ReportMetric(float64(plain)/float64(flat), "plain/flat")
}

// cpu is what this process has spent.
func cpu(b *testing.B) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_PROCESS_CPUTIME_ID, &t); err != nil {
		b.Fatal(err)
	}
	return time.Duration(t.Nano())
}

// complete is a tree whose leaves are all at one depth.
func complete(random *rand.Rand, features, depth int, categories int32, sample []float32) Tree {
	t := Tree{Nodes: make([]Node, 2<<depth-1)}
	for i := range t.Nodes {
		n := &t.Nodes[i]
		*n = Node{Left: NoChild, Right: NoChild, Parent: int32(i-1) / 2, Value: random.Float32()}
		if i >= 1<<depth-1 {
			continue
		}
		n.Left, n.Right, n.Feature, n.Value = int32(2*i+1), int32(2*i+2), random.Int32N(int32(features)), sample[random.IntN(len(sample))]
		if categories > 0 && n.Feature%4 == 0 {
			n.Categories = []int32{random.Int32N(categories), random.Int32N(categories)}
		}
	}
	return t
}
