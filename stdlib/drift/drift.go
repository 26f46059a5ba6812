// Package drift tells whether the columns of two tables come from the same distribution.
//
// The choice of method follows Evidently (Options.Method says otherwise): with at most 1000 reference rows a test
// (ks, chisquare, z), with more a distance (wasserstein, jensenshannon). The customary limits of those distances hold
// for large samples only, so by default each column is also held against what rows exchanged at random would give at
// the same sizes (a permutation test), and the columns together against false discoveries (Benjamini and Hochberg
// 1995): a column has drifted when its distance reaches the limit and chance does not explain it.
//
// Nulls are a bin of their own: where either side has any, their share counts like that of any other value.
//
// # Many columns
//
// A table of 100 columns that did not drift has five with a p-value of at most 0.05 by chance. So p-values are adjusted
// (Benjamini and Hochberg 1995): the k-th smallest of n is multiplied by n/k, and none is above the one after it. Of four
// columns
//
//	column   p-value   q-value                      distance   drifted, limit 0.1
//	amount   0.001     0.001 · 4/1 = 0.004          0.30       yes
//	age      0.020     0.020 · 4/2 = 0.040          0.04       no: not by chance, but below the limit
//	city     0.040     0.040 · 4/3 = 0.053          0.15       no: chance explains it
//	score    0.500     0.500 · 4/4 = 0.500          0.02       no
//
// The p-values themselves come from exchanges: rows of both tables are pooled and dealt out anew, and a column's p-value is
// the share of deals, the actual one among them, with a distance at least as great. A deal moves whole rows, so that what
// columns have in common stays, and each deal serves every column. Result.Limit states the same verdict as one number on
// the scale of the score, for reports: a column has drifted where Score >= Limit. Results depend on the seed and the
// tables, not on the number of threads.
package drift

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/mlp-lang/mlp/lang/schema"
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

// Methods lists the methods, by the names that drift.method has.
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
	Method       string  // one of Methods; "": chosen by column
	Calibrate    string  // ByPermutation or NotCalibrated; "": ByPermutation
	Limit        float64 // of the score or, for tests without calibration, of the p-value; 0: 0.1 for distances, Significance for tests
	MinRows      int     // a table with fewer rows leaves all columns undefined; 0: 1
	Level        float64 // of the alarm over all columns, with calibration; 0: none is asked for
	Permutations int     // exchanges at first; more follow where there are many columns (permute); 0: 999
	Seed         int64   // of exchanges and of sampling
	Threads      int     // results do not depend on it
	// Strata are of the rows of both tables, the reference's first: rows change places with those of their stratum alone, so that what strata differ by
	// is no drift. Nil: all rows are of one.
	Strata []int32
}

// Result is what was found of one column.
type Result struct {
	Column string
	Method string
	// Score is the test's statistic or the distance; where tables are sampled, that of the sample.
	Score float64
	// PValue is that of the permutation test, without calibration that of the method; NaN where that has none.
	PValue float64
	// QValue is PValue adjusted for the number of columns (Benjamini and Hochberg); NaN without calibration.
	QValue float64
	// Limit is the least Score that is drift: the method's limit or, where that is more, what chance does not explain at
	// these sizes and this number of columns. Without calibration of a test it is the limit of PValue.
	Limit   float64
	Drifted bool
	// Undefined says why there is no verdict; then the numbers are NaN.
	Undefined string
	// Warning says what may hide drift, or is empty.
	Warning string
}

// Compare compares columns that both frames have, in the order given. A column that is missing, or text on one side
// only, or that the method cannot work on, is an error; one with an infinite value is undefined. When ctx ends, so does
// the comparison.
func Compare(ctx context.Context, reference, current *frame.Frame, columns []string, o Options) ([]Result, error) {
	results, _, err := CompareAll(ctx, reference, current, columns, o)
	return results, err
}

// CompareAll is Compare with the verdict over all columns.
func CompareAll(ctx context.Context, reference, current *frame.Frame, columns []string, o Options) ([]Result, Alarm, error) {
	o = o.withDefaults()
	none := Alarm{PValue: math.NaN()}
	if reason := o.tooFew(reference, current); reason != "" {
		return undefined(columns, reason), none, nil
	}
	out := undefined(columns, "")
	var pairs []*pair
	var at []int
	for i, name := range columns {
		p, err := newPair(reference, current, name, o.Method)
		var infinite *infiniteError
		switch {
		case errors.As(err, &infinite):
			out[i].Undefined = infinite.Error()
		case err != nil:
			return nil, none, err
		default:
			pairs, at = append(pairs, p), append(at, i)
		}
	}
	var results []Result
	raised := alarms{pvalue: math.NaN()}
	var err error
	if o.Calibrate == NotCalibrated {
		results = bare(pairs, o)
	} else {
		n, m := reference.Rows, current.Rows
		if n > sampleRows || m > sampleRows {
			pairs, n, m, o.Strata = sampled(pairs, n, m, o)
		}
		results, raised, err = calibrated(ctx, pairs, n, m, o)
	}
	for k, r := range results {
		r.Warning = pairs[k].warning()
		out[at[k]] = r
	}
	return out, raised.of(func(int) bool { return true }, pairs), err
}

