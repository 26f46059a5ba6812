package drift

import (
	"math"
	"slices"
)

// An alarm over all columns with a level of its own.
//
// Results hold a rate of false discoveries of 5 % a comparison: a monitor that looks every day has 18 false alarms a year. Whoever is paged wants to say how many they bear, such as one
// a year, and that is a level of 1/365 for each look. At such a level p-values of single columns say little: of 50 columns the least of 999 exchanges is as far out as it can be in
// some column every twentieth time. So the alarm goes by one number for all columns, the greatest score in units of what chance reaches in that column in one of twenty exchanges. Exchanges have
// that number too, and as whole rows are exchanged, whatever columns have in common they have it with it (Westfall and Young 1993). So the share of looks with an alarm, where nothing moved, is at most the level, exactly and for
// any correlation, as long as rows are exchangeable: independent of each other. The expected number of alarms a year is the sum over looks, however these depend on each other.

// Alarm is the verdict over all columns. PValue is NaN where no level was asked for, or nothing could be compared.
type Alarm struct {
	PValue  float64
	Columns []string // those that raise it, in the order of the results; none: there is no alarm
}

// LeastLevel is the smallest level of an alarm: below it more exchanges would be needed than are worth their time.
const LeastLevel = 1e-4

// looseness is how many exchanges there are for each that the level allows.
const looseness = 4

// exchangesFor is how many exchanges an alarm at a level needs.
func exchangesFor(level float64) int { return int(math.Ceil(looseness/level)) - 1 }

// common is the quantile of a column's scores that is its unit.
const common = 0.95

// alarmOf goes by the first exchanges of each column, which all columns have. A column of a distance raises it only where it reaches its limit too.
func alarmOf(pairs []*pair, chances []*chance, o Options) alarms {
	if o.Level == 0 || len(pairs) == 0 {
		return alarms{pvalue: math.NaN()}
	}
	n := o.Permutations
	greatest, mine := make([]float64, n), make([]float64, len(pairs))
	for i, c := range chances {
		scores := append(slices.Clone(c.scores[:n]), c.observed) // the tables are one more way to deal the rows
		slices.Sort(scores)
		unit := scores[int(math.Ceil(common*float64(n+1)))-1]
		for at := len(scores) - 1; math.IsInf(unit, 1) && at >= 0; at-- { // a value that one side never has; scores without it are finite
			unit = scores[at]
		}
		if unit = max(unit, tolerance); math.IsInf(unit, 1) {
			unit = 1
		}
		mine[i] = c.observed / unit
		for b, x := range c.scores[:n] {
			greatest[b] = max(greatest[b], x/unit)
		}
	}
	top, atLeast := slices.Max(mine), 1
	for _, x := range greatest {
		if x >= top*(1-tolerance) {
			atLeast++
		}
	}
	out := alarms{pvalue: float64(atLeast) / float64(n+1), raised: make([]bool, len(pairs))}
	slices.Sort(greatest)
	// Of n+1 deals so many may be as far out as the tables, these among them.
	allowed := int(o.Level * float64(n+1) * (1 + 1e-9))
	for i, p := range pairs {
		if allowed > 0 && mine[i]*(1-tolerance) > greatest[n-allowed] && (IsTest(p.method) || chances[i].observed >= o.limit(p.method)) {
			out.raised[i] = true
		}
	}
	return out
}

// alarms are the verdict over pairs; raised is nil where no level was asked for, or nothing could be compared.
type alarms struct {
	pvalue float64
	raised []bool // by pair
}

// of are the alarms of some of the pairs, by their places.
func (a alarms) of(some func(pair int) bool, pairs []*pair) Alarm {
	out := Alarm{PValue: a.pvalue}
	for i, raised := range a.raised {
		if raised && some(i) {
			out.Columns = append(out.Columns, pairs[i].name)
		}
	}
	return out
}
