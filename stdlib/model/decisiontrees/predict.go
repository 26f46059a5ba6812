package decisiontrees

import (
	"context"
	"math"

	"golang.org/x/sync/errgroup"

	"github.com/mlp-lang/mlp/stdlib/model/shap"
)

// blockRows is how many rows are scored at a time by one goroutine.
const blockRows = 512

// Predict scores rows given column by column, with as many threads as given; NaN is missing. The result is [output][row] and does not depend on
// the number of threads. Trees are added up in their order, so that the sum is the same as LightGBM's.
func (m *Model) Predict(ctx context.Context, columns [][]float64, rows, threads int) ([][]float64, error) {
	out := make([][]float64, len(m.Base))
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
			row, margins := make([]float64, m.Features), make([]float64, len(m.Base))
			for r := start; r < min(start+blockRows, rows); r++ {
				m.read(columns, r, row)
				m.margins(row, margins)
				m.transform(margins)
				for g := range margins {
					out[g][r] = margins[g]
				}
			}
			return nil
		})
	}
	return out, work.Wait()
}

// read is a row as it is compared.
func (m *Model) read(columns [][]float64, r int, row []float64) {
	for c := range row {
		if row[c] = columns[c][r]; m.Single {
			row[c] = float64(float32(row[c]))
		}
	}
}

// margins adds up the trees for one row.
func (m *Model) margins(row, out []float64) {
	copy(out, m.Base)
	for i := range m.Trees {
		t, at := &m.Trees[i], int32(0)
		for !t.Nodes[at].Leaf() {
			n := &t.Nodes[at]
			at = n.next(row[n.Feature])
		}
		out[t.Group] += t.Nodes[at].Value
	}
	if m.Average > 1 {
		for g := range out {
			out[g] /= float64(m.Average)
		}
	}
}

// Covered reports whether each split says how many rows went either way.
func (m *Model) Covered() bool {
	for i := range m.Trees {
		nodes := m.Trees[i].Nodes
		for k := range nodes {
			if n := &nodes[k]; !n.Leaf() && nodes[n.Left].Cover+nodes[n.Right].Cover <= 0 {
				return false
			}
		}
	}
	return true
}

// Count makes the rows that go through each node its cover. Below a node that none goes through either way counts alike: 1.
func (m *Model) Count(columns [][]float64, rows []int) {
	row := make([]float64, m.Features)
	for i := range m.Trees {
		nodes := m.Trees[i].Nodes
		for k := range nodes {
			nodes[k].Cover = 0
		}
	}
	for _, r := range rows {
		m.read(columns, r, row)
		for i := range m.Trees {
			nodes, at := m.Trees[i].Nodes, int32(0)
			for nodes[at].Cover++; !nodes[at].Leaf(); nodes[at].Cover++ {
				at = nodes[at].next(row[nodes[at].Feature])
			}
		}
	}
	for i := range m.Trees {
		nodes := m.Trees[i].Nodes
		for k := range nodes {
			if n := &nodes[k]; !n.Leaf() && nodes[n.Left].Cover+nodes[n.Right].Cover == 0 {
				nodes[n.Left].Cover, nodes[n.Right].Cover = 1, 1
			}
		}
	}
}

// transform makes predictions of margins, in their place.
func (m *Model) transform(margins []float64) {
	switch m.Link {
	case Logistic:
		scale := m.Scale
		if scale == 0 {
			scale = 1
		}
		margins[0] = 1 / (1 + math.Exp(-scale*margins[0]))
	case Exponential:
		margins[0] = math.Exp(margins[0])
	case Square:
		margins[0] *= math.Abs(margins[0])
	case Softmax:
		top, sum := margins[0], 0.0
		for _, x := range margins {
			top = max(top, x)
		}
		for g, x := range margins {
			margins[g] = math.Exp(x - top)
			sum += margins[g]
		}
		for g := range margins {
			margins[g] /= sum
		}
	}
}

// Explainer attributes margins to features: those before the link, of a logistic one log-odds.
func (m *Model) Explainer() *shap.Explainer[float64] {
	share := 1.0
	if m.Average > 1 {
		share = 1 / float64(m.Average)
	}
	if m.Link == Logistic && m.Scale != 0 {
		share *= m.Scale
	}
	of := shap.Ensemble[float64]{Features: m.Features, Base: make([]float64, len(m.Base)), Trees: make([]shap.Tree, len(m.Trees)),
		Next: func(tree int, node int32, x float64) int32 {
			if m.Single {
				x = float64(float32(x))
			}
			return m.Trees[tree].Nodes[node].next(x)
		}}
	for g, x := range m.Base {
		of.Base[g] = x * share
	}
	for i := range m.Trees {
		t := &m.Trees[i]
		of.Trees[i] = shap.Tree{Nodes: make([]shap.Node, len(t.Nodes)), Group: t.Group}
		for k := range t.Nodes {
			n := &t.Nodes[k]
			of.Trees[i].Nodes[k] = shap.Node{Left: n.Left, Right: n.Right, Feature: n.Feature, Cover: n.Cover}
			if n.Leaf() {
				of.Trees[i].Nodes[k].Value = n.Value * share
			}
		}
	}
	return shap.New(of)
}
