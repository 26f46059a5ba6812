package train

// How the threshold is found.
//
// Every score of a validation row is tried as the threshold from which on rows are predicted positive, and one above all of them.
// Between two scores nothing changes, so that no other threshold can be better. Of the rows 0.9 (positive), 0.7 (negative), 0.4
// (positive), 0.2 (negative), with maximize = recall and where = fpr <= 0.5,
//
//	threshold  recall  fpr
//	never      0       0
//	0.9        0.5     0
//	0.7        0.5     0.5
//	0.4        1       0.5    chosen
//	0.2        1       1      beyond the limit
//
// Of thresholds that are equally good the highest is taken, which predicts the fewest rows positive.

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/metric"
)

// never is a threshold that no probability reaches.
const never = 2

// candidate is a threshold with the confusion matrix that it has on the validation rows, as sums of weights.
type candidate struct {
	threshold      float64
	tn, fp, fn, tp float64
}

// candidates returns all thresholds that decide differently, descending: first one above all scores, by which no row is
// positive, then each distinct score. The scores 0.9, 0.4, 0.4 have three candidates: never, 0.9 and 0.4. Each differs from the
// one before by the rows of one score, so all counts take one pass over the sorted rows. rows are those of the set that count, ascending; nil: all.
func candidates(score []float64, set *Set, rows []int) []candidate {
	// Weights are moved from one count to another, so that the four always sum up to the total.
	order := slices.Clone(rows)
	if rows == nil {
		order = make([]int, len(score))
		for r := range order {
			order[r] = r
		}
	}
	c := candidate{threshold: never}
	for _, r := range order {
		if set.Target[r] == 1 {
			c.fn += set.WeightOf(r)
		} else {
			c.tn += set.WeightOf(r)
		}
	}
	sort.SliceStable(order, func(i, j int) bool { return score[order[i]] > score[order[j]] })
	out := []candidate{c}
	for i, r := range order {
		if w := set.WeightOf(r); set.Target[r] == 1 {
			c.fn, c.tp = c.fn-w, c.tp+w
		} else {
			c.tn, c.fp = c.tn-w, c.fp+w
		}
		if i+1 == len(order) || score[order[i+1]] != score[r] {
			c.threshold = score[r]
			out = append(out, c)
		}
	}
	return out
}

// value is a metric at a threshold, from the counts of rows (TN, FP, FN, TP) alone.
func (c *candidate) value(m *metric.Metric) (x float64, undefined string) {
	x, undefined, ok := m.OfCounts(c.tn, c.fp, c.fn, c.tp)
	if !ok {
		return 0, fmt.Sprintf("%s is not a metric of decisions", m.Name)
	}
	return x, undefined
}

// decide finds the threshold that brings the metric to its best within the limits. Of equals the highest wins.
// score is that of the validation rows, in their order. Where no threshold keeps the limits, or the metric is undefined at all of
// them, the error is a *component.InputError that says how near it comes: a model that cannot do what is asked is not released.
func (t *Training) decide(score []float64) (float64, error) {
	c, err := t.decideAmong(candidates(score, t.Validation, nil))
	return c.threshold, err
}

// decideAmong is decide among some candidates.
func (t *Training) decideAmong(all []candidate) (candidate, error) {
	d := t.config.Decision
	best, limits, err := d.metrics()
	if err != nil {
		return candidate{}, err
	}
	chosen, top, reason := -1, 0.0, ""
	for i := range all {
		if !d.within(&all[i], limits) {
			continue
		}
		x, undefined := all[i].value(best)
		if undefined != "" {
			reason = undefined
			continue
		}
		if chosen < 0 || best.Better(x, top) {
			chosen, top = i, x
		}
	}
	if chosen >= 0 {
		t.tellDecision(&all[chosen], best, top)
		return all[chosen], nil
	}
	if reason != "" {
		return candidate{}, &component.InputError{
			Summary: fmt.Sprintf("%s: %s is undefined at every threshold: %s", t.stage.Address, best.Name, reason),
			Detail:  "The validation table must hold rows of both classes.",
		}
	}
	return candidate{}, t.outOfReach(all, limits)
}

// tellDecision logs the threshold; that nothing is ever positive is a warning.
func (t *Training) tellDecision(c *candidate, m *metric.Metric, x float64) {
	if c.threshold == never {
		t.Warnf("the decision predicts no row positive: nothing else keeps the limits on the validation rows")
		return
	}
	t.stage.Logf("decision: positive from %.6g on; there %s is %.4f on the validation rows", c.threshold, m.Name, x)
}

// within reports whether all limits hold; an undefined metric keeps none.
func (d *Decision) within(c *candidate, limits []*metric.Metric) bool {
	for i, m := range limits {
		if x, undefined := c.value(m); undefined != "" || !d.Where[i].holds(x) {
			return false
		}
	}
	return true
}

// outOfReach says how near the limits can be come to, each by itself and all together.
func (t *Training) outOfReach(all []candidate, limits []*metric.Metric) error {
	d := t.config.Decision
	var asked, alone []string
	for i, m := range limits {
		l := &d.Where[i]
		asked = append(asked, fmt.Sprintf("%s %s %g", m.Name, l.Op, l.Limit))
		if x, ok := nearest(all, m, l); ok {
			alone = append(alone, fmt.Sprintf("%s comes to %.6g", m.Name, x))
		} else {
			alone = append(alone, fmt.Sprintf("%s is undefined", m.Name))
		}
	}
	return &component.InputError{
		Summary: fmt.Sprintf("%s: no threshold keeps %s on the validation rows", t.stage.Address, strings.Join(asked, " and ")),
		Detail:  "At best, each taken alone, " + strings.Join(alone, ", ") + ". Loosen the limits, or train a better model.",
	}
}

// nearest is the value of the metric that comes nearest to keeping the limit.
// False: it is undefined at every threshold.
func nearest(all []candidate, m *metric.Metric, l *Limit) (best float64, ok bool) {
	less := l.Op == "<" || l.Op == "<="
	for i := range all {
		x, undefined := all[i].value(m)
		if undefined == "" && (!ok || less && x < best || !less && x > best) {
			best, ok = x, true
		}
	}
	return best, ok
}
