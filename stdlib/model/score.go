package model

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/frame"
)

// Prediction is what a model says of the rows of a frame, in their order.
type Prediction struct {
	// Score is the probability of the positive class, or the predicted value. Nil with more than two classes.
	Score []float64
	// Scores are probabilities by class and row: [class][row]. Nil in regression.
	Scores [][]float64
	// Class is the index of the decided class: by the threshold with two classes, the most probable (the first of
	// equals) with more; -1 where there is no prediction. Nil in regression.
	Class []int32
	// Unscored are the rows without a prediction, ascending; their scores are NaN.
	Unscored []Unscored
}

// Score scores every row of f, with as many threads as given; the result does not depend on them. A frame that lacks
// a feature, or has one of a type that the model does not take (schema.Takes), is an error. A category that was not
// trained on counts as missing.
func (b *Bundle) Score(f *frame.Frame, threads int) (*Prediction, error) {
	return b.ScoreContext(context.Background(), f, threads)
}

// ScoreContext is Score that stops early when ctx ends.
func (b *Bundle) ScoreContext(ctx context.Context, f *frame.Frame, threads int) (*Prediction, error) {
	columns, err := Encode(f, b.signature.Features)
	if err != nil {
		return nil, err
	}
	return b.predict(ctx, columns, f.Rows, threads)
}

// ScoreEncoded scores rows given as Encode makes them, [feature][row].
func (b *Bundle) ScoreEncoded(ctx context.Context, columns [][]float64, rows, threads int) (*Prediction, error) {
	return b.predict(ctx, columns, rows, threads)
}

// predict scores rows as Encode makes them.
func (b *Bundle) predict(ctx context.Context, columns [][]float64, rows, threads int) (*Prediction, error) {
	calibrates, decides := b.calibrates.of(columns, rows), b.decides.of(columns, rows)
	unscored := append(b.calibrates.ungrouped(calibrates), b.decides.ungrouped(decides)...)
	columns, far := outside(b.read(columns), b.readFeatures(), rows)
	out, err := b.scorer().Predict(ctx, columns, rows, threads)
	if err != nil {
		return nil, fmt.Errorf("scoring: %w", err)
	}
	b.calibration.Apply(out, calibrates)
	unscored = drop(out, rows, append(unscored, far...))
	p := b.prediction(out, b.thresholds(decides))
	p.Unscored = unscored
	for _, u := range unscored {
		if p.Class != nil {
			p.Class[u.Row] = -1
		}
	}
	return p, nil
}

// prediction makes decisions of an estimator's outputs, [output][row], whose slices it keeps. thresholds are by row; nil: all have the bundle's.
func (b *Bundle) prediction(out [][]float64, thresholds []float64) *Prediction {
	switch b.signature.Task {
	case schema.Regression:
		return &Prediction{Score: out[0]}
	case schema.Multiclass:
		return &Prediction{Scores: out, Class: argmax(out)}
	}
	score := out[0]
	negative, class := make([]float64, len(score)), make([]int32, len(score))
	for r, p := range score {
		negative[r] = 1 - p
		threshold := b.threshold
		if thresholds != nil {
			threshold = thresholds[r]
		}
		if p >= threshold {
			class[r] = 1
		}
	}
	return &Prediction{Score: score, Scores: [][]float64{negative, score}, Class: class}
}

// argmax is the most probable class of each row, the first of equals. NaN is never greater, so that a row of NaN is of class 0.
func argmax(scores [][]float64) []int32 {
	class := make([]int32, len(scores[0]))
	for r := range class {
		for c := range scores {
			if scores[c][r] > scores[class[r]][r] {
				class[r] = int32(c)
			}
		}
	}
	return class
}

// Encode makes of a frame what estimators take: per feature numbers, indices of the feature's levels, or of text that is read as such the number made of it; NaN is
// missing. Behind the features come further columns of texts (textColumns).
func Encode(f *frame.Frame, features []Feature) ([][]float64, error) {
	var missing []string
	var more [][]float64
	out := make([][]float64, len(features))
	for i := range features {
		c := f.Column(features[i].Name)
		if c == nil {
			missing = append(missing, fmt.Sprintf("%q", features[i].Name))
			continue
		}
		values, err := EncodeColumn(c, &features[i])
		if err != nil {
			return nil, err
		}
		out[i] = values[0]
		more = append(more, values[1:]...)
	}
	if missing != nil {
		return nil, fmt.Errorf("the model needs columns that the table lacks: %s", strings.Join(missing, ", "))
	}
	return append(out, more...), nil
}

// encodeNumbers gives the index of each number's level; NaN is missing, and so is what is no level.
func (f *Feature) encodeNumbers(values []float64) []float64 {
	codes, out := f.numberCodes(), make([]float64, len(values))
	for r, x := range values {
		code, known := codes[x]
		if !known {
			code = math.NaN()
		}
		out[r] = code
	}
	return out
}

// numberCodes are the indices of levels that are numbers.
func (f *Feature) numberCodes() map[float64]float64 {
	codes := make(map[float64]float64, len(f.Levels))
	for code, level := range f.Levels {
		if x, err := strconv.ParseFloat(level, 64); err == nil {
			codes[x] = float64(code)
		}
	}
	return codes
}

// EncodeColumn gives a column's values as the feature has them, numbers that are no categories in the memory of the column: one column, or of text that is read as such in a model of several outputs one for each. Levels are matched by name: those of the table being scored may be
// others, in another order.
func EncodeColumn(c *frame.Column, f *Feature) ([][]float64, error) {
	if !schema.Takes(f.Type, c.Type) || c.Text() != f.Text() {
		return nil, fmt.Errorf("column %q is %s; the model was trained on %s", c.Name, c.Type, f.Type)
	}
	if !c.Text() {
		if f.Categorical() {
			return [][]float64{f.encodeNumbers(c.Num)}, nil
		}
		return [][]float64{c.Num}, nil
	}
	out := f.codes(c)
	for o, codes := range out {
		out[o] = make([]float64, len(c.Codes))
		for r, code := range c.Codes {
			out[o][r] = math.NaN()
			if code >= 0 {
				out[o][r] = codes[code]
			}
		}
	}
	return out, nil
}

// codes are what a text column's levels are to a feature of text, [output][level] of text that is read as such, and else of one output; NaN of a level that it does not know. Of text that is read as such only levels that a row has are looked at.
func (f *Feature) codes(c *frame.Column) [][]float64 {
	out := make([][]float64, 1+f.moreColumns())
	for o := range out {
		out[o] = slices.Repeat([]float64{math.NaN()}, len(c.Levels))
	}
	if f.NGrams != nil {
		for _, code := range c.Codes {
			if code >= 0 && math.IsNaN(out[0][code]) {
				for o, x := range f.NGrams.At(c.Levels[code]) {
					out[o][code] = x
				}
			}
		}
		return out
	}
	codes := out[0]
	known := make(map[string]float64, len(f.Levels))
	for j, level := range f.Levels {
		known[level] = float64(j)
	}
	for i, level := range c.Levels {
		if j, ok := known[level]; ok {
			codes[i] = j
		}
	}
	return out
}
