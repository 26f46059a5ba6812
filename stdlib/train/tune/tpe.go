package tune

// The tree-structured Parzen estimator (Bergstra, Bardenet, Bengio, Kégl: Algorithms for Hyper-Parameter Optimization, NeurIPS 2011; Bergstra,
// Yamins, Cox: Making a Science of Model Search, ICML 2013).
//
// The trials so far are parted into a few good ones and the rest. Of each dimension two densities are estimated: l(x) where the good ones lie, g(x)
// where the others do. Values are drawn from l, and the one with the greatest l(x)/g(x) is taken, which is the one of the greatest expected
// improvement. So of the learning rates 0.05 and 0.06 (good), 0.2, 0.3 and 0.01 the next is likely near 0.055.
//
// A density of numbers is a mixture of normal distributions, cut off at the ends of the range: one at each trial, as wide as it is far from its
// farther neighbour, and one over the whole range, so that no value is ever out of the question. That of a list is the share of the trials at
// each value, with one more trial spread over all of them.
//
// Of trials that are chosen at once, each takes those of lower numbers for bad ones that have come to an end (a constant liar: Ginsbourger, Le Riche,
// Carraro 2010), so that they do not all go to one place.

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

const (
	// candidates are drawn for each dimension, of which the best is taken.
	candidates = 24
	// goodShare of the trials are the good ones, mostGood at most.
	goodShare = 0.1
	mostGood  = 25
)

// TPE is the point of the trial with that number, by what came of earlier trials, and of those at pending points, which were chosen and have not
// come to an end.
func (s Space) TPE(seed int64, number int, earlier []Outcome, pending []Point) Point {
	ranked := Ranked(earlier)
	good := min(int(math.Ceil(goodShare*float64(len(ranked)))), mostGood)
	out := Point{}
	for i := range s {
		d := &s[i]
		var below, above []float64
		note := func(p Point, into *[]float64) {
			if x, ok := p[d.Name]; ok {
				*into = append(*into, x)
			}
		}
		for k, o := range ranked {
			if k < good && !math.IsInf(known(o.Loss), 1) {
				note(o.Point, &below)
			} else {
				note(o.Point, &above)
			}
		}
		for _, p := range pending {
			note(p, &above)
		}
		r := generator(seed, number, d.Name)
		if d.Values != nil {
			out[d.Name] = d.likeliest(r, below, above)
		} else {
			out[d.Name] = d.likeliestIn(r, below, above)
		}
	}
	return s.counting(out)
}

// likeliest value of a list.
func (d *Dimension) likeliest(r *rand.Rand, below, above []float64) float64 {
	l, g := d.shares(below), d.shares(above)
	best, ratio := 0, math.Inf(-1)
	for range candidates {
		k, u := 0, r.Float64()
		for k < len(l)-1 && u >= l[k] {
			u -= l[k]
			k++
		}
		if x := l[k] / g[k]; x > ratio {
			best, ratio = k, x
		}
	}
	return d.Values[best]
}

// shares of trials at each value of a list, with one more that is spread over all.
func (d *Dimension) shares(at []float64) []float64 {
	out := make([]float64, len(d.Values))
	for k, v := range d.Values {
		n := 1 / float64(len(d.Values))
		for _, x := range at {
			if x == v {
				n++
			}
		}
		out[k] = n / float64(len(at)+1)
	}
	return out
}

// likeliestIn is the value of a range.
func (d *Dimension) likeliestIn(r *rand.Rand, below, above []float64) float64 {
	l, g := d.mixture(below), d.mixture(above)
	best, ratio := 0.0, math.Inf(-1)
	for range candidates {
		x := d.at(l.draw(r))
		low, high := d.stretch(x)
		if y := math.Log(l.mass(low, high)) - math.Log(g.mass(low, high)); y > ratio {
			best, ratio = x, y
		}
	}
	return best
}

// stretch is the part of the scale that is rounded to a value; of one that is no whole number a short one around it, whose mass stands for the
// density there.
func (d *Dimension) stretch(value float64) (low, high float64) {
	if d.Whole {
		return d.place(value - 0.5), d.place(value + 0.5)
	}
	first, last := d.span()
	half := float64(1e-6 * (last - first))
	return d.place(value) - half, d.place(value) + half
}

// mixture of normal distributions that are cut off at low and high, all of one weight.
type mixture struct {
	low, high            float64
	means, sigma, within []float64 // within: how much of each lies between low and high
}

// mixture of the values of trials, and of the whole range.
func (d *Dimension) mixture(values []float64) *mixture {
	m := &mixture{}
	m.low, m.high = d.span()
	whole := m.high - m.low
	for _, v := range values {
		m.means = append(m.means, d.place(v))
	}
	m.means = append(m.means, m.low+float64(whole/2))
	slices.Sort(m.means)
	prior := slices.Index(m.means, m.low+float64(whole/2))
	least := whole / min(100, float64(len(m.means)+1))
	for i, x := range m.means {
		left, right := 0.0, 0.0
		if i > 0 {
			left = x - m.means[i-1]
		}
		if i < len(m.means)-1 {
			right = m.means[i+1] - x
		}
		sigma := min(max(left, right, least), whole)
		if i == prior {
			sigma = whole
		}
		m.sigma = append(m.sigma, sigma)
		m.within = append(m.within, float64(normal((m.high-x)/sigma))-float64(normal((m.low-x)/sigma)))
	}
	return m
}

// draw is a place.
func (m *mixture) draw(r *rand.Rand) float64 {
	i := r.IntN(len(m.means))
	from, to := float64(normal((m.low-m.means[i])/m.sigma[i])), float64(normal((m.high-m.means[i])/m.sigma[i]))
	u := from + float64(r.Float64()*(to-from))
	x := m.means[i] + float64(m.sigma[i]*mathext.NormalQuantile(u))
	return min(max(x, m.low), m.high)
}

// mass between two places.
func (m *mixture) mass(low, high float64) float64 {
	sum := 0.0
	for i, mean := range m.means {
		sum += (float64(normal((high-mean)/m.sigma[i])) - float64(normal((low-mean)/m.sigma[i]))) / m.within[i]
	}
	return max(sum/float64(len(m.means)), math.SmallestNonzeroFloat64)
}

// normal is the distribution function of the standard normal distribution.
func normal(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }
