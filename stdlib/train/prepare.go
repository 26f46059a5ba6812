package train

import (
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/model"
	"github.com/mlp-lang/mlp/stdlib/train/encode"
)

// Encoding says that a category is encoded by the target, before the estimator gets it (stdlib/train/encode): the training rows each by others, all other rows
// by all training rows.
type Encoding struct {
	Column    string
	Smoothing *float64 // nil: by the variances
	Folds     int
}

// Inputs are what the estimator takes: the features, but for those that are prepared (model.Preparation). Columns of sets are theirs. While a model is fitted a text is one of them, afterwards it may be
// several (FinishText).
func (t *Training) Inputs() []model.Feature {
	if t.preparation == nil && t.Signature.Columns() == len(t.Signature.Features) {
		return t.Signature.Features
	}
	t.inputs, _ = t.preparation.Inputs(&t.Signature) // of features that have come by now
	return t.inputs
}

// InputSignature is the signature with inputs for features, which is what the estimator has to fit.
func (t *Training) InputSignature() *model.Signature {
	s := t.Signature
	s.Features = t.Inputs()
	return &s
}

// InputsOf are the places of the inputs that are made of a feature, given by its place.
func (t *Training) InputsOf(feature int) (out []int32) {
	_, of := t.preparation.Inputs(&t.Signature)
	for i, f := range of {
		if f == feature {
			out = append(out, int32(i))
		}
	}
	return out
}

// byFeature adds figures of inputs up to those of their features, behind which those of derived inputs come; nil stays nil.
func (t *Training) byFeature(inputs []float64) []float64 {
	if inputs == nil {
		return nil
	}
	out := make([]float64, len(t.Signature.Features))
	_, of := t.preparation.Inputs(&t.Signature)
	for i, x := range inputs {
		if of[i] == model.OfSeveral {
			out = append(out, x)
		} else {
			out[of[i]] += x
		}
	}
	return out
}

// TargetOf is the target as an output has it: the amount, or of classes 1 of the output's and 0 of others.
func (t *Training) TargetOf(output int) []float64 {
	if t.Signature.Task != schema.Multiclass {
		return t.Data.Target
	}
	return t.rowsOf(output)
}

// encodings begins the preparation: which features are encoded, and what is derived, is known before any of them is read.
func (t *Training) encodings() {
	if n := len(t.config.IsolationForests) + len(t.config.KMeans); n > 0 {
		t.preparation = &model.Preparation{Derived: t.config.begun()}
	}
	for _, e := range t.config.Encodings {
		for i, name := range t.config.Features {
			if strings.EqualFold(name, e.Column) {
				if t.preparation == nil {
					t.preparation = &model.Preparation{}
				}
				t.preparation.TargetEncodings = append(t.preparation.TargetEncodings, model.TargetEncoding{Feature: i})
			}
		}
	}
}

// prepare hands over inputs that are made of some features of a set, from number before on. Of the training rows the encodings are fitted first, and each
// row gets its own by rows of other folds.
func (t *Training) prepare(of *Set, before int, columns [][]float64, take Take) error {
	if t.preparation == nil {
		return take(t, of, before, columns)
	}
	first := t.InputsOf(before)[0]
	var inputs [][]float64
	for i, column := range columns {
		e := t.encoding(before + i)
		if e == nil {
			inputs = append(inputs, column)
			continue
		}
		if of == t.Data {
			inputs = append(inputs, t.encode(e, column)...)
			continue
		}
		for o := range e.Outputs {
			encoded := make([]float64, len(column))
			for r, code := range column {
				encoded[r] = e.Outputs[o].At(code)
			}
			inputs = append(inputs, encoded)
		}
	}
	return take(t, of, int(first), inputs)
}

// encoding is that of a feature; nil: it has none.
func (t *Training) encoding(feature int) *model.TargetEncoding {
	for i := range t.preparation.TargetEncodings {
		if e := &t.preparation.TargetEncodings[i]; e.Feature == feature {
			return e
		}
	}
	return nil
}

// encode fits an encoding on the training rows, and returns what these have themselves.
func (t *Training) encode(e *model.TargetEncoding, codes []float64) (own [][]float64) {
	feature := &t.Signature.Features[e.Feature]
	for o := range t.Signature.Outputs() {
		x := encode.Target{Codes: codes, Target: t.TargetOf(o), Weight: t.Data.WeightOf, Levels: len(feature.Levels)}
		folds := encode.Folds
		for _, c := range t.config.Encodings {
			if strings.EqualFold(c.Column, feature.Name) {
				x.Smoothing, folds = c.Smoothing, c.Folds
			}
		}
		values, otherwise := x.Fit(func(int) bool { return true })
		e.Outputs = append(e.Outputs, model.Encoded{Values: values, Otherwise: otherwise})
		own = append(own, x.Cross(folds))
	}
	return own
}
