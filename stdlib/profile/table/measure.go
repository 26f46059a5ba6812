package table

import (
	"math"
	"slices"
	"sort"

	"github.com/mlp-lang/mlp/stdlib/frame"
)

// summary are the figures of a column of numbers; NaN where one is undefined.
type summary struct {
	nulls, distinct int
	infinite        bool
	mean, stdev     float64
	quantiles       [5]float64 // least, first quartile, median, third quartile, greatest
	outliers        int
	sorted          []float64
}

// summarise describes values, of which NaN is a missing one.
func summarise(values []float64) summary {
	s := summary{mean: math.NaN(), stdev: math.NaN()}
	for _, x := range values {
		if x != x {
			s.nulls++
			continue
		}
		s.infinite = s.infinite || math.IsInf(x, 0)
		s.sorted = append(s.sorted, x)
	}
	slices.Sort(s.sorted)
	for i, x := range s.sorted {
		if i == 0 || x != s.sorted[i-1] {
			s.distinct++
		}
	}
	for i, p := range []float64{0, 0.25, 0.5, 0.75, 1} {
		s.quantiles[i] = quantile(s.sorted, p)
	}
	if n := float64(len(s.sorted)); n > 0 && !s.infinite {
		s.mean = mean(s.sorted)
		if n > 1 {
			var sum float64
			for _, x := range s.sorted {
				sum += float64((x - s.mean) * (x - s.mean))
			}
			s.stdev = math.Sqrt(sum / (n - 1))
		}
	}
	low, high := s.fences()
	for _, x := range s.sorted {
		if x < low || x > high {
			s.outliers++
		}
	}
	return s
}

// fences are Tukey's: 1.5 interquartile ranges beyond the quartiles.
func (s *summary) fences() (low, high float64) {
	reach := 1.5 * (s.quantiles[3] - s.quantiles[1])
	return s.quantiles[1] - reach, s.quantiles[3] + reach
}

// mean sums with compensation (Neumaier 1974): of sorted values the last would else lose what the first add.
func mean(values []float64) float64 {
	var sum, lost float64
	for _, x := range values {
		t := sum + x
		if math.Abs(sum) >= math.Abs(x) {
			lost += (sum - t) + x
		} else {
			lost += (x - t) + sum
		}
		sum = t
	}
	return (sum + lost) / float64(len(values))
}

// quantile of sorted values, linear between two (Hyndman and Fan 1996, type 7); NaN of none.
func quantile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	at := p * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) || at == float64(i) {
		return sorted[i]
	}
	return sorted[i] + float64((at-float64(i))*(sorted[i+1]-sorted[i]))
}

// pearson is the correlation of two lists of one length; NaN where one of them is constant, or shorter than two.
func pearson(a, b []float64) float64 {
	if len(a) < 2 {
		return math.NaN()
	}
	ma, mb := mean(a), mean(b)
	var ab, aa, bb float64
	for i := range a {
		x, y := a[i]-ma, b[i]-mb
		ab, aa, bb = ab+float64(x*y), aa+float64(x*x), bb+float64(y*y)
	}
	if aa == 0 || bb == 0 {
		return math.NaN()
	}
	return max(-1, min(1, ab/(math.Sqrt(aa)*math.Sqrt(bb))))
}

// ranks are those of values, from 1; equal ones share the mean of theirs.
func ranks(values []float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool { return values[order[i]] < values[order[j]] })
	out := make([]float64, len(values))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && values[order[j]] == values[order[i]] {
			j++
		}
		for _, row := range order[i:j] {
			out[row] = float64(i+j+1) / 2
		}
		i = j
	}
	return out
}

// spearman is the correlation of ranks.
func spearman(a, b []float64) float64 { return pearson(ranks(a), ranks(b)) }

