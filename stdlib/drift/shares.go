package drift

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// score is the method's statistic or distance.
// Of numbers with nulls the greater counts of what the values and what the shares of nulls differ by, where the method has no bin for
// nulls: a column that loses half its values has drifted, whatever the other half looks like.
func (s sides) score(method string) float64 {
	ref, cur := s.refCounts, s.curCounts
	switch {
	case ref != nil:
	case len(s.ref) == 0 || len(s.cur) == 0:
		// No number to compare on one side: what is left is which rows have one.
		ref, cur = s.nulls()
	default:
		switch method {
		case KS:
			return max(float64(s.ksDistance())/float64(len(s.ref))/float64(len(s.cur)), s.nullDifference())
		case Wasserstein:
			return max(s.wasserstein(), s.nullDistance())
		case PSI:
			ref, cur = s.withNulls(quantileEdges(s.ref), true)
		default:
			ref, cur = s.withNulls(sturgesEdges(s.ref, s.cur), false)
		}
	}
	switch method {
	case ChiSquare:
		return chiSquare(ref, cur)
	case Z:
		return zScore(ref, cur)
	case PSI:
		return psi(ref, cur)
	case KS:
		return s.nullDifference()
	}
	return jensenShannon(ref, cur)
}

// pvalue of a test; NaN for distances. Where a column of numbers has nulls it is tested twice, its values and its
// nulls, and the smaller of the two counts double (Bonferroni).
func (s sides) pvalue(method string) float64 {
	switch method {
	case ChiSquare:
		return chiSquareP(chiSquare(s.refCounts, s.curCounts), len(s.refCounts)-1)
	case Z:
		return zP(zScore(s.refCounts, s.curCounts))
	case KS:
		p := ksPValue(s.ksDistance(), len(s.ref), len(s.cur))
		if s.refNulls+s.curNulls == 0 {
			return p
		}
		return min(1, 2*min(p, zP(zScore(s.nulls()))))
	}
	return math.NaN()
}

// nulls counts nulls and values of both sides.
func (s sides) nulls() (ref, cur []float64) {
	return []float64{float64(s.refNulls), float64(len(s.ref))}, []float64{float64(s.curNulls), float64(len(s.cur))}
}

// nullDifference is the difference of the shares of nulls.
func (s sides) nullDifference() float64 {
	ref, cur := s.nulls()
	return math.Abs(ref[0]/total(ref) - cur[0]/total(cur))
}

// nullDistance is the Jensen–Shannon distance of null or not.
func (s sides) nullDistance() float64 {
	if s.refNulls+s.curNulls == 0 {
		return 0
	}
	return jensenShannon(s.nulls())
}

// withNulls bins numbers, with one more bin for nulls where either side has any.
func (s sides) withNulls(edges []float64, rightClosed bool) (ref, cur []float64) {
	ref, cur = binned(s.ref, edges, rightClosed), binned(s.cur, edges, rightClosed)
	if s.refNulls+s.curNulls > 0 {
		ref, cur = append(ref, float64(s.refNulls)), append(cur, float64(s.curNulls))
	}
	return ref, cur
}

// total is the number of rows that counts add up to.
func total(xs []float64) float64 {
	var s float64
	for _, x := range xs {
		s += x
	}
	return s
}

// chiSquare holds the current counts against the reference's shares; infinite where a value is new.
func chiSquare(ref, cur []float64) float64 {
	scale := total(cur) / total(ref)
	var s float64
	for i := range ref {
		expected := float64(ref[i] * scale)
		d := cur[i] - expected
		switch {
		case expected > 0:
			s += float64(d*d) / expected
		case cur[i] > 0:
			return math.Inf(1)
		}
	}
	return s
}

// chiSquareP is the upper tail of the χ² distribution. With no degree of freedom nothing can differ.
func chiSquareP(x float64, dof int) float64 {
	switch {
	case dof == 0:
		return 1
	case math.IsInf(x, 1):
		return 0
	case x <= 0:
		return 1
	}
	return mathext.GammaIncRegComp(float64(dof)/2, x/2)
}

// zScore is the absolute standardised difference of the shares of the first of two values, with pooled variance.
func zScore(ref, cur []float64) float64 {
	if len(ref) < 2 {
		return 0
	}
	n, m := total(ref), total(cur)
	share := (ref[0] + cur[0]) / (n + m)
	if share == 0 || share == 1 {
		return 0
	}
	return math.Abs(ref[0]/n-cur[0]/m) / math.Sqrt(share*(1-share)*(1/n+1/m))
}

// zP is the two-sided tail of the normal distribution.
func zP(z float64) float64 { return math.Erfc(z / math.Sqrt2) }

// psi is the population stability index: Σ (q-p) ln(q/p); an empty bin has the share 1e-4.
// Of the shares 0.5, 0.5 then and 0.6, 0.4 now it is 0.1·ln 1.2 + 0.1·ln 1.25, about 0.041.
func psi(ref, cur []float64) float64 {
	n, m := total(ref), total(cur)
	var s float64
	for i := range ref {
		p, q := ref[i]/n, cur[i]/m
		if p == 0 {
			p = 1e-4
		}
		if q == 0 {
			q = 1e-4
		}
		s += float64((q - p) * math.Log(q/p))
	}
	return s
}

// jensenShannon is the square root of the Jensen–Shannon divergence in nats: from 0 to √ln 2.
// Unlike the Kullback–Leibler divergence it is finite where one side has no row of a kind, and it is the same both ways round.
func jensenShannon(ref, cur []float64) float64 {
	n, m := total(ref), total(cur)
	var s float64
	for i := range ref {
		p, q := ref[i]/n, cur[i]/m
		mid := (p + q) / 2
		if p > 0 {
			s += float64(p * math.Log(p/mid))
		}
		if q > 0 {
			s += float64(q * math.Log(q/mid))
		}
	}
	return math.Sqrt(max(s, 0) / 2)
}
