package logistic_regression

import (
	"context"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/optimize"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
	"github.com/mlp-lang/mlp/stdlib/train"
	"github.com/mlp-lang/mlp/stdlib/train/design"
)

// # The fit
//
// The inputs x are those of design.Matrix: numbers standardised, categories one-hot, buckets of text as they are. With two classes there is one output,
// the log odds m = intercept + Σ coefficient·x of the positive class; with more, one for each class, and probabilities by
// softmax. Minimised is
//
//	(Σ w · log loss + l2/2 · Σ coefficient²) / Σ w
//
// over all coefficients and intercepts; intercepts are free of the penalty. The penalty of absolute values is in l1.go. This is scikit-learn's LogisticRegression with
// C = 1/l2, divided by the sum of weights, on standardised columns. The division leaves the minimum where it is, and makes
// one tolerance fit tables of any size.
//
// The derivative of a row's log loss by its margin is probability - actual (residuals), by a coefficient that times x. The
// search (L-BFGS) starts from coefficients of 0 and intercepts that give every row the classes' shares: of 100 rows with 25
// positives it starts at the intercept log(25/75) = -1.099, where the derivative by the intercept is 100 · 0.25 - 25 = 0,
// so that only inputs which tell more than the share move it. The objective is convex, and with l2 above 0 strictly so in
// the coefficients: the start decides how long the search takes, not where it ends, up to the tolerance.
//
// Sums over rows are added up block by block in the order of blocks, so the model does not depend on the number of threads.

// tolerance is the largest partial derivative, per unit of weight, at which the search has converged.
const tolerance = 1e-7

// search holds what the objective is computed from. Parameters are laid out by output: coefficients, then intercept.
type search struct {
	ctx     context.Context
	set     *train.Set
	x       *design.Matrix
	outputs int
	l2      float64
	threads int
	weight  float64 // of all rows

	at       []float64 // where loss and gradient were computed last
	loss     float64
	gradient []float64
	factors  [][]float64 // by output and row: what the derivative has the row's inputs times
	err      error
}

// Fit is the fit with the parameters that the trainer has by itself but for l2, of inputs that another trainer has made.
func Fit(ctx context.Context, t *train.Training, x *design.Matrix, l2 float64) (*linear.Model, error) {
	p := defaults
	p.L2 = l2
	return fit(ctx, t, x, &p, func(int) {})
}

// fit minimises (Σ log loss + l2/2 · Σ coefficient²) / Σ weight from coefficients of 0 and the classes' log odds.
func fit(ctx context.Context, t *train.Training, x *design.Matrix, p *params, progress func(done int)) (*linear.Model, error) {
	weights, err := t.Weights(t.Data)
	if err != nil {
		return nil, err
	}
	weighed := *t.Data
	weighed.Weight = weights
	s := &search{ctx: ctx, set: &weighed, x: x, outputs: t.Signature.Outputs(), l2: p.L2, threads: t.Threads()}
	for r := range weighed.Rows {
		s.weight += weighed.WeightOf(r)
	}
	if p.L1 > 0 {
		at, err := s.fitSparse(t, p, progress)
		if err != nil {
			return nil, err
		}
		m := s.model(t, at)
		x.Lower(t, m)
		return m, nil
	}
	way, err := s.units(len(s.start(t)))
	if err != nil {
		return nil, err
	}
	problem := optimize.Problem{
		Func: func(z []float64) float64 { s.compute(way.from(z)); return s.loss },
		Grad: func(into, z []float64) { s.compute(way.from(z)); way.derivative(into, s.gradient) },
		Status: func() (optimize.Status, error) {
			return optimize.NotTerminated, s.err
		},
	}
	result, err := optimize.Minimize(problem, way.to(s.start(t)), &optimize.Settings{
		GradientThreshold: math.NaN(), MajorIterations: p.MaxIterations, Recorder: steps(progress),
		Converger: &converged{FunctionConverge: optimize.FunctionConverge{Absolute: 1e-14, Iterations: 20}, units: way},
	}, &optimize.LBFGS{})
	if s.err != nil {
		return nil, s.err
	}
	if result == nil {
		return nil, fmt.Errorf("fitting coefficients: %w", err)
	}
	at := slices.Clone(way.from(result.X))
	s.compute(at)
	if g := largest(s.gradient); g > 1e3*tolerance {
		t.Warnf("the coefficients have not converged (%v): the largest derivative is %.2g after %d steps; raise max_iterations or l2",
			result.Status, g, result.MajorIterations)
	}
	m := s.model(t, at)
	x.Lower(t, m)
	return m, nil
}

