// Package trees is what the trainers of trees have in common: bins of features as they are read, warnings of digits that are lost, and the names of features
// in the model.
package trees

import (
	"strings"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
	"github.com/mlp-lang/mlp/stdlib/train"
	"github.com/mlp-lang/mlp/stdlib/train/trees/histogram"
)

// Progress moves the stage's bar about a hundred times, and at the last round in any case.
func Progress(s *component.Stage) func(done, total int) {
	return func(done, total int) {
		if done%max(total/100, 1) == 0 || done == total {
			s.Progress(done, total)
		}
	}
}

// Binning makes bins of tables as their features come. The bins, a byte for each value, are all that trees grow on.
type Binning struct {
	Threads    int
	Data       *histogram.Binned // nil until the first features come
	Validation *histogram.Coded  // nil: there is no such table
	losses     []loss            // what rounding to 32 bits takes away, for warnings
}

// Take is a train.Take.
// before is how many features came earlier: columns arrive in groups, each of the training side first. A column with levels
// is categorical.
func (b *Binning) Take(t *train.Training, of *train.Set, before int, columns [][]float64) error {
	some := make([]histogram.Column, len(columns))
	for i, values := range columns {
		some[i].Values = values
		if f := &t.Inputs()[before+i]; f.Categorical() {
			some[i].Levels = max(len(f.Levels), 1) // so that a column without any is still categorical
		}
	}
	if of == t.Data {
		if b.Data == nil {
			weights, err := t.Weights(of)
			if err != nil {
				return err
			}
			if b.Data, err = histogram.New(len(t.Inputs()), of.Target, weights); err != nil {
				return err
			}
		}
		if err := b.Data.Add(some, b.Threads); err != nil {
			return err
		}
		b.findLosses(t, before, columns)
		return nil
	}
	if b.Validation == nil {
		weights, err := t.Weights(of)
		if err != nil {
			return err
		}
		b.Validation = b.Data.Other(of.Target, weights)
	}
	b.Validation.Add(some, b.Threads)
	return nil
}

// Name writes the features' names and kinds into the model, for whoever reads it with XGBoost.
// Kinds are XGBoost's: q a quantity, i an indicator, c a category.
// Names that XGBoost itself takes in no table are warned of.
func Name(m *xgboost.Model, t *train.Training) {
	inputs := t.Inputs()
	for i := range inputs {
		kind := "q"
		switch f := &inputs[i]; {
		case f.Categorical():
			kind = "c"
		case f.Type == "boolean":
			kind = "i"
		}
		m.FeatureNames = append(m.FeatureNames, inputs[i].Name)
		m.FeatureTypes = append(m.FeatureTypes, kind)
	}
	for _, f := range m.FeatureNames {
		if strings.ContainsAny(f, "[]<") {
			t.Warnf("XGBoost itself takes no feature named %q, since [, ] and < have a meaning there; it reads the model, but no table with that name", f)
		}
	}
}
