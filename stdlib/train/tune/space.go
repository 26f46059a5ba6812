// Package tune says which parameters a trial takes, of a space of parameters and of what came of the trials before it.
//
// All is a pure function of its arguments: no clock, no state, no order of maps. A number that is drawn comes from a generator that is seeded
// with the seed, the number of the trial and the name of the dimension, so that a dimension that is added changes no random draw of the others.
//
//	Random   each dimension by itself, uniform on its scale
//	Grid     every combination of lists of values
//	TPE      where the best trials lie and the others do not: tree-structured Parzen estimator
//	Rungs    successive halving: many trials of little work, then the best of them with more
//
// Losses are less for the better. NaN is a trial of which nothing is known to be good: it counts as the worst.
package tune

import (
	"cmp"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
)

// Point is a choice of parameters by name. Dimensions that do not count there (Dimension.When) are not in it.
type Point map[string]float64

// Space is the dimensions, sorted by name.
type Space []Dimension

// Dimension is one parameter with the values that it can take: Values, or all from Min to Max where Values is nil.
type Dimension struct {
	Name     string
	Values   []float64
	Min, Max float64
	Whole    bool // whole numbers only
	Log      bool // as likely from 0.01 to 0.1 as from 0.1 to 1; Min is above 0
	// When names other dimensions and the values of each at which this one counts; nil: always.
	When map[string][]float64
}

// Outcome is what came of a trial.
type Outcome struct {
	Number int
	Point  Point
	Loss   float64
}

// digits is how many significant ones a value that is drawn keeps: as many as can be read, and few enough to be the same on machines whose
// logarithms differ in the last bit.
const digits = 4

// generator for one dimension of one trial.
func generator(seed int64, number int, name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(strconv.Itoa(number) + " " + name))
	return rand.New(rand.NewPCG(uint64(seed), h.Sum64()))
}

// span is the range that a dimension without a list is drawn from, on the scale that it is drawn on. A whole number has the stretch that is
// rounded to it: 1 to 3 are 0.5 to 3.5.
func (d *Dimension) span() (low, high float64) {
	low, high = d.Min, d.Max
	if d.Whole {
		low, high = low-0.5, high+0.5
	}
	if d.Log {
		return math.Log(low), math.Log(high)
	}
	return low, high
}

// at is the value at a place on the scale.
func (d *Dimension) at(x float64) float64 {
	if d.Log {
		x = math.Exp(x)
	}
	if d.Whole {
		return min(max(math.Round(x), d.Min), d.Max)
	}
	x, _ = strconv.ParseFloat(strconv.FormatFloat(x, 'g', digits, 64), 64)
	return min(max(x, d.Min), d.Max)
}

// place is the inverse of at.
func (d *Dimension) place(value float64) float64 {
	if d.Log {
		return math.Log(value)
	}
	return value
}

// draw is a value, uniform on the scale.
func (d *Dimension) draw(r *rand.Rand) float64 {
	if d.Values != nil {
		return d.Values[r.IntN(len(d.Values))]
	}
	low, high := d.span()
	return d.at(low + float64(r.Float64()*(high-low)))
}

// nearest is the value of the dimension that is next to x.
func (d *Dimension) nearest(x float64) float64 {
	if d.Values == nil {
		if d.Whole {
			x = math.Round(x)
		}
		return min(max(x, d.Min), d.Max)
	}
	return slices.MinFunc(d.Values, func(a, b float64) int {
		return cmp.Or(cmp.Compare(math.Abs(a-x), math.Abs(b-x)), cmp.Compare(a, b))
	})
}

// counting leaves out what does not count by the values of other dimensions: first what hangs on these, then what hangs on that.
func (s Space) counting(p Point) Point {
	for range s { // chains are no longer than the space
		for i := range s {
			d := &s[i]
			for name, values := range d.When {
				if x, ok := p[name]; !ok || !slices.Contains(values, x) {
					delete(p, d.Name)
				}
			}
		}
	}
	return p
}

// Nearest is the point of the space that is next to values that somebody set: the first trial, so that what comes of all of them is never worse
// on the rows that they are measured on. All dimensions must be in p.
func (s Space) Nearest(p Point) Point {
	out := Point{}
	for i := range s {
		out[s[i].Name] = s[i].nearest(p[s[i].Name])
	}
	return s.counting(out)
}

// Random is the point of the trial with that number.
func (s Space) Random(seed int64, number int) Point {
	out := Point{}
	for i := range s {
		out[s[i].Name] = s[i].draw(generator(seed, number, s[i].Name))
	}
	return s.counting(out)
}

// Grid is every combination of the values, the last dimension moving fastest; false if there are more than most. All dimensions have lists. Of
// combinations that differ only in what does not count there is one.
func (s Space) Grid(most int) (out []Point, ok bool) {
	all := []Point{{}}
	for i := range s {
		var next []Point
		for _, p := range all {
			for _, v := range s[i].Values {
				q := Point{s[i].Name: v}
				for name, x := range p {
					q[name] = x
				}
				next = append(next, q)
			}
		}
		if all = next; len(all) > 100*most {
			return nil, false
		}
	}
	for _, p := range all {
		if p = s.counting(p); !slices.ContainsFunc(out, func(q Point) bool { return same(p, q) }) {
			out = append(out, p)
		}
		if len(out) > most {
			return nil, false
		}
	}
	return out, true
}

// same reports whether two points are equal.
func same(a, b Point) bool {
	if len(a) != len(b) {
		return false
	}
	for name, x := range a {
		if y, ok := b[name]; !ok || x != y {
			return false
		}
	}
	return true
}

// Ranked are the outcomes, the best first; of equal ones the one with the lower number.
func Ranked(all []Outcome) []Outcome {
	out := slices.Clone(all)
	slices.SortStableFunc(out, func(a, b Outcome) int {
		return cmp.Or(cmp.Compare(known(a.Loss), known(b.Loss)), cmp.Compare(a.Number, b.Number))
	})
	return out
}

// known is a loss that can be compared.
func known(loss float64) float64 {
	if math.IsNaN(loss) {
		return math.Inf(1)
	}
	return loss
}
