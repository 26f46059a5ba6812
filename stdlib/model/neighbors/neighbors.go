// Package neighbors holds models that keep their training rows, and score a row by the ones nearest to it.
//
// Its file is JSON:
//
//	{"format": 1, "k": 2, "weights": "uniform", "metric": "euclidean", "classes": 2,
//	 "inputs": [{"feature": 0, "kind": "value", "mean": 3.5, "scale": 1.2}, {"feature": 1, "kind": "level", "level": 2}],
//	 "columns": [[3, 4.5, null], [0, 2, 2]],
//	 "target": [0, 1, 1]}
//
// Columns are features of the training rows as a signature has them: numbers, or codes of levels; null is missing. Inputs are made of features as those of
// linear models are (package linear). What is far and near is measured between inputs, by the metric: euclidean √Σd², or manhattan Σ|d|. "own" has,
// by the place of an input, what the training rows have in its place: an encoding by the target that a row had no part in. "votes" are
// how much each training row counts; absent: all 1. "classes" is 0 where the target is an amount, else targets are the indices of classes.
//
// A score is the mean target of the k nearest training rows, of classes the share of each, in which a row counts by its votes and with the weights "distance" by
// votes / distance. Where a distance is 0, or so small that 1 by it is infinite, only the rows at it count, and by their votes alone. Of rows as far
// away as each other those that come first in the file are nearer. All of this is scikit-learn's KNeighborsClassifier and KNeighborsRegressor,
// whose choice among rows equally far away is not said.
package neighbors

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"golang.org/x/sync/errgroup"

	"github.com/mlp-lang/mlp/stdlib/model/linear"
)

// format is the version of the file that is written and read.
const format = 1

// Weights say how much a neighbour counts.
type Weights string

// Uniform counts neighbours alike, Distance by 1 / distance.
const (
	Uniform  Weights = "uniform"
	Distance Weights = "distance"
)

// Metric is how distances are measured.
type Metric string

// Euclidean is √Σd², Manhattan Σ|d|.
const (
	Euclidean Metric = "euclidean"
	Manhattan Metric = "manhattan"
)

// MostNumbers bounds a model: its rows times the inputs of a row. They take 8 bytes each in memory.
const MostNumbers = 25_000_000

// Rows are what a model keeps of the training rows.
type Rows struct {
	K       int
	Weights Weights
	Metric  Metric
	Classes int // 0: the target is an amount
	Inputs  []linear.Input
	Columns [][]float64       // [feature][row]
	Own     map[int][]float64 // [input][row]
	Target  []float64
	Votes   []float64 // nil: all 1; else above 0
}

// document is the file.
type document struct {
	Format  int             `json:"format"`
	K       int             `json:"k"`
	Weights Weights         `json:"weights"`
	Metric  Metric          `json:"metric"`
	Classes int             `json:"classes"`
	Inputs  []linear.Input  `json:"inputs"`
	Columns []numbers       `json:"columns"`
	Own     map[int]numbers `json:"own,omitempty"`
	Target  numbers         `json:"target"`
	Votes   numbers         `json:"votes,omitempty"`
}

// Model scores by neighbours. It is safe for concurrent use: nothing of it changes.
type Model struct {
	rows Rows
	tree *tree
}

// New makes a model of rows that fit together, which it keeps.
func New(rows Rows) (*Model, error) {
	if err := rows.validate(); err != nil {
		return nil, err
	}
	m := &Model{rows: rows}
	m.tree = grow(m.points(), len(rows.Target), len(rows.Inputs), rows.Metric)
	return m, nil
}

// Size is how many rows the model keeps, and of how many inputs each is.
func (m *Model) Size() (rows, inputs int) { return len(m.rows.Target), len(m.rows.Inputs) }

// validate checks what scoring relies on, so that a damaged file is an error and no index out of range.
func (d *Rows) validate() error {
	n := len(d.Target)
	switch {
	case d.K < 1 || d.K > n:
		return fmt.Errorf("%d neighbours of %d rows", d.K, n)
	case d.Weights != Uniform && d.Weights != Distance:
		return fmt.Errorf("unknown weights %q", d.Weights)
	case d.Metric != Euclidean && d.Metric != Manhattan:
		return fmt.Errorf("unknown metric %q", d.Metric)
	case n > math.MaxInt32 || n*len(d.Inputs) > MostNumbers:
		return fmt.Errorf("%d rows of %d inputs are more than %d numbers", n, len(d.Inputs), MostNumbers)
	case d.Votes != nil && len(d.Votes) != n:
		return fmt.Errorf("%d votes of %d rows", len(d.Votes), n)
	}
	for i, c := range d.Columns {
		if len(c) != n {
			return fmt.Errorf("column %d has %d rows of %d", i, len(c), n)
		}
	}
	for i, own := range d.Own {
		if i < 0 || i >= len(d.Inputs) || len(own) != n {
			return fmt.Errorf("input %d of %d has %d values of its own for %d rows", i, len(d.Inputs), len(own), n)
		}
	}
	for i := range d.Inputs {
		if err := d.Inputs[i].Validate(len(d.Columns)); err != nil {
			return fmt.Errorf("input %d %w", i, err)
		}
	}
	for r, y := range d.Target {
		if math.IsNaN(y) || d.Classes > 0 && !(y >= 0 && y < float64(d.Classes) && y == math.Trunc(y)) {
			return fmt.Errorf("row %d has the target %g of %d classes", r, y, d.Classes)
		}
		if d.Votes != nil && !(d.Votes[r] > 0) {
			return fmt.Errorf("row %d has the vote %g", r, d.Votes[r])
		}
	}
	return nil
}

