package tune

// The tree-structured Parzen estimator (Bergstra, Bardenet, Bengio, Kégl: Algorithms for Hyper-Parameter Optimization, NeurIPS 2011) with joint
// densities (Falkner, Klein, Hutter: BOHB, ICML 2018).
//
// The trials so far are parted into a few good ones and the rest. Two densities are estimated over the space: l where the good ones lie, g where the
// others do. Points are drawn from l, and the one with the greatest l/g is taken, which is the one of the greatest expected improvement. A point that
// was tried is not tried again, as long as another is drawn: it would come to the same.
//
// A density is a mixture of kernels: one at each trial, and one over the whole space, so that no point is ever out of the question. A kernel is a
// product over the dimensions, so that what went well together is drawn together:
//
//	a range   a normal distribution, cut off at the ends of the range, as wide as the trial is far from its farther neighbour, but no narrower
//	          than the range over (trials+2) to the power of 1.5 (exponent of the magic clip: Watanabe, arXiv 2304.11127)
//	a list    the trial's value, and with a little of one trial's weight each of them
//	neither   where the parameter did not count in the trial: any value, as likely as any other
//
// A good trial has weight by how far its loss is below that of the best of the rest (Ozaki et al., JAIR 2022): of 0.30, 0.36 and 0.38 where the rest
// begin at 0.40 the weights are as 10, 4 and 2.
//
// Of trials that are chosen at once, each takes those of lower numbers for bad ones that have come to an end (a constant liar: Ginsbourger, Le Riche,
// Carraro 2010), so that they do not all go to one place.

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// Version of what TPE chooses: of the same outcomes, another version has other points.
const Version = 2

const (
	// candidates are drawn, of which the best is taken; so many points at most, where those that were tried are drawn again.
	candidates, mostDrawn = 24, 480
	// goodShare of the trials are the good ones, mostGood at most.
	goodShare = 0.1
	mostGood  = 25
	// leastWeight of a good trial, where they have 1 in the mean.
	leastWeight = 0.01
	// clipPower and mostClipped bound how narrow a kernel is.
	clipPower   = 1.5
	mostClipped = 100
)

// TPE is the point of the trial with that number, by what came of earlier trials, and of those at pending points, which were chosen and have not
// come to an end.
func (s Space) TPE(seed int64, number int, earlier []Outcome, pending []Point) Point {
	ranked := Ranked(earlier)
	good := min(int(math.Ceil(goodShare*float64(len(ranked)+len(pending)))), mostGood)
	known := slices.IndexFunc(ranked, func(o Outcome) bool { return math.IsInf(known(o.Loss), 1) })
	if known < 0 {
		known = len(ranked)
	}
	good = min(good, known)
	var below, above []Point
	for i, o := range ranked {
		if i < good {
			below = append(below, o.Point)
		} else {
			above = append(above, o.Point)
		}
	}
	l := s.density(below, improvements(ranked[:known], good))
	above = append(above, pending...)
	g := s.density(above, nil)

	which := generator(seed, number, "") // no dimension has this name
	draws := make([]*rand.Rand, len(s))
	for i := range s {
		draws[i] = generator(seed, number, s[i].Name)
	}
	var out Point
	best, fresh := math.Inf(-1), 0
	for drawn := 0; fresh < candidates && drawn < mostDrawn; drawn++ {
		k, p := l.pick(which), Point{}
		for i := range s {
			p[s[i].Name] = s[i].drawOf(k.at[i], draws[i])
		}
		p = s.counting(p)
		equal := func(q Point) bool { return same(p, q) }
		if slices.ContainsFunc(below, equal) || slices.ContainsFunc(above, equal) {
			if out == nil { // nothing else may be left
				out = p
			}
			continue
		}
		if ratio := l.log(p) - g.log(p); fresh == 0 || ratio > best {
			best, out = ratio, p
		}
		fresh++
	}
	return out
}

// improvements are the weights of the good ones, the first so many: how far each is below the best of the others, 1 in the mean. Without others, or
// where none is below, all are 1.
func improvements(ranked []Outcome, good int) []float64 {
	out, sum := make([]float64, good), 0.0
	for i := range out {
		if out[i] = 1; good < len(ranked) {
			out[i] = ranked[good].Loss - ranked[i].Loss
		}
		sum += out[i]
	}
	for i := range out {
		if share := out[i] / sum * float64(good); share >= 0 && !math.IsInf(sum, 1) {
			out[i] = max(share, leastWeight)
		} else {
			out[i] = 1
		}
	}
	return out
}

// density is a mixture of kernels, the last one over the whole space.
type density struct {
	space   Space
	kernels []kernel
	weight  float64 // of all
}

// kernel is one at a trial, of each dimension one.
type kernel struct {
	weight float64
	at     []spread
}

