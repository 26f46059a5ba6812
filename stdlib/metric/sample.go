package metric

import (
	"fmt"
	"math"
	"sync"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/radix"
)

// Data is what metrics are computed on; all slices that are set have one element a row. Three rows of a binary task:
// Classes 2, Actual {1, 0, 1}, Predicted {1, 0, 0}, Score {0.9, 0.2, 0.4}.
type Data struct {
	Task schema.Task
	// Classes is their number (classification; 2 for binary, where class 1 is the positive one).
	Classes   int
	Names     []string    // of the classes, for reasons; nil: their indices
	Actual    []float64   // index of the class, or the value of a regression; none is NaN or infinite
	Predicted []float64   // what the model decided, in the same terms
	Score     []float64   // binary: probability of the positive class; may be nil where no metric reads it
	Scores    [][]float64 // multiclass: [class][row] probabilities; may be nil likewise
	Weight    []float64   // nil: every row counts 1
}

// Sample is Data checked for metrics, and sorted; it is safe for concurrent reading.
type Sample struct {
	*Data
	rows    int
	weights []float64
	cells   []int32 // actual * classes + predicted, by row
	// What follows is computed when it is first needed: not all metrics do, and of millions of rows each takes as much memory as a column.
	curve  func() curve     // rows by Score
	curves []func() curve   // rows by Scores of each class
	errors func() []int32   // rows by absolute error, ascending
	losses func() []float64 // of classes: the log loss of each row
}

// curve is the rows of a sample by a score, the highest first: what areas and precisions are summed along. A resample changes the
// weights alone, so that a pass over the curve is all that it costs.
type curve []point

// point of a curve is a row: its index, whether it is the last of those with one score, and whether it is of the class that is scored.
type point uint32

const (
	isOfClass point = 1 << iota
	isLast
	rowShift = iota
)

func (p point) row() int { return int(p >> rowShift) }

// newCurve sorts rows by the score of a class.
func (s *Sample) newCurve(score []float64, class float64) curve {
	rows := radix.Descending(score)
	out := make(curve, len(rows))
	for k, r := range rows {
		p := point(r) << rowShift
		if s.Actual[r] == class {
			p |= isOfClass
		}
		if k == len(rows)-1 || score[rows[k+1]] != score[r] {
			p |= isLast
		}
		out[k] = p
	}
	return out
}

// NewSample checks data; it is sorted when it is first needed. Lengths that differ, classes out of range and values that are not finite are
// errors that name the row.
func NewSample(d *Data) (*Sample, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	return prepared(d), nil
}

// prepared is the sample of data that was checked.
func prepared(d *Data) *Sample {
	s := &Sample{Data: d, rows: len(d.Actual), weights: d.Weight}
	if s.weights == nil {
		s.weights = make([]float64, s.rows)
		for i := range s.weights {
			s.weights[i] = 1
		}
	}
	if d.Task == schema.Regression {
		s.errors = sync.OnceValue(s.byError)
		return s
	}
	s.cells = make([]int32, s.rows)
	for i := range s.cells {
		s.cells[i] = int32(int(d.Actual[i])*d.Classes + int(d.Predicted[i]))
	}
	s.curve = sync.OnceValue(func() curve { return s.newCurve(d.Score, 1) })
	for class, score := range d.Scores {
		s.curves = append(s.curves, sync.OnceValue(func() curve { return s.newCurve(score, float64(class)) }))
	}
	s.losses = sync.OnceValue(s.rowLosses)
	return s
}

// byError are the rows of a regression by their absolute errors.
func (s *Sample) byError() []int32 {
	errors := make([]float64, s.rows)
	for i := range errors {
		errors[i] = s.err(i)
	}
	return radix.Ascending(errors)
}

// Rows is the number of rows.
func (s *Sample) Rows() int { return s.rows }

// Weights of the rows; shared, not to be changed.
func (s *Sample) Weights() []float64 { return s.weights }

// err is the absolute error of a row of a regression.
func (s *Sample) err(i int) float64 { return math.Abs(s.Actual[i] - s.Predicted[i]) }

// score is the probability that row i is of class c.
func (s *Sample) score(c, i int) float64 {
	if s.Scores != nil {
		return s.Scores[c][i]
	}
	if c == 1 {
		return s.Score[i]
	}
	return 1 - s.Score[i]
}

// confusion is the weight of each pair of actual and predicted class.
func (s *Sample) confusion(w []float64) matrix {
	m := matrix{k: s.Classes, names: s.Names, cells: make([]float64, s.Classes*s.Classes)}
	for i, c := range s.cells {
		m.cells[c] += w[i]
	}
	return m
}

// check holds the columns to one length, and values to what metrics rely on: finite, weights not negative, classes as
// indexes 0 to Classes - 1.
func (d *Data) check() error {
	n := len(d.Actual)
	if n >= 1<<(32-rowShift) {
		return fmt.Errorf("%d rows are more than can be measured", n)
	}
	columns := append([][]float64{d.Predicted, d.Score, d.Weight}, d.Scores...)
	for i, c := range columns {
		if len(c) != n && (c != nil || i == 0) {
			return fmt.Errorf("%d actual values, and a column of %d", n, len(c))
		}
		for row, x := range c {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				return fmt.Errorf("row %d: a prediction, score or weight is %v", row+1, x)
			}
		}
	}
	for row, x := range d.Weight {
		if x < 0 {
			return fmt.Errorf("row %d: the weight %v is negative", row+1, x)
		}
	}
	if d.Task == schema.Regression {
		return finite(d.Actual)
	}
	// Classes that the model does not know have no scores; they are the last.
	if len(d.Scores) > d.Classes {
		return fmt.Errorf("scores of %d classes, expected %d", len(d.Scores), d.Classes)
	}
	return d.checkClasses()
}

// name of a class in a reason.
func name(names []string, class int) string {
	if class < len(names) {
		return fmt.Sprintf("class %q", names[class])
	}
	return fmt.Sprintf("class %d", class)
}

// unscored is a class that occurs and that there are no scores of; negative if there is none.
func (s *Sample) unscored(w []float64) int {
	if s.Task != schema.Multiclass || len(s.Scores) == s.Classes {
		return -1
	}
	for i, a := range s.Actual {
		if w[i] > 0 && int(a) >= len(s.Scores) {
			return int(a)
		}
	}
	return -1
}

// checkClasses holds actual and predicted values to indexes of classes.
func (d *Data) checkClasses() error {
	for i := range d.Actual {
		for _, x := range []float64{d.Actual[i], d.Predicted[i]} {
			if !(x >= 0 && x < float64(d.Classes)) || x != math.Trunc(x) {
				return fmt.Errorf("row %d: %v is not the index of one of %d classes", i+1, x, d.Classes)
			}
		}
	}
	return nil
}

// finite refuses values that no error can be measured from.
func finite(xs []float64) error {
	for i, x := range xs {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return fmt.Errorf("row %d: the actual value is %v", i+1, x)
		}
	}
	return nil
}
