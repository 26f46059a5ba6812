// Package histogram fits boosted trees and random forests (forest.go) on binned features.
//
// Each number is cut into at most 255 bins at quantiles of all its values, and a bin of its own for missing ones; a
// category is a bin, of up to 65,535. A tree is grown from sums of first and second derivatives of the loss by bin; of two siblings only
// the smaller is summed, the other is the difference. The method and the gain are those of T. Chen and C. Guestrin,
// "XGBoost: A Scalable Tree Boosting System" (2016), sections 2.2 and 3; the categorical splits are W. Fisher's,
// "On Grouping for Maximum Homogeneity" (1958).
//
// The result does not depend on the number of threads: derivatives are rounded to multiples of a power of two small
// enough for their sums to be exact in 64-bit integers, so that it does not matter in which order they are added up.
//
// # One split by hand
//
// Four rows have the feature 1, 2, 3, 4 and the target 0, 0, 10, 10; the loss is half the squared error, lambda 1, the
// learning rate 0.3. The prediction before the first tree is the mean, 5. The first derivative of a row is g = prediction -
// target, the second h = 1. Each value has a bin, cut half-way between neighbours:
//
//	bin  x below  rows  G    H    gain of the split behind it
//	0    1.5      1      5   1    5²/2 + (-5)²/4 - 0      = 18.75
//	1    2.5      1      5   1    10²/3 + (-10)²/3 - 0    = 66.67
//	2    3.5      1     -5   1    5²/4 + (-5)²/2 - 0      = 18.75
//	3    3.4e38   1     -5   1
//
// A side with the sums G and H has the score G²/(H + lambda); the gain is the score of both sides minus that of the node
// (splitter.score), which is 0 here since the node's G is 0. The split x < 2.5 wins. The leaves get -G/(H + lambda) times
// the learning rate (grower.setValue): -10/3 · 0.3 = -1 on the left, so that rows 1 and 2 are predicted 4 after the first
// tree, and rows 3 and 4 are predicted 6.
//
// Rows without a value have a bin behind the others. Each cut is tried with them on the right and on the left, and the
// better of the two becomes the default direction of the node (splitter.tryBoth).
//
// # Leaves that are no Newton steps
//
// Of the absolute error, the quantile error and Huber's the second derivative says nothing of how far to go: trees are grown as if it were 1, and then
// each leaf gets what its loss is least at (grower.refit), times the learning rate: the median or quantile of its rows' residuals, as XGBoost and LightGBM
// do it for the first two, and for Huber's the step of J. Friedman, "Greedy Function Approximation" (2001), algorithm 4, as scikit-learn's
// GradientBoostingRegressor does it. The rows are those that the tree was grown on.
//
// # Monotone features
//
// A split on a monotone feature whose leaves would weigh in the wrong order is not taken, and the middle between the two weights bounds every leaf below: from
// above on one side, from below on the other (grower.addChildren). So of two rows that differ in that feature alone none gets a leaf out of order in
// any tree. A gain is reckoned with the weights that the bounds leave. This is XGBoost's way. Missing values have no place in the order.
//
// # The histogram of the larger child
//
// The sums of both children of a node add up to the node's, bin by bin. So rows of the smaller child alone are read; the
// histogram of the larger is the parent's minus that of the smaller (grower.pairSplits). So a level below the
// root reads at most half the rows, where the parents' histograms were kept (keepBytes). The difference is exact, since
// sums are integers.
package histogram

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

// Params of a fit, under XGBoost's meanings.
type Params struct {
	Objective           xgboost.Objective // one that is written, or QuantileError
	Classes             int               // with Softmax
	Trees               int               // rounds; with Softmax a round has a tree for each class
	LearningRate        float64           // what the margin of a leaf is multiplied by; above 0
	MaxDepth            int               // of leaves, the root's is 0; 0: no limit
	MaxLeaves           int               // 0: no limit, level by level; else the best leaf is split first
	MinChildWeight      float64           // least sum of second derivatives of a leaf: with a squared error, its rows by weight
	Lambda              float64           // added to the sum of second derivatives of a leaf: L2 regularisation
	Alpha               float64           // by how much the sum of first derivatives of a leaf is brought nearer to 0: L1 regularisation
	Gamma               float64           // least gain of a split
	MaxDeltaStep        float64           // what a leaf weighs at most, before the learning rate; 0: no limit
	MaxCatToOneHot      int               // categories of a feature with fewer are split off one by one; others are parted into two groups
	MaxCatThreshold     int               // fewer of them are taken from either end of their order
	Subsample           float64           // share of rows for each round; from 1 on, all
	ColumnSample        float64           // share of features for each tree; from 1 on, all
	LevelSample         float64           // share of those for each level of depth; 0 and from 1 on, all
	NodeSample          float64           // share of those for each node; 0 and from 1 on, all
	Monotone            []int8            // by feature: 1 the prediction does not fall with it, -1 does not rise, 0 either; nil: all 0
	Interactions        [][]int32         // groups of features that may be on one path; nil: all
	Quantile            float64           // with QuantileError: which one, above 0 and below 1
	HuberSlope          float64           // with PseudoHuber: from which error on the loss grows in a straight line; above 0
	TweediePower        float64           // with Tweedie: of the mean that the variance goes with, above 1 and below 2
	EarlyStoppingRounds int               // rounds without a lower validation loss before the fit ends; 0: off; else needs validation rows
	Seed                int64             // of the samples of rows and features
	Threads             int               // the model does not depend on it
	Init                *Init             // a model that is gone on with; nil: none
}

