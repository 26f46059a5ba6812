package model

import (
	"fmt"
	"math"
)

// InDomain reports whether models compute with a value of a feature: every number that 32 bits hold, as trees compare in
// them; NaN is missing. Trainers refuse a table with others, and a row with one has no prediction, wherever it is scored.
func InDomain(x float64) bool { return !(math.Abs(x) > math.MaxFloat32) }

// Unscored is a row that a model has no prediction for, and why: `the feature "amount" is +Inf, which is infinite or too large
// for 32 bits`.
type Unscored struct {
	Row    int // from 0
	Reason string
}

// outside finds the rows, given by features, that a model does not score, and returns the columns with the values that
// made them so taken for missing.
func outside(columns [][]float64, features []Feature, rows int) ([][]float64, []Unscored) {
	of := textColumns(features)
	var reasons []string // by row, once there is one
	out := columns
	for c, values := range columns {
		copied := false
		for r, x := range values {
			if InDomain(x) {
				continue
			}
			if !copied {
				if reasons == nil {
					reasons, out = make([]string, rows), append([][]float64{}, columns...)
				}
				out[c], copied = append([]float64{}, values...), true
			}
			out[c][r] = math.NaN()
			if reasons[r] == "" {
				if c >= len(features) {
					c = of[c-len(features)]
				}
				reasons[r] = fmt.Sprintf("the feature %q is %g, which is infinite or too large for 32 bits", features[c].Name, x)
			}
		}
	}
	return out, listed(reasons)
}

// listed are the rows with a reason, ascending; nil if none has one.
func listed(reasons []string) []Unscored {
	var out []Unscored
	for r, reason := range reasons {
		if reason != "" {
			out = append(out, Unscored{r, reason})
		}
	}
	return out
}

// drop takes the predictions of the rows that were not to be scored, and of those whose result is no finite number, and
// returns both.
func drop(scores [][]float64, rows int, unscored []Unscored) []Unscored {
	reasons := make([]string, rows)
	for _, u := range unscored {
		reasons[u.Row] = u.Reason
	}
	for _, values := range scores {
		for r, x := range values {
			if reasons[r] == "" && (math.IsNaN(x) || math.IsInf(x, 0)) {
				reasons[r] = fmt.Sprintf("the model's result is %g, which is no number", x)
			}
		}
	}
	out := listed(reasons)
	for _, values := range scores {
		for _, u := range out {
			values[u.Row] = math.NaN()
		}
	}
	return out
}