// withDefaults: 999 permutations make the least p-value 0.001.
func (o Options) withDefaults() Options {
	if o.Calibrate == "" {
		o.Calibrate = ByPermutation
	}
	o.MinRows = max(o.MinRows, 1)
	if o.Permutations == 0 {
		o.Permutations = 999
	}
	if o.Level > 0 {
		o.Permutations = max(o.Permutations, exchangesFor(o.Level))
	}
	return o
}

// tooFew says which of the tables has too few rows to be compared; "" if both have enough.
func (o Options) tooFew(reference, current *frame.Frame) string {
	switch {
	case reference.Rows < o.MinRows:
		return fmt.Sprintf("the reference has %d rows, fewer than %d", reference.Rows, o.MinRows)
	case current.Rows < o.MinRows:
		return fmt.Sprintf("the current table has %d rows, fewer than %d", current.Rows, o.MinRows)
	}
	return ""
}

// limit is what the block says, else the level of a test (0.05), else the least distance that is drift (0.1).
func (o Options) limit(method string) float64 {
	switch {
	case o.Limit > 0:
		return o.Limit
	case IsTest(method):
		return Significance
	}
	return DistanceLimit
}

// DistanceLimit is the customary limit of distances.
const DistanceLimit = schema.DriftDistance

// IsTest reports whether a method is a test, not a distance.
func IsTest(method string) bool { return method == KS || method == ChiSquare || method == Z }

// undefined are results without figures for all columns, for the same reason.
func undefined(columns []string, reason string) []Result {
	nan := math.NaN()
	out := make([]Result, len(columns))
	for i, c := range columns {
		out[i] = Result{Column: c, Score: nan, PValue: nan, QValue: nan, Limit: nan, Undefined: reason}
	}
	return out
}

// bare holds scores against the methods' own limits.
func bare(pairs []*pair, o Options) []Result {
	out := make([]Result, len(pairs))
	for i, p := range pairs {
		s := p.asIs()
		score, pvalue := s.score(p.method), s.pvalue(p.method)
		r := Result{Column: p.name, Method: p.method, Score: score, PValue: pvalue, QValue: math.NaN(), Limit: o.limit(p.method)}
		if IsTest(p.method) {
			r.Drifted = pvalue < r.Limit
		} else {
			r.Drifted = score >= r.Limit
		}
		out[i] = r
	}
	return out
}

// calibrated adds what chance would give. Score, Limit and Drifted agree: a column has drifted if its score reaches the
// limit.
func calibrated(ctx context.Context, pairs []*pair, n, m int, o Options) ([]Result, alarms, error) {
	chances, err := permute(ctx, pairs, n, m, o)
	if err != nil {
		return nil, alarms{pvalue: math.NaN()}, err
	}
	pvalues := make([]float64, len(pairs))
	for i, c := range chances {
		pvalues[i] = c.pvalue()
	}
	qvalues := adjusted(pvalues)
	rejected := 0
	for _, q := range qvalues {
		if rejects(q) {
			rejected++
		}
	}
	out := make([]Result, len(pairs))
	for i, p := range pairs {
		// What is asked of a column that is among those rejected, or of one more.
		rank := rejected
		if !rejects(qvalues[i]) {
			rank++
		}
		limit := chances[i].least(Significance * float64(rank) / float64(len(pairs)))
		if !IsTest(p.method) {
			limit = max(limit, o.limit(p.method))
		}
		score := chances[i].observed
		out[i] = Result{Column: p.name, Method: p.method, Score: score, PValue: pvalues[i], QValue: qvalues[i], Limit: limit,
			Drifted: rejects(qvalues[i]) && (IsTest(p.method) || score >= o.limit(p.method))}
	}
	return out, alarmOf(pairs, chances, o), nil
}

// rejects reports whether chance does not explain a column; a q-value at the level but for rounding is at it.
func rejects(q float64) bool { return q <= Significance*(1+1e-9) }

// adjusted are the p-values of Benjamini and Hochberg: rejecting those of at most a rate keeps the expected share of
// false ones among them at or below it.
func adjusted(pvalues []float64) []float64 {
	order := make([]int, len(pvalues))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return pvalues[order[a]] < pvalues[order[b]] })
	out := make([]float64, len(pvalues))
	least := 1.0
	for k := len(order) - 1; k >= 0; k-- {
		least = min(least, pvalues[order[k]]*float64(len(order))/float64(k+1))
		out[order[k]] = max(least, pvalues[order[k]]) // the greatest one's, multiplied by n and divided by n, may be rounded
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

// suits reports whether a method that was asked for can work on a column.
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