// Init is a model with the features and the objective of the fit, to which trees are added.
// Rounds and trees are counted from its own on where they draw samples, so that n rounds, and m more on the same table, are n + m.
type Init struct {
	Model *xgboost.Model
	// Training and Validation are the margins that it has, [class][row]; the latter nil without validation rows. They are not kept.
	Training, Validation [][]float32
}

// Result of a fit.
type Result struct {
	Model *xgboost.Model
	// Rounds that were added; with early stopping those up to the best.
	Rounds int
	// TrainingLoss and ValidationLoss are the model's, by its objective (rowLoss): the mean log loss, the root mean squared error, the mean
	// absolute error, … The latter is NaN without validation rows.
	TrainingLoss, ValidationLoss float64
	// ByRound is the validation loss after each round that was fitted, those after the best among them; nil without validation rows.
	ByRound []float64
}

// Same tells how a model's objective, or what it goes by, is another than that of a fit with these parameters; empty: it is the same, or a way to write it that
// brings the same loss down.
func (p *Params) Same(m *xgboost.Model) string {
	want := &xgboost.Model{Attributes: map[string]string{}}
	p.objective().write(want)
	is := m.Objective
	switch is {
	case xgboost.SoftmaxLabel:
		is = xgboost.Softmax
	case xgboost.LogisticRatio:
		is = xgboost.Logistic
	}
	if _, quantile := m.Attributes["quantile_alpha"]; is != want.Objective || quantile && p.Objective == xgboost.AbsoluteError {
		return fmt.Sprintf("its objective is %s, and here it is %s", m.Objective, p.Objective)
	}
	for _, x := range []struct {
		name      string
		its, ours map[string]string
	}{
		{"quantile_alpha", m.Attributes, want.Attributes},
		{"huber_slope", m.ObjectiveParam, want.ObjectiveParam},
		{"tweedie_variance_power", m.ObjectiveParam, want.ObjectiveParam},
	} {
		its, _ := strconv.ParseFloat(x.its[x.name], 32)
		if ours, _ := strconv.ParseFloat(x.ours[x.name], 32); float32(its) != float32(ours) {
			return fmt.Sprintf("its %s is %g, and here it is %g", x.name, its, ours)
		}
	}
	return ""
}

// Fit fits trees to a table that has all its features. validation may be nil; else it is one of Other, with all of them too. progress is called after
// each round with the number of rounds done and of those asked for, in the caller's goroutine. When ctx ends, Fit returns
// the error of ctx after the round at hand.
func (t *Binned) Fit(ctx context.Context, validation *Coded, p Params, progress func(done, total int)) (*Result, error) {
	if p.EarlyStoppingRounds > 0 && validation == nil {
		return nil, fmt.Errorf("early stopping needs validation rows")
	}
	b := newBooster(t, validation, p)
	best, bestLoss := 0, math.Inf(1)
	var byRound []float64
	for round := range p.Trees {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := b.round(round); err != nil {
			return nil, err
		}
		progress(round+1, p.Trees)
		if validation == nil {
			continue
		}
		loss := b.validation.loss(p.Threads)
		byRound = append(byRound, loss)
		if loss < bestLoss {
			best, bestLoss = round+1, loss
		} else if p.EarlyStoppingRounds > 0 && round+1-best >= p.EarlyStoppingRounds {
			break
		}
	}
	r := b.result(best)
	r.ByRound = byRound
	return r, nil
}

// booster is the state of a fit.
type booster struct {
	params     Params
	bins       []binned
	training   *scored
	validation *scored // nil without validation rows
	grower     *grower
	model      *xgboost.Model
	trees      []tree // that were added
	before     int    // trees of the model that is gone on with
}

// scored is a table with what the trees so far say of it.
type scored struct {
	objective objective
	target    []float64
	weight    []float64 // nil: all 1
	codes     codes
	margins   [][]float32
	start     [][]float32 // before the first round; nil: the base score's

	predicted [][]float64 // [class][row], by the margins from before the round; made when first needed
}

// objective is the loss that is brought down.
func (p *Params) objective() objective {
	o := objective{kind: p.Objective, groups: max(p.Classes, 1), quantile: p.Quantile, slope: p.HuberSlope, power: p.TweediePower, step: p.MaxDeltaStep}
	if o.kind == xgboost.AbsoluteError {
		o.quantile = 0.5
	}
	return o
}

