package evaluation

// How groups are compared.
//
// The rows that count are parted by a column's values, and each part has its measures: with the column sex
//
//	group   rows  selection_rate
//	f       120   0.30
//	m       150   0.24
//	x        12   undefined: fewer rows than min_group_size = 20
//
// demographic_parity_difference is 0.06, the greatest less the least, and demographic_parity_ratio 0.8. The third group has no part
// in either; it counts in undefined_groups, and is not named anywhere, since a rate of twelve people tells of each of them. An
// interval holds for all groups at once (metric.Bootstrap.Fairness): of twenty groups without any difference, one would seem to
// have one by chance if each were looked at by itself.

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/stdlib/metric"
	"github.com/mlp-lang/mlp/stdlib/model"
)

const (
	// smallestGroup is the least number of rows that a value must have to be shown.
	smallestGroup = 20
	// mostGroups that a column may make; of more it is no column to group by.
	mostGroups = 200
	// unknownGroup is what the rows without a value are called.
	unknownGroup = "(null)"
)

// FairnessDoc tells what the block does.
const FairnessDoc = "`fairness` compares the groups of a column, by Fairlearn's metrics: `fairness.<label>.<name>.value|low|high`. " +
	"A `difference` of 0 and a `ratio` of 1 mean that all are alike.\n\n" +
	"Of two classes decisions are compared: `demographic_parity` is about the share of rows that are predicted positive, `equal_opportunity` about the " +
	"true positive rate, `equalized_odds` about it and the false positive rate. Of several classes and of numbers these are not defined: no " +
	"decision is the positive one.\n\n" +
	"Of every task any metric of the evaluation can be compared, as Fairlearn's MetricFrame does: `<metric>_difference` is the greatest of the groups less the " +
	"least, `<metric>_ratio` the least by the greatest; with `method = \"to_overall\"` the group that is furthest from all rows counts. So a metric `rmse` " +
	"gives `rmse_difference`; one of type `mean_prediction` shows how far the predictions themselves lie apart. There is no ratio of what may be negative (`r2`, " +
	"`mean_prediction`, `matthews_corrcoef`, `cohen_kappa`), and no comparison of metrics that are SQL.\n\n" +
	"With `by`, groups are those of several columns together. A model may treat each column's groups alike and still not those between: rates that are equal for women and men, and for black and white, need not be for black women (Crenshaw 1989; Buolamwini and Gebru 2018). " +
	"Groups become small that way, and the rules for small ones hold: fewer than 20 rows are not named, fewer than `min_group_size` have no measures.\n\n" +
	"The interval holds for all groups at once, so that chance among many small groups is not taken for unfairness: a rule on `low` of a " +
	"difference, or `high` of a ratio, fails where the data shows unfairness, one on the other bound where it does not rule it out. " +
	"`fairness.<label>.groups[g]` has `count`, each metric compared and, of two classes, `positives`, `selection_rate`, `true_positive_rate` and `false_positive_rate`; " +
	"and `to_overall.<measure>.value|low|high`: the group's less that of all rows. Groups of fewer rows than `min_group_size`, or without what " +
	"a measure is of (positives, a class), have undefined ones; they are counted in `undefined_groups`, and comparisons leave them out. Values of fewer than 20 rows are not " +
	"named: `unnamed.groups` and `unnamed.count` are how many they are, and their rows.\n\n"

// FairnessBlock is the block of one comparison.
func FairnessBlock() schema.Block {
	return schema.Block{Name: "fairness", Labelled: true, Repeated: true, Unordered: true, Doc: "A comparison between groups.", Body: schema.Body{Attrs: []schema.Attr{
		{Name: "column", Type: schema.String, ColumnOf: "data", Doc: "The column whose values are the groups: text, a boolean or an integer. Default: the label."},
		{Name: "by", Type: schema.StringList, ColumnOf: "data", Doc: "Columns whose values together are the groups, in place of `column`: of `[\"sex\", \"race\"]` one is `female, black`."},
		{Name: "metrics", Type: schema.StringList, Required: true, Doc: "`<metric>_difference` or `<metric>_ratio` of a metric that the evaluation lists. Of two classes also " +
			"`demographic_parity_difference`, `equal_opportunity_difference`, `equalized_odds_difference`, or the same with `ratio`."},
		{Name: "method", Type: schema.String, Default: "between_groups", OneOf: []string{"between_groups", "to_overall"},
			Doc: "What groups are compared with: each other, or all rows."},
		{Name: "agg", Type: schema.String, Default: "worst_case", OneOf: []string{"worst_case", "mean"}, Doc: "How `equalized_odds` joins its two rates."},
		{Name: "min_group_size", Type: schema.Integer, Default: 20.0, Doc: "Groups of fewer rows have no measures. At least 20."},
	}}}
}