// points are the inputs of the training rows, one row after the other.
func (m *Model) points() []float64 {
	n, p := len(m.rows.Target), len(m.rows.Inputs)
	out := make([]float64, n*p)
	for j := range m.rows.Inputs {
		in := &m.rows.Inputs[j]
		if own := m.rows.Own[j]; own != nil {
			for r, x := range own {
				out[r*p+j] = x
			}
			continue
		}
		for r, x := range m.rows.Columns[in.Feature] {
			out[r*p+j] = in.At(x)
		}
	}
	return out
}

// Encode writes the file.
func (m *Model) Encode() ([]byte, error) {
	d := document{Format: format, K: m.rows.K, Weights: m.rows.Weights, Metric: m.rows.Metric, Classes: m.rows.Classes, Inputs: m.rows.Inputs,
		Columns: make([]numbers, len(m.rows.Columns)), Target: m.rows.Target, Votes: m.rows.Votes}
	for i, c := range m.rows.Columns {
		d.Columns[i] = c
	}
	for i, own := range m.rows.Own {
		if d.Own == nil {
			d.Own = map[int]numbers{}
		}
		d.Own[i] = own
	}
	return json.Marshal(d)
}

// Decode reads the file and checks that it takes that many features and yields that many outputs.
func Decode(data []byte, features, outputs int) (*Model, error) {
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return nil, fmt.Errorf("reading a model of neighbours: %w", err)
	}
	if d.Format != format {
		return nil, fmt.Errorf("reading a model of neighbours: format %d is not read here, only %d", d.Format, format)
	}
	rows := Rows{K: d.K, Weights: d.Weights, Metric: d.Metric, Classes: d.Classes, Inputs: d.Inputs, Target: d.Target, Votes: d.Votes}
	for _, c := range d.Columns {
		rows.Columns = append(rows.Columns, c)
	}
	for i, own := range d.Own {
		if rows.Own == nil {
			rows.Own = map[int][]float64{}
		}
		rows.Own[i] = own
	}
	if len(rows.Columns) != features || rows.outputs() != outputs {
		return nil, fmt.Errorf("reading a model of neighbours: %d columns and %d outputs for %d features and %d outputs", len(rows.Columns), rows.outputs(), features, outputs)
	}
	m, err := New(rows)
	if err != nil {
		return nil, fmt.Errorf("reading a model of neighbours: %w", err)
	}
	return m, nil
}

// outputs is how many scores a row has.
func (d *Rows) outputs() int {
	if d.Classes > 2 {
		return d.Classes
	}
	return 1
}

// blockRows is how many rows a task scores.
const blockRows = 256

// Predict scores rows given column by column; the result is [output][row].
func (m *Model) Predict(ctx context.Context, columns [][]float64, rows, threads int) ([][]float64, error) {
	point := func(r int, into []float64) {
		for j := range m.rows.Inputs {
			in := &m.rows.Inputs[j]
			into[j] = in.At(columns[in.Feature][r])
		}
	}
	return m.score(ctx, rows, threads, point, func(int) int { return noRow })
}

// LeaveOneOut scores some training rows, each by all others.
func (m *Model) LeaveOneOut(ctx context.Context, some []int, threads int) ([][]float64, error) {
	p := len(m.rows.Inputs)
	points := m.points()
	point := func(i int, into []float64) { copy(into, points[some[i]*p:(some[i]+1)*p]) }
	return m.score(ctx, len(some), threads, point, func(i int) int { return some[i] })
}

// score scores rows of which point gives the inputs, without one training row each.
func (m *Model) score(ctx context.Context, rows, threads int, point func(row int, into []float64), without func(row int) int) ([][]float64, error) {
	out := make([][]float64, m.rows.outputs())
	for o := range out {
		out[o] = make([]float64, rows)
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(max(threads, 1))
	for start := 0; start < rows; start += blockRows {
		work.Go(func() error {
			s := m.tree.search(m.rows.K)
			at, counts := make([]float64, len(m.rows.Inputs)), make([]float64, m.rows.Classes)
			for r := start; r < min(start+blockRows, rows); r++ {
				if err := ctx.Err(); err != nil {
					return err
				}
				point(r, at)
				m.vote(s.nearest(at, without(r)), counts, out, r)
			}
			return nil
		})
	}
	return out, work.Wait()
}

// vote puts the scores of a row by its neighbours into out. counts has an element for each class.
func (m *Model) vote(near []neighbor, counts []float64, out [][]float64, r int) {
	clear(counts)
	sum, total := 0.0, 0.0
	exact := m.rows.Weights == Distance && len(near) > 0 && math.IsInf(1/m.distance(near[0]), 1)
	for _, n := range near {
		w := 1.0
		if m.rows.Votes != nil {
			w = m.rows.Votes[n.row]
		}
		if m.rows.Weights == Distance {
			each := 1 / m.distance(n)
			switch {
			case !exact:
				w *= each
			case !math.IsInf(each, 1):
				continue
			}
		}
		y := m.rows.Target[n.row]
		if total += w; m.rows.Classes > 0 {
			counts[int(y)] += w
		} else {
			sum += float64(w * y)
		}
	}
	switch {
	case m.rows.Classes == 0:
		out[0][r] = sum / total
	case len(out) == 1:
		out[0][r] = counts[1] / total
	default:
		for c := range out {
			out[c][r] = counts[c] / total
		}
	}
}

// distance of a neighbour in the metric.
func (m *Model) distance(n neighbor) float64 {
	if m.rows.Metric == Euclidean {
		return math.Sqrt(n.far)
	}
	return n.far
}
