package model

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Preparation is what a model makes of the features of a row before its estimator takes them: fitted on the training rows, and part of the
// model, so that a row is served as the rows that were evaluated.
//
// What an estimator takes are inputs: the features in their order, with a category that is encoded by the target replaced by its encodings. Of the
// features tenure, city of a task with two classes, of which city is encoded, these are tenure and city, both numbers; of three classes a, b and c they are
// tenure, city:a, city:b and city:c. Behind them come the inputs that are derived of several features, and behind these further columns of texts (text.go).
type Preparation struct {
	TargetEncodings []TargetEncoding `json:"target_encodings,omitempty"`
	Derived         []Derived        `json:"derived,omitempty"`
}

// TargetEncoding has numbers in place of a category: by output of the model, the mean of the target.
type TargetEncoding struct {
	Feature int       `json:"feature"` // its place among those that the model reads
	Outputs []Encoded `json:"outputs"`
}

// Encoded are the numbers of one output.
type Encoded struct {
	Values    []float64 `json:"values"`    // by level
	Otherwise float64   `json:"otherwise"` // of a category that is none of the levels, or is missing
}

// At is the number of a category, given as the index of its level or NaN.
func (e *Encoded) At(code float64) float64 {
	if code >= 0 && int(code) < len(e.Values) {
		return e.Values[int(code)]
	}
	return e.Otherwise
}

// encoding is that of a feature; nil: there is none.
func (p *Preparation) encoding(feature int) *TargetEncoding {
	if p == nil {
		return nil
	}
	for i := range p.TargetEncodings {
		if p.TargetEncodings[i].Feature == feature {
			return &p.TargetEncodings[i]
		}
	}
	return nil
}

// OfSeveral is the place of no feature: of an input that is derived of several.
const OfSeveral = -1

// Inputs are what the estimator takes, as features of its own, and of by its place the feature that each is made of, or OfSeveral. Of a nil preparation they are the features.
func (p *Preparation) Inputs(s *Signature) (inputs []Feature, of []int) {
	for i, f := range s.Features {
		if p.encoding(i) == nil {
			inputs, of = append(inputs, f), append(of, i)
			continue
		}
		for o := range s.Outputs() {
			name := f.Name
			if s.Task == schema.Multiclass {
				name += ":" + s.Classes[o]
			}
			inputs, of = append(inputs, Feature{Name: name, Type: "double"}), append(of, i)
		}
	}
	if p != nil {
		for i := range p.Derived {
			for _, f := range p.Derived[i].Features() {
				inputs, of = append(inputs, f), append(of, OfSeveral)
			}
		}
	}
	for _, i := range textColumns(s.Features) {
		inputs, of = append(inputs, Feature{Name: s.Features[i].Name, Type: "double"}), append(of, i)
	}
	return inputs, of
}

// Prepare makes the inputs of rows as Encode makes them of some features, whose columns it does not change. They do not depend on the number of threads.
func (p *Preparation) Prepare(ctx context.Context, features int, columns [][]float64, rows, threads int) ([][]float64, error) {
	if p == nil {
		return columns, nil
	}
	var out [][]float64
	for i, column := range columns[:features] {
		e := p.encoding(i)
		if e == nil {
			out = append(out, column)
			continue
		}
		for o := range e.Outputs {
			encoded := make([]float64, len(column))
			for r, code := range column {
				encoded[r] = e.Outputs[o].At(code)
			}
			out = append(out, encoded)
		}
	}
	for i := range p.Derived {
		derived, err := p.Derived[i].Columns(ctx, columns, rows, threads)
		if err != nil {
			return nil, err
		}
		out = append(out, derived...)
	}
	return append(out, columns[features:]...), nil
}

// validate checks what scoring relies on.
func (p *Preparation) validate(s *Signature) error {
	if len(p.TargetEncodings) == 0 && len(p.Derived) == 0 {
		return errors.New("the preparation prepares nothing")
	}
	seen := map[int]bool{}
	for _, e := range p.TargetEncodings {
		if e.Feature < 0 || e.Feature >= len(s.Features) || seen[e.Feature] || len(e.Outputs) != s.Outputs() {
			return fmt.Errorf("feature %d of %d is encoded for %d outputs of %d, each once", e.Feature, len(s.Features), len(e.Outputs), s.Outputs())
		}
		seen[e.Feature] = true
		for _, o := range e.Outputs {
			if len(o.Values) != len(s.Features[e.Feature].Levels) || math.IsNaN(o.Otherwise) {
				return fmt.Errorf("feature %q has %d levels, and %d are encoded", s.Features[e.Feature].Name, len(s.Features[e.Feature].Levels), len(o.Values))
			}
		}
	}
	for i := range p.Derived {
		if err := p.Derived[i].validate(len(s.Features)); err != nil {
			return err
		}
	}
	inputs, _ := p.Inputs(s)
	names := map[string]bool{}
	for _, f := range inputs[:len(inputs)-len(textColumns(s.Features))] {
		if names[f.Name] {
			return fmt.Errorf("two inputs are called %q", f.Name)
		}
		names[f.Name] = true
	}
	return nil
}

// Of is an estimator that takes so many features in place of inputs; of a nil preparation it is the estimator as it is.
func (p *Preparation) Of(e Estimator, features int) Estimator {
	if p == nil {
		return e
	}
	return prepared{e, p, features}
}

// prepared scores as a bundle with a preparation does.
type prepared struct {
	Estimator
	preparation *Preparation
	features    int
}

// Predict implements Estimator.
func (p prepared) Predict(ctx context.Context, columns [][]float64, rows, threads int) ([][]float64, error) {
	inputs, err := p.preparation.Prepare(ctx, p.features, columns, rows, threads)
	if err != nil {
		return nil, err
	}
	return p.Estimator.Predict(ctx, inputs, rows, threads)
}

// Prepared is the bundle with a preparation, whose inputs its estimator takes; of nil it is the bundle.
func (b *Bundle) Prepared(p *Preparation) (*Bundle, error) {
	if p == nil {
		return b, nil
	}
	own := b.own()
	if err := p.validate(&own); err != nil {
		return nil, err
	}
	out := *b
	out.preparation = p
	return &out, nil
}

// own is the signature with the features that the model reads, in its order.
func (b *Bundle) own() Signature {
	s := b.signature
	s.Features = b.readFeatures()
	return s
}

// scorer is the estimator as features are scored: prepared, and before a calibration.
func (b *Bundle) scorer() Estimator { return b.preparation.Of(b.estimator, len(b.readFeatures())) }

// features are by input of the estimator the places in the signature of the features that they are made of. Where an input is made of several, there is no telling what
// each of them adds, and the error says so.
func (b *Bundle) features() ([]int, error) {
	if b.preparation != nil && len(b.preparation.Derived) > 0 {
		return nil, fmt.Errorf("it takes %q, which is made of several features: what it adds is no single one's", b.preparation.Derived[0].Name)
	}
	own := b.own()
	_, of := b.preparation.Inputs(&own)
	if b.reads != nil {
		for i, k := range of {
			of[i] = b.reads[k]
		}
	}
	return of, nil
}