// units are what a search measures each parameter in; nil: in its own. Of text they are by the loss's curvature along it: a bucket that every text has and one that a single text has would
// else be as far apart as their numbers of texts, and the search would need ten times the steps.
type units struct {
	of []float64 // by parameter
	at []float64 // memory of from
}

// units of the matrix: nil without text, whose inputs alone are neither centred nor scaled.
func (s *search) units(parameters int) (*units, error) {
	if s.x.Dense() == s.x.Width() {
		return nil, nil
	}
	curvature, err := s.curvature(parameters)
	if err != nil {
		return nil, err
	}
	u := &units{of: curvature, at: make([]float64, parameters)}
	for i, c := range curvature {
		u.of[i] = 1 / math.Sqrt(c)
	}
	return u, nil
}

// from gives parameters, in memory that the next call writes over, and to gives them in these units.
func (u *units) from(z []float64) []float64 {
	if u == nil {
		return z
	}
	for i, x := range z {
		u.at[i] = float64(x * u.of[i])
	}
	return u.at
}

func (u *units) to(at []float64) []float64 {
	if u != nil {
		for i := range at {
			at[i] /= u.of[i]
		}
	}
	return at
}

// derivative gives the derivative by parameters in these units.
func (u *units) derivative(into, gradient []float64) {
	copy(into, gradient)
	if u != nil {
		for i := range into {
			into[i] *= u.of[i]
		}
	}
}

// converged ends a search where no derivative by a parameter, as it is, is above the tolerance, or where the loss does not fall any more.
type converged struct {
	optimize.FunctionConverge
	units *units
}

func (c *converged) Converged(loc *optimize.Location) optimize.Status {
	top := math.Inf(1)
	if loc.Gradient != nil {
		top = 0
	}
	for i, g := range loc.Gradient {
		if c.units != nil {
			g /= c.units.of[i]
		}
		top = max(top, math.Abs(g))
	}
	if top < tolerance {
		return optimize.GradientThreshold
	}
	return c.FunctionConverge.Converged(loc)
}

// start is the model that knows the classes' shares alone: all coefficients 0, intercepts the log odds (binary) or log
// shares. The layout is, for each output, the coefficients and then the intercept.
func (s *search) start(t *train.Training) []float64 {
	out := make([]float64, s.outputs*(s.x.Width()+1))
	for o, p := range t.Prior() {
		p = min(max(p, 1e-9), 1-1e-9) // a class of no weight has no log odds
		if t.Signature.Task == schema.Binary {
			p /= 1 - p
		}
		out[(o+1)*(s.x.Width()+1)-1] = math.Log(p)
	}
	return out
}