// cramersV is Cramér's V of two lists of classes, without correction for bias; NaN where one of them has one class.
func cramersV(a, b []int32) float64 {
	counts, rows, columns := map[[2]int32]float64{}, map[int32]float64{}, map[int32]float64{}
	for i := range a {
		counts[[2]int32{a[i], b[i]}]++
		rows[a[i]]++
		columns[b[i]]++
	}
	least := min(len(rows), len(columns)) - 1
	if least < 1 {
		return math.NaN()
	}
	n := float64(len(a))
	// chi² / n is the sum of count² / (row · column), less 1; in the order of the classes, so that the sum is the same each time.
	var sum float64
	for _, i := range keys(rows) {
		for _, j := range keys(columns) {
			c := counts[[2]int32{i, j}]
			e := rows[i] * columns[j] / n
			sum += float64((c-e)*(c-e)) / e
		}
	}
	return min(1, math.Sqrt(sum/n/float64(least)))
}

func keys(m map[int32]float64) []int32 {
	var out []int32
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// correlationRatio is η: the root of the share of the variance of values that lies between classes (Pearson 1905); NaN where values are constant
// or there is one class.
func correlationRatio(classes []int32, values []float64) float64 {
	if len(values) < 2 {
		return math.NaN()
	}
	m := mean(values)
	sums, counts := map[int32]float64{}, map[int32]float64{}
	var total float64
	for i, x := range values {
		d := x - m
		sums[classes[i]] += d
		counts[classes[i]]++
		total += float64(d * d)
	}
	if total == 0 || len(counts) < 2 {
		return math.NaN()
	}
	var between float64
	for _, c := range keys(counts) {
		between += float64(sums[c]*sums[c]) / counts[c]
	}
	return min(1, math.Sqrt(between/total))
}

// variable is a column as relations see it: numbers, or classes.
type variable struct {
	name    string
	numbers []float64 // nil of classes
	classes []int32   // -1 is missing
	unfit   string    // why it relates to nothing; "" if it does
}

// mostClasses is how many values a text may have that is taken for classes.
const mostClasses = 100

func newVariable(c *frame.Column) *variable {
	v := &variable{name: c.Name}
	switch {
	case c.Text():
		v.classes = c.Codes
		if len(c.Levels) > mostClasses {
			v.unfit = "it is text of more than 100 values"
		}
	case c.Type == "boolean":
		v.classes = make([]int32, len(c.Num))
		for i, x := range c.Num {
			if v.classes[i] = int32(x); x != x {
				v.classes[i] = -1
			}
		}
	default:
		v.numbers = c.Num
		for _, x := range c.Num {
			if math.IsInf(x, 0) {
				v.unfit = "it has infinite values"
			}
		}
	}
	return v
}

// relation is how two variables go together, by measure; what does not apply is NaN.
type relation struct{ pearson, spearman, cramersV, ratio float64 }

// strength is the one number of a relation, from 0 to 1.
func (r relation) strength() float64 {
	for _, x := range []float64{r.spearman, r.cramersV, r.ratio} {
		if x == x {
			return math.Abs(x)
		}
	}
	return math.NaN()
}

// relate measures two variables on the rows where both have a value.
func relate(a, b *variable) relation {
	none := math.NaN()
	r := relation{none, none, none, none}
	if a.unfit != "" || b.unfit != "" {
		return r
	}
	switch {
	case a.numbers != nil && b.numbers != nil:
		var x, y []float64
		for i := range a.numbers {
			if a.numbers[i] == a.numbers[i] && b.numbers[i] == b.numbers[i] {
				x, y = append(x, a.numbers[i]), append(y, b.numbers[i])
			}
		}
		r.pearson, r.spearman = pearson(x, y), spearman(x, y)
	case a.numbers == nil && b.numbers == nil:
		var x, y []int32
		for i := range a.classes {
			if a.classes[i] >= 0 && b.classes[i] >= 0 {
				x, y = append(x, a.classes[i]), append(y, b.classes[i])
			}
		}
		r.cramersV = cramersV(x, y)
	default:
		if a.numbers != nil {
			a, b = b, a
		}
		var classes []int32
		var values []float64
		for i := range a.classes {
			if a.classes[i] >= 0 && b.numbers[i] == b.numbers[i] {
				classes, values = append(classes, a.classes[i]), append(values, b.numbers[i])
			}
		}
		r.ratio = correlationRatio(classes, values)
	}
	return r
}
