package model

import (
	"context"
	"fmt"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/model/shap"
)

// Terms is the method of a sum that is told as it stands: the intercept, and what each feature adds to it. A number adds nothing at its mean over the training rows, a level
// nothing where it is not the row's.
const Terms Method = "linear_terms"

// Explain implements component.Explainer: path-dependent TreeSHAP of trees, the terms of linear models. Neither needs other rows, of which a server has none.
func (s *server) Explain(ctx context.Context, rows int, columns []component.Values) ([]component.Explanation, error) {
	encoded, err := s.encode(columns, make([]component.Prediction, rows)) // what is unseen is told by Score
	if err != nil {
		return nil, err
	}
	encoded, _ = outside(encoded, s.bundle.signature.Features, rows)
	return s.bundle.explain(ctx, encoded, rows)
}

// explain is Explain of rows as Encode makes them.
func (b *Bundle) explain(ctx context.Context, columns [][]float64, rows int) ([]component.Explanation, error) {
	of, err := b.features()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", component.ErrUnexplained, err)
	}
	inputs, err := b.preparation.Prepare(ctx, len(b.readFeatures()), b.read(columns), rows, 1)
	if err != nil {
		return nil, err
	}
	out, err := explain(ctx, b.estimator, b.kind, inputs, rows)
	if err != nil {
		return nil, err
	}
	for r := range out {
		for o, inputs := range out[r].Contributions {
			out[r].Contributions[o] = make([]float64, len(b.signature.Features)) // what is not read adds nothing
			for i, x := range inputs {
				out[r].Contributions[o][of[i]] += x
			}
		}
	}
	return out, nil
}

// explain attributes rows to the inputs of an estimator of that kind.
func explain(ctx context.Context, e Estimator, kind Kind, columns [][]float64, rows int) ([]component.Explanation, error) {
	switch m := e.(type) {
	case *trees:
		return m.explain(ctx, columns, rows)
	case *ensemble:
		return m.explain(ctx, columns, rows)
	case *decisionTrees:
		return explainTrees(ctx, m.explainer(), columns, rows)
	case *linear.Model:
		out := make([]component.Explanation, rows)
		for r := range out {
			x := newExplanation(Terms, len(m.Intercepts), len(columns))
			copy(x.Base, m.Intercepts)
			m.Terms(columns, r, x.Contributions)
			m.Sum(columns, r, x.Margin)
			out[r] = x
		}
		return out, ctx.Err()
	}
	return nil, fmt.Errorf("%w: it is of the kind %s", component.ErrUnexplained, kind)
}

func newExplanation(m Method, outputs, inputs int) component.Explanation {
	x := component.Explanation{Method: string(m), Base: make([]float64, outputs), Margin: make([]float64, outputs), Contributions: make([][]float64, outputs)}
	for o := range x.Contributions {
		x.Contributions[o] = make([]float64, inputs)
	}
	return x
}

// explain attributes rows one after the other.
func (t *trees) explain(ctx context.Context, columns [][]float64, rows int) ([]component.Explanation, error) {
	e, err := t.explainer()
	if err != nil {
		return nil, err
	}
	return explainTrees(ctx, e, columns, rows)
}

func explainTrees[F shap.Value](ctx context.Context, e *shap.Explainer[F], columns [][]float64, rows int) ([]component.Explanation, error) {
	expected, err := e.Expected()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", component.ErrUnexplained, err)
	}
	out := make([]component.Explanation, rows)
	for r := range out {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		x := newExplanation(TreeSHAP, len(expected), len(columns))
		copy(x.Base, expected)
		row := rowOf[F](columns, r)
		e.Margins(row, x.Margin)
		if err := e.PathDependent(row, x.Contributions); err != nil {
			return nil, err
		}
		out[r] = x
	}
	return out, nil
}
