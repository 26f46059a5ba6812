package rule

import (
	"math"
	"slices"

	"github.com/google/cel-go/common/ast"
)

// statistic reports whether a function is one over all numbers of a list or map.
func statistic(name string) bool {
	switch name {
	case "min", "max", "mean", "sum", "quantile":
		return true
	}
	return false
}

// statistic folds one over the numbers of operands[0], which was written as over. Over none it is a fault: a rule that
// rests on no figure must not pass.
func (f *folder) statistic(name string, over ast.Expr, operands []result, expr ast.Expr) result {
	places, what := []place{}, "list"
	switch v := operands[0].value.(type) {
	case []place:
		places = v
	case dict:
		what = "map"
		for _, k := range v.keys {
			places = append(places, f.member(v.at, k))
		}
	}
	// Each number is looked at twice: read, and then computed with.
	if !f.spend(2 * len(places)) {
		return f.tooMany(expr)
	}
	xs, undecided := f.numbersOf(places, expr)
	switch {
	case undecided != nil:
		return *undecided
	case len(xs) == 0:
		return f.fail(expr, "%s of an empty %s: %s", name, what, f.text(over))
	case name == "quantile":
		q := operands[1].value.(float64)
		if !share(q) {
			return f.fail(expr, "%s: a quantile's share lies between 0 and 1", f.text(expr))
		}
		return f.finite(quantile(xs, q), expr)
	}
	return f.finite(aggregate(name, xs), expr)
}

// numbersOf reads numbers, in order. A failed one fails the whole, even while another is open.
func (f *folder) numbersOf(places []place, expr ast.Expr) ([]float64, *result) {
	numbers := make([]float64, 0, len(places))
	var undecided *result
	for _, p := range places {
		r := f.resolve(p)
		if x, ok := r.value.(float64); ok && r.state == known {
			numbers = append(numbers, x)
			continue
		}
		if r.expr = expr; undecided == nil || undecided.state == open && r.state == failed {
			undecided = &r
		}
	}
	return numbers, undecided
}

// aggregate is one of min, max, sum and mean of at least one number, summed in the order given.
// The order is that of the list, or of a map's keys, so that the sum is the same in every bit at each evaluation.
func aggregate(name string, xs []float64) float64 {
	switch name {
	case "min":
		return slices.Min(xs)
	case "max":
		return slices.Max(xs)
	}
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	if name == "mean" {
		return sum / float64(len(xs))
	}
	return sum
}

// quantile is that of R's type 7, which is numpy's default: between two ranks by linear interpolation. See Hyndman and
// Fan, Sample Quantiles in Statistical Packages (1996), definition 7.
func quantile(xs []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(xs))
	at := q * float64(len(sorted)-1)
	i := min(int(at), len(sorted)-1)
	if i == len(sorted)-1 {
		return sorted[i]
	}
	low, high := sorted[i], sorted[i+1]
	return low + (at-math.Floor(at))*(high-low)
}
