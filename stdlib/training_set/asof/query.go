package asof

import (
	"context"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/feature/window"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// # The join as of a time
//
// Each row of the spine keeps its place and its columns; features add columns, never rows. A feature that has
// the spine's key is joined by that key, whatever its times are (byKey). Every other is joined as of the spine's time: a column of the
// feature comes from the entity's latest row strictly before that time, and a window is computed anew at that time, over
// the table that the feature reads, not taken from the latest row. With max_age = "30d":
//
//	spine: card  at         feature: card  time       limit     joined: limit
//	A            20 March   A              1 March    500       500
//	A            1 March    A              1 March    500       null: not strictly before
//	A            20 June    A              1 March    500       null: older than 30 days
//	B            20 March   (none)                              null
//
// Of several rows of an entity at one instant the first in the descending order of all columns, compared from left to
// right, is the latest, so that the result does not depend on how rows are stored.

// feature is a table to join, by its name in the query.
type feature struct {
	*schema.Table
	name string
	from *schema.Table // what the feature reads; nil where none of its windows is evaluated
}

// source, windows and latest name the table that the feature reads, its windows at the spine's times, and its latest rows
// before them.
func (f *feature) source() string  { return f.name + "_from" }
func (f *feature) windows() string { return f.name + "_windows" }
func (f *feature) latest() string  { return f.name + "_latest" }

// query joins the features to the spine.
func query(ctx context.Context, spine *schema.Table, features []feature, asOf string) (string, error) {
	var columns, joins []string
	for _, c := range spine.Columns {
		columns = append(columns, "spine."+table.Quote(c.Name))
	}
	for i := range features {
		f := &features[i]
		if byKey(spine, f.Table) {
			for _, c := range own(f.Table) {
				columns = append(columns, f.name+"."+table.Quote(c.Name))
			}
			joins = append(joins, fmt.Sprintf("left join %s on %s", f.name, f.equal(spine.Key)))
			continue
		}
		more, err := f.asOf(ctx, asOf)
		if err != nil {
			return "", err
		}
		columns = append(columns, f.columns(asOf)...)
		joins = append(joins, more...)
	}
	return fmt.Sprintf("select %s\nfrom spine\n%s", strings.Join(columns, ", "), strings.Join(joins, "\n")), nil
}

// equal compares keys; nulls are equal.
func (f *feature) equal(columns []string) string {
	terms := make([]string, len(columns))
	for j, c := range columns {
		terms[j] = fmt.Sprintf("spine.%s is not distinct from %s.%[1]s", table.Quote(c), f.name)
	}
	return strings.Join(terms, " and ")
}

// columns are those that the feature adds as of a time.
func (f *feature) columns(asOf string) []string {
	var out []string
	for _, c := range own(f.Table) {
		name := table.Quote(c.Name)
		switch {
		case f.Window(c.Name) != nil:
			out = append(out, f.windows()+"."+name)
		case f.MaxAge != "":
			out = append(out, fmt.Sprintf("case when %s - %s.__mlp_then <= %d then %[2]s.%[4]s end as %[4]s", micros("spine", asOf), f.latest(),
				f.oldest(), name))
		default:
			out = append(out, f.latest()+"."+name)
		}
	}
	return out
}

// oldest is the feature's max_age in microseconds; the feature has made sure that it is a duration.
func (f *feature) oldest() int64 {
	d, _ := schema.ParseDuration(f.MaxAge)
	return d.Microseconds()
}

// asOf are the joins that find the latest row before the spine's time, and the windows at it. Both are computed for each
// moment of an entity that the spine asks for.
func (f *feature) asOf(ctx context.Context, asOf string) ([]string, error) {
	at := micros("spine", asOf)
	entity, found, known := make([]string, len(f.Entity)), at+" is not null", micros(f.name, f.Time)+" is not null"
	for j, e := range f.Entity {
		e = table.Quote(e)
		entity[j] = fmt.Sprintf("spine.%s as %[1]s", e)
		found += fmt.Sprintf(" and spine.%s is not null", e)
		known += fmt.Sprintf(" and %s.%s is not null", f.name, e)
	}
	moments := fmt.Sprintf("select distinct %s, %s as __mlp_t from spine where %s", strings.Join(entity, ", "), at, found)
	var out []string
	if len(own(f.Table)) > len(f.Windows) {
		out = append(out, f.back(f.latestAt(moments, known), f.latest(), at))
	}
	if len(f.Windows) > 0 {
		sql, err := window.At(ctx, f.Table, f.from, f.source(), moments)
		if err != nil {
			return nil, err
		}
		out = append(out, f.back(sql, f.windows(), at))
	}
	return out, nil
}

// back joins what was computed for moments to the rows of the spine.
func (f *feature) back(sql, name, at string) string {
	on := fmt.Sprintf("%s = %s.__mlp_t", at, name)
	for j, e := range f.Entity {
		on += fmt.Sprintf(" and spine.%s = %s.__mlp_e%d", table.Quote(e), name, j)
	}
	return fmt.Sprintf("left join (%s\n) %s on %s", sql, name, on)
}

// latestAt is the entity's latest row before each moment. The engine's operator is given no row whose entity or time is
// null, or whose time is infinite, for what it finds there depends on how many rows there are.
func (f *feature) latestAt(moments, known string) string {
	var by, on, names, order []string
	for j, e := range f.Entity {
		e = table.Quote(e)
		by = append(by, e)
		on = append(on, fmt.Sprintf("m.%s = r.%[1]s", e))
		names = append(names, fmt.Sprintf("m.%s as __mlp_e%d", e, j))
	}
	for _, c := range f.Columns {
		order = append(order, table.Quote(c.Name)+" desc nulls last")
	}
	for _, c := range own(f.Table) {
		if f.Window(c.Name) == nil {
			names = append(names, "r."+table.Quote(c.Name))
		}
	}
	then := micros(f.name, f.Time)
	return fmt.Sprintf(`select m.__mlp_t, r.__mlp_then, %s
from (%s) m asof join (
  select *, %s as __mlp_then from %s where %s
  qualify row_number() over (partition by %s, %[3]s order by %[7]s) = 1) r
on %[8]s and m.__mlp_t > r.__mlp_then`,
		strings.Join(names, ", "), moments, then, f.name, known, strings.Join(by, ", "), strings.Join(order, ", "), strings.Join(on, " and "))
}

// micros is a time as microseconds since 1970; null where it is null or infinite.
func micros(of, column string) string { return "epoch_us(" + of + "." + table.Quote(column) + ")" }