// Fairness is a block that compares the groups of a column.
type Fairness struct {
	Name         string   `json:"name"`           // the block's label
	Column       string   `json:"column"`         // whose values are the groups; empty: the one called like the label
	By           []string `json:"by"`             // columns whose values together are the groups, in place of Column
	Metrics      []string `json:"metrics"`        // names of comparisons: "equalized_odds_difference"
	Method       string   `json:"method"`         // "to_overall" compares groups with all rows; else with each other
	Agg          string   `json:"agg"`            // "mean" takes the mean of two rates (equalized odds); else the worse counts
	MinGroupSize int      `json:"min_group_size"` // rows; a smaller group has no figures of its own
}

// columns are those that rows are grouped by; the one that the block's label names unless others are.
func (f Fairness) columns() []string {
	switch {
	case len(f.By) > 0:
		return f.By
	case f.Column != "":
		return []string{f.Column}
	}
	return []string{f.Name}
}

// comparisons are those that the block names, and the metrics that they are of.
func (f Fairness) comparisons(task schema.Task, all []*metric.Metric) (out []metric.Comparison, compared []*metric.Metric) {
	for _, m := range all {
		if m.SQL == "" && slices.ContainsFunc(f.Metrics, func(name string) bool { return of(name, m) }) {
			compared = append(compared, m)
		}
	}
	known := metric.Comparisons(task, compared)
	for _, name := range f.Metrics {
		i := slices.IndexFunc(known, func(c metric.Comparison) bool { return c.Name == name })
		if i < 0 {
			continue
		}
		c := known[i]
		c.ToOverall, c.Mean = f.Method == "to_overall", f.Agg == "mean"
		out = append(out, c)
	}
	return out, compared
}

// of reports whether a comparison's name is that of a metric.
func of(name string, m *metric.Metric) bool {
	return name == m.Name+"_difference" || name == m.Name+"_ratio"
}

// fairnessFigures is the type of what rules see, by label. Which groups there are only the data says.
func (c *Config) fairnessFigures(task schema.Task, metrics []*metric.Metric) *schema.FigureType {
	out := map[string]*schema.FigureType{}
	for _, f := range c.Fairness {
		comparisons, compared := f.comparisons(task, metrics)
		group, overall := map[string]*schema.FigureType{"count": schema.Count}, map[string]*schema.FigureType{}
		for _, name := range metric.MeasureNames(task, compared) {
			group[name], overall[name] = schema.Double, Bounded()
		}
		if group["to_overall"] = schema.Object(overall); task == schema.Binary {
			group["positives"] = schema.Count
		}
		// undefined_groups have a measure that is NaN; unnamed are groups too small to be shown, with their rows.
		one := map[string]*schema.FigureType{
			"groups":           schema.MapOf(schema.Object(group)),
			"undefined_groups": schema.Count,
			"unnamed":          schema.Object(map[string]*schema.FigureType{"groups": schema.Count, "count": schema.Count}),
		}
		for _, c := range comparisons {
			one[c.Name] = schema.Object(map[string]*schema.FigureType{"value": schema.AtLeast(0), "low": schema.Double, "high": schema.Double})
		}
		out[f.Name] = schema.Object(one)
	}
	return schema.Object(out)
}

// checkFairness holds the fairness blocks to the data and the task, and min_group_size to what reports may show.
func (k *Checker) checkFairness() {
	for _, f := range k.Fairness {
		path := fmt.Sprintf("fairness[%s]", f.Name)
		k.checkGroups(path, f)
		k.checkComparisons(path, f)
		if f.MinGroupSize < smallestGroup {
			k.report(schema.Problem{
				Path:    path + ".min_group_size",
				Summary: fmt.Sprintf("min_group_size is %d", f.MinGroupSize),
				Detail:  "Expected at least 20: reports show no value that fewer rows have.",
			})
		}
	}
}

