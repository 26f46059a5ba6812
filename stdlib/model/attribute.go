package model

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/frame"
	"github.com/mlp-lang/mlp/stdlib/model/constant"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/model/shap"
)

// Method of attribution: what is expected of the model while the values of some features are not known.
type Method string

// The methods there are. TreeSHAP weighs both ways of a split by the training rows that went there, which only trees tell; Interventional takes
// values from background rows, for any model.
const (
	TreeSHAP       Method = "tree_shap"
	Interventional Method = "interventional"
)

// Unit is what margins are in.
type Unit string

// The units there are.
const (
	OfTask        Unit = ""              // of classes log-odds, of an amount what is predicted
	Logarithms    Unit = "logarithms"    // of what is predicted
	Probabilities Unit = "probabilities" // of classes what is predicted
)

// Attribution says which features the margins of rows come from, in Shapley values: the margin of a row is the base and the values of all features.
// Margins are log-odds of two classes, the scores before softmax of several, in regression the predicted value, or
// its logarithm; of a constant model, a forest and an average they are what it predicts. A calibration comes after the margin, and has no part in it.
type Attribution struct {
	Method Method
	Unit   Unit
	Base   []float64     // [output] the margin that is expected with nothing known
	Values [][][]float64 // [output][feature][row], rows as asked for
}

// ErrMethod is wrapped by the reason why a model is not one that a method is for.
var ErrMethod = errors.New("the method is for other models")

// otherModel is an ErrMethod that says the reason alone.
type otherModel struct{ why string }

func (e *otherModel) Error() string { return e.why }
func (e *otherModel) Unwrap() error { return ErrMethod }

// Attribute attributes the margins of some rows of a frame. background are the rows that Interventional takes values from, at least one; TreeSHAP does
// without. An empty method is TreeSHAP of trees, and Interventional of other models. The result does not depend on the number of threads.
//
// TreeSHAP of a model that is no trees, or of trees that do not say how many rows went where, is an ErrMethod, and so is any method of an ensemble whose scores are no sum of what its
// members add up (additive). A row with a value that the model takes no
// prediction from (Unscored) must not be among rows and background. The value of a feature that is prepared is the sum of those of the inputs made of it.
func (b *Bundle) Attribute(ctx context.Context, f *frame.Frame, rows, background []int, method Method, threads int) (*Attribution, error) {
	columns, err := Encode(f, b.signature.Features)
	if err != nil {
		return nil, err
	}
	return b.attributeEncoded(ctx, columns, rows, background, method, threads)
}

// attributeEncoded is Attribute of rows as Encode makes them.
func (b *Bundle) attributeEncoded(ctx context.Context, columns [][]float64, rows, background []int, method Method, threads int) (*Attribution, error) {
	of, err := b.features()
	if err != nil {
		return nil, &otherModel{err.Error()}
	}
	columns = b.read(columns)
	all := 0
	if len(columns) > 0 {
		all = len(columns[0])
	}
	inputs, err := b.preparation.Prepare(ctx, len(b.readFeatures()), columns, all, threads)
	if err != nil {
		return nil, err
	}
	a, err := b.attribute(ctx, inputs, rows, background, method, threads)
	if err != nil || b.reads == nil && b.preparation == nil && len(of) == len(b.signature.Features) {
		return a, err
	}
	wide := newAttribution(a.Method, len(a.Values), len(b.signature.Features), len(rows)) // what is not read has no part
	wide.Unit = a.Unit
	copy(wide.Base, a.Base)
	for o := range a.Values {
		for i, k := range of {
			for r, x := range a.Values[o][i] {
				wide.Values[o][k][r] += x
			}
		}
	}
	return wide, nil
}

// attribute is Attribute of columns as the estimator takes them.
func (b *Bundle) attribute(ctx context.Context, columns [][]float64, rows, background []int, method Method, threads int) (*Attribution, error) {
	switch m := b.estimator.(type) {
	case *trees:
		return m.attribute(ctx, columns, rows, background, method, threads)
	case *ensemble:
		return m.attribute(ctx, columns, rows, background, method, threads)
	case *decisionTrees:
		return m.attribute(ctx, columns, rows, background, method, threads)
	}
	if method == TreeSHAP {
		return nil, &otherModel{fmt.Sprintf("tree_shap is for trees, and this is a model of the kind %s", b.kind)}
	}
	a := newAttribution(Interventional, b.signature.Outputs(), len(columns), len(rows))
	switch m := b.estimator.(type) {
	case *linear.Model:
		m.Attribute(columns, rows, background, a.Base, a.Values)
	case *constant.Model:
		m.Attribute(columns, rows, background, a.Base, a.Values)
	default:
		return nil, &otherModel{fmt.Sprintf("a model of the kind %s has no attributions", b.kind)}
	}
	return a, ctx.Err()
}

