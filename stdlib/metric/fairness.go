package metric

import (
	"math"
	"slices"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Measures of one group or of all rows, by place in MeasureNames; NaN where one is undefined. Of a binary task with the
// metric auc, {0.5, 0.8, 0.1, 0.9} are selection rate, true positive rate, false positive rate and auc.
type Measures []float64

// rateNames are the shares of decisions that are measured first where there are two classes.
func rateNames() []string {
	return []string{"selection_rate", "true_positive_rate", "false_positive_rate"}
}

// MeasureNames are the names that figures have for the measures of a group: with two classes first selection_rate,
// true_positive_rate and false_positive_rate, then, with any task, the names of the metrics in their order.
func MeasureNames(task schema.Task, metrics []*Metric) []string {
	var out []string
	if task == schema.Binary {
		out = rateNames()
	}
	for _, m := range metrics {
		out = append(out, m.Name)
	}
	return out
}

// Comparison is a fairness metric: one number for how far measures lie apart between groups. Names and definitions are
// Fairlearn's: of rates those of its functions, of a metric those of MetricFrame and make_derived_metric. A difference
// is 0 and a ratio 1 where all groups are alike.
type Comparison struct {
	Name string
	// Metric is the name of the metric compared; empty for rates.
	Metric string
	names  []string // of what is compared
	places []int    // among the measures
	ratio  bool
	most   float64 // the greatest difference that there can be
	// ToOverall compares each group with all rows, not with each other.
	ToOverall bool
	// Mean of the rates, where there are two; else the worst of them.
	Mean bool
}

// Comparisons are those there are of a task and of metrics that are computed here: of two classes those of rates, in the
// order of their names; then of each metric the difference, and the ratio unless it may be negative.
func Comparisons(task schema.Task, metrics []*Metric) []Comparison {
	var out []Comparison
	if task == schema.Binary {
		out = rateComparisons()
	}
	// places are indexes into Measures: first the rates of the task, then the metrics in their order.
	first := len(MeasureNames(task, nil))
	for i, m := range metrics {
		if m.SQL != "" {
			continue
		}
		c := Comparison{Name: m.Name + "_difference", Metric: m.Name, names: []string{m.Name}, places: []int{first + i}, most: math.Inf(1)}
		if m.def.share {
			c.most = 1
		}
		if out = append(out, c); !m.def.signed {
			c.Name, c.ratio = m.Name+"_ratio", true
			out = append(out, c)
		}
	}
	return out
}

// rateComparisons are Fairlearn's, each as a difference and as a ratio. places are of rateNames: equalized odds takes the
// worse of two rates.
func rateComparisons() []Comparison {
	var out []Comparison
	for _, c := range []struct {
		name   string
		places []int
	}{{"demographic_parity", []int{0}}, {"equal_opportunity", []int{1}}, {"equalized_odds", []int{1, 2}}} {
		one := Comparison{Name: c.name + "_difference", places: c.places, most: 1}
		for _, p := range c.places {
			one.names = append(one.names, rateNames()[p])
		}
		ratio := one
		ratio.Name, ratio.ratio = c.name+"_ratio", true
		out = append(out, one, ratio)
	}
	return out
}

// Groups are the rows of a sample by group, with what is measured of each. They are safe for concurrent reading.
type Groups struct {
	sample  *Sample
	group   []int32 // by row
	sizes   []int
	valid   []bool
	metrics []*Metric
	parts   []part // by group
}

// part is the rows of one group, and the sample of them where metrics are measured by group: it is a copy of the rows, and a resample of all
// is one of each group by its weights.
type part struct {
	rows   []int32
	sample *Sample
}

// NewGroups parts a sample into groups. group has the group of each row, from 0 to count-1. A group of fewer than minSize
// rows has no measures of its own (NaN), and its rows still count among all rows.
func NewGroups(s *Sample, group []int32, count, minSize int, metrics ...*Metric) *Groups {
	g := &Groups{sample: s, group: group, sizes: make([]int, count), valid: make([]bool, count), metrics: metrics}
	for _, k := range group {
		g.sizes[k]++
	}
	for k, n := range g.sizes {
		g.valid[k] = n >= minSize
	}
	g.parts = make([]part, count)
	for k := range g.parts {
		g.parts[k].rows = make([]int32, 0, g.sizes[k])
	}
	for i, k := range group {
		g.parts[k].rows = append(g.parts[k].rows, int32(i))
	}
	if len(metrics) > 0 {
		for k := range g.parts {
			g.parts[k].sample = s.part(g.parts[k].rows)
		}
	}
	return g
}

// part is the sample of some rows.
func (s *Sample) part(rows []int32) *Sample {
	pick := func(xs []float64) []float64 {
		if xs == nil {
			return nil
		}
		out := make([]float64, len(rows))
		for k, i := range rows {
			out[k] = xs[i]
		}
		return out
	}
	d := &Data{Task: s.Task, Classes: s.Classes, Names: s.Names, Actual: pick(s.Actual), Predicted: pick(s.Predicted), Score: pick(s.Score), Weight: pick(s.Weight)}
	for _, c := range s.Scores {
		d.Scores = append(d.Scores, pick(c))
	}
	return prepared(d) // as all rows were looked at, so were these
}

// Sizes are the numbers of rows by group, unweighted.
func (g *Groups) Sizes() []int { return g.sizes }

// Names are the names of the measures, in the order that Measures have.
func (g *Groups) Names() []string { return MeasureNames(g.sample.Task, g.metrics) }

// Measure computes the measures of each group and of all rows, with a weight for each row as Metric.On takes it. Rows of
// groups that are too small for measures of their own are among all rows.
func (g *Groups) Measure(w []float64) (groups []Measures, overall Measures) {
	groups = make([]Measures, len(g.sizes))
	if g.sample.Task == schema.Binary {
		overall = g.rates(w, groups)
	}
	for _, m := range g.metrics {
		overall = append(overall, replicate(m, g.sample, w))
	}
	if len(g.metrics) == 0 {
		return groups, overall
	}
	own := make([]float64, 0, len(w))
	for k, p := range g.parts {
		own = own[:0]
		for _, i := range p.rows {
			own = append(own, w[i])
		}
		for _, m := range g.metrics {
			x := math.NaN()
			if g.valid[k] {
				x = replicate(m, p.sample, own)
			}
			groups[k] = append(groups[k], x)
		}
	}
	return groups, overall
}

// Why says why a metric of a group is undefined; empty if it is not.
func (g *Groups) Why(metric string, group int) string {
	for _, m := range g.metrics {
		if m.Name == metric {
			_, undefined := m.On(g.parts[group].sample, g.parts[group].sample.Weights())
			return undefined
		}
	}
	return ""
}

// rates puts the rates of each group into groups, and returns those of all rows.
func (g *Groups) rates(w []float64, groups []Measures) Measures {
	cells := make([][4]float64, len(g.sizes))
	var all [4]float64
	for i, c := range g.sample.cells {
		cells[g.group[i]][c] += w[i]
		all[c] += w[i]
	}
	for k := range cells {
		groups[k] = Measures{math.NaN(), math.NaN(), math.NaN()}
		if g.valid[k] {
			groups[k] = ratesOf(cells[k])
		}
	}
	return ratesOf(all)
}

// ratesOf a confusion matrix: true negatives, false positives, false negatives, true positives.
func ratesOf(c [4]float64) Measures {
	return Measures{(c[1] + c[3]) / (c[0] + c[1] + c[2] + c[3]), c[3] / (c[2] + c[3]), c[1] / (c[0] + c[1])}
}

// Value of the comparison. Groups without a measure are left out of what compares it; compared is the least number of
// groups that any of its measures could be compared of. undefined is empty, or says why there is no value.
func (c Comparison) Value(groups []Measures, overall Measures) (x float64, compared int, undefined string) {
	compared = len(groups)
	for i, p := range c.places {
		compared = min(compared, defined(groups, p))
		switch {
		case compared == 0:
			return 0, 0, "no group has a " + c.names[i]
		case c.ratio && !c.comparable(groups, overall, p):
			return 0, compared, "the " + c.names[i] + " is 0 in every group"
		case c.ratio && c.negative(groups, overall, p):
			return 0, compared, "a ratio is of numbers above 0, and the " + c.names[i] + " of a group is below"
		case c.ToOverall && math.IsNaN(overall[p]):
			return 0, compared, "all rows together have no " + c.names[i]
		}
	}
	return c.join(c.spreads(groups, overall), 0), compared, ""
}

// defined is how many groups have a measure.
func defined(groups []Measures, place int) (n int) {
	for _, g := range groups {
		if !math.IsNaN(g[place]) {
			n++
		}
	}
	return n
}

// comparable reports whether a ratio is more than 0 over 0.
func (c Comparison) comparable(groups []Measures, overall Measures, place int) bool {
	return c.ToOverall && overall[place] != 0 || slices.ContainsFunc(groups, func(g Measures) bool { return g[place] != 0 && !math.IsNaN(g[place]) })
}

func (c Comparison) negative(groups []Measures, overall Measures, place int) bool {
	return c.ToOverall && overall[place] < 0 || slices.ContainsFunc(groups, func(g Measures) bool { return g[place] < 0 })
}

// spreads measures how far the groups lie apart, measure by measure: the range between groups, or the greatest distance
// from the overall one; of ratios on the scale of logarithms. Both are seminorms of the vector of measures, which
// Fairness rests on.
func (c Comparison) spreads(groups []Measures, overall Measures) []float64 {
	out := make([]float64, len(c.places))
	for i, r := range c.places {
		low, high := math.Inf(1), math.Inf(-1)
		for _, g := range groups {
			if x := c.scale(g[r]); !math.IsNaN(x) {
				low, high = min(low, x), max(high, x)
			}
		}
		out[i] = high - low
		if c.ToOverall {
			all := c.scale(overall[r])
			out[i] = max(high-all, all-low)
		}
	}
	return out
}

// scale is where differences are taken: ratios on the logarithm, so that 0.5 and 2 are as far from 1.
func (c Comparison) scale(x float64) float64 {
	if c.ratio {
		return math.Log(x)
	}
	return x
}

// slope is the derivative of scale.
func (c Comparison) slope(x float64) float64 {
	if c.ratio {
		return 1 / x
	}
	return 1
}

// join makes one number of the spreads, each moved by so much and kept in its range.
func (c Comparison) join(spreads []float64, by float64) float64 {
	values := make([]float64, len(spreads))
	for i, s := range spreads {
		values[i] = max(0, s+by)
		if c.ratio {
			values[i] = math.Exp(-values[i])
		} else {
			values[i] = min(c.most, values[i])
		}
	}
	switch {
	case c.Mean:
		return sum(values) / float64(len(values))
	case c.ratio:
		return slices.Min(values)
	default:
		return slices.Max(values)
	}
}
