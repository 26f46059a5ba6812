package model

import (
	"fmt"
	"slices"

	"github.com/mlp-lang/mlp/stdlib/model/constant"
	"github.com/mlp-lang/mlp/stdlib/model/decisiontrees"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

// Parts are what scores a row of a bundle, in the order in which a row goes through them, for who writes a model in another form.
type Parts struct {
	Reads       []int        // places in the signature of the features that the model reads, in its order
	Preparation *Preparation // nil: features are inputs as they are
	// Of these one is there.
	Trees         *xgboost.Model
	DecisionTrees *decisiontrees.Model
	Linear        *linear.Model
	Constant      *constant.Model
	// Shares: what trees add up to are shares of classes, of which one is between 0 and 1, and several add up to 1.
	Shares bool
}

// Parts of the bundle; an error says which kind of model it is that has others.
func (b *Bundle) Parts() (*Parts, error) {
	p := &Parts{Preparation: b.preparation, Reads: b.reads}
	if p.Reads == nil {
		for i := range b.signature.Features {
			p.Reads = append(p.Reads, i)
		}
	}
	switch e := b.estimator.(type) {
	case *trees:
		p.Trees, p.Shares = e.model, e.shares
	case *decisionTrees:
		p.DecisionTrees, p.Shares = e.model, e.shares
	case *linear.Model:
		p.Linear = e
	case *constant.Model:
		p.Constant = e
	default:
		return nil, fmt.Errorf("it is of the kind %s", b.kind)
	}
	return p, nil
}

// Codes are the numbers that a model sees of a category, by its name or, where numbers are taken as categories, by the number. Both are nil of other features.
func (f *Feature) Codes() (names map[string]float64, numbers map[float64]float64) {
	switch {
	case !f.Categorical():
	case f.Text():
		names = map[string]float64{}
		for code, level := range f.Levels {
			names[level] = float64(code)
		}
	default:
		numbers = f.numberCodes()
	}
	return names, numbers
}

// Placed are the places in the signature of the columns that make groups, and by group the numbers that a row of it has there. groups are of the bundle.
func (b *Bundle) Placed(g *Groups) (at []int, codes [][]float64, err error) {
	for _, name := range g.By {
		at = append(at, slices.IndexFunc(b.signature.Features, func(f Feature) bool { return f.Name == name }))
	}
	for _, values := range g.Values {
		row := make([]float64, len(at))
		for i, value := range values {
			if row[i], err = b.signature.Features[at[i]].code(value); err != nil {
				return nil, nil, err
			}
		}
		codes = append(codes, row)
	}
	return at, codes, nil
}