// newAttribution has room for the values of every output, feature and row, all 0.
func newAttribution(m Method, outputs, features, rows int) *Attribution {
	a := &Attribution{Method: m, Base: make([]float64, outputs), Values: make([][][]float64, outputs)}
	for o := range a.Values {
		a.Values[o] = make([][]float64, features)
		for f := range a.Values[o] {
			a.Values[o][f] = make([]float64, rows)
		}
	}
	return a
}

// attribute attributes rows of XGBoost's trees, which round values to 32 bits.
func (t *trees) attribute(ctx context.Context, columns [][]float64, rows, background []int, method Method, threads int) (*Attribution, error) {
	e, err := t.explainer()
	if err != nil {
		return nil, err
	}
	a, err := attributeTrees(ctx, e, t.model.Groups(), columns, rows, background, method, threads)
	if err != nil {
		return nil, err
	}
	switch o := t.model.Objective; {
	case o.Log():
		a.Unit = Logarithms
	case t.shares:
		a.Unit = Probabilities
	}
	return a, nil
}

// attributeTrees attributes rows one by one, several at a time. Each is a step of the part of a bar that ctx is (component.Bar).
func attributeTrees[F shap.Value](ctx context.Context, e *shap.Explainer[F], groups int, columns [][]float64, rows, background []int, method Method, threads int) (*Attribution, error) {
	expected, err := e.Expected()
	switch {
	case method == "" && err != nil:
		method = Interventional
	case method == "":
		method = TreeSHAP
	case method == TreeSHAP && err != nil:
		return nil, &otherModel{err.Error()}
	}
	a := newAttribution(method, groups, len(columns), len(rows))
	others := make([][]F, len(background))
	if method == TreeSHAP {
		copy(a.Base, expected)
	} else {
		margins := make([]float64, len(a.Base))
		for i, r := range background {
			others[i] = rowOf[F](columns, r)
			e.Margins(others[i], margins)
			for o := range margins {
				a.Base[o] += margins[o] / float64(len(background))
			}
		}
	}
	step := component.Steps(ctx, len(rows))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(max(threads, 1))
	for i, r := range rows {
		work.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			out := make([][]float64, len(a.Base))
			for o := range out {
				out[o] = make([]float64, len(columns))
			}
			if err := attributeRow(e, method, rowOf[F](columns, r), others, out); err != nil {
				return err
			}
			for o := range out {
				for f, x := range out[o] {
					a.Values[o][f][i] = x
				}
			}
			step(1)
			return nil
		})
	}
	return a, work.Wait()
}

// attributeRow puts the attributions of one row into out, which is all zeros before. Interventional is the mean over the other rows;
// tree_shap needs none of them.
func attributeRow[F shap.Value](e *shap.Explainer[F], method Method, row []F, others [][]F, out [][]float64) error {
	if method == TreeSHAP {
		return e.PathDependent(row, out)
	}
	for _, other := range others {
		e.Interventional(row, other, 1/float64(len(others)), out)
	}
	return nil
}

// rowOf is a row as trees take it: in 32 bits, or as it is.
func rowOf[F shap.Value](columns [][]float64, r int) []F {
	out := make([]F, len(columns))
	for c := range columns {
		out[c] = F(columns[c][r])
	}
	return out
}

// ScoreWith scores rows with one feature set to a value in all of them, all else as it is. columns are [feature][row], as Encode makes them, of which none is
// Unscored. The scores are those of Prediction.Score: of two classes or a regression, in which each feature has one column.
func (b *Bundle) ScoreWith(ctx context.Context, columns [][]float64, feature int, value float64, threads int) ([]float64, error) {
	rows := len(columns[feature])
	set := slices.Clone(columns)
	set[feature] = slices.Repeat([]float64{value}, rows)
	out, err := b.scorer().Predict(ctx, b.read(set), rows, threads)
	if err != nil {
		return nil, err
	}
	b.calibration.Apply(out, b.calibrates.of(set, rows))
	return out[0], nil
}
