package model

import (
	"context"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/prediction"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// behavior is a block behavior: what is expected of predictions, whatever the truth is (Ribeiro et al., "Beyond accuracy: behavioral testing of NLP models
// with CheckList", ACL 2020). Its three kinds are one form:
//
//	minimum functionality    no perturb:  expect = "score < 0.2"                      of rows that where picks
//	invariance               perturb:     expect = "abs(after.score - before.score) < 0.01"
//	directional expectation  perturb:     expect = "after.score >= before.score"
type behavior struct {
	Name     string         `json:"name"`
	Where    string         `json:"where"`     // an SQL condition; empty: all rows
	Perturb  []perturbation `json:"perturb"`   // none: rows are looked at as they are
	Expect   string         `json:"expect"`    // an SQL condition over a row, or over before and after
	MinShare float64        `json:"min_share"` // of the rows or pairs that it must hold for
}

// perturbation changes a column of every row.
type perturbation struct {
	Column string `json:"name"` // the block's label
	Expr   string `json:"expr"`
}

const behaviorDoc = "**Behaviour.** Each `behavior` says what is expected of predictions, with or without knowing the truth (Ribeiro et al. 2020). With `perturb` every row is scored a second time with changed columns, and `expect` is a condition over the pair: `before` and `after` " +
	"have the columns of the data, `predicted` and, of classes, `score`. So an invariance is `abs(after.score - before.score) < 0.01`, a direction `after.score >= before.score`. Without `perturb` it is a condition over a row and what is predicted of it: `score < 0.2`. " +
	"`behaviors[b]` has `count`, the rows or pairs it was asked of; `failures`, those it did not hold for; `undecided`, those among the failures for which it was null; `share`, for how many of `count` it held; `passed`, whether that is `min_share` or more; and `unchanged`, " +
	"the rows that `perturb` left as they were, which would hold for any model and do not count. Where nothing is counted `share` and `passed` are undefined, and a rule on them is an error: `evaluate.holdout.behaviors.all(b, evaluate.holdout.behaviors[b].passed)`. " +
	"A model reads the columns that it was trained on: what a dataset computed of a perturbed column stays as it is, so perturb that too. Rows count once each, whatever their weight, and no label is needed.\n\n"

// behaviorBlock is one test of behaviour.
func behaviorBlock() schema.Block {
	return schema.Block{Name: "behavior", Labelled: true, Repeated: true, Unordered: true, Doc: "What is expected of predictions, of rows as they are or of pairs before and after a change.", Body: schema.Body{
		Attrs: []schema.Attr{
			{Name: "where", Type: schema.SQLExpr, Tables: "data", Doc: "Which rows: a condition over the data's columns; null is no. Default: all that have a prediction."},
			{Name: "expect", Type: schema.SQLExpr, Required: true, Tables: "data", Doc: "The condition that must hold: over the data's columns, `predicted` and `score`; with `perturb` over those of `before` and of `after`. Null is a failure."},
			{Name: "min_share", Type: schema.Number, Default: 1.0, Doc: "Of how many of the rows or pairs it must hold for `passed`, from 0 to 1."},
		},
		Blocks: []schema.Block{{Name: "perturb", Labelled: true, Repeated: true, Unordered: true, Doc: "A change of the column that is its label.", Body: schema.Body{Attrs: []schema.Attr{
			{Name: "expr", Type: schema.SQLExpr, Required: true, Tables: "data", Doc: "The new value, over the data's columns as they were."},
		}}}},
	}}
}

// behaviorFigures is the type of what rules see.
func (c *config) behaviorFigures() *schema.FigureType {
	names := make([]string, len(c.Behaviors))
	for i := range names {
		names[i] = c.Behaviors[i].Name
	}
	return schema.KeyedMap(schema.Object(map[string]*schema.FigureType{"count": schema.Count, "unchanged": schema.Count, "failures": schema.Count,
		"undecided": schema.Count, "share": schema.Share, "passed": schema.Flag}), names...)
}

// checkBehaviors types the expressions of all tests.
func (k *checker) checkBehaviors(ctx context.Context, b component.Binder, all []behavior, l prediction.Layout) {
	for i := range all {
		x := &all[i]
		path := fmt.Sprintf("behavior[%s]", x.Name)
		if !(x.MinShare >= 0 && x.MinShare <= 1) {
			k.report(schema.Problem{Path: path + ".min_share", Summary: fmt.Sprintf("min_share is %v", x.MinShare), Detail: "Expected a share from 0 to 1, such as 0.99."})
		}
		if x.Where != "" {
			k.bindAs(ctx, b, path+".where", x.Where, k.Data, "", "condition", isCondition)
		}
		for n := range x.Perturb {
			k.checkPerturbation(ctx, b, fmt.Sprintf("%s.perturb[%s]", path, x.Perturb[n].Column), &x.Perturb[n])
		}
		if len(x.Perturb) > 0 && k.Model.Opaque {
			k.report(schema.Problem{Path: path, Summary: "A model that only its own image can score is not asked again about changed rows",
				Hint: "leave perturb out, and say in where and expect what is predicted of rows as they are"})
			continue
		}
		k.checkExpectation(ctx, b, path+".expect", x, l)
	}
}

// checkPerturbation holds a change to a column of the data that the model reads, and to a value that it can be given.
func (k *checker) checkPerturbation(ctx context.Context, b component.Binder, path string, p *perturbation) {
	c := k.Data.Column(p.Column)
	if c == nil {
		k.report(schema.Problem{Path: path, Summary: fmt.Sprintf("The data has no column %q to perturb", p.Column),
			Detail: "It has " + strings.Join(k.Data.Names(), ", ") + ".", Hint: suggest.DidYouMean(p.Column, k.Data.Names())})
		return
	}
	features := schema.Table{Columns: k.Model.Features}
	if !k.Model.Opaque && features.Column(p.Column) == nil {
		k.report(schema.Problem{Path: path, Summary: fmt.Sprintf("The model does not read column %q: no prediction changes with it", c.Name), Warning: true,
			Detail: "It reads " + strings.Join(features.Names(), ", ") + ".", Hint: "perturb the features that are computed of it"})
	}
	k.bindAs(ctx, b, path+".expr", p.Expr, k.Data, "", fmt.Sprintf("value for column %q, which is %s", c.Name, c.Type), func(t string) bool { return schema.Takes(c.Type, t) })
}

// checkExpectation types the condition over what it sees.
func (k *checker) checkExpectation(ctx context.Context, b component.Binder, path string, x *behavior, l prediction.Layout) {
	if k.Data.Column(k.Model.Target) == nil {
		return // told of already
	}
	own := predictionColumns(l)
	for _, c := range own {
		if d := k.Data.Column(c.Name); d != nil {
			k.report(schema.Problem{Path: path, Summary: fmt.Sprintf("The data's column %q has the name of a column of predictions", d.Name),
				Detail: "The condition could mean either.", Hint: "rename it in a dataset"})
			return
		}
	}
	seen, hint := &schema.Table{Columns: append(plainColumns(k.Data.Columns), own...)}, ""
	if len(x.Perturb) > 0 {
		hint = "with perturb there are two rows: write before.score and after.score"
		before, after := plainColumns(seen.Columns), plainColumns(seen.Columns)
		for _, p := range x.Perturb {
			if c := (&schema.Table{Columns: after}).Column(p.Column); c != nil {
				if t, problems := b.Expr(ctx, p.Expr, k.Data, false); len(problems) == 0 {
					c.Type = t.Type
				}
			}
		}
		seen = &schema.Table{Columns: []schema.Column{{Name: "before", Type: structOf(before)}, {Name: "after", Type: structOf(after)}}}
	}
	k.bindAs(ctx, b, path, x.Expect, seen, hint, "condition", isCondition)
}

func isCondition(t string) bool { return t == "boolean" }

// bindAs types an expression over the columns of a table and holds the type to fits; want is that in words. Mistakes get the hint where they have none.
func (k *checker) bindAs(ctx context.Context, b component.Binder, path, sql string, t *schema.Table, hint, want string, fits func(string) bool) {
	column, problems := b.Expr(ctx, sql, t, false)
	for _, p := range problems {
		if p.Path = path; p.Hint == "" {
			p.Hint = hint
		}
		k.report(p)
	}
	if len(problems) == 0 && !fits(column.Type) {
		k.report(schema.Problem{Path: path, Summary: fmt.Sprintf("The expression is %s, expected a %s", column.Type, want)})
	}
}

// predictionColumns are what a test sees of a prediction: predicted and, of classes, score.
func predictionColumns(l prediction.Layout) []schema.Column {
	l.Data = &schema.Table{Columns: l.Data.Columns} // without the columns that are carried over
	var out []schema.Column
	for _, c := range l.Columns() {
		if c.Name == "predicted" || c.Name == "score" {
			out = append(out, schema.Column{Name: c.Name, Type: c.Type})
		}
	}
	return out
}

// plainColumns are copies without marks.
func plainColumns(all []schema.Column) []schema.Column {
	out := make([]schema.Column, len(all))
	for i, c := range all {
		out[i] = schema.Column{Name: c.Name, Type: c.Type}
	}
	return out
}

// structOf is the type of a row.
func structOf(columns []schema.Column) string {
	fields := make([]string, len(columns))
	for i, c := range columns {
		fields[i] = table.Quote(c.Name) + " " + c.Type
	}
	return "struct(" + strings.Join(fields, ", ") + ")"
}
