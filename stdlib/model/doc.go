// Package model holds trained models as data: what they expect, how they score, and the threshold that was frozen
// with them.
//
// A model is a folder of two files, and of the models that it is made of, if it is one of several. bundle.json says what it takes and yields: task, target, classes, features with
// their category codes, decision threshold, provenance. model.json holds the parameters in a format of its kind:
//
//	trees     XGBoost's JSON format (package xgboost); categories are codes into the feature's levels
//	decision_trees  package decisiontrees: thresholds of 64 bits, of models from elsewhere
//	linear    package linear
//	constant  package constant
//	seasonal  package seasonal
//	neighbors package neighbors
//	ensemble  how scores of members are put together; the members are models below the folder, members/1 and so on
//
// A text may be read by its n-grams (package ngrams). What they add to a sum of a linear model is one number, which is made where rows are encoded (text.go), by weights
// that stand with the feature in bundle.json; the model in model.json takes that number as it is. So to all that comes after, such as explanations, the text is one input.
//
// Groups of rows may have thresholds and calibrations of their own (groups.go), which are in bundle.json.
//
// The same model gives the same bytes, so that a model's identity is the digest of its folder.
package model

import (
	"context"
	"fmt"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/model/constant"
	"github.com/mlp-lang/mlp/stdlib/model/decisiontrees"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/model/neighbors"
	"github.com/mlp-lang/mlp/stdlib/model/ngrams"
	"github.com/mlp-lang/mlp/stdlib/model/seasonal"
	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

// Feature is a column that a model reads.
type Feature struct {
	Name string `json:"name"`
	Type string `json:"type"` // as in the training table: "double", "boolean", "varchar", …
	// Levels of a text column, or of a column of numbers that are taken as categories ("3", "0.5"); the model sees their indices. A level that is not listed counts as missing.
	Levels []string `json:"levels,omitempty"`
	// NGrams says that the column is read as text: the model sees the number that it makes of it. Nil: it is not.
	NGrams *ngrams.Line `json:"ngrams,omitempty"`
}

// Text reports whether the feature is a column of text.
func (f *Feature) Text() bool { return TextType(f.Type) }

// Categorical reports whether the feature holds categories: text that is not read as such, or numbers that are taken so.
func (f *Feature) Categorical() bool { return f.Text() && f.NGrams == nil || len(f.Levels) > 0 }

// Signature says what a model takes and yields.
type Signature struct {
	Task   schema.Task `json:"task"`
	Target string      `json:"target"`
	// Classes of a classification, in the order of scores; for two: negative, positive. Empty in regression.
	Classes  []string  `json:"classes,omitempty"`
	Features []Feature `json:"features"`
}

// Outputs is the number of scores a row has: one for binary tasks and regression, else one a class.
func (s *Signature) Outputs() int {
	if s.Task == schema.Multiclass {
		return len(s.Classes)
	}
	return 1
}

// validate holds a signature to its task, which says how many classes there are.
func (s *Signature) validate() error {
	want := map[schema.Task]func(int) bool{
		schema.Binary:     func(n int) bool { return n == 2 },
		schema.Multiclass: func(n int) bool { return n >= 2 },
		schema.Regression: func(n int) bool { return n == 0 },
	}[s.Task]
	if want == nil {
		return fmt.Errorf("unknown task %q", s.Task)
	}
	if !want(len(s.Classes)) {
		return fmt.Errorf("a model for %s has %d classes", s.Task, len(s.Classes))
	}
	if s.Target == "" {
		return fmt.Errorf("the target is not named")
	}
	seen := map[string]bool{}
	for i := range s.Features {
		f := &s.Features[i]
		if f.Name == "" || seen[f.Name] {
			return fmt.Errorf("feature %d is named %q, as another is or nothing is", i, f.Name)
		}
		seen[f.Name] = true
		if f.NGrams != nil && (!f.Text() || f.Levels != nil) {
			return fmt.Errorf("the feature %q of type %s with %d levels is read as text", f.Name, f.Type, len(f.Levels))
		}
		if f.NGrams != nil && f.NGrams.Outputs() != s.Outputs() {
			return fmt.Errorf("the text %q has numbers of %d outputs, and the model has %d", f.Name, f.NGrams.Outputs(), s.Outputs())
		}
	}
	return nil
}

// Kind of a model: which format model.json has.
type Kind string

// The kinds there are.
const (
	Trees    Kind = "trees"
	Linear   Kind = "linear"
	Constant Kind = "constant"
	Seasonal Kind = "seasonal"
	// DecisionTrees are trees with thresholds of 64 bits, as LightGBM and ONNX have them.
	DecisionTrees Kind = "decision_trees"
	// Neighbors are of training rows that the model keeps.
	Neighbors Kind = "neighbors"
	Ensemble  Kind = "ensemble" // of models that are bundles of their own
)

// Estimator is a model without its bundle: numbers in, numbers out.
type Estimator interface {
	// Encode writes model.json; the same bytes for the same model.
	Encode() ([]byte, error)
	// Predict scores rows given column by column, in the order of the signature's features: numbers, indices of
	// levels, or of text that is read as such the number made of it; NaN is missing. The result is [output][row] and does not depend on the number of threads.
	Predict(ctx context.Context, columns [][]float64, rows, threads int) ([][]float64, error)
}

// decode reads model.json of a kind, and checks that it fits the signature.
func decode(kind Kind, data []byte, s *Signature) (Estimator, error) {
	switch kind {
	case Trees:
		m, err := xgboost.Decode(data)
		if err != nil {
			return nil, err
		}
		return NewTrees(m, s)
	case DecisionTrees:
		m, err := decisiontrees.Decode(data)
		if err != nil {
			return nil, err
		}
		return NewDecisionTrees(m, s)
	case Linear:
		return linear.Decode(data, len(s.Features), s.Outputs())
	case Constant:
		return constant.Decode(data, len(s.Features), s.Outputs())
	case Seasonal:
		return seasonal.Decode(data, len(s.Features), s.Outputs())
	case Neighbors:
		return neighbors.Decode(data, len(s.Features), s.Outputs())
	}
	return nil, fmt.Errorf("unknown kind of model %q; this version reads %q, %q, %q, %q, %q, %q and %q", kind, Trees, DecisionTrees, Linear, Constant, Seasonal, Neighbors, Ensemble)
}