// checkGroups refuses columns that make no groups. Of a timestamp or a double nearly every row would be a group of its own.
func (k *Checker) checkGroups(path string, f Fairness) {
	if len(f.By) > 0 && f.Column != "" {
		k.report(schema.Problem{Path: path + ".by", Summary: "by and column are two ways to say what the groups are", Hint: "leave column out, or put it into by"})
	}
	for i, name := range f.columns() {
		at := path
		switch {
		case len(f.By) > 0:
			at = fmt.Sprintf("%s.by[%d]", path, i)
		case f.Column != "":
			at += ".column"
		}
		c := k.Data.Column(name)
		switch {
		case slices.IndexFunc(f.columns(), func(other string) bool { return strings.EqualFold(other, name) }) < i:
			k.report(schema.Problem{Path: at, Summary: fmt.Sprintf("%q is listed twice", name)})
		case c == nil && f.Column == "" && len(f.By) == 0:
			k.report(schema.Problem{
				Path:    at,
				Summary: fmt.Sprintf("The data has no column %q to group by", name),
				Detail:  "It has " + strings.Join(k.Data.Names(), ", ") + ".",
				Hint:    suggest.DidYouMean(name, k.Data.Names()),
			})
		case c != nil && !groupable(c.Type):
			k.report(schema.Problem{
				Path:    at,
				Summary: fmt.Sprintf("Column %q is %s, which makes no groups", c.Name, c.Type),
				Detail:  "Expected text, a boolean or an integer.",
				Hint:    "compute a band of it in a dataset",
			})
		}
	}
}

// groupable types are text, booleans and integers up to 64 bits.
func groupable(t string) bool {
	integers := []string{"tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint"}
	return model.TextType(t) || t == "boolean" || slices.Contains(integers, t)
}

// checkComparisons holds the names of comparisons to those that the task and the metrics of the evaluation make.
func (k *Checker) checkComparisons(path string, f Fairness) {
	var names []string
	for _, c := range metric.Comparisons(k.Model.Task, k.fitting()) {
		names = append(names, c.Name)
	}
	expected := "Expected one of " + strings.Join(names, ", ") + "."
	if len(f.Metrics) == 0 {
		k.report(schema.Problem{Path: path + ".metrics", Summary: "No fairness metric is listed", Detail: expected})
	}
	seen := map[string]bool{}
	for i, name := range f.Metrics {
		at := fmt.Sprintf("%s.metrics[%d]", path, i)
		switch {
		case seen[name]:
			k.report(schema.Problem{Path: at, Summary: fmt.Sprintf("%s is listed twice", name)})
		case slices.ContainsFunc(k.metrics, func(m *metric.Metric) bool { return of(name, m) && m.Fits(k.Model.Task) != nil }):
			// That the metric does not fit the task is told where it is listed.
		case !slices.Contains(names, name):
			summary, why, hint := k.noComparison(name, names)
			k.report(schema.Problem{Path: at, Summary: summary, Detail: strings.TrimSpace(why + " " + expected), Hint: hint})
		case slices.ContainsFunc(k.metrics, func(m *metric.Metric) bool { return of(name, m) }):
			k.checkMeasureName(at, strings.TrimSuffix(strings.TrimSuffix(name, "_difference"), "_ratio"))
		}
		seen[name] = true
	}
}

// fitting are the metrics that can be computed for the task.
func (k *Checker) fitting() []*metric.Metric {
	return slices.DeleteFunc(slices.Clone(k.metrics), func(m *metric.Metric) bool { return m.Fits(k.Model.Task) != nil })
}

// checkMeasureName tells of a metric whose name a group's own figure or a comparison has.
func (k *Checker) checkMeasureName(at, name string) {
	own := append(metric.MeasureNames(schema.Binary, nil), "count", "positives", "to_overall", "demographic_parity", "equal_opportunity", "equalized_odds")
	if slices.Contains(own, name) {
		k.report(schema.Problem{
			Path:    at,
			Summary: fmt.Sprintf("A metric named %q cannot be told from what fairness itself computes", name),
			Hint:    "rename the metric",
		})
	}
}

// noComparison says why there is none of that name, and which of the others to take.
func (k *Checker) noComparison(name string, others []string) (summary, why, hint string) {
	for _, c := range metric.Comparisons(schema.Binary, nil) {
		if c.Name == name {
			return name + " compares decisions between two classes", fmt.Sprintf("The model's task is %s; compare one of its metrics between groups.", k.Model.Task), ""
		}
	}
	for _, m := range k.metrics {
		switch {
		case !of(name, m):
		case m.SQL != "":
			return fmt.Sprintf("metric.%s is SQL, and fairness compares metrics that are computed by name", m.Name), "", ""
		case strings.HasSuffix(name, "_ratio"):
			return fmt.Sprintf("There is no ratio of metric.%s", m.Name), fmt.Sprintf("%s may be negative, and a ratio is of numbers above 0.", m.Type), fmt.Sprintf("take %s_difference", m.Name)
		}
	}
	return fmt.Sprintf("There is no fairness metric %q", name), "", suggest.DidYouMean(name, others)
}
