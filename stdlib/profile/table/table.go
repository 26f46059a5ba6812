// Package table is the profile block: what the rows of a table are like, as figures for rules and as a report for people.
//
// A profile reads; nothing that it finds fails the stage. Of the column amount it tells how many values are missing and distinct, quantiles,
// a histogram and values far out; of two columns how they go together; with a target, how each column goes with that on the rows that
// models learn from; of other parts of the data how far they have drifted from the table.
//
// # Which measure of two columns
//
//	numbers, numbers     Pearson's and Spearman's correlation
//	classes, classes     Cramér's V
//	numbers, classes     the correlation ratio: the root of the share of variance between classes
//
// Texts of at most mostClasses values and booleans are classes. Times are neither: of them coverage is told. All sums are in the order of
// rows, on one goroutine a column pair, so that no figure depends on the number of threads.
package table

import (
	"context"
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	sqltable "github.com/mlp-lang/mlp/stdlib/table"
)

// Component is the block `profile`.
var Component = component.Component{
	Kind: "profile",
	Type: schema.Type{
		Name:    "table",
		Version: 1,
		Engine:  sqltable.Engine,
		Summary: "What the rows of a table are like: figures, and a report",
		Doc:     doc,
		Body: schema.Body{
			Attrs: []schema.Attr{
				{Name: "on", Type: schema.Ref, Required: true, Ports: []schema.PortType{schema.TablePort}, Doc: "The table to look at."},
				{Name: "train", Type: schema.Ref, Ports: []schema.PortType{schema.TablePort}, Rows: schema.FittedRows,
					Doc: "The rows on which relations to `target` are measured: the train side of a split, never its test side."},
				{Name: "target", Type: schema.String, ColumnOf: "train", Doc: "The column to relate all others to. Needs `train`."},
				{Name: "parts", Type: schema.RefMap, Ports: []schema.PortType{schema.TablePort},
					Doc: "Tables whose drift from `on` is told, for the columns of numbers, text and booleans that both have: `{ train = split.holdout.train, test = split.holdout.test }`."},
			},
			Blocks: []schema.Block{isolationBlock(), clustersBlock()},
		},
		Out: []schema.Port{{Name: "figures", Type: schema.FiguresPort, Doc: "`rows`, `duplicates`, `columns.<c>`, `related.<c>`, `target.<c>`, `times.<c>`, `drift.<part>`; with the blocks `isolation_forest` and `k_means`."}},
		Examples: []schema.Example{
			{Title: "Churn, with a rule over what was found", Code: example},
			{Title: "Rows that are apart, and rows that are alike", Code: pointsExample},
		},
	},
	Shape: shape,
	Run:   run,
}

const doc = `The figures, all of which rules read:

| figure | is |
|---|---|
| ` + "`rows`, `duplicates`" + ` | rows, and those that are the same in all columns as a row before them |
| ` + "`columns.<c>.nulls`, `.distinct`" + ` | missing values (null or NaN), and different ones |
| ` + "`columns.<c>.mean`, `.stdev`, `.min`, `.q25`, `.median`, `.q75`, `.max`" + ` | of numbers; the sample's standard deviation, quantiles linear between values (Hyndman and Fan 1996, type 7) |
| ` + "`columns.<c>.outliers`" + ` | of numbers: values more than 1.5 interquartile ranges below the first or above the third quartile (Tukey 1977) |
| ` + "`related.<c>.pearson`, `.spearman`, `.cramers_v`" + ` | the strongest with any other column, without its sign. Cramér's V is without correction for bias |
| ` + "`target.<c>`" + ` | strength of the relation to the target on the rows of ` + "`train`" + `, from 0 to 1: Spearman's without sign, Cramér's V, or the correlation ratio |
| ` + "`times.<c>.days`, `.longest_gap_days`" + ` | of dates and timestamps: from the first to the last, and the longest time without a row |
| ` + "`drift.<part>.share`, `.columns.<c>`" + ` | the share of columns that drifted, and each one's score, as the block ` + "`monitor \"drift\"`" + ` measures them |
| ` + "`isolation_forest.median`, `.q95`, `.q99`, `.max`, `.above`" + ` | with the block: quantiles of the rows' scores, and the share of rows from the threshold on |
| ` + "`k_means.inertia`, `.silhouette`, `.largest`, `.smallest`" + ` | with the block: the sum of squared distances from the centres, columns scaled to a deviation of 1; the mean silhouette of at most 2,000 rows (Rousseeuw 1987), and the share of rows in the largest and the smallest cluster |

Pairs of columns are told where both have a value. What cannot be said is undefined, with a reason: a rule on it is an error. Of columns marked ` + "`pii`" + ` only missing and distinct values are counted. Text of more than
100 values is no class, and relates to nothing; infinite values have no mean and no relation. The report names a value only where 20 rows have it.
`

const example = `pipeline "churn" {}

source "csv" "customers" {
  path = "customers.csv"
  column "tenure"   { type = "integer" }
  column "contract" { type = "varchar" }
  column "churned"  { type = "boolean" }
}

split "hash" "parts" {
  from = source.customers
  test = 0.2
}

profile "customers" {
  on     = source.customers
  train  = split.parts.train
  target = "churned"
  parts  = { train = split.parts.train, test = split.parts.test }
}

gate "data" {
  rule "mostly known"  { assert = "profile.customers.columns.tenure.nulls <= 0.01 * profile.customers.rows" }
  rule "nothing leaks" { assert = "max(profile.customers.target) < 0.98" }
}
`

