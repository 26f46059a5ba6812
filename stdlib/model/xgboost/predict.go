package xgboost

import (
	"context"
	"math"

	"golang.org/x/sync/errgroup"
)

// Scorer is a model made ready for scoring. It is safe for concurrent use.
type Scorer struct {
	link   link
	groups int
	base   []float32
	roots  []int32
	class  []int32
	nodes  []flatNode
	sets   [][]uint32
}

// flatNode is 20 bytes; set is -1 at numeric splits, leaves have left < 0.
type flatNode struct {
	left, right int32
	feature     int32 // its sign bit tells that missing values go left
	value       float32
	set         int32
}

// Scorer prepares m for scoring; m must be valid (Validate). An objective that is not read here is the only error.
func (m *Model) Scorer() (*Scorer, error) {
	l, err := m.Objective.link()
	if err != nil {
		return nil, err
	}
	s := &Scorer{link: l, groups: m.Groups(), class: m.TreeClass, base: make([]float32, m.Groups())}
	for g := range s.base {
		s.base[g] = margin(l, m.BaseScore[min(g, len(m.BaseScore)-1)])
	}
	for i := range m.Trees {
		s.add(&m.Trees[i])
	}
	return s, nil
}

// margin puts a base score on the scale that trees add up on.
func margin(l link, score float32) float32 {
	switch l {
	case logistic:
		return float32(-math.Log(float64(1/score - 1)))
	case exponential:
		return float32(math.Log(float64(score)))
	}
	return score
}

func (s *Scorer) add(t *Tree) {
	base := int32(len(s.nodes))
	s.roots = append(s.roots, base)
	for i := range t.Nodes {
		n := &t.Nodes[i]
		f := flatNode{left: -1, right: -1, value: n.Value, set: -1}
		if !n.Leaf() {
			f.left, f.right, f.feature = n.Left+base, n.Right+base, n.Feature
			if n.DefaultLeft {
				f.feature = ^f.feature
			}
			if n.Categories != nil {
				f.set = int32(len(s.sets))
				s.sets = append(s.sets, bits(n.Categories))
			}
		}
		s.nodes = append(s.nodes, f)
	}
}

func bits(categories []int32) []uint32 {
	if len(categories) == 0 {
		return []uint32{0}
	}
	top := categories[0]
	for _, c := range categories {
		top = max(top, c)
	}
	set := make([]uint32, top/32+1)
	for _, c := range categories {
		set[c/32] |= 1 << (c % 32)
	}
	return set
}

// Margins adds up the trees for one row of float32 features, NaN where missing, into out, one element a class.
// The order of additions is that of the trees, as in XGBoost.
func (s *Scorer) Margins(row, out []float32) {
	copy(out, s.base)
	for i, root := range s.roots {
		out[s.class[i]] += s.leaf(root, row)
	}
}

func (s *Scorer) leaf(at int32, row []float32) float32 {
	for {
		n := &s.nodes[at]
		if n.left < 0 {
			return n.value
		}
		feature, missingLeft := n.feature, false
		if feature < 0 {
			feature, missingLeft = ^feature, true
		}
		x := row[feature]
		var left bool
		switch {
		case x != x:
			left = missingLeft
		case n.set < 0:
			left = x < n.value
		default:
			left = goesLeft(s.sets[n.set], x)
		}
		at = n.right
		if left {
			at = n.left
		}
	}
}

// goesLeft follows XGBoost's common::Decision: what is no category, or beyond the set, goes left.
func goesLeft(set []uint32, x float32) bool {
	if x < 0 || x >= 1<<24 {
		return true
	}
	c := uint32(x)
	return c/32 >= uint32(len(set)) || set[c/32]>>(c%32)&1 == 0
}

// Transform turns a row's margins into predictions in place of out: probabilities for logistic and softmax
// objectives, values for the others.
func (s *Scorer) Transform(margins []float32, out []float64) {
	switch s.link {
	case logistic:
		out[0] = 1 / (1 + math.Exp(-float64(margins[0])))
	case exponential:
		out[0] = math.Exp(float64(margins[0]))
	case softmax:
		Softmax64(margins, out)
	default:
		out[0] = float64(margins[0])
	}
}

// Softmax64 writes exp(m_i) / sum exp(m_j) into out.
func Softmax64(margins []float32, out []float64) {
	top := margins[0]
	for _, m := range margins {
		top = max(top, m)
	}
	var sum float64
	for i, m := range margins {
		out[i] = math.Exp(float64(m - top))
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
}

// blockRows is how many rows are scored at a time by one goroutine.
const blockRows = 1024

// Predict scores rows rows given column by column, with as many threads as given. The result is [output][row] and
// does not depend on the number of threads.
func (s *Scorer) Predict(ctx context.Context, columns [][]float32, rows, threads int) ([][]float64, error) {
	out := make([][]float64, s.groups)
	for g := range out {
		out[g] = make([]float64, rows)
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(max(threads, 1))
	for start := 0; start < rows; start += blockRows {
		work.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			s.block(columns, start, min(start+blockRows, rows), out)
			return nil
		})
	}
	return out, work.Wait()
}

func (s *Scorer) block(columns [][]float32, start, end int, out [][]float64) {
	row := make([]float32, len(columns))
	margins, predicted := make([]float32, s.groups), make([]float64, s.groups)
	for r := start; r < end; r++ {
		for c := range columns {
			row[c] = columns[c][r]
		}
		s.Margins(row, margins)
		s.Transform(margins, predicted)
		for g := range predicted {
			out[g][r] = predicted[g]
		}
	}
}
