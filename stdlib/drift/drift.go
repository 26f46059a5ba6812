// Package drift tells whether the columns of two tables come from the same distribution.
//
// The choice of method follows Evidently (Options.Method says otherwise): with at most 1000 reference rows a test
// (ks, chisquare, z), with more a distance (wasserstein, jensenshannon). The customary limits of those distances hold
// for large samples only, so by default each column is also held against what rows exchanged at random would give at
// the same sizes (a permutation test), and the columns together against false discoveries (Benjamini and Hochberg
// 1995): a column has drifted when its distance reaches the limit and chance does not explain it.
//
// Nulls are a bin of their own: where either side has any, their share counts like that of any other value.
package drift

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/mlp-lang/mlp/stdlib/frame"
)

// The methods.
const (
	KS            = "ks"            // two-sample Kolmogorov–Smirnov; numbers
	ChiSquare     = "chisquare"     // current counts against the reference's shares
	Z             = "z"             // difference of two proportions; two values
	Wasserstein   = "wasserstein"   // earth mover's distance over max(std(reference), 0.001); numbers
	JensenShannon = "jensenshannon" // distance, natural logarithm
	PSI           = "psi"           // population stability index over ten quantile bins of the reference
)

// Methods lists them.
func Methods() []string { return []string{KS, ChiSquare, Z, Wasserstein, JensenShannon, PSI} }

// How limits are found.
const (
	ByPermutation = "permutation"
	NotCalibrated = "none"
)

// Significance is the level of the tests, and the rate of false discoveries among the drifted columns.
const Significance = 0.05

// sampleRows is how many rows of each table a permutation test looks at; larger tables are sampled.
const sampleRows = 20000

// Options of a comparison. The zero value of a field is the default that is named with it.
type Options struct {
	Method       string  // "": chosen by column
	Calibrate    string  // ByPermutation
	Limit        float64 // 0: 0.1 for distances, Significance for tests
	MinRows      int     // 0: 1
	Permutations int     // 999
	Seed         int64
	Threads      int // results do not depend on it
}

// Result is what was found of one column.
type Result struct {
	Column string
	Method string
	// Score is the test's statistic or the distance.
	Score float64
	// PValue is that of the permutation test, without calibration that of the method; NaN where that has none.
	PValue float64
	// Limit is what Score was held against: the method's limit or, where that is more, what chance exceeds in one of
	// twenty cases. Without calibration of a test it is the limit of PValue.
	Limit   float64
	Drifted bool
	// Undefined says why there is no verdict; then the numbers are NaN.
	Undefined string
}

// Compare compares columns that both frames have, in the order given. A column that is missing, or text on one side
// only, or that the method cannot work on, is an error. When ctx ends, so does the comparison.
func Compare(ctx context.Context, reference, current *frame.Frame, columns []string, o Options) ([]Result, error) {
	o = o.withDefaults()
	if reason := o.tooFew(reference, current); reason != "" {
		return undefined(columns, reason), nil
	}
	pairs := make([]*pair, len(columns))
	for i, name := range columns {
		p, err := newPair(reference, current, name, o.Method)
		if err != nil {
			return nil, err
		}
		pairs[i] = p
	}
	if o.Calibrate == NotCalibrated {
		return bare(pairs, o), nil
	}
	return calibrated(ctx, pairs, reference.Rows, current.Rows, o)
}

func (o Options) withDefaults() Options {
	if o.Calibrate == "" {
		o.Calibrate = ByPermutation
	}
	o.MinRows = max(o.MinRows, 1)
	if o.Permutations == 0 {
		o.Permutations = 999
	}
	return o
}

func (o Options) tooFew(reference, current *frame.Frame) string {
	switch {
	case reference.Rows < o.MinRows:
		return fmt.Sprintf("the reference has %d rows, fewer than %d", reference.Rows, o.MinRows)
	case current.Rows < o.MinRows:
		return fmt.Sprintf("the current table has %d rows, fewer than %d", current.Rows, o.MinRows)
	}
	return ""
}

func (o Options) limit(method string) float64 {
	switch {
	case o.Limit > 0:
		return o.Limit
	case isTest(method):
		return Significance
	}
	return 0.1
}

func isTest(method string) bool { return method == KS || method == ChiSquare || method == Z }

func undefined(columns []string, reason string) []Result {
	nan := math.NaN()
	out := make([]Result, len(columns))
	for i, c := range columns {
		out[i] = Result{Column: c, Score: nan, PValue: nan, Limit: nan, Undefined: reason}
	}
	return out
}

// bare holds scores against the methods' own limits.
func bare(pairs []*pair, o Options) []Result {
	out := make([]Result, len(pairs))
	for i, p := range pairs {
		s := p.asIs()
		score, pvalue := s.score(p.method), s.pvalue(p.method)
		r := Result{Column: p.name, Method: p.method, Score: score, PValue: pvalue, Limit: o.limit(p.method)}
		if isTest(p.method) {
			r.Drifted = pvalue < r.Limit
		} else {
			r.Drifted = score >= r.Limit
		}
		out[i] = r
	}
	return out
}

// calibrated adds what chance would give.
func calibrated(ctx context.Context, pairs []*pair, n, m int, o Options) ([]Result, error) {
	chance, err := permute(ctx, pairs, n, m, o)
	if err != nil {
		return nil, err
	}
	out, pvalues := make([]Result, len(pairs)), make([]float64, len(pairs))
	for i, p := range pairs {
		score := p.asIs().score(p.method)
		out[i] = Result{Column: p.name, Method: p.method, Score: score, PValue: chance[i].pvalue, Limit: chance[i].critical}
		if !isTest(p.method) {
			out[i].Limit = max(chance[i].critical, o.limit(p.method))
		}
		pvalues[i] = chance[i].pvalue
	}
	for i, rejected := range BenjaminiHochberg(pvalues, Significance) {
		out[i].Drifted = rejected && (isTest(out[i].Method) || out[i].Score >= o.limit(out[i].Method))
	}
	return out, nil
}

// BenjaminiHochberg tells which hypotheses to reject so that the expected share of false ones among them is at most
// rate.
func BenjaminiHochberg(pvalues []float64, rate float64) []bool {
	order := make([]int, len(pvalues))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return pvalues[order[a]] < pvalues[order[b]] })
	out := make([]bool, len(pvalues))
	for k := len(order) - 1; k >= 0; k-- {
		if pvalues[order[k]] <= rate*float64(k+1)/float64(len(order)) {
			for _, i := range order[:k+1] {
				out[i] = true
			}
			break
		}
	}
	return out
}

// choose is Evidently's choice of method. distinct counts the reference's values, all those of both tables with the
// bin of nulls.
func choose(rows, distinct, all int, numeric bool) string {
	switch {
	case rows > 1000 && numeric && distinct > 5:
		return Wasserstein
	case rows > 1000:
		return JensenShannon
	case numeric && distinct > 5:
		return KS
	case all > 2:
		return ChiSquare
	}
	return Z
}

// suits tells whether a method that was asked for can work on a column.
func suits(method string, numeric bool, all int) error {
	switch {
	case (method == KS || method == Wasserstein) && !numeric:
		return fmt.Errorf("%s compares numbers; use %s or %s", method, ChiSquare, JensenShannon)
	case method == Z && all > 2:
		return fmt.Errorf("z compares columns of two values, and there are %d; use %s", all, ChiSquare)
	case !slices.Contains(Methods(), method):
		return fmt.Errorf("there is no method %q; there are %v", method, Methods())
	}
	return nil
}
