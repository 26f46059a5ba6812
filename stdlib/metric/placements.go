package metric

import (
	"math"

	"github.com/mlp-lang/mlp/lang/schema"
)

// modelled is how many rows of the rarer class weigh as much as the model of Hanley and McNeil does.
const modelled = 20

// ranking is what a metric of areas under ROC curves rests on.
type ranking struct {
	influence []float64
	model     float64 // its variance by Hanley and McNeil's model, of independent rows
	rarest    float64 // effective rows of the rarest class or its rest
}

// ranked is the expansion of roc_auc or roc_auc_ovr, which has a value.
func (m *Metric) ranked(s *Sample) ranking {
	if s.Task == schema.Binary {
		return s.placements(s.curve(), 1)
	}
	out := ranking{influence: make([]float64, s.rows), rarest: math.Inf(1)}
	var total, deviation float64
	for c := range s.Scores {
		weight := 1.0
		if m.Average == "weighted" {
			weight = s.weightOf(c, s.weights)
		}
		one := s.placements(s.curves[c](), float64(c))
		for i, x := range one.influence {
			out.influence[i] += float64(weight * x)
		}
		total += weight
		deviation += float64(weight * math.Sqrt(one.model))
		out.rarest = min(out.rarest, one.rarest)
	}
	for i := range out.influence {
		out.influence[i] /= total
	}
	// The deviation of a mean is at most the mean of deviations.
	out.model = deviation * deviation / (total * total)
	return out
}

// placements gives the influence of each row on the area of one class against the rest (DeLong, DeLong and
// Clarke-Pearson 1988): how the share of rows of the other kind that it stands in order with differs from the area.
func (s *Sample) placements(c curve, class float64) ranking {
	place := make([]float64, s.rows) // for a row of the class: weight of the rest below; for the rest: of the class above
	var pos, neg float64
	for from := 0; from < len(c); {
		to := from
		var tied [2]float64 // weight of the rows with one score: of the rest, and of the class
		for more := true; more; to++ {
			tied[c[to]&isOfClass] += s.weights[c[to].row()]
			more = c[to]&isLast == 0
		}
		for _, p := range c[from:to] {
			if p&isOfClass != 0 {
				place[p.row()] = neg + float64(tied[0]/2) // above it, until the loop below
			} else {
				place[p.row()] = pos + float64(tied[1]/2)
			}
		}
		pos, neg = pos+tied[1], neg+tied[0]
		from = to
	}
	var area float64
	var of, rest kish
	for i, w := range s.weights {
		if s.Actual[i] == class {
			place[i] = 1 - place[i]/neg
			area += float64(w*place[i]) / pos
			of.add(w)
		} else {
			place[i] /= pos
			rest.add(w)
		}
	}
	out := ranking{influence: place}
	for i, w := range s.weights {
		total := neg
		if s.Actual[i] == class {
			total = pos
		}
		out.influence[i] = float64(w * (place[i] - area) / total)
	}
	m, n := of.size(), rest.size()
	out.model, out.rarest = hanleyMcNeil(area, m, n), min(m, n)
	return out
}

// hanleyMcNeil is the variance of an area of m rows against n, if their scores were distributed exponentially (Hanley
// and McNeil 1982). An area of 1 or 0 is taken to be a quarter of a pair less extreme.
func hanleyMcNeil(area, m, n float64) float64 {
	edge := 0.25 / (m * n)
	a := min(max(area, edge), 1-edge)
	q1, q2 := a/(2-a), 2*a*a/(1+a)
	return (float64(a*(1-a)) + float64((m-1)*(q1-float64(a*a))) + float64((n-1)*(q2-float64(a*a)))) / (m * n)
}

// rankedInterval of an area. DeLong's variance is too small where few rows of a class are all but in order, for the
// few that are not tell it: so it is drawn towards that of a model, the more the fewer rows there are.
func (m *Metric) rankedInterval(s *Sample, u units, confidence float64) Interval {
	x, undefined := m.On(s, s.weights)
	if undefined != "" {
		return Interval{Undefined: undefined}
	}
	v, mixed, edge := m.rankedVariance(s, u)
	if v.units < 2 {
		return Interval{Undefined: "all rows are of one entity"}
	}
	return bounded(min(max(x, edge), 1-edge), mixed, confidence, v.units, u.of != nil)
}

// rankedVariance is DeLong's, and mixed what is taken instead; edge is how near an area is taken to be to 0 and 1.
func (m *Metric) rankedVariance(s *Sample, u units) (v variance, mixed, edge float64) {
	r := m.ranked(s)
	v = u.variance(r.influence, s.weights)
	rarest := r.rarest / v.design
	return v, (float64(rarest*v.value) + float64(modelled*r.model*v.design)) / (rarest + modelled), 0.25 / (r.rarest * float64(s.rows))
}

// rankedDelta is the interval of a difference of areas on the same rows (DeLong, DeLong and Clarke-Pearson 1988), with
// Student's quantile by the rows of the rarer class.
func (m *Metric) rankedDelta(before, after *Sample, u units, confidence float64) Interval {
	was, undefined := m.On(before, before.weights)
	if undefined == "" {
		_, undefined = m.On(after, after.weights)
	}
	if undefined != "" {
		return Interval{Undefined: undefined}
	}
	is, _ := m.On(after, after.weights)
	a, b := m.ranked(before), m.ranked(after)
	v := u.variance(minus(b.influence, a.influence), after.weights)
	return around(is-was, v.value*b.rarest/(b.rarest-1), min(v.units, int(b.rarest))-1, confidence, 1)
}
