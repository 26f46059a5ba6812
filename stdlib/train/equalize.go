package train

// How thresholds by group are found.
//
// Each group has a curve: of each of its thresholds, from one above all scores down, the rate that is to be made alike. Of two groups with the scores and classes
//
//	a  0.9 +  0.6 -  0.5 +  0.2 -        true positive rate from 0.9 on 0.5, from 0.5 on 1
//	b  0.7 +  0.4 +  0.3 -               true positive rate from 0.7 on 0.5, from 0.4 on 1
//
// the thresholds (0.9, 0.7) give both 0.5, and (0.5, 0.4) give both 1. Every rate that a group has at one of its thresholds is tried as the one for all: each group takes the threshold whose
// rate is nearest to it, and of those combinations the one is chosen that brings the metric to its best on the rows of all groups together, within the limits. A group is never further from the common rate than half
// a step of its own curve, so that two lie no further apart than a step of the smaller one; a step is one row, where scores differ. Of thresholds with the same rate one is taken: of true positive rates the
// highest, of false positive rates the lowest, which is wrong least often.
//
// Of equalized_odds a point of two rates stands in place of the rate, and the distance is the greater of both. Curves of groups need not meet, so that both rates can be alike only as far as tolerance says;
// without a bound, thresholds that decide all rows alike would do.
//
// Fairlearn's ThresholdOptimizer (Hardt, Price and Srebro 2016) has the same constraints, and draws lots between two thresholds of a group, by which both rates become exactly alike. Here the same row is decided
// the same way each time, so that rates are alike up to a step.

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/metric"
	"github.com/mlp-lang/mlp/stdlib/model"
)

// Rates that can be made alike, by Fairlearn's names of constraints without "_parity".
const (
	selectionRate     = "selection_rate"
	truePositiveRate  = "true_positive_rate"
	falsePositiveRate = "false_positive_rate"
	equalizedOdds     = "equalized_odds"
)

// equalizable are what a decision can equalize.
func equalizable() []string {
	return []string{truePositiveRate, selectionRate, falsePositiveRate, equalizedOdds}
}

// decided is how a binary task is decided: by one threshold, and perhaps by others in groups.
type decided struct {
	threshold float64
	groups    *grouping       // nil: all rows have the threshold
	by        *model.Decision // by their numbers
}

// predicted are the decisions of rows of a set, 0 or 1. Rows of no group go by the one threshold.
func (d *decided) predicted(set *Set, score []float64, one bool) []float64 {
	out := make([]float64, len(score))
	var of []int32
	if d.groups != nil && !one {
		of = d.groups.on(set)
	}
	for r, x := range score {
		threshold := d.threshold
		if of != nil && of[r] >= 0 {
			threshold = d.by.Thresholds[of[r]]
		}
		if x >= threshold {
			out[r] = 1
		}
	}
	return out
}

// decideGroups finds how rows are decided: the one threshold, and where the decision is by group those of the groups.
func (t *Training) decideGroups(score []float64) (*decided, error) {
	one, err := t.decide(score)
	d := t.config.Decision
	if err != nil || len(d.By) == 0 {
		return &decided{threshold: one}, err
	}
	set := t.Validation
	g, err := t.grouped(set, ValidationPort, "thresholds", d.By, d.Otherwise, func(rows []int) bool { return noRate(d.Equalize, set, rows) })
	if err != nil {
		return nil, err
	}
	thresholds, err := t.equalize(score, g)
	if err != nil {
		return nil, err
	}
	return &decided{threshold: one, groups: g, by: &model.Decision{Groups: *g.Groups, Equalize: d.Equalize, Thresholds: thresholds}}, nil
}

// noRate reports whether a rate that is to be made alike is undefined on some rows: they have no weight in a class that it is of.
func noRate(equalize string, set *Set, rows []int) bool {
	for _, x := range ratesAt(equalize, &candidates(make([]float64, set.Rows), set, rows)[0]) {
		if math.IsNaN(x) {
			return true
		}
	}
	return false
}

// curve of a group: thresholds descending, with the rates to be made alike at each, which do not fall.
type rateCurve struct {
	at    []candidate
	rates [][2]float64 // of one rate the second is 0
}

