package review

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/mlp-lang/mlp/compiler/diff"
	"github.com/mlp-lang/mlp/compiler/plan"
)

// What is cut is cut by weight, not by address: what goes from production first, then what fails, what is open, what is
// new, last what passes. Every list is in that order in every form, so that what is cut is what weighs least.

// releaseWeight is 0 for what weighs most. Index is -1 for what is not in the list, and -1 & 3 is 3, behind all.
func releaseWeight(a plan.ReleaseAction) int {
	return slices.Index([]plan.ReleaseAction{plan.RemoveRelease, plan.ChangeRelease, plan.CreateRelease}, a) & 3 // others last
}

// verdictWeight is that of a gate or rule, as releaseWeight: failures, errors, what is open, all else.
func verdictWeight(v plan.RuleVerdict) int {
	return slices.Index([]plan.RuleVerdict{plan.Fail, plan.RuleError, plan.Open}, v) & 3 // others last
}

// graver reports whether a verdict fails.
func graver(v plan.RuleVerdict) bool { return v == plan.Fail || v == plan.RuleError }

// weigh puts a document's lists in the order of what weighs most.
func (d *document) weigh() {
	slices.SortStableFunc(d.Production, func(a, b releaseRow) int { return releaseWeight(a.Action) - releaseWeight(b.Action) })
	slices.SortStableFunc(d.Gates, func(a, b gateRow) int { return verdictWeight(a.Verdict) - verdictWeight(b.Verdict) })
}

// heaviest is how many of a list, which has the heavy ones first, are not cut for others. It finds the first light one
// by bisection.
func heaviest[T any](list []T, heavy func(T) bool) int {
	return sort.Search(len(list), func(i int) bool { return !heavy(list[i]) })
}

// pick returns of a list that is sorted by weight as many rows as fit, and how many are left. At least the heavy ones
// are returned, as far as the fit has room for heavy ones.
func pick[T any](f fit, list []T, heavy func(T) bool) ([]T, int) {
	return some(list, max(f.rows, min(f.heavy, heaviest(list, heavy))))
}

// fill returns the longest text of those that are written with ever more rows, up to most bytes, and of how many of each table;
// empty if none is that short. Heavy rows come before all others: where not even they fit, there are few of the others.
// Two searches follow one another, since both together would be a search in a square: with all heavy rows, for the most
// rows; and where not even the least rows fit beside them, for the most heavy ones. Each try writes the whole text.
func fill(most int, f fit, write func(fit) (string, error)) (best string, shown int, failed error) {
	const least = 2
	fits := func(heavy, rows int) bool {
		try := f
		try.heavy, try.rows = heavy, rows
		text, err := write(try)
		if err != nil {
			failed = err
		}
		if err != nil || len(text) > most {
			return false
		}
		if len(text) >= len(best) {
			best, shown = text, max(rows, min(heavy, f.heavy-1))
		}
		return true
	}
	if fits(f.heavy, least) {
		shown = least
		longest(f.rows, func(rows int) bool {
			ok := fits(f.heavy, rows)
			if ok {
				shown = rows
			}
			return ok
		})
		return best, shown, failed
	}
	longest(f.heavy, func(heavy int) bool { return fits(heavy, least) })
	return best, shown, failed
}

// longest tries numbers up to a limit for the largest that fits, where what is smaller than one that fits does too. It
// calls fits about log2(limit) times, and keeps nothing: fits notes the best.
func longest(limit int, fits func(int) bool) {
	sort.Search(limit, func(i int) bool { return !fits(i + 1) })
}

// leftGates says what is said of gates that are cut: they weigh no more than the last that is shown.
func leftGates(left []gateRow) string {
	count := map[plan.RuleVerdict]int{}
	for _, g := range left {
		count[g.Verdict]++
	}
	var parts []string
	for _, v := range []plan.RuleVerdict{plan.Fail, plan.RuleError, plan.Open, plan.Pass} {
		if n := count[v]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, map[plan.RuleVerdict]string{plan.Fail: "FAIL", plan.RuleError: "in ERROR", plan.Open: "open", plan.Pass: "pass"}[v]))
		}
	}
	return fmt.Sprintf("and %d more gates: %s", len(left), strings.Join(parts, ", "))
}

// blockWeight puts what decides over production before what it rests on.
func blockWeight(b diff.Block) int {
	return slices.Index([]string{"deploy", "gate", "check"}, b.Kind) & 3 // others last
}

// weighed is a comparison in the order of what weighs most. d is not changed.
func weighed(d *diff.Diff) *diff.Diff {
	out := *d
	out.Gates, out.Releases, out.Changed = slices.Clone(d.Gates), slices.Clone(d.Releases), slices.Clone(d.Changed)
	out.Removed, out.Added = slices.Clone(d.Removed), slices.Clone(d.Added)
	for _, blocks := range [][]diff.Block{out.Removed, out.Added} {
		slices.SortStableFunc(blocks, func(a, b diff.Block) int { return blockWeight(a) - blockWeight(b) })
	}
	slices.SortStableFunc(out.Gates, func(a, b diff.Gate) int { return verdictWeight(a.After) - verdictWeight(b.After) })
	slices.SortStableFunc(out.Releases, func(a, b diff.Release) int { return releaseWeight(a.After) - releaseWeight(b.After) })
	slices.SortStableFunc(out.Changed, func(a, b diff.Changed) int { return changedWeight(a) - changedWeight(b) })
	return &out
}

// changedWeight puts first what breaks others, last what runs nothing.
func changedWeight(c diff.Changed) int {
	weight := 2
	for _, f := range c.Fields {
		switch f.Category {
		case plan.Breaking:
			return 0
		case plan.MetadataChange:
		default:
			weight = 1
		}
	}
	return weight
}
