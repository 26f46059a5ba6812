package metric

import (
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"
)

// share says what a metric of decisions is a share of: part of the rows of whole.
type share struct {
	whole, part func(actual, predicted int) bool
	link        func(float64) float64 // from the share to the metric, increasing; nil: it is the share
}

// shareOf is a share that is the metric itself.
func shareOf(whole, part func(actual, predicted int) bool) *share {
	return &share{whole: whole, part: part}
}

// all and right are sets of rows by their actual and predicted class: every row, and those that are predicted as they are.
func all(_, _ int) bool                { return true }
func right(actual, predicted int) bool { return actual == predicted }

// isActual are the rows of a class.
func isActual(class int) func(int, int) bool {
	return func(actual, _ int) bool { return actual == class }
}

// isPredicted are the rows that are predicted to be of a class.
func isPredicted(class int) func(int, int) bool {
	return func(_, predicted int) bool { return predicted == class }
}

// asShare tells what the metric is a share of; nil if it is none. Averages over classes are not, but that the micro
// average of any and the weighted one of recall are the accuracy.
func (m *Metric) asShare() *share {
	switch m.Type {
	case "accuracy":
		return shareOf(all, right)
	case "selection_rate":
		return shareOf(all, isPredicted(1))
	case "true_positive_rate", "sensitivity":
		return shareOf(isActual(1), isPredicted(1))
	case "false_negative_rate":
		return shareOf(isActual(1), isPredicted(0))
	case "false_positive_rate":
		return shareOf(isActual(0), isPredicted(1))
	case "true_negative_rate", "specificity":
		return shareOf(isActual(0), isPredicted(0))
	case "negative_predictive_value":
		return shareOf(isPredicted(0), isActual(0))
	case "precision", "recall", "f1":
		return m.averagedShare()
	}
	return nil
}

// averagedShare is that of precision, recall and f1, by how they join the classes; nil of macro averages, which are means of shares.
func (m *Metric) averagedShare() *share {
	switch {
	case m.Average == "micro", m.Average == "weighted" && m.Type == "recall":
		return shareOf(all, right)
	case m.Average != "" && m.Average != "binary":
		return nil
	case m.Type == "precision":
		return shareOf(isPredicted(1), isActual(1))
	case m.Type == "recall":
		return shareOf(isActual(1), isPredicted(1))
	}
	// f1 is 2J/(1+J), where J is the share that are both among the rows that are positive or are predicted so (Jaccard's
	// index). With 8 true positives, 2 false ones and 2 missed J = 8/12, and f1 = 0.8.
	return &share{
		whole: func(actual, predicted int) bool { return actual == 1 || predicted == 1 },
		part:  func(actual, predicted int) bool { return actual == 1 && predicted == 1 },
		link:  func(j float64) float64 { return 2 * j / (1 + j) },
	}
}

// worth is a share, and how many independent rows of weight 1 would tell as much of it. A recall of 8 of 10 positives has
// p = 0.8 and n = 10; if their weights are 1 eight times and 2 twice, n = 12² / 16 = 9.
type worth struct {
	p, n    float64
	counted int // rows, or clusters, that have a row of the whole
}

// worth computes the share on a sample; undefined is empty, or says why there is none.
func (h *share) worth(s *Sample, u units) (out worth, undefined string) {
	// w are the weights of the rows that it is a share of, hit of those that are in it. n is how many independent rows of
	// weight 1 they are worth.
	var w, hit []float64 // by row, for their sums by cluster
	if u.of != nil {
		w, hit = make([]float64, s.rows), make([]float64, s.rows)
	}
	var size kish
	var part float64
	for i, cell := range s.cells {
		actual, predicted := int(cell)/s.Classes, int(cell)%s.Classes
		weight := s.weights[i]
		if !h.whole(actual, predicted) || weight == 0 {
			continue
		}
		size.add(weight)
		out.counted++
		if u.of != nil {
			w[i] = weight
		}
		if h.part(actual, predicted) {
			part += weight
			if u.of != nil {
				hit[i] = weight
			}
		}
	}
	if size.sum == 0 {
		return worth{}, "there is no row that it is a share of"
	}
	out.p, out.n = part/size.sum, size.size()
	if u.of != nil {
		if out.counted = u.counted(w); out.counted < 2 {
			return out, "the rows that it is a share of are all of one entity"
		}
		out.n = clusteredSize(out.p, w, hit, u)
	}
	return out, ""
}