// ratesAt are the rates of a candidate that are to be alike.
func ratesAt(equalize string, c *candidate) [2]float64 {
	switch equalize {
	case selectionRate:
		return [2]float64{(c.tp + c.fp) / (c.tn + c.fp + c.fn + c.tp)}
	case falsePositiveRate:
		return [2]float64{c.fp / (c.tn + c.fp)}
	case truePositiveRate:
		return [2]float64{c.tp / (c.fn + c.tp)}
	}
	return [2]float64{c.tp / (c.fn + c.tp), c.fp / (c.tn + c.fp)}
}

// newRateCurve has of candidates with the same rates one: of false positive rates the last, which finds the most positives, else the first.
func newRateCurve(equalize string, all []candidate) *rateCurve {
	out := &rateCurve{}
	for i := range all {
		r, n := ratesAt(equalize, &all[i]), len(out.rates)
		switch {
		case n == 0 || out.rates[n-1] != r:
			out.at, out.rates = append(out.at, all[i]), append(out.rates, r)
		case equalize == falsePositiveRate:
			out.at[n-1] = all[i]
		}
	}
	return out
}

// distance of the i-th candidate from rates: the greatest of any.
func (c *rateCurve) distance(i int, to [2]float64) float64 {
	return max(math.Abs(c.rates[i][0]-to[0]), math.Abs(c.rates[i][1]-to[1]))
}

// nearest is the candidate nearest to rates, of equals the one with the highest threshold. Before either rate is reached the distance falls, and once both are it rises; in
// between it is the greater of one that rises and one that falls.
func (c *rateCurve) nearest(to [2]float64) int {
	n := len(c.rates)
	either := sort.Search(n, func(i int) bool { return c.rates[i][0] >= to[0] || c.rates[i][1] >= to[1] })
	both := sort.Search(n, func(i int) bool { return c.rates[i][0] >= to[0] && c.rates[i][1] >= to[1] })
	cross := either + sort.Search(both-either, func(k int) bool {
		r := c.rates[either+k]
		return max(r[0]-to[0], r[1]-to[1]) >= max(to[0]-r[0], to[1]-r[1])
	})
	best := -1
	for _, i := range []int{either - 1, cross - 1, cross, both} {
		if i >= 0 && i < n && (best < 0 || c.distance(i, to) < c.distance(best, to)) {
			best = i
		}
	}
	for best > 0 && c.distance(best-1, to) == c.distance(best, to) {
		best--
	}
	return best
}

// equalize chooses the thresholds of groups, by their numbers. Of one group it is what the decision without groups is on its rows.
func (t *Training) equalize(score []float64, g *grouping) ([]float64, error) {
	d := t.config.Decision
	best, limits, err := d.metrics()
	if err != nil {
		return nil, err
	}
	rows := make([][]int, len(g.Values))
	for r, k := range g.of {
		if k >= 0 {
			rows[k] = append(rows[k], r)
		}
	}
	if len(rows) == 1 {
		c, err := t.decideAmong(candidates(score, t.Validation, rows[0]))
		return []float64{c.threshold}, err
	}
	curves := make([]*rateCurve, len(rows))
	for k := range rows {
		curves[k] = newRateCurve(d.Equalize, candidates(score, t.Validation, rows[k]))
	}
	s := &equalSearch{Decision: d, best: best, limits: limits, curves: curves}
	s.run()
	if s.chosen == nil {
		return nil, t.outOfReachTogether(s)
	}
	out := make([]float64, len(curves))
	for k, i := range s.chosen {
		if out[k] = curves[k].at[i].threshold; out[k] == never {
			t.Warnf("the decision predicts no row of the group %s positive", g.Name(k))
		}
		t.stage.Logf("decision: of %s positive from %.6g on", g.Name(k), out[k])
	}
	t.stage.Logf("decision: %s differs by %.4f between groups; there %s is %.4f on the validation rows", d.Equalize, s.spread(s.chosen), best.Name, s.top)
	return out, nil
}

// equalSearch looks at combinations of thresholds, one of each curve.
type equalSearch struct {
	*Decision
	best   *metric.Metric
	limits []*metric.Metric
	curves []*rateCurve

	chosen []int   // nil: none was found
	top    float64 // the metric there
	least  float64 // the least difference of those that keep the limits
	kept   bool    // some keep the limits
}