const pointsExample = `pipeline "churn" {}

source "csv" "customers" {
  path = "customers.csv"
  column "tenure"   { type = "integer" }
  column "contract" { type = "varchar" }
  column "churned"  { type = "boolean" }
}

profile "customers" {
  on = source.customers
  isolation_forest { columns = ["tenure", "contract"] }
  k_means {
    columns  = ["tenure", "contract"]
    clusters = 3
  }
}

gate "data" {
  rule "few rows are apart" { assert = "profile.customers.isolation_forest.above <= 0.2" }
  rule "no cluster is all"  { assert = "profile.customers.k_means.largest < 0.9" }
}
`

// config is the block. Parts are the names that the parts have.
type config struct {
	Target          string     `json:"target"`
	Parts           []string   `json:"parts"`
	IsolationForest *isolated  `json:"isolation_forest"`
	KMeans          *clustered `json:"k_means"`
}

// numberFigures are those of columns of numbers, besides nulls and distinct.
var numberFigures = []string{"mean", "stdev", "min", "q25", "median", "q75", "max", "outliers"}

// shape types the figures by the columns of the tables, so that a misspelt one is an error of the rule.
func shape(_ context.Context, _ component.Binder, req schema.ShapeRequest) schema.ShapeResult {
	var c config
	if err := json.Unmarshal(req.Config, &c); err != nil {
		return schema.ShapeResult{Problems: []schema.Problem{{Summary: "the configuration cannot be read: " + err.Error()}}}
	}
	in := req.In["on"].Table
	if in == nil {
		return schema.ShapeResult{}
	}
	var r schema.ShapeResult
	_, train := req.In["train"]
	switch {
	case c.Target != "" && !train:
		r.Problems = append(r.Problems, schema.Problem{Path: "target", Summary: "the rows to relate the target on are missing", Detail: "A relation to the target is measured on rows that models may learn from, and on no others.", Hint: "add train = split.NAME.train"})
	case c.Target == "" && train:
		r.Problems = append(r.Problems, schema.Problem{Path: "train", Summary: "there is no target to relate on these rows", Hint: `add target = "COLUMN", or leave train out`})
	}
	fields := map[string]*schema.FigureType{"rows": schema.Count, "duplicates": schema.Count}
	column := map[string]*schema.FigureType{"nulls": schema.Count, "distinct": schema.Count}
	for _, f := range numberFigures {
		column[f] = schema.Double
	}
	column["stdev"], column["outliers"] = schema.Count, schema.Count
	fields["columns"] = schema.KeyedMap(schema.Object(column), sorted(in.Names())...)
	fields["related"] = schema.KeyedMap(schema.Object(map[string]*schema.FigureType{"pearson": schema.Share, "spearman": schema.Share, "cramers_v": schema.Share}), sorted(relatable(in))...)
	fields["times"] = schema.KeyedMap(schema.Object(map[string]*schema.FigureType{"days": schema.Count, "longest_gap_days": schema.Count}), sorted(times(in))...)
	if t := req.In["train"].Table; t != nil && c.Target != "" {
		if o := t.Column(c.Target); o != nil && (o.PII || !relates(*o)) {
			r.Problems = append(r.Problems, schema.Problem{Path: "target", Summary: fmt.Sprintf("nothing is related to %q", c.Target), Detail: "A target is a number, a boolean or text, and not personal."})
		}
		fields["target"] = schema.KeyedMap(schema.Share, sorted(without(relatable(t), c.Target))...)
	}
	parts := map[string]*schema.FigureType{}
	for _, name := range c.Parts {
		if t := req.In["parts."+name].Table; t != nil {
			parts[name] = schema.Object(map[string]*schema.FigureType{"share": schema.Share, "columns": schema.KeyedMap(schema.Count, sorted(shared(in, t))...)})
		}
	}
	fields["drift"] = schema.Object(parts)
	c.pointFigures(fields)
	r.Problems = append(r.Problems, c.pointProblems(in)...)
	r.Figures = schema.Object(fields)
	r.Out = map[string]schema.Shape{"": {Type: schema.FiguresPort, Figures: r.Figures}}
	return r
}

func sorted(names []string) []string {
	sort.Strings(names)
	return names
}

// relates reports whether a column can go with another: numbers, booleans and text.
func relates(c schema.Column) bool {
	return sqltable.Numeric(c.Type) || c.Type == "boolean" || c.Type == "varchar"
}

// relatable are the columns that can go with others and are not personal.
func relatable(t *schema.Table) []string {
	var out []string
	for _, c := range t.Columns {
		if relates(c) && !c.PII {
			out = append(out, c.Name)
		}
	}
	return out
}

// times are the columns of dates and timestamps that are not personal.
func times(t *schema.Table) []string {
	var out []string
	for _, c := range t.Columns {
		if (c.Type == "date" || strings.HasPrefix(c.Type, "timestamp")) && !c.PII {
			out = append(out, c.Name)
		}
	}
	return out
}

// shared are the columns that can be compared between two tables: those that relate in both, text in both or in none.
func shared(a, b *schema.Table) []string {
	var out []string
	for _, name := range relatable(a) {
		if o := b.Column(name); o != nil && relates(*o) && !o.PII && (o.Type == "varchar") == (a.Column(name).Type == "varchar") {
			out = append(out, name)
		}
	}
	return out
}

func without(names []string, name string) []string {
	var out []string
	for _, n := range names {
		if !strings.EqualFold(n, name) {
			out = append(out, n)
		}
	}
	return out
}
