package initfrom

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/stdlib/table"
	"github.com/mlp-lang/mlp/stdlib/train"
	"github.com/mlp-lang/mlp/stdlib/train/trees/histogram"
)

// findFeatures takes numbers, booleans, categories and free text, and says why each other column is none.
func (g *guess) findFeatures(f *tableFile) {
	for i, c := range f.profile.Columns {
		why := ""
		switch {
		case c.Name == g.target || c.Name == g.side || c.Name == g.key:
			continue
		case slices.Contains(g.pii, c.Name):
			continue
		case slices.Contains(g.protected, c.Name):
			continue
		case c.Distinct < 2:
			why = "has one value at most"
		case c.Type == "varchar":
			why = g.findText(&c, f.values(i), f.profile.Rows-c.Nulls)
			if why == "" {
				continue
			}
		case !table.Numeric(c.Type) && c.Type != "boolean":
			why = "is of type " + c.Type
		case c.Type != "boolean" && strings.HasSuffix(strings.ToLower(c.Name), "_id"), strings.EqualFold(c.Name, "id"):
			why = "is called like a key"
		}
		if why != "" {
			g.left = append(g.left, fmt.Sprintf("%s %s", c.Name, why))
			continue
		}
		g.features = append(g.features, c.Name)
	}
}

// How many words half of the values of free text have at least: where values come again, and where they do not.
const (
	longText  = 6
	shortText = 3
)

// findText takes a column of text as categories where values come again, twice in the mean at least, and as free text where they are of several words: of many words though they may come
// again, of some where they do not. It says why a column is neither. values are the first, and there is no value in any row beyond rows.
func (g *guess) findText(c *table.ColumnProfile, values []string, rows int64) (why string) {
	words := middleWords(values)
	again := c.Distinct*2 <= rows
	switch {
	case words >= shortText && !again, words >= longText && c.Distinct > train.MaxLevels:
		g.texts = append(g.texts, c.Name)
	case !again:
		return fmt.Sprintf("is text of %d values in %d rows, of fewer than %d words mostly: they seem to be names or numbers of rows. If they say something, take the part that comes again in a dataset", c.Distinct, rows, shortText)
	case c.Distinct > histogram.MaxLevels:
		return fmt.Sprintf("is text of %d values, more than the %d categories that trees part. Make fewer of them in a dataset, or encode them by the target: preprocess { encode = \"target\" }", c.Distinct, histogram.MaxLevels)
	default:
		g.features = append(g.features, c.Name)
		if c.Distinct > train.MaxLevels {
			g.wide = append(g.wide, c.Name)
		}
	}
	return ""
}

// middleWords is how many words half of the values have at least.
func middleWords(values []string) int {
	var counts []int
	for _, v := range values {
		counts = append(counts, len(strings.Fields(v)))
	}
	if counts == nil {
		return 0
	}
	slices.Sort(counts)
	return counts[len(counts)/2]
}

// narrow are the features that a linear model takes as they are: all but those of more categories than it keeps.
func (g *guess) narrow() []string {
	return slices.DeleteFunc(slices.Clone(g.features), func(name string) bool { return slices.Contains(g.wide, name) })
}