// interval of a share: Clopper and Pearson's.
func (h *share) interval(s *Sample, u units, confidence float64) Interval {
	x, undefined := h.worth(s, u)
	if undefined != "" {
		return Interval{Undefined: undefined}
	}
	if u.of != nil {
		x.n = shrunk(x.n, x.counted, confidence)
	}
	i := clopperPearson(float64(x.p*x.n), x.n, confidence)
	if h.link != nil {
		i.Low, i.High = h.link(i.Low), h.link(i.High)
	}
	return i
}

// ShareOfUnits is a share of rows that were drawn by units, such as the customers that they are of, with its interval: of each unit the sum of the weights of its rows, and of those that are in
// the share. Without any weight it is not a number.
func ShareOfUnits(weights, parts []float64, confidence float64) (share float64, i Interval) {
	var whole, part float64
	of := make([]int32, len(weights))
	for g := range weights {
		whole, part, of[g] = whole+weights[g], part+parts[g], int32(g)
	}
	if whole == 0 {
		return math.NaN(), Interval{Undefined: "there is no row that it is a share of"}
	}
	share = part / whole
	u := units{of: of, count: len(weights), rows: len(weights)}
	n := clusteredSize(share, weights, parts, u)
	if counted := u.counted(weights); counted > 1 {
		n = shrunk(n, counted, confidence)
	}
	return share, clopperPearson(float64(share*n), n, confidence)
}

// slack is the variance that resamples of a share leave out: that of Agresti and Coull (1998), who add two rows of
// either kind, less its own.
func (h *share) slack(s *Sample, u units) float64 {
	x, undefined := h.worth(s, u)
	if undefined != "" {
		return 0
	}
	p := (float64(x.p*x.n) + 2) / (x.n + 4)
	return max(0, p*(1-p)/(x.n+4)-x.p*(1-x.p)/x.n)
}

// clusteredSize is how many independent rows a share over clusters is worth (Korn and Graubard 1998). Where few
// clusters have a row of the part, or few one that is not, their spread tells little of how alike the rows of a cluster
// are; two more are then assumed whose rows are all alike.
func clusteredSize(p float64, w, hit []float64, u units) float64 {
	// with and without are clusters that have some row of the part, and some that is not.
	wholes, parts := u.sums(w), u.sums(hit)
	with, without := 0, 0
	var total float64
	for g, x := range wholes {
		total += x
		if parts[g] > 0 {
			with++
		}
		if parts[g] < x {
			without++
		}
	}
	alike := effective(wholes)
	k := float64(min(with, without))
	if k == 0 {
		return alike
	}
	influence := make([]float64, len(wholes))
	for g := range influence {
		influence[g] = (parts[g] - float64(p*wholes[g])) / total
	}
	found := corrected(influence, u.counted(w)) / (p * (1 - p))
	return min(effective(w), float64(k+2)/(float64(k*found)+2/alike))
}

// shrunk takes account of a variance that is known by few units only: by the ratio of Student's quantiles (Korn and
// Graubard 1998).
func shrunk(n float64, counted int, confidence float64) float64 {
	r := student(confidence, max(n-1, 1)) / student(confidence, float64(counted-1))
	return n * min(1, r*r)
}

// student is the two-sided quantile of Student's distribution.
func student(confidence, dof float64) float64 {
	return distuv.StudentsT{Sigma: 1, Nu: dof}.Quantile((1 + confidence) / 2)
}

// clopperPearson is the exact interval of x of n (Clopper and Pearson 1934): each end leaves out at most half of what
// the confidence does, whatever the truth is. x and n need not be whole.
func clopperPearson(x, n, confidence float64) Interval {
	tail := float64((1 - confidence) / 2)
	i := Interval{Low: 0, High: 1}
	x = min(max(x, 0), n)
	if x > 1e-9*n {
		i.Low = mathext.InvRegIncBeta(x, n-x+1, tail)
	}
	if n-x > 1e-9*n {
		i.High = mathext.InvRegIncBeta(x+1, n-x, 1-tail)
	}
	return i
}

// bounded is the interval of a figure between 0 and 1 that is no share of rows: that of a share with the same variance.
func bounded(x, variance, confidence float64, counted int, clustered bool) Interval {
	if math.IsNaN(variance) || variance <= 0 {
		return Interval{Undefined: "nothing tells how far it may be off"}
	}
	n := x * (1 - x) / variance
	if clustered {
		n = shrunk(n, counted, confidence)
	}
	return clopperPearson(float64(x*n), n, confidence)
}
