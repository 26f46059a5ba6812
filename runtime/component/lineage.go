package component

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Origin is a column of one of a query's input tables, by the names that the query knows them by.
type Origin struct {
	Table  string `json:"table"`
	Column string `json:"column"`
}

// Flow says which input columns one column of a query's result depends on. Each list is sorted, without repetition; an
// origin may stand in several. A column that stands in none cannot change the result's.
type Flow struct {
	// Values are those that it is computed from in the row it belongs to: conditions of CASE and comparisons are among them.
	Values []Origin `json:"values,omitempty"`
	// Others are those whose values come in from several rows, the row itself perhaps one of them: through aggregates and
	// windows.
	Others []Origin `json:"others,omitempty"`
	// Past are those whose values come in from rows that stand strictly before in a window's ascending order.
	Past []Origin `json:"past,omitempty"`
	// Keys are those that decide which rows its value comes from: they place the row in a window, by partition or order, or
	// are the one key of a group. With few values, as a target has, it tells them.
	Keys []Origin `json:"keys,omitempty"`
	// Influences are those that only decide which rows, groups and matches there are and how they are ordered: filters,
	// join conditions, grouping, ordering, partitions.
	Influences []Origin `json:"influences,omitempty"`
	// Copy is set where the column is that input column as it stands.
	Copy *Origin `json:"copy,omitempty"`
}

// Tracer is what a Binder may do besides: it follows columns through a query. What it does not understand it takes to
// depend on everything.
type Tracer interface {
	// Lineage traces one SELECT over the named tables; flows are by the names of the result's columns. Problems are those
	// of Binder.Query.
	Lineage(ctx context.Context, query string, tables map[string]*schema.Table) (map[string]Flow, []schema.Problem)
}

// Lineage traces a query with the binder, if it can; else every column depends on every value of every input.
func Lineage(ctx context.Context, b Binder, query string, tables map[string]*schema.Table, columns []schema.Column) map[string]Flow {
	if t, ok := b.(Tracer); ok {
		if flows, problems := t.Lineage(ctx, query, tables); len(problems) == 0 {
			return flows
		}
	}
	var every []Origin
	for name, t := range tables {
		for _, c := range t.Columns {
			every = append(every, Origin{Table: name, Column: c.Name})
		}
	}
	SortOrigins(every)
	out := map[string]Flow{}
	for _, c := range columns {
		out[c.Name] = Flow{Values: every, Influences: every}
	}
	return out
}

// SortOrigins orders by table, then column.
func SortOrigins(o []Origin) {
	slices.SortFunc(o, func(a, b Origin) int {
		return cmp.Or(strings.Compare(a.Table, b.Table), strings.Compare(a.Column, b.Column))
	})
}

// Inherit marks the columns that a query yields with what flows into them: personal and protected values taint what is
// computed from them, not what they filter, join, group or order. A copy keeps its lineage, all else is a column that the
// block at address makes; its lineage has keys too.
func Inherit(address string, columns []schema.Column, flows map[string]Flow, tables map[string]*schema.Table) {
	for i := range columns {
		c, f := &columns[i], flows[columns[i].Name]
		if f.Copy != nil {
			if in := tables[f.Copy.Table].Column(f.Copy.Column); in != nil {
				c.PII, c.Protected, c.Lineage = in.PII, in.Protected, in.Lineage
			}
			continue
		}
		c.Lineage = schema.Derived(address + "." + c.Name)
		for _, part := range []struct {
			origins []Origin
			use     schema.Use
			taints  bool
		}{{f.Values, schema.SameRow, true}, {f.Others, schema.OtherRows, true}, {f.Past, schema.PastRows, true}, {f.Keys, schema.SameRow, false}} {
			for _, o := range part.origins {
				if in := tables[o.Table].Column(o.Column); in != nil {
					c.PII, c.Protected = c.PII || part.taints && in.PII, c.Protected || part.taints && in.Protected
					c.Lineage.Add(in.Lineage, part.use)
				}
			}
		}
	}
}