// run tries every point of every curve as the common one, those with the lowest rates first.
func (s *equalSearch) run() {
	var points [][2]float64
	for _, c := range s.curves {
		points = append(points, c.rates...)
	}
	slices.SortFunc(points, func(a, b [2]float64) int { return cmp.Or(cmp.Compare(a[1], b[1]), cmp.Compare(a[0], b[0])) })
	at := make([]int, len(s.curves))
	for _, p := range slices.Compact(points) {
		for k, c := range s.curves {
			at[k] = c.nearest(p)
		}
		s.try(at)
	}
}

// try looks at one combination.
func (s *equalSearch) try(at []int) {
	var all candidate
	for k, i := range at {
		c := &s.curves[k].at[i]
		all.tn, all.fp, all.fn, all.tp = all.tn+c.tn, all.fp+c.fp, all.fn+c.fn, all.tp+c.tp
	}
	if !s.within(&all, s.limits) {
		return
	}
	spread := s.spread(at)
	if !s.kept || spread < s.least {
		s.least, s.kept = spread, true
	}
	if s.Tolerance != nil && spread > *s.Tolerance {
		return
	}
	x, undefined := all.value(s.best)
	if undefined == "" && (s.chosen == nil || s.best.Better(x, s.top)) {
		s.chosen, s.top = slices.Clone(at), x
	}
}

// spread is how far the rates of groups lie apart: of two rates the greater difference.
func (s *equalSearch) spread(at []int) float64 {
	low, high := s.curves[0].rates[at[0]], s.curves[0].rates[at[0]]
	for k, i := range at {
		for j, x := range s.curves[k].rates[i] {
			low[j], high[j] = min(low[j], x), max(high[j], x)
		}
	}
	return max(high[0]-low[0], high[1]-low[1])
}

// outOfReachTogether says why no thresholds were found.
func (t *Training) outOfReachTogether(s *equalSearch) error {
	e := &component.InputError{Detail: "Loosen the limits, or train a better model."}
	switch {
	case !s.kept:
		e.Summary = fmt.Sprintf("%s: no thresholds by group keep the limits of where on the validation rows", t.stage.Address)
	case s.Tolerance != nil && s.least > *s.Tolerance:
		e.Summary = fmt.Sprintf("%s: no thresholds by group keep the difference of %s at %g within the limits; the nearest have %.6g", t.stage.Address, s.Equalize, *s.Tolerance, s.least)
	default:
		e.Summary = fmt.Sprintf("%s: %s is undefined at all thresholds by group that keep the limits", t.stage.Address, s.best.Name)
	}
	return e
}

// byGroup checks what a decision says of groups.
func (s *shaper) byGroup(d *Decision) {
	s.groupsBy("decision.by", d.By)
	if len(d.By) == 0 {
		for _, x := range []struct {
			name string
			set  bool
		}{{"equalize", d.Equalize != ""}, {"tolerance", d.Tolerance != nil}, {"otherwise", d.Otherwise != ""}} {
			if x.set {
				s.report(schema.Problem{Path: "decision." + x.name, Summary: x.name + " is of thresholds by group", Hint: `Say which groups there are: by = ["…"].`})
			}
		}
		return
	}
	switch {
	case d.Equalize == "":
		s.report(schema.Problem{Path: "decision.by", Summary: "Which rate thresholds by group are to make alike is not said",
			Detail: "A threshold of its own for each group is for making groups more alike, and not for deciding better in each.", Hint: `Set equalize, such as equalize = "true_positive_rate".`})
	case d.Equalize == equalizedOdds && d.Tolerance == nil:
		s.report(schema.Problem{Path: "decision.equalize", Summary: "How far equalized_odds may lie apart is not said",
			Detail: "Two rates cannot both be made alike by thresholds, unless the curves of groups meet; the best that keep a difference are chosen.", Hint: "Set tolerance, such as tolerance = 0.05."})
	}
	if x := d.Tolerance; x != nil && !(*x >= 0 && *x < 1) {
		s.report(schema.Problem{Path: "decision.tolerance", Summary: fmt.Sprintf("tolerance is %g", *x), Detail: "A difference of rates is from 0 to below 1."})
	}
}

// isInput reports whether an error is one of what flows in, and says it.
func isInput(err error) (string, bool) {
	var input *component.InputError
	if errors.As(err, &input) {
		return input.Summary, true
	}
	return "", false
}