// newBooster begins a fit: margins at the base score, or at those of the model that is gone on with.
func newBooster(t *Binned, validation *Coded, p Params) *booster {
	b := &booster{params: p, bins: t.bins}
	o := p.objective()
	scores := []float32{0}
	if p.Init != nil {
		scores = p.Init.Model.BaseScore
	} else {
		scores[0] = o.base(t.target, t.weight)
	}
	base := scores[0]
	b.model = &xgboost.Model{
		BaseScore: scores, NumClass: p.Classes, NumFeature: len(t.bins), Attributes: map[string]string{},
	}
	o.write(b.model)
	start := o.margin(base)
	b.training = newScored(o, &t.Coded, start)
	if validation != nil {
		b.validation = newScored(o, validation, start)
	}
	if p.Init != nil {
		b.goOn(p.Init)
	}
	b.grower = newGrower(p, b.bins, t.codes, len(t.target))
	b.grower.least = o.leastGain(base, t.target)
	return b
}

// goOn begins with the trees of a model and their margins.
func (b *booster) goOn(from *Init) {
	b.model.Trees, b.model.TreeClass = slices.Clone(from.Model.Trees), slices.Clone(from.Model.TreeClass)
	b.before = len(b.model.Trees)
	b.training.start = from.Training
	b.training.restart()
	if b.validation != nil {
		b.validation.start = from.Validation
		b.validation.restart()
	}
}

// restart takes margins back to what they began with, where that is kept.
func (s *scored) restart() {
	for g := range s.start {
		copy(s.margins[g], s.start[g])
	}
}

// newScored gives all rows the same margin to begin with.
func newScored(o objective, t *Coded, start float32) *scored {
	s := &scored{objective: o, target: t.target, weight: t.weight, codes: t.codes, margins: make([][]float32, o.groups)}
	for g := range s.margins {
		s.margins[g] = make([]float32, len(t.target))
		for r := range s.margins[g] {
			s.margins[g][r] = start
		}
	}
	return s
}

// ErrDiverged is returned, wrapped, where the predictions of a fit grow beyond what floats hold.
var ErrDiverged = errors.New("the fit does not converge")

// round adds one tree for each class. All of them are grown on the margins from before the round.
func (b *booster) round(round int) error {
	sample := sampleRows(len(b.training.target), b.params.Subsample, b.params.Seed, b.before/b.training.objective.groups+round)
	b.training.predict(b.params.Threads)
	for g := range b.training.objective.groups {
		number := b.before + len(b.trees)
		features := sampleFeatures(len(b.bins), b.params.ColumnSample, b.params.Seed, number)
		t := b.grower.grow(b.training, g, number, sample, features)
		if !b.grower.scale.finite() {
			return fmt.Errorf("%w: predictions of round %d are beyond what floats hold", ErrDiverged, round)
		}
		if b.training.objective.refits() {
			b.grower.refit(&t, b.training)
		}
		if sample == nil {
			b.grower.addLeaves(&t, b.training.margins[g])
		} else {
			b.training.add(&t, g, b.params.Threads)
		}
		if b.validation != nil {
			b.validation.add(&t, g, b.params.Threads)
		}
		b.trees = append(b.trees, t)
		b.model.Trees = append(b.model.Trees, t.export(b.bins))
		b.model.TreeClass = append(b.model.TreeClass, int32(g))
	}
	return nil
}

// result ends the fit; with early stopping, the trees after the best round go.
func (b *booster) result(best int) *Result {
	groups := b.training.objective.groups
	rounds := len(b.trees) / groups
	if b.params.EarlyStoppingRounds > 0 && best < rounds {
		b.model.Trees = b.model.Trees[:b.before+best*groups]
		b.model.TreeClass = b.model.TreeClass[:b.before+best*groups]
		b.rescore(best * groups)
		rounds = best
	}
	r := &Result{Model: b.model, Rounds: rounds, ValidationLoss: math.NaN()}
	r.TrainingLoss = b.training.loss(b.params.Threads)
	if b.validation != nil {
		r.ValidationLoss = b.validation.loss(b.params.Threads)
		b.model.Attributes["best_iteration"] = strconv.Itoa(max(b.before/groups+rounds-1, 0))
	}
	return r
}

// rescore computes the margins anew from the first trees only: float32 sums can't be taken back.
func (b *booster) rescore(trees int) {
	start := b.training.objective.margin(b.model.BaseScore[0])
	for _, s := range []*scored{b.training, b.validation} {
		for g := range s.margins {
			for r := range s.margins[g] {
				s.margins[g][r] = start
			}
		}
		s.restart()
		for i := range trees {
			s.add(&b.trees[i], i%s.objective.groups, b.params.Threads)
		}
	}
}
