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
	// ScoreRows scores rows and returns one prediction for each, in their order. A row has exactly one entry for each
	// of Inputs, under the column's name as written there, already of the type that belongs to the column's:
	//
	//	nil      null, for every type
	//	bool     boolean
	//	float64  all numbers; date, time and timestamp as seconds since 1970 in UTC, as in stdlib/frame
	//	string   everything else
	//
	// Strings that were not seen in training count as null. What is computed depends on the row only, never on the
	// others it came with. Zero rows give zero predictions.
	ScoreRows(ctx context.Context, rows []map[string]any) ([]Prediction, error)
}

// Prediction is what a model says of one row. All numbers are finite.
type Prediction struct {
	// Score is the probability of the positive class (binary) or the predicted value (regression). Nil for multiclass.
	Score *float64
	// Scores is the probability of each class, in the order of Classes, for multiclass only.
	Scores []float64
	// Decision is the class decided on: by the frozen threshold (binary), else the likeliest. Empty for regression.
	Decision string
}

// ErrOpaque is returned, wrapped, when a model can be scored only by its own image and so not in this process.
var ErrOpaque = errors.New("only its own image can score this model")
