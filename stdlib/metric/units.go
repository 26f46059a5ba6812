package metric

import "math"

// units are what is drawn and counted as independent: the rows, or whole clusters of them.
type units struct {
	of    []int32 // by row; nil: every row is its own
	count int     // of clusters
	rows  int
}

// n is how many units there are, with weight or without.
func (u units) n() int {
	if u.of == nil {
		return u.rows
	}
	return u.count
}

// sums adds up a value of the rows by unit.
func (u units) sums(of []float64) []float64 {
	if u.of == nil {
		return of
	}
	out := make([]float64, u.count)
	for i, x := range of {
		out[u.of[i]] += x
	}
	return out
}

// counted is how many units have any weight.
func (u units) counted(w []float64) int {
	n := 0
	for _, x := range u.sums(w) {
		if x > 0 {
			n++
		}
	}
	return n
}

// effective is the size of an unweighted sample of the same worth (Kish 1965): (Σw)² / Σw².
func effective(w []float64) float64 {
	var k kish
	for _, x := range w {
		k.add(x)
	}
	return k.size()
}

// kish sums up weights for effective, of which no list is made.
type kish struct{ sum, squares float64 }

func (k *kish) add(w float64) { k.sum, k.squares = k.sum+w, k.squares+float64(w*w) }

func (k *kish) size() float64 {
	if k.squares == 0 {
		return 0
	}
	return k.sum * k.sum / k.squares
}

// variance of a figure, from the influence of each row: how much the row moves the figure, to first order. Of a mean of n
// rows the influence of row i is (x_i - mean) / n, and the variance the sum of its squares times n/(n-1).
type variance struct {
	value  float64 // of the figure, clusters taken into account; NaN with fewer than two units
	design float64 // design effect: value divided by what independent rows would give; 1 without clusters, never less
	units  int     // rows or clusters with any weight
}

// variance is the linearised variance of a figure (Taylor; with clusters: Binder 1983). w tells which rows count.
func (u units) variance(influence, w []float64) variance {
	v := variance{units: u.counted(w), design: 1}
	rows := units{rows: u.rows}
	independent := corrected(influence, rows.counted(w))
	v.value = independent
	if u.of == nil {
		return v
	}
	v.value = corrected(u.sums(influence), v.units)
	switch {
	case independent > 0:
		v.design = max(1, v.value/independent)
	case v.units > 0:
		// Nothing varies, and so nothing tells how alike the rows of a cluster are: as alike as can be.
		v.design = max(1, effective(w)/effective(u.sums(w)))
	}
	return v
}

// corrected is the sum of squares by n/(n-1), Bessel's correction; of one unit there is no spread to tell.
func corrected(influence []float64, n int) float64 {
	if n < 2 {
		return math.NaN()
	}
	var s float64
	for _, x := range influence {
		s += float64(x * x)
	}
	return s * float64(n) / float64(n-1)
}

// minus is the influence on a difference.
func minus(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range out {
		out[i] = a[i] - b[i]
	}
	return out
}

// allZero: no unit has any influence, so that an interval would have no width.
func allZero(xs []float64) bool {
	for _, x := range xs {
		if x != 0 {
			return false
		}
	}
	return true
}
