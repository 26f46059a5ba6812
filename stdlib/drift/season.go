package drift

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// A season is what comes again: a shop sells more on Saturdays, and a heater in January. A window held against all that was before has drifted on every Saturday.
//
// So it is held against rows of the same phase: those that lie whole seasons before it. The window is parted into phases, of an hour each in a season of a day, of a day in one of a week,
// of a week in longer ones, and of the reference as many rows are taken of each phase as give it the share that it has now; rows change places within their phase alone. What a
// season does to a phase it did to the reference's rows of that phase, and what differs beyond it is drift. Where a phase is as it was, rows are exchangeable within it, and so the
// alarm keeps its level with any season, and with any number of rows at any time of it.
//
// A phase that the reference has (nearly) no row of cannot be compared: its rows are left out and counted. Of all phases, from the one with the most rows of the reference for each current one on,
// so many are compared as tell drift apart best.

// Match are rows of both tables that are of the same phases.
type Match struct {
	Reference, Current []int   // rows, ascending
	Strata             []int32 // the phases of both, for Options
	Unmatched          int     // current rows of phases that the reference has too few rows of
}

// MatchPhases matches rows by times, in seconds, of a season of so many seconds. Rows of the reference from the current table's first on, and rows without a time (NaN), are in none.
func MatchPhases(reference, current []float64, season float64, seed int64) Match {
	start, end := math.Inf(1), math.Inf(-1)
	for _, t := range current {
		if !math.IsNaN(t) {
			start, end = min(start, t), max(end, t)
		}
	}
	width := phaseOf(season)
	phase := func(t float64) (int32, bool) {
		into := math.Mod(t-start, season)
		if into < 0 {
			into += season
		}
		return int32(into / width), into <= end-start
	}
	a, b := map[int32][]int{}, map[int32][]int{}
	for r, t := range current {
		if !math.IsNaN(t) {
			p, _ := phase(t)
			b[p] = append(b[p], r)
		}
	}
	for r, t := range reference {
		if t < start {
			if p, within := phase(t); within && b[p] != nil {
				a[p] = append(a[p], r)
			}
		}
	}
	var out Match
	share := bestShare(a, b)
	src := rand.NewPCG(uint64(seed), math.MaxUint64-2)
	strata := [2]map[int]int32{{}, {}}
	for _, p := range sortedPhases(b) {
		k := int(share * float64(len(b[p])) * (1 + 1e-9))
		if share == 0 || len(a[p]) < k || k == 0 {
			out.Unmatched += len(b[p])
			continue
		}
		places := make([]int32, len(a[p]))
		for i := range places {
			places[i] = int32(i)
		}
		draw(src, places, k)
		for _, i := range places[:k] {
			out.Reference, strata[0][a[p][i]] = append(out.Reference, a[p][i]), p
		}
		for _, r := range b[p] {
			out.Current, strata[1][r] = append(out.Current, r), p
		}
	}
	for side, rows := range [][]int{out.Reference, out.Current} {
		slices.Sort(rows)
		for _, r := range rows {
			out.Strata = append(out.Strata, strata[side][r])
		}
	}
	return out
}

// phaseOf is how long a phase of a season is, in seconds: what a shorter season within it would differ by.
func phaseOf(season float64) float64 {
	const hour, day = 3600, 24 * 3600
	switch {
	case season <= 2*day:
		return hour
	case season <= 31*day:
		return day
	}
	return 7 * day
}

// bestShare is how many rows of the reference are taken for each current one: of those phases that have so many, the effective number of rows, n·m/(n+m) of n and m, is greatest.
func bestShare(a, b map[int32][]int) float64 {
	type ratio struct {
		share float64
		rows  int
	}
	var all []ratio
	for _, p := range sortedPhases(b) {
		all = append(all, ratio{float64(len(a[p])) / float64(len(b[p])), len(b[p])})
	}
	slices.SortStableFunc(all, func(x, y ratio) int { return cmp.Compare(y.share, x.share) })
	best, most, rows := 0.0, 0.0, 0
	for _, r := range all {
		rows += r.rows
		if n := float64(rows) * r.share / (1 + r.share); n >= most && r.share > 0 {
			best, most = r.share, n
		}
	}
	return best
}

func sortedPhases(of map[int32][]int) []int32 {
	out := make([]int32, 0, len(of))
	for p := range of {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}
