package train

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strconv"

	"github.com/mlp-lang/mlp/stdlib/frame"
)

// MaxLevels is how many categories of a text column are kept where a trainer does not say (Config.MostLevels), the most frequent; the others count as missing.
const MaxLevels = 255

// maxManyLevels is how many are kept of columns whose categories are no inputs of their own (Config.ManyLevels).
const maxManyLevels = 1_000_000

// levels are the column's that occur in the rows that are trained on, sorted; the most frequent where there are too many.
func (l *loader) levels(c *frame.Column) []string {
	counts := make([]int, len(c.Levels))
	for _, code := range c.Codes {
		if code >= 0 {
			counts[code]++
		}
	}
	// Ties among the most frequent go by the order of the levels, so that the same rows give the same model.
	var order []int
	for code, n := range counts {
		if n > 0 {
			order = append(order, code)
		}
	}
	order = l.frequent(c.Name, order, counts)
	out := make([]string, len(order))
	for i, code := range order {
		out[i] = c.Levels[code]
	}
	return out
}

// frequent are those of ascending categories that are kept, ascending.
func (l *loader) frequent(name string, order, counts []int) []int {
	most := cmp.Or(l.config.MostLevels, MaxLevels)
	if listed(l.config.ManyLevels, name) {
		most = maxManyLevels
	}
	if len(order) <= most {
		return order
	}
	hint := ""
	if most != maxManyLevels {
		hint = fmt.Sprintf("; of free text a linear model reads the words: preprocess %q { encode = \"ngrams\" }", name)
	}
	l.config.warnf(l.stage, "feature %q has %d categories; the %d most frequent are kept, the others count as missing%s", name, len(order), most, hint)
	sort.SliceStable(order, func(i, j int) bool { return counts[order[i]] > counts[order[j]] })
	order = order[:most]
	sort.Ints(order)
	return order
}

// numberLevels are the numbers of a column that are taken as categories, ascending, chosen as levels are.
func (l *loader) numberLevels(c *frame.Column) []string {
	count := map[float64]int{}
	for _, x := range c.Num {
		if x == x {
			count[x]++
		}
	}
	values := slices.Sorted(maps.Keys(count))
	order, counts := make([]int, len(values)), make([]int, len(values))
	for i, x := range values {
		order[i], counts[i] = i, count[x]
	}
	var out []string
	for _, i := range l.frequent(c.Name, order, counts) {
		out = append(out, frame.NumberName(strconv.FormatFloat(values[i], 'g', -1, 64)))
	}
	return out
}
