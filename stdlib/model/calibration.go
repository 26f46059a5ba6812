package model

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/mlp-lang/mlp/stdlib/model/decisiontrees"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

// Calibration makes probabilities of a classifier's scores: of the rows that it gives 0.7, seven of ten are to be positive. It is part of the
// bundle, so that a model serves as it was evaluated. Attributions are of the margin before it.
//
// With two classes there is one curve, from the score of the positive class to its probability. With more there is one for each class against all
// others, and what they say of a row is divided by its sum (Zadrozny and Elkan 2002); where all say 0 each class has the same.
type Calibration struct {
	Method CalibrationMethod `json:"method"`
	Scale  Scale             `json:"scale"`
	Curves []Curve           `json:"curves"`
	Rows   int               `json:"rows"` // that it was fitted on
	Data   string            `json:"data"` // digest of their table, as in Provenance
	// Groups have curves of their own, GroupCurves, [group][output]; nil: all rows have Curves, which rows of no group have as well.
	Groups      *Groups   `json:"by_group,omitempty"`
	GroupCurves [][]Curve `json:"group_curves,omitempty"`
}

// CalibrationMethod is the family of curves.
type CalibrationMethod string

// Sigmoid is a logistic curve of the score (Platt 1999), Isotonic the rising line through points that is nearest to the classes (Zadrozny and Elkan 2002).
const (
	Sigmoid  CalibrationMethod = "sigmoid"
	Isotonic CalibrationMethod = "isotonic"
)

// Scale says what of a score a curve takes.
type Scale string

// Margin is the log-odds of the score, which models that add up margins have; Score is the score itself, of models of shares.
const (
	Margin Scale = "margin"
	Score  Scale = "score"
)

// Curve maps a score on the calibration's scale to a probability.
type Curve struct {
	// Of a sigmoid: 1/(1 + exp(-(slope·x + intercept))).
	Slope     float64 `json:"slope,omitempty"`
	Intercept float64 `json:"intercept,omitempty"`
	// Of an isotonic one: points, X ascending and Y not descending. Between two it is a straight line, beyond the ends it stays.
	X []float64 `json:"x,omitempty"`
	Y []float64 `json:"y,omitempty"`
}

// ScaleOf is the scale on which scores of an estimator are calibrated.
func ScaleOf(e Estimator) Scale {
	switch m := e.(type) {
	case *linear.Model:
		if m.Link != linear.Identity {
			return Margin
		}
	case *trees:
		if o := m.model.Objective; o == xgboost.Logistic || o == xgboost.Softmax {
			return Margin
		}
	case *decisionTrees:
		if l := m.model.Link; l == decisiontrees.Logistic || l == decisiontrees.Softmax {
			return Margin
		}
	case *ensemble:
		if m.Method == Stacking && m.Line.Link != linear.Identity {
			return Margin
		}
	}
	return Score
}

// Of is a score on the scale. Log-odds are bounded by those of 1e-16 and of the number before 1, beyond which a score has no digits.
func (s Scale) Of(score float64) float64 {
	if s != Margin {
		return score
	}
	p := min(max(score, 1e-16), 1-0x1p-53)
	return math.Log(p) - math.Log1p(-p)
}

// At is the probability at a score on the scale.
func (c *Curve) At(x float64) float64 {
	n := len(c.X)
	if n == 0 {
		return 1 / (1 + math.Exp(-(float64(c.Slope*x) + c.Intercept)))
	}
	i := sort.SearchFloat64s(c.X, x) // the first point that is not before x
	switch {
	case i == 0:
		return c.Y[0]
	case i == n:
		return c.Y[n-1]
	}
	share := (x - c.X[i-1]) / (c.X[i] - c.X[i-1])
	return c.Y[i-1] + float64((c.Y[i]-c.Y[i-1])*share)
}

// validate checks what scoring relies on, for a model with that many outputs.
func (c *Calibration) validate(outputs int) error {
	if c.Scale != Margin && c.Scale != Score || c.Method != Sigmoid && c.Method != Isotonic || len(c.Curves) != outputs {
		return fmt.Errorf("the calibration has the method %q on the scale %q and %d curves for %d outputs", c.Method, c.Scale, len(c.Curves), outputs)
	}
	all := c.Curves
	if c.Groups != nil && len(c.Groups.Values) != len(c.GroupCurves) || c.Groups == nil && c.GroupCurves != nil {
		return fmt.Errorf("the calibration has curves of %d groups, which are others", len(c.GroupCurves))
	}
	for g, curves := range c.GroupCurves {
		if len(curves) != outputs {
			return fmt.Errorf("group %d of the calibration has %d curves for %d outputs", g, len(curves), outputs)
		}
		all = slices.Concat(all, curves)
	}
	for i, curve := range all {
		if len(curve.X) != len(curve.Y) || (len(curve.X) > 0) != (c.Method == Isotonic) || !sort.Float64sAreSorted(curve.X) {
			return fmt.Errorf("curve %d of the calibration has %d points with %d values", i, len(curve.X), len(curve.Y))
		}
	}
	return nil
}

// Apply makes probabilities of an estimator's scores, [output][row], in place. A row whose score is NaN keeps it. groups are those of the rows, by which curves are chosen; nil, or
// -1 of a row, is the curve of all. A nil calibration changes nothing.
func (c *Calibration) Apply(scores [][]float64, groups []int32) {
	if c == nil {
		return
	}
	for o := range scores {
		for r, x := range scores[o] {
			if x == x {
				scores[o][r] = c.curve(o, r, groups).At(c.Scale.Of(x))
			}
		}
	}
	if len(scores) == 1 {
		return
	}
	for r := range scores[0] {
		total := 0.0
		for o := range scores {
			total += scores[o][r]
		}
		for o := range scores {
			if total > 0 {
				scores[o][r] /= total
			} else if total == 0 {
				scores[o][r] = 1 / float64(len(scores))
			}
		}
	}
}

// curve is the one of an output that a row goes by.
func (c *Calibration) curve(output, row int, groups []int32) *Curve {
	if groups == nil || groups[row] < 0 || c.GroupCurves == nil {
		return &c.Curves[output]
	}
	return &c.GroupCurves[groups[row]][output]
}
