// Package design makes the inputs of linear models of a table: the design matrix, in blocks of rows.
//
// A number is centred at its mean and scaled by its standard deviation, both weighted; where it is missing the mean
// stands in, and an input of its own says so. A category is one-hot coded. A feature that is the same in every row gives
// no input. Blocks preprocess make other inputs of a feature (preprocess.go). Text that is read by its n-grams has an input for each bucket that a training
// row has, neither centred nor scaled, of which only those that are not 0 are kept (text.go).
//
// Sums over rows are taken block by block and added up in the order of the blocks, so that they don't depend on the
// number of threads.
package design

import (
	"context"
	"math"

	"golang.org/x/sync/errgroup"

	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/train"
)

// Matrix is a design matrix. A small one is kept, a large one computed anew each time that it is read.
type Matrix struct {
	Inputs []linear.Input
	set    *train.Set
	kept   []Block // nil: none is kept
	// sparse are inputs of text by row, columns the same by input, and texts what they are of; nil without. Their places come behind those of Inputs.
	sparse  [][]Entry
	columns *columns
	texts   []text
	// crossed are inputs that training rows have otherwise than rows to be scored: by input and row.
	crossed map[int][]float64
	parts   [][]float64 // memory of sums, by block of a wave
}

// keepBytes is how large a matrix that is kept may be.
const keepBytes = 256 << 20

// New makes the inputs. With reference true a category has no input for its most frequent level, which the intercept
// then stands for: without that, least squares has no unique solution. Columns with a block preprocess are made as that says.
func New(t *train.Training, reference bool, pre []Preprocess) *Matrix {
	m := &Matrix{set: t.Data}
	inputs := t.Inputs()
	for i := range inputs {
		f := &inputs[i]
		switch p := preparedBy(pre, f.Name); {
		case f.NGrams != nil:
			m.addText(i, f.NGrams, t.Text(i))
		case f.Text() && p != nil && p.Encode == targetEncoded:
			m.addTarget(i, t, p)
		case f.Text():
			m.Inputs = append(m.Inputs, linear.LevelInputs(i, m.set.Columns[i], len(f.Levels), m.set.WeightOf, reference)...)
		case p != nil:
			m.addPrepared(i, p)
		default:
			m.Inputs = append(m.Inputs, linear.NumberInputs(i, m.set.Columns[i], m.set.WeightOf)...)
		}
	}
	m.layText()
	m.keep()
	return m
}

// keep lets blocks be kept if they are small.
func (m *Matrix) keep() {
	if m.kept = nil; m.set.Rows*len(m.Inputs)*8 <= keepBytes {
		m.kept = make([]Block, m.blocks())
	}
}

// blocks is how many blocks of rows there are, the last of which may be shorter.
func (m *Matrix) blocks() int { return (m.set.Rows + BlockRows - 1) / BlockRows }

// Width is the number of inputs, with those of text.
func (m *Matrix) Width() int {
	width := len(m.Inputs)
	for i := range m.texts {
		width += len(m.texts[i].line.Buckets)
	}
	return width
}

// BlockRows is how many rows a block has, the last but one.
const BlockRows = 2048

// Block is a stretch of rows with their inputs.
type Block struct {
	Start, End int
	Rows       [][]float64 // [row - Start][input]: Matrix.Inputs
	Sparse     [][]Entry   // [row - Start]: inputs of text that are not 0; nil without
}

// Entry is an input of text, by its place behind those that Block.Rows has.
type Entry struct {
	At int32
	X  float64
}

// Add adds factor times each input of a row, but for those of text (AddText), to as many sums.
func (b *Block) Add(row int, factor float64, into []float64) {
	for j, x := range b.Rows[row] {
		into[j] += float64(factor * x)
	}
}

// Sum adds to a number the inputs of a row, each times its coefficient.
func (b *Block) Sum(row int, to float64, coefficients []float64) float64 {
	for j, x := range b.Rows[row] {
		to += float64(coefficients[j] * x)
	}
	if b.Sparse != nil {
		for _, e := range b.Sparse[row] {
			to += float64(coefficients[e.At] * e.X)
		}
	}
	return to
}

