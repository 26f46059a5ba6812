package check

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// window is an evaluation among those that a summary of evaluations has.
type window struct {
	name, block string
	rows        table
	maker       string // of the model that is measured
}

// compared looks at figures that models are chosen by (schema.Attr.Of): those of each candidate come from models that were fitted as it is, and from the rows that
// those of the others come from, window by window. A candidate that was measured in an easier season would be chosen for the season.
//
//	select "model" {
//	  candidates = { trees = train.final, … }      train.final: the type and the configuration of
//	  backtests  = { trees = evaluate.year, … }    evaluate.year → evaluate.quarter["q1"], …, on the rows of split.quarter["q1"].test → train.quarter["q1"]
//	}
func (c *checker) compared() {
	for _, b := range c.m.Module.Blocks {
		var first *resolve.Reference
		for i := range b.Refs {
			r := &b.Refs[i]
			if r.Spec.Of == "" || r.Edge != schema.InputEdge {
				continue
			}
			if first == nil {
				first = r
			} else if !c.sameWindows(first, r) {
				continue
			}
			if model := input(b, r.Spec.Of+"."+named(r)); model != nil {
				c.ofModel(model, r)
			}
		}
	}
}

// named is the name of a reference among those of its argument.
func named(r *resolve.Reference) string { return strings.TrimPrefix(r.Port, r.Spec.Name+".") }

// windows are the evaluations that the figures of a reference sum up; none where they come from no rows that are known.
func (c *checker) windows(r *resolve.Reference) []window {
	var out []window
	of := c.m.Blocks[r.Target].Block
	for i := range of.Refs {
		at := &of.Refs[i]
		if at.Edge != schema.InputEdge || !at.Spec.Takes(schema.FiguresPort) {
			continue
		}
		w := window{name: named(at), block: at.Target}
		evaluation := c.m.Blocks[at.Target].Block
		if rows := inputs(evaluation, schema.MeasuredRows); len(rows) > 0 {
			w.rows = table{rows[0].Target, rows[0].TargetPort}
		}
		if m := models(evaluation); len(m) > 0 {
			w.maker = m[0].Target
		}
		out = append(out, w)
	}
	return out
}

// sameWindows reports whether two summaries are of evaluations on the same rows, and tells if not.
func (c *checker) sameWindows(a, b *resolve.Reference) bool {
	first, second := c.windows(a), c.windows(b)
	rows := map[string]window{}
	for _, w := range first {
		rows[w.name] = w
	}
	tell := func(summary string) bool {
		c.add(source.Diagnostic{Severity: source.Error, Code: source.CodeOtherRows, Subject: b.Range, Summary: summary,
			Detail:  "The difference would be one between rows, and not between models.",
			Hint:    "evaluate all candidates on the same windows, under the same names.",
			Related: []source.Related{{Message: named(a) + " is measured here", Range: a.Range}}})
		return false
	}
	for _, w := range second {
		x, there := rows[w.name]
		switch {
		case !there:
			return tell(fmt.Sprintf("%s is measured on %s, and %s is not", named(b), w.name, named(a)))
		case x.rows != w.rows:
			return tell(fmt.Sprintf("%s measures on %s, and %s on %s", x.block, x.rows.told(), w.block, w.rows.told()))
		}
		delete(rows, w.name)
	}
	for _, w := range first {
		if _, left := rows[w.name]; left {
			return tell(fmt.Sprintf("%s is measured on %s, and %s is not", named(a), w.name, named(b)))
		}
	}
	return true
}

// told is the table as a reference names it.
func (t table) told() string {
	if t.block == "" {
		return "rows that are not known here"
	}
	return strings.TrimSuffix(t.block+"."+t.port, ".")
}

// ofModel holds the models that were measured to the candidate: another type of trainer is an error, another configuration a warning.
func (c *checker) ofModel(model, figures *resolve.Reference) {
	is := c.m.Blocks[model.Target]
	for _, w := range c.windows(figures) {
		was := c.m.Blocks[w.maker]
		if was == nil || was.Address == is.Address {
			continue
		}
		d := source.Diagnostic{Code: source.CodeOtherModel, Subject: figures.Range,
			Related: []source.Related{{Message: "the candidate is named here", Range: model.Range}}}
		switch {
		case is.TypeSpec != was.TypeSpec:
			d.Severity, d.Summary = source.Error, fmt.Sprintf("%s measures %s, a model of another type than %s", w.block, was.Address, is.Address)
			d.Detail, d.Hint = "What is chosen would have the figures of another.", "name the backtest of models that are fitted as "+is.Address+" is."
		case !bytes.Equal(is.Config, was.Config):
			d.Severity, d.Summary = source.Warning, fmt.Sprintf("%s measures %s, which is configured otherwise than %s", w.block, was.Address, is.Address)
			d.Detail, d.Hint = "The figures are those of a model that is fitted in another way.", "give both the same parameters and features."
		default:
			continue
		}
		c.add(d)
		return
	}
}