// compute is the loss and its gradient at a point: the weighted negative log-likelihood plus l2/2 times the sum of squared
// coefficients, all divided by the total weight. Intercepts are not penalised. The last point is remembered, since the
// search asks for loss and gradient apart.
func (s *search) compute(at []float64) {
	if s.err != nil || equal(at, s.at) {
		return
	}
	s.at = append(s.at[:0], at...)
	p, dense := s.x.Width()+1, s.x.Dense()+1
	if s.factors == nil {
		s.factors = make([][]float64, s.outputs)
		for o := range s.factors {
			s.factors[o] = make([]float64, s.set.Rows)
		}
	}
	sums, err := s.x.Sum(s.ctx, s.threads, s.outputs*dense+1, func(b design.Block, into []float64) { s.block(b, at, p, into) })
	s.loss, s.gradient = math.Inf(1), make([]float64, len(at))
	for o := range s.outputs {
		if err != nil {
			break
		}
		gradient, of := s.gradient[o*p:(o+1)*p], sums[o*dense:(o+1)*dense]
		copy(gradient, of[:dense-1])
		gradient[p-1] = of[dense-1]
		err = s.x.AddText(s.ctx, s.threads, s.factors[o], false, gradient[dense-1:p-1])
	}
	if s.err = err; err != nil {
		return
	}
	s.loss = sums[s.outputs*dense]
	for i, beta := range at {
		if i%p < p-1 {
			s.loss += float64(s.l2 * float64(beta*beta) / 2)
			s.gradient[i] += float64(s.l2 * beta)
		}
		s.gradient[i] /= s.weight
	}
	s.loss /= s.weight
}

// block adds the loss and its gradient over a block of rows.
func (s *search) block(b design.Block, at []float64, p int, into []float64) {
	margins, dense := make([]float64, s.outputs), s.x.Dense()+1
	for r := range b.Rows {
		for o := range margins {
			beta := at[o*p : (o+1)*p]
			margins[o] = b.Sum(r, beta[p-1], beta)
		}
		w, y := s.set.WeightOf(b.Start+r), s.set.Target[b.Start+r]
		into[s.outputs*dense] += float64(w * residuals(margins, y))
		for o, d := range margins {
			d = float64(d * w)
			gradient := into[o*dense : (o+1)*dense]
			b.Add(r, d, gradient)
			gradient[dense-1] += d
			s.factors[o][b.Start+r] = d
		}
	}
}

// residuals replaces margins by probability minus actual, the derivative of the log loss that is returned.
func residuals(margins []float64, y float64) (loss float64) {
	if len(margins) == 1 {
		m := margins[0]
		margins[0] = 1/(1+math.Exp(-m)) - y
		if y == 1 {
			m = -m
		}
		return max(m, 0) + math.Log1p(math.Exp(-math.Abs(m)))
	}
	top := math.Inf(-1)
	for _, m := range margins {
		top = max(top, m)
	}
	var sum float64
	own := margins[int(y)] - top
	for o, m := range margins {
		margins[o] = math.Exp(m - top)
		sum += margins[o]
	}
	for o := range margins {
		margins[o] /= sum
	}
	margins[int(y)]--
	return math.Log(sum) - own
}

// model takes the found point apart into coefficients and intercepts.
func (s *search) model(t *train.Training, at []float64) *linear.Model {
	m := &linear.Model{Link: linear.Softmax, Inputs: s.x.Inputs}
	if t.Signature.Task == schema.Binary {
		m.Link = linear.Logit
	}
	p := s.x.Width() + 1
	for o := range s.outputs {
		m.Coefficients = append(m.Coefficients, append([]float64{}, at[o*p:(o+1)*p-1]...))
		m.Intercepts = append(m.Intercepts, at[(o+1)*p-1])
	}
	return m
}

// equal compares bit by bit: the search asks for the very same point again.
func equal(a, b []float64) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func largest(values []float64) float64 {
	top := 0.0
	for _, x := range values {
		top = max(top, math.Abs(x))
	}
	return top
}

// steps reports the steps of the search.
type steps func(done int)

// Init implements optimize.Recorder.
func (steps) Init() error { return nil }

// Record implements optimize.Recorder.
func (f steps) Record(_ *optimize.Location, op optimize.Operation, stats *optimize.Stats) error {
	if op == optimize.MajorIteration && stats.MajorIterations%10 == 0 {
		f(stats.MajorIterations)
	}
	return nil
}
