package drift

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sort"

	document "github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	method "github.com/mlp-lang/mlp/stdlib/drift"
)

// slice is a part of both tables' rows with figures of its own.
type slice struct {
	Name  string `json:"name"`
	Where string `json:"where"`
}

func sliceBlock() schema.Block {
	return schema.Block{Name: "slice", Labelled: true, Repeated: true, Unordered: true, Doc: "Rows to compare apart, besides the whole.", Body: schema.Body{Attrs: []schema.Attr{
		{Name: "where", Type: schema.SQLExpr, Required: true, Tables: "reference", Doc: "Which rows of both tables: a condition over their columns; null is no."},
	}}}
}

// checkSlices types the conditions over both tables.
func (c *config) checkSlices(ctx context.Context, b component.Binder, reference, current *schema.Table) []schema.Problem {
	var out []schema.Problem
	for _, s := range c.Slices {
		path := fmt.Sprintf("slice[%s].where", s.Name)
		for i, t := range []*schema.Table{reference, current} {
			column, problems := b.Expr(ctx, s.Where, t, false)
			if len(problems) == 0 && column.Type != "boolean" {
				problems = []schema.Problem{{Summary: fmt.Sprintf("the expression is %s, expected a condition", column.Type)}}
			}
			for _, p := range problems {
				if p.Path = path; i == 1 {
					p.Summary = "The current table: " + p.Summary
				}
				out = append(out, p)
			}
			if len(problems) > 0 {
				break
			}
		}
	}
	return out
}

func (c *config) conditions() (where []string) {
	for _, s := range c.Slices {
		where = append(where, s.Where)
	}
	return where
}

// sliceNames are sorted, as the keys of figures are.
func (c *config) sliceNames() (names []string) {
	for _, s := range c.Slices {
		names = append(names, s.Name)
	}
	sort.Strings(names)
	return names
}

// sliced is what was found of the slices, each with its place in all three.
type sliced struct {
	slices  []slice
	rows    [][2]int // of the reference, and now
	results [][]method.Result
	raised  []method.Alarm
}

// compareSlices compares the slices, at the level that options have for all of them.
func (c *config) compareSlices(ctx context.Context, t *compared, columns []string, o method.Options) (*sliced, error) {
	out := &sliced{slices: c.Slices}
	var parts []method.Part
	count := func(mask []bool) (n int) {
		for _, in := range mask {
			if in {
				n++
			}
		}
		return n
	}
	for i, s := range c.Slices {
		parts = append(parts, method.Part{Name: "slice " + s.Name, Reference: t.masks[0][i], Current: t.masks[1][i]})
		out.rows = append(out.rows, [2]int{count(t.masks[0][i]), count(t.masks[1][i])})
	}
	var err error
	out.results, out.raised, err = method.CompareParts(ctx, t.reference, t.current, columns, parts, o)
	return out, err
}

// report adds the figures of the slices.
func (x *sliced) report(r *report) {
	if len(x.slices) == 0 {
		return
	}
	all := map[string]any{}
	r.figures["drift"].(map[string]any)["slices"] = all
	for i, s := range x.slices {
		figures, listed, _ := r.columns("drift.slices."+s.Name, x.results[i])
		figures["rows"] = map[string]any{"reference": x.rows[i][0], "current": x.rows[i][1]}
		all[s.Name] = figures
		r.slices = append(r.slices, map[string]any{"slice": s.Name, "rows": figures["rows"], "columns": listed})
	}
}

// alarms adds which slices raise it, and returns the p-value of all of them (NaN where none could be compared), and what raises it in words.
func (x *sliced) alarms(r *report) (pvalue float64, raised []string) {
	pvalue = math.NaN()
	all := r.figures["drift"].(map[string]any)["slices"].(map[string]any)
	for i, s := range x.slices {
		figures, a := all[s.Name].(map[string]any), x.raised[i]
		figures["alarm"] = len(a.Columns) > 0
		if math.IsNaN(a.PValue) {
			figures["alarm"] = nil
			r.undefined["drift.slices."+s.Name+".alarm"] = "nothing could be compared"
			continue
		}
		pvalue = a.PValue
		for _, name := range a.Columns {
			raised = append(raised, fmt.Sprintf("%s in %s", name, s.Name))
		}
	}
	return pvalue, raised
}

// items are a line for each slice: how many columns drifted, and the strongest of them.
func (x *sliced) items() []document.Item {
	if x == nil || len(x.slices) == 0 {
		return nil
	}
	t := &document.Table{Columns: []document.Column{{Name: "slice"}, {Name: "rows of the reference", Kind: document.Count}, {Name: "rows now", Kind: document.Count},
		{Name: "drifted", Kind: document.Count}, {Name: "strongest"}, {Name: "times its limit", Kind: document.Number}}}
	for i, s := range x.slices {
		results := slices.Clone(x.results[i])
		strongestFirst(results)
		row := []document.Cell{document.Words(s.Name), document.Figure(float64(x.rows[i][0])), document.Figure(float64(x.rows[i][1]))}
		if top := results[0]; top.Undefined != "" {
			row = append(row, document.Missing(top.Undefined), document.Missing(top.Undefined), document.Missing(top.Undefined))
		} else {
			drifted := 0
			for _, y := range results {
				if y.Drifted {
					drifted++
				}
			}
			row = append(row, document.Figure(float64(drifted)), document.Words(top.Column), figure(strength(top), "a value that the reference never has"))
		}
		t.Rows = append(t.Rows, row)
	}
	return []document.Item{{Table: t}}
}
