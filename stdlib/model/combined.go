package model

// Attributions of ensembles.
//
// Shapley values are linear: of f = Σ weight · g they are Σ weight · those of g, with one method for all g. So what is attributed of an ensemble is exact where it is a sum
// of what its members add up, and where it is not, nothing is:
//
//	average of amounts, of shares     Σ weight · score / Σ weight     if members add up scores: least squares, forests, tables of shares
//	stacking of amounts               intercept + Σ coefficient · score, likewise
//	stacking of classes               the same, of the log-odds or margins of the stacking
//	average of what boosting or       refused: probabilities are bent sums, and an average of bent sums is the sum of no attributions
//	logistic regression says
//
// A calibrated member adds up a margin before its calibration, and is refused, too.

import (
	"context"
	"fmt"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/model/constant"
	"github.com/mlp-lang/mlp/stdlib/model/decisiontrees"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
)

// Additive is what the parts of an ensemble add up to, by what those of its members do, and if that is nothing, why. Members of which that is not known make it unknown, "".
func Additive(method CombineMethod, task schema.Task, names []string, members []*schema.Model) (schema.Additive, string) {
	out := schema.AddsScores
	for i, m := range members {
		switch m.Additive {
		case schema.AddsScores:
		case "":
			out = ""
		case schema.AddsNothing:
			return schema.AddsNothing, fmt.Sprintf("of %s, which is part of it: %s", names[i], m.WhyNot)
		default:
			return schema.AddsNothing, fmt.Sprintf("its members' scores are put together, and the parts of %s add up to a margin, of which the score is made", names[i])
		}
	}
	if out != "" && method == Stacking && task != schema.Regression {
		out = schema.AddsMargins
	}
	return out, ""
}

// additive is what the parts of the model add up to, and if that is nothing, why.
func (b *Bundle) additive() (schema.Additive, string) {
	if _, err := b.features(); err != nil {
		return schema.AddsNothing, err.Error()
	}
	identity := false
	switch m := b.estimator.(type) {
	case *trees:
		identity = m.model.Objective.Identity()
	case *decisionTrees:
		identity = m.model.Link == decisiontrees.Identity
	case *linear.Model:
		identity = m.Link == linear.Identity
	case *constant.Model:
		identity = true
	case *ensemble:
		adds, why := m.additive()
		if adds != schema.AddsScores {
			return adds, why
		}
		identity = true
	default:
		return schema.AddsNothing, fmt.Sprintf("a model of the kind %s has no attributions", b.kind)
	}
	if identity && b.calibration == nil {
		return schema.AddsScores, ""
	}
	return schema.AddsMargins, ""
}

// additive is what the ensemble's parts add up to, by what those of its members do.
func (e *ensemble) additive() (schema.Additive, string) {
	of := make([]*schema.Model, len(e.members))
	for i, member := range e.members {
		adds, why := member.additive()
		of[i] = &schema.Model{Additive: adds, WhyNot: why}
	}
	return Additive(e.Method, e.members[0].signature.Task, e.names, of)
}

// inputs is of how many scores of members an output is a sum.
func (e *ensemble) inputs() int {
	if e.Method == Stacking {
		return len(e.Line.Inputs)
	}
	return len(e.members)
}

// factors are what an output is made of: a constant, and the factor of each score of the members, [member · outputs + output].
func (e *ensemble) factors(output int) (constant float64, of []float64) {
	of = make([]float64, len(e.members)*e.outputs)
	if e.Method == Average {
		for i, w := range e.Weights {
			of[i*e.outputs+output] = w / e.total
		}
		return 0, of
	}
	constant = e.Line.Intercepts[output]
	for i, in := range e.Line.Inputs {
		factor := e.Line.Coefficients[output][i] / in.Scale
		of[in.Feature] += factor
		constant -= float64(factor * in.Mean)
	}
	return constant, of
}

// treeSHAP reports whether TreeSHAP is a method of the model: all of it are trees that say how many rows went where.
func (b *Bundle) treeSHAP() bool {
	switch m := b.estimator.(type) {
	case *trees:
		e, err := m.explainer()
		if err == nil {
			_, err = e.Expected()
		}
		return err == nil
	case *decisionTrees:
		_, err := m.explainer().Expected()
		return err == nil
	case *ensemble:
		for _, member := range m.members {
			if !member.treeSHAP() {
				return false
			}
		}
		return true
	}
	return false
}

// attribute puts the attributions of members together. An empty method is TreeSHAP where it is one of all members.
func (e *ensemble) attribute(ctx context.Context, columns [][]float64, rows, background []int, method Method, threads int) (*Attribution, error) {
	if adds, why := e.additive(); adds == schema.AddsNothing {
		return nil, &otherModel{why}
	}
	if method == "" {
		method = TreeSHAP
		for _, b := range e.members {
			if !b.treeSHAP() {
				method = Interventional
			}
		}
	}
	out := newAttribution(method, e.outputs, len(columns), len(rows))
	if e.members[0].signature.Task != schema.Regression && e.Method == Average {
		out.Unit = Probabilities
	}
	factors := make([][]float64, e.outputs)
	for o := range factors {
		out.Base[o], factors[o] = e.factors(o)
	}
	step := component.Steps(ctx, len(e.members))
	for i, b := range e.members {
		a, err := b.attributeEncoded(ctx, e.columns(i, columns), rows, background, method, threads)
		if err != nil {
			return nil, fmt.Errorf("member %s: %w", e.names[i], err)
		}
		for o, of := range factors {
			for p, base := range a.Base {
				factor := of[i*e.outputs+p]
				out.Base[o] += float64(factor * base)
				for f, values := range a.Values[p] {
					into := out.Values[o][e.takes[i][f].feature]
					for r, x := range values {
						into[r] += float64(factor * x)
					}
				}
			}
		}
		step(1)
	}
	return out, nil
}

// explain puts the explanations of members together, all of one method: trees have another one than lines.
func (e *ensemble) explain(ctx context.Context, columns [][]float64, rows int) ([]component.Explanation, error) {
	if adds, why := e.additive(); adds == schema.AddsNothing {
		return nil, fmt.Errorf("%w: %s", component.ErrUnexplained, why)
	}
	out := make([]component.Explanation, rows)
	factors := make([][]float64, e.outputs)
	constants := make([]float64, e.outputs)
	for o := range factors {
		constants[o], factors[o] = e.factors(o)
	}
	for i, b := range e.members {
		of, err := b.explain(ctx, e.columns(i, columns), rows)
		if err != nil {
			return nil, fmt.Errorf("member %s: %w", e.names[i], err)
		}
		for r, x := range of {
			if i == 0 {
				out[r] = newExplanation(Method(x.Method), e.outputs, len(columns))
				copy(out[r].Base, constants)
				copy(out[r].Margin, constants)
			} else if x.Method != out[r].Method {
				return nil, fmt.Errorf("%w: %s is explained by %s, and %s by %s", component.ErrUnexplained, e.names[0], out[r].Method, e.names[i], x.Method)
			}
			e.add(&out[r], &x, i, factors)
		}
	}
	return out, nil
}

// add adds what a member says of a row.
func (e *ensemble) add(out, x *component.Explanation, member int, factors [][]float64) {
	for o, of := range factors {
		for p := range x.Base {
			factor := of[member*e.outputs+p]
			out.Base[o] += float64(factor * x.Base[p])
			out.Margin[o] += float64(factor * x.Margin[p])
			for f, v := range x.Contributions[p] {
				out.Contributions[o][e.takes[member][f].feature] += float64(factor * v)
			}
		}
	}
}