// wave is how many blocks have sums of their own at once.
const wave = 32

// Sum calls f for every block with an accumulator of the given size, zeroed, and returns the accumulators added up in
// the order of the blocks. Only one Sum may run at a time.
func (m *Matrix) Sum(ctx context.Context, threads, size int, f func(b Block, into []float64)) ([]float64, error) {
	out := make([]float64, size)
	for from := 0; from < m.blocks(); from += wave {
		parts := m.memory(min(wave, m.blocks()-from), size)
		work, ctx := errgroup.WithContext(ctx)
		work.SetLimit(max(threads, 1))
		for i := range parts {
			work.Go(func() error {
				if err := ctx.Err(); err != nil {
					return err
				}
				clear(parts[i])
				f(m.block(from+i), parts[i])
				return nil
			})
		}
		if err := work.Wait(); err != nil {
			return nil, err
		}
		for _, part := range parts {
			for i, x := range part {
				out[i] += x
			}
		}
	}
	return out, nil
}

// memory is that of so many sums, which the next Sum writes over: a search asks for sums of one size again and again, and those of text are long.
func (m *Matrix) memory(sums, size int) [][]float64 {
	if len(m.parts) == 0 || len(m.parts[0]) != size {
		m.parts = nil
	}
	for len(m.parts) < sums {
		m.parts = append(m.parts, make([]float64, size))
	}
	return m.parts[:sums]
}

// block is a kept block, or a new one. No two goroutines ask for the same block at once, as Sum hands each out once.
func (m *Matrix) block(i int) Block {
	if m.kept == nil {
		return m.compute(i)
	}
	if m.kept[i].Rows == nil {
		m.kept[i] = m.compute(i)
	}
	return m.kept[i]
}

// compute makes the inputs of a block, its rows one behind the other in memory.
func (m *Matrix) compute(i int) Block {
	b := Block{Start: i * BlockRows, End: min((i+1)*BlockRows, m.set.Rows)}
	n, p := b.End-b.Start, len(m.Inputs)
	values := make([]float64, n*p)
	b.Rows = make([][]float64, n)
	for r := range b.Rows {
		b.Rows[r] = values[r*p : (r+1)*p]
	}
	if m.sparse != nil {
		b.Sparse = m.sparse[b.Start:b.End]
	}
	for j := range m.Inputs {
		in := &m.Inputs[j]
		if own := m.crossed[j]; own != nil {
			for r, x := range own[b.Start:b.End] {
				b.Rows[r][j] = x
			}
			continue
		}
		for r, x := range m.set.Columns[in.Feature][b.Start:b.End] {
			b.Rows[r][j] = in.At(x)
		}
	}
	return b
}

// Crossed are the inputs that training rows have otherwise than rows to be scored, by input and row; nil: there are none.
func (m *Matrix) Crossed() map[int][]float64 { return m.crossed }

// Importance is each feature's share in the sum of |coefficient| · standard deviation over its inputs and all outputs.
// An input that hardly varies moves hardly any score, whatever its coefficient is. The result is by feature, and
// sums up to 1, or is 0 throughout where all coefficients are. A text is one input by then (Lower).
func (m *Matrix) Importance(ctx context.Context, threads, features int, coefficients [][]float64) ([]float64, error) {
	p := len(m.Inputs)
	moments, err := m.Sum(ctx, threads, 2*p+1, func(b Block, into []float64) {
		for r, row := range b.Rows {
			w := m.set.WeightOf(b.Start + r)
			into[2*p] += w
			for j, x := range row {
				into[j] += float64(w * x)
				into[p+j] += float64(w * float64(x*x))
			}
		}
	})
	if err != nil {
		return nil, err
	}
	out := make([]float64, features)
	for j := range m.Inputs {
		mean := moments[j] / moments[2*p]
		spread := math.Sqrt(max(moments[p+j]/moments[2*p]-float64(mean*mean), 0))
		for _, output := range coefficients {
			out[m.Inputs[j].Feature] += float64(math.Abs(output[j]) * spread)
		}
	}
	return train.Shares(out), nil
}
