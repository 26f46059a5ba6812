package component

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Origin is a column of one of a query's input tables, by the names that the query knows them by. Without a column it is what
// decides which rows that table has.
type Origin struct {
	Table  string `json:"table"`
	Column string `json:"column,omitempty"`
}

// Flow says which input columns one column of a query's result depends on. Each list is sorted, without repetition; an
// origin may stand in several. A column that stands in none cannot change the result's at a row that stays.
type Flow struct {
	// Taints are those whose values enter it, in whatever way: what is declared of them holds for it.
	Taints []Origin `json:"taints,omitempty"`
	// Values are those that it is computed from in the row it belongs to: conditions of CASE and comparisons are among them.
	Values []Origin `json:"values,omitempty"`
	// Others are those whose values come in from several rows, the row itself perhaps one of them: through aggregates and
	// windows.
	Others []Origin `json:"others,omitempty"`
	// Keys are those that decide which rows its value comes from: they place the row in a window, by partition or order.
	Keys []Origin `json:"keys,omitempty"`
	// Control are those that decide which rows there are, and in which order, where these became a value: in an aggregate or
	// window, a subquery, a row that was joined, the branch of a union.
	Control []Origin `json:"control,omitempty"`
	// Known are those of which only whether they are null enters.
	Known []Origin `json:"known,omitempty"`
	// Past are those whose values come in from rows that stand strictly before in a window's ascending order.
	Past []Past `json:"past,omitempty"`
	// Copy is set where the column is that input column as it stands, on rows that the lists above choose.
	Copy *Origin `json:"copy,omitempty"`
}

// Past is what comes in from rows that stand strictly before by a clock: a column that is in each row one of these.
type Past struct {
	Clock   []Origin `json:"clock"`
	Origins []Origin `json:"origins"`
}

// Flows are those of a query.
type Flows struct {
	Columns map[string]Flow // by name
	// Rows is what decides on which rows there are: Values of the row itself, Control by other rows, Known by being null.
	Rows Flow
}

// Tracer is what a Binder may do besides: it follows columns through a query. What it does not understand it takes to
// depend on everything.
type Tracer interface {
	// Lineage traces one SELECT over the named tables; key are columns of the result that tell its rows apart. Problems are
	// those of Binder.Query.
	Lineage(ctx context.Context, query string, tables map[string]*schema.Table, key []string) (Flows, []schema.Problem)
}

// Lineage traces a query with the binder, if it can; else every column depends on every value of every input.
func Lineage(ctx context.Context, b Binder, query string, tables map[string]*schema.Table, columns []schema.Column, key []string) Flows {
	if t, ok := b.(Tracer); ok {
		if flows, problems := t.Lineage(ctx, query, tables, key); len(problems) == 0 {
			return flows
		}
	}
	var every []Origin
	for name, t := range tables {
		for _, c := range t.Columns {
			every = append(every, Origin{Table: name, Column: c.Name})
		}
		every = append(every, Origin{Table: name})
	}
	SortOrigins(every)
	out := Flows{Columns: map[string]Flow{}, Rows: Flow{Control: every}}
	for _, c := range columns {
		out.Columns[c.Name] = Flow{Taints: every, Values: every, Control: every}
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
// block at address makes; its lineage has also what decides on rows.
func Inherit(address string, columns []schema.Column, flows Flows, tables map[string]*schema.Table) {
	for i := range columns {
		c, f := &columns[i], flows.Columns[columns[i].Name]
		for _, o := range f.Taints {
			if in := tables[o.Table].Column(o.Column); in != nil {
				c.PII, c.Protected = c.PII || in.PII, c.Protected || in.Protected
			}
		}
		made := schema.Derived(address + "." + c.Name)
		f.into(made, tables)
		if f.Copy == nil {
			c.Lineage = made
		} else if in := f.Copy.lineage(tables); in != nil {
			c.Lineage = in.Chosen(made)
		}
	}
}

// Rows is the lineage of which rows a query's result has; nil if nothing decides on them.
func Rows(address string, flows Flows, tables map[string]*schema.Table) *schema.Lineage {
	made := schema.Derived("the rows of " + address)
	flows.Rows.into(made, tables)
	if !made.Made() {
		return nil
	}
	return made
}

// into adds to a lineage what the flow says, but for what it copies.
func (f Flow) into(made *schema.Lineage, tables map[string]*schema.Table) {
	for _, part := range []struct {
		origins []Origin
		use     schema.Use
	}{{f.Values, schema.SameRow}, {f.Others, schema.OtherRows}, {f.Keys, schema.SameRow}, {f.Control, schema.ByRows}, {f.Known, schema.Nullness}} {
		for _, o := range part.origins {
			if f.Copy == nil || *f.Copy != o || part.use != schema.SameRow {
				made.Add(o.lineage(tables), part.use)
			}
		}
	}
	for _, p := range f.Past {
		for _, o := range p.Origins {
			made.AddPast(o.lineage(tables), clocks(p.Clock, tables)...)
		}
	}
}

// Earlier is the flow where all of its rows are earlier ones, by the time that a block declares.
func (f Flow) Earlier() Flow {
	by := slices.Concat(f.Values, f.Others, f.Keys, f.Control)
	for _, p := range f.Past {
		by = append(by, p.Origins...)
	}
	return Flow{Taints: f.Taints, Known: f.Known, Past: []Past{{Origins: by}}}
}

// lineage is that of the column, or of the table's rows; nil if there is none.
func (o Origin) lineage(tables map[string]*schema.Table) *schema.Lineage {
	t := tables[o.Table]
	if t == nil {
		return nil
	}
	if o.Column == "" {
		return t.Rows
	}
	if c := t.Column(o.Column); c != nil {
		return c.Lineage
	}
	return nil
}

// clocks are the lineages of those columns of a clock that their tables do not declare to be the time of a row. A table that
// declares none says so by having one column of such a type, as it was read.
func clocks(clock []Origin, tables map[string]*schema.Table) []*schema.Lineage {
	var out []*schema.Lineage
	for _, o := range clock {
		t := tables[o.Table]
		c := t.Column(o.Column)
		if c == nil || t.Time != "" && t.Column(t.Time) == c || t.Time == "" && onlyTime(t) == c && !c.Lineage.Made() {
			continue
		}
		lineage := c.Lineage
		if lineage == nil {
			lineage = schema.Derived(o.Table + "." + o.Column)
		}
		out = append(out, lineage)
	}
	return out
}

// onlyTime is the only column that holds dates or times; nil if there are none or several.
func onlyTime(t *schema.Table) *schema.Column {
	var out *schema.Column
	for i := range t.Columns {
		if typ := t.Columns[i].Type; typ == "date" || strings.HasPrefix(typ, "timestamp") {
			if out != nil {
				return nil
			}
			out = &t.Columns[i]
		}
	}
	return out
}
