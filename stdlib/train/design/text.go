package design

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/model/ngrams"
	"github.com/mlp-lang/mlp/stdlib/train"
)

// text is a feature that is read by its n-grams.
type text struct {
	feature int
	line    *ngrams.Line
	of      *train.Text
}

// addText learns which buckets a feature has, and adds an input that says where the text is missing, if it is in some rows.
func (m *Matrix) addText(feature int, line *ngrams.Line, of *train.Text) {
	line.Learn(of.Counted, of.Rows, of.Missing)
	m.texts = append(m.texts, text{feature, line, of})
	if of.Missing > 0 && of.Missing < m.set.Rows {
		m.Inputs = append(m.Inputs, linear.Input{Feature: feature, Kind: linear.Missing})
	}
}

// layText gives each row the inputs of its texts, once it is known how many others there are. Rows with the same text share them.
func (m *Matrix) layText() {
	at := len(m.Inputs)
	for i := range m.texts {
		x := &m.texts[i]
		entries := make([][]Entry, len(x.of.Counted))
		for place, counted := range x.of.Counted {
			if x.of.Rows[place] == 0 {
				continue // of rows that are not fitted on
			}
			entries[place] = make([]Entry, 0, len(counted))
			for _, e := range x.line.Vector(counted) {
				if k, known := x.line.Place(e.Bucket); known && e.X != 0 {
					entries[place] = append(entries[place], Entry{int32(at + k), e.X})
				}
			}
		}
		if m.sparse == nil {
			m.sparse = make([][]Entry, m.set.Rows)
		}
		for r, place := range m.set.Columns[x.feature] {
			switch {
			case place != place:
			case m.sparse[r] == nil:
				m.sparse[r] = entries[int(place)]
			default:
				m.sparse[r] = slices.Concat(m.sparse[r], entries[int(place)])
			}
		}
		at += len(x.line.Buckets)
	}
	if m.sparse != nil {
		m.columns = byInput(m.sparse, len(m.Inputs), at-len(m.Inputs))
	}
}

// columns are inputs of text by input: those of input k are rows[starts[k]:starts[k+1]], ascending, and xs likewise.
type columns struct {
	starts []int
	rows   []int32
	xs     []float64
}

// byInput lays inputs that are known by row out by input; the first of so many has the place at.
func byInput(sparse [][]Entry, at, inputs int) *columns {
	c := &columns{starts: make([]int, inputs+1)}
	for _, row := range sparse {
		for _, e := range row {
			c.starts[int(e.At)-at+1]++
		}
	}
	for k := range inputs {
		c.starts[k+1] += c.starts[k]
	}
	c.rows, c.xs = make([]int32, c.starts[inputs]), make([]float64, c.starts[inputs])
	next := slices.Clone(c.starts)
	for r, row := range sparse {
		for _, e := range row {
			k := int(e.At) - at
			c.rows[next[k]], c.xs[next[k]] = int32(r), e.X
			next[k]++
		}
	}
	return c
}

// Dense is the number of inputs that are not of text: those that Block.Rows has.
func (m *Matrix) Dense() int { return len(m.Inputs) }

// AddText adds to the sums of the inputs of text those over rows of a factor by row times the input; with squares, times its square. Sums are taken as Sum does, block by block,
// but input by input: a search through many inputs, of which a row has few, would else spend its time with blocks' sums of nothing.
func (m *Matrix) AddText(ctx context.Context, threads int, factors []float64, squares bool, into []float64) error {
	if m.columns == nil {
		return nil
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(max(threads, 1))
	const some = 1 << 16 // values, about
	for from := 0; from < len(into); {
		to := from + 1
		for to < len(into) && m.columns.starts[to] < m.columns.starts[from]+some {
			to++
		}
		first := from
		work.Go(func() error {
			for k := first; k < to; k++ {
				into[k] += m.columns.sum(k, factors, squares)
			}
			return ctx.Err()
		})
		from = to
	}
	return work.Wait()
}

// sum is that of one input.
func (c *columns) sum(k int, factors []float64, squares bool) float64 {
	xs := c.xs[c.starts[k]:c.starts[k+1]]
	total, part, end := 0.0, 0.0, int32(0)
	for i, r := range c.rows[c.starts[k]:c.starts[k+1]] {
		if r >= end {
			total, part = total+part, 0
			end = (r/BlockRows + 1) * BlockRows
		}
		x := xs[i]
		if squares {
			x = float64(x * x)
		}
		part += float64(factors[r] * x)
	}
	return total + part
}

// Lower takes the coefficients of text out of a fitted model, puts them into the lines of the features, and the numbers that these make of texts into the sets of the training: to
// the model, and the matrix, each text is one input for each output then, with the coefficient 1 there and 0 elsewhere.
func (m *Matrix) Lower(t *train.Training, fitted *linear.Model) {
	if m.texts == nil {
		return
	}
	at, outputs, columns := len(m.Inputs), len(fitted.Coefficients), len(t.Inputs())
	coefficients := make([][]float64, outputs)
	for o, all := range fitted.Coefficients {
		coefficients[o] = slices.Clone(all[:at])
	}
	for i := range m.texts {
		x := &m.texts[i]
		x.line.Weights = make([][]float64, outputs)
		for o, all := range fitted.Coefficients {
			x.line.Weights[o] = slices.Clone(all[at : at+len(x.line.Buckets)])
			in := linear.Input{Feature: x.feature, Kind: linear.Value, Scale: 1}
			if o > 0 { // as FinishText lays them
				in.Feature, columns = columns, columns+1
			}
			m.Inputs = append(m.Inputs, in)
			for k := range coefficients {
				one := 0.0
				if k == o {
					one = 1
				}
				coefficients[k] = append(coefficients[k], one)
			}
		}
		at += len(x.line.Buckets)
	}
	t.FinishText()
	m.texts, m.sparse, m.columns = nil, nil, nil
	m.keep()
	fitted.Inputs, fitted.Coefficients = m.Inputs, coefficients
}