// spread is what a kernel has of a dimension: shares of the values of a list, or a normal distribution that is cut off at low and high.
type spread struct {
	shares      []float64
	mean, sigma float64
	low, high   float64
	within      float64 // how much of it lies between low and high
}

// density of points with weights; nil: each has 1.
func (s Space) density(points []Point, weights []float64) *density {
	d := &density{space: s, kernels: make([]kernel, len(points)+1)}
	for i := range d.kernels {
		k := &d.kernels[i]
		if k.weight, k.at = 1, make([]spread, len(s)); i < len(weights) {
			k.weight = weights[i]
		}
		d.weight += k.weight
	}
	for j := range s {
		at := s[j].spreads(points)
		for i := range d.kernels {
			d.kernels[i].at[j] = at[i]
		}
	}
	return d
}

// spreads are those of a dimension at each of the points, and the one over all of it.
func (d *Dimension) spreads(points []Point) []spread {
	out := make([]spread, len(points)+1)
	if d.Values != nil {
		each := 1 / float64(len(out)*len(d.Values)) // of the weight 1 of a trial
		for i := range out {
			value := -1
			if i < len(points) {
				if x, ok := points[i][d.Name]; ok {
					value = slices.Index(d.Values, x)
				}
			}
			out[i].shares = make([]float64, len(d.Values))
			for k := range d.Values {
				switch {
				case value < 0:
					out[i].shares[k] = 1 / float64(len(d.Values))
				case value == k:
					out[i].shares[k] = (1 + each) / (1 + 1/float64(len(out)))
				default:
					out[i].shares[k] = each / (1 + 1/float64(len(out)))
				}
			}
		}
		return out
	}
	low, high := d.span()
	whole := high - low
	middle := low + float64(whole/2)
	places := []float64{middle}
	for _, p := range points {
		if x, ok := p[d.Name]; ok {
			places = append(places, d.place(x))
		}
	}
	slices.Sort(places)
	least := whole / math.Pow(float64(min(mostClipped, len(places)+1)), clipPower)
	for i := range out {
		n := &out[i]
		n.mean, n.sigma, n.low, n.high = middle, whole, low, high
		if i < len(points) {
			if x, ok := points[i][d.Name]; ok {
				n.mean = d.place(x)
				k, _ := slices.BinarySearch(places, n.mean)
				left, right := 0.0, 0.0
				if k > 0 {
					left = n.mean - places[k-1]
				}
				if k < len(places)-1 {
					right = places[k+1] - n.mean
				}
				n.sigma = min(max(left, right, least), whole)
			}
		}
		n.within = n.below(high) - n.below(low)
	}
	return out
}

// below is how much of the distribution lies below a place, were it not cut off.
func (n *spread) below(x float64) float64 {
	return float64(math.Erfc((n.mean-x)/(n.sigma*math.Sqrt2)) / 2)
}

// pick is a kernel, drawn by weight.
func (d *density) pick(r *rand.Rand) *kernel {
	u := float64(r.Float64() * d.weight)
	for i := range d.kernels {
		if u -= d.kernels[i].weight; u < 0 {
			return &d.kernels[i]
		}
	}
	return &d.kernels[len(d.kernels)-1]
}

// drawOf is a value of a kernel.
func (d *Dimension) drawOf(n spread, r *rand.Rand) float64 {
	u := r.Float64()
	if d.Values != nil {
		k := 0
		for k < len(n.shares)-1 && u >= n.shares[k] {
			u -= n.shares[k]
			k++
		}
		return d.Values[k]
	}
	x := n.mean + float64(n.sigma*mathext.NormalQuantile(n.below(n.low)+float64(u*n.within)))
	return d.at(min(max(x, n.low), n.high))
}

// log is the logarithm of the density at a point; of dimensions that do not count there nothing is in it.
func (d *density) log(p Point) float64 {
	logs, most := make([]float64, len(d.kernels)), math.Inf(-1)
	for i := range d.kernels {
		k := &d.kernels[i]
		logs[i] = math.Log(k.weight / d.weight)
		for j := range d.space {
			if x, ok := p[d.space[j].Name]; ok {
				logs[i] += d.space[j].logOf(&k.at[j], x)
			}
		}
		most = max(most, logs[i])
	}
	sum := 0.0
	for _, x := range logs {
		sum += math.Exp(x - most)
	}
	return most + math.Log(sum)
}

// logOf is the logarithm of a kernel's density at a value; of a whole number of its share of the stretch that is rounded to it.
func (d *Dimension) logOf(n *spread, value float64) float64 {
	if d.Values != nil {
		return math.Log(n.shares[slices.Index(d.Values, value)])
	}
	if d.Whole {
		return math.Log(max((n.below(d.place(value+0.5))-n.below(d.place(value-0.5)))/n.within, math.SmallestNonzeroFloat64))
	}
	z := (d.place(value) - n.mean) / n.sigma
	return -float64(z*z/2) - math.Log(n.sigma*n.within)
}
