package evaluation

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/metric"
)

const (
	// smallestGroup is the least number of rows that a value must have to be shown.
	smallestGroup = 20
	// mostGroups that a column may make; of more it is no column to group by.
	mostGroups = 200
	// unknownGroup is what the rows without a value are called.
	unknownGroup = "(null)"
)

const FairnessDoc = "`fairness` compares decisions between the groups of a column, by Fairlearn's metrics: `fairness.<label>.<metric>.value|low|high`. " +
	"`demographic_parity` is about the share of rows that are predicted positive, `equal_opportunity` about the true positive rate, " +
	"`equalized_odds` about it and the false positive rate; a `difference` of 0 and a `ratio` of 1 mean that all are treated alike. " +
	"The interval holds for all groups at once, so that chance among many small groups is not taken for unfairness: a rule on `low` of a " +
	"difference, or `high` of a ratio, fails where the data shows unfairness, one on the other bound where it does not rule it out. " +
	"`fairness.<label>.groups[g]` has `count`, `positives`, `selection_rate`, `true_positive_rate` and `false_positive_rate`, and " +
	"`to_overall.<rate>.value|low|high`: the group's rate less that of all rows. Groups of fewer rows than `min_group_size`, or without " +
	"positives, have undefined rates; they are counted in `undefined_groups`, and comparisons leave them out. Values of fewer than 20 rows are not " +
	"named: `unnamed.groups` and `unnamed.count` are how many they are, and their rows.\n\n"

func FairnessBlock() schema.Block {
	return schema.Block{Name: "fairness", Labelled: true, Doc: "A comparison of decisions between groups. Binary tasks only.", Body: schema.Body{Attrs: []schema.Attr{
		{Name: "column", Type: schema.String, ColumnOf: "data", Doc: "The column whose values are the groups: text, a boolean or an integer. Default: the label."},
		{Name: "metrics", Type: schema.StringList, Required: true, Doc: "`demographic_parity_difference`, `equal_opportunity_difference`, `equalized_odds_difference`, or the same with `ratio`."},
		{Name: "method", Type: schema.String, Default: "between_groups", OneOf: []string{"between_groups", "to_overall"},
			Doc: "What groups are compared with: each other, or all rows."},
		{Name: "agg", Type: schema.String, Default: "worst_case", OneOf: []string{"worst_case", "mean"}, Doc: "How `equalized_odds` joins its two rates."},
		{Name: "min_group_size", Type: schema.Integer, Default: 20.0, Doc: "Groups of fewer rows have no rates. At least 20."},
	}}}
}

// fairness is one such block.
type Fairness struct {
	Name         string   `json:"name"`
	Column       string   `json:"column"`
	Metrics      []string `json:"metrics"`
	Method       string   `json:"method"`
	Agg          string   `json:"agg"`
	MinGroupSize int      `json:"min_group_size"`
}

func (f Fairness) column() string {
	if f.Column != "" {
		return f.Column
	}
	return f.Name
}

func (f Fairness) comparisons() []metric.Comparison {
	var out []metric.Comparison
	for _, name := range f.Metrics {
		if c, ok := metric.FindComparison(name); ok {
			c.ToOverall, c.Mean = f.Method == "to_overall", f.Agg == "mean"
			out = append(out, c)
		}
	}
	return out
}

// fairnessFigures is the type of what rules see, by label. Which groups there are only the data says.
func (c *Config) fairnessFigures() *schema.FigureType {
	bounds := Bounded()
	rates, overall := map[string]*schema.FigureType{}, map[string]*schema.FigureType{}
	for _, r := range metric.RateNames() {
		rates[r], overall[r] = schema.Double, bounds
	}
	rates["count"], rates["positives"], rates["to_overall"] = schema.Double, schema.Double, schema.Object(overall)
	out := map[string]*schema.FigureType{}
	for _, f := range c.Fairness {
		one := map[string]*schema.FigureType{
			"groups":           schema.MapOf(schema.Object(rates)),
			"undefined_groups": schema.Double,
			"unnamed":          schema.Object(map[string]*schema.FigureType{"groups": schema.Double, "count": schema.Double}),
		}
		for _, m := range f.comparisons() {
			one[m.Name] = bounds
		}
		out[f.Name] = schema.Object(one)
	}
	return schema.Object(out)
}

func (k *Checker) checkFairness() {
	for _, f := range k.Fairness {
		path := fmt.Sprintf("fairness[%s]", f.Name)
		if k.Model.Task != schema.Binary {
			k.add(path, "fairness is for binary classification", fmt.Sprintf("The model's task is %s.", k.Model.Task), "")
			continue
		}
		k.checkGroups(path, f)
		k.checkComparisons(path, f)
		if f.MinGroupSize < smallestGroup {
			k.add(path+".min_group_size", fmt.Sprintf("min_group_size is %d", f.MinGroupSize), "Expected at least 20: reports show no value that fewer rows have.", "")
		}
	}
}

func (k *Checker) checkGroups(path string, f Fairness) {
	if f.Column != "" {
		path += ".column"
	}
	c := k.Data.Column(f.column())
	switch {
	case c == nil && f.Column == "":
		k.add(path, fmt.Sprintf("The data has no column %q to group by", f.Name), "It has "+strings.Join(k.Data.Names(), ", ")+".",
			Meant(f.Name, k.Data.Names()))
	case c != nil && !groupable(c.Type):
		k.add(path, fmt.Sprintf("Column %q is %s, which makes no groups", c.Name, c.Type), "Expected text, a boolean or an integer.",
			"compute a band of it in a dataset")
	}
}

func groupable(t string) bool {
	integers := []string{"tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint"}
	return IsText(t) || t == "boolean" || slices.Contains(integers, t)
}

func (k *Checker) checkComparisons(path string, f Fairness) {
	var names []string
	for _, c := range metric.Comparisons() {
		names = append(names, c.Name)
	}
	if len(f.Metrics) == 0 {
		k.add(path+".metrics", "No fairness metric is listed", "Expected one of "+strings.Join(names, ", ")+".", "")
	}
	seen := map[string]bool{}
	for i, m := range f.Metrics {
		at := fmt.Sprintf("%s.metrics[%d]", path, i)
		if !slices.Contains(names, m) {
			k.add(at, fmt.Sprintf("There is no fairness metric %q", m), "Expected one of "+strings.Join(names, ", ")+".", Meant(m, names))
		} else if seen[m] {
			k.add(at, fmt.Sprintf("%s is listed twice", m), "", "")
		}
		seen[m] = true
	}
}
