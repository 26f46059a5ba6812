package component

import (
	"context"
	"errors"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Model is what serving needs of a trained model. Implementations are safe for concurrent use and hold all they need
// in memory: the folder that they were loaded from may go.
type Model interface {
	// Task says which fields of a Prediction are set.
	Task() schema.Task
	// Inputs are the features in the order of the model's signature. Type is DuckDB's name in lower case.
	Inputs() []schema.Column
	// Classes are the labels in the order of the model's output: [negative, positive] for binary classification,
	// nil for regression.
	Classes() []string
	// Levels are the categories of Inputs()[i] that the model was trained on, in their order; nil where it holds no text, or text
	// of which the model reads any, by its n-grams.
	Levels(i int) []string
	// Score scores rows and returns one prediction for each, in their order. There is one column for each of Inputs, in
	// their order. A category that is none of Levels counts as null, and is told in the prediction. What is computed
	// depends on the row only, never on the others that come with it. Zero rows give zero predictions.
	Score(ctx context.Context, rows int, columns []Values) ([]Prediction, error)
}

// Values are the values of one feature, one a row.
type Values struct {
	// Num holds numbers; booleans as 0 and 1; dates and times as seconds since 1970 in UTC, as in stdlib/frame. A null
	// is NaN. Nil where the feature is text.
	Num []float64
	// Text holds categories; nil where the feature is no text.
	Text []string
	// Null says of text which rows have none.
	Null []bool
}

// Prediction is what a model says of one row. All numbers are finite.
type Prediction struct {
	// Fault says why the row cannot be scored, such as a value out of the model's range; everything else is empty then.
	Fault string
	// Unseen are the indices of the inputs whose category is none that the model was trained on.
	Unseen []int
	// Score is the probability of the positive class (binary) or the predicted value (regression). Nil for multiclass.
	Score *float64
	// Scores is the probability of each class, in the order of Classes, for multiclass only.
	Scores []float64
	// Decision is the class decided on: by the frozen threshold (binary), else the likeliest. Empty for regression.
	Decision string
}

// ErrOpaque is returned, wrapped, when a model can be scored only by its own image and so not in this process.
var ErrOpaque = errors.New("only its own image can score this model")

// Explainer is a Model that can tell what the scores of rows come from.
type Explainer interface {
	// Explain attributes the margins of rows, given as Score takes them, to the inputs. A model that has no such explanation is an ErrUnexplained. What is told of a row that
	// Score has a fault for means nothing.
	Explain(ctx context.Context, rows int, columns []Values) ([]Explanation, error)
}

// Explanation of one row. Margins are what a model adds up before it makes a score of it: log-odds of two classes, the scores before softmax of several, the predicted value of a
// regression or its logarithm. Base and all Contributions of an output add up to its Margin.
type Explanation struct {
	Method        string // "tree_shap", "linear_terms"
	Base, Margin  []float64
	Contributions [][]float64 // [output][input]
}

// ErrUnexplained is returned, wrapped, by an Explainer for a model whose scores it cannot attribute.
var ErrUnexplained = errors.New("this model has no explanation of single rows")
