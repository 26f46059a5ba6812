package asof

import (
	"context"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/feature/window"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// feature is a table to join, by its name in the query.
type feature struct {
	*schema.Table
	name string
	from *schema.Table // what the feature reads; nil where none of its windows is evaluated
}

// source and windows name the table that the feature reads, and its windows at the spine's times.
func (f *feature) source() string  { return f.name + "_from" }
func (f *feature) windows() string { return f.name + "_windows" }

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
			out = append(out, fmt.Sprintf("case when %s - %s <= %d then %s.%s end as %[5]s", micros("spine", asOf), micros(f.name, f.Time),
				f.oldest(), f.name, name))
		default:
			out = append(out, f.name+"."+name)
		}
	}
	return out
}

// oldest is the feature's max_age in microseconds; the feature has made sure that it is a duration.
func (f *feature) oldest() int64 {
	d, _ := schema.ParseDuration(f.MaxAge)
	return d.Microseconds()
}

// asOf are the joins that find the latest row before the spine's time, and the windows at it.
func (f *feature) asOf(ctx context.Context, asOf string) ([]string, error) {
	var out []string
	at := micros("spine", asOf)
	if len(own(f.Table)) > len(f.Windows) {
		out = append(out, f.latest(at))
	}
	if len(f.Windows) == 0 {
		return out, nil
	}
	var entity, on []string
	found := at + " is not null"
	for j, e := range f.Entity {
		e = table.Quote(e)
		entity = append(entity, fmt.Sprintf("spine.%s as %[1]s", e))
		found += fmt.Sprintf(" and spine.%s is not null", e)
		on = append(on, fmt.Sprintf(" and spine.%s = %s.__mlp_e%d", e, f.windows(), j))
	}
	moments := fmt.Sprintf("select distinct %s, %s as __mlp_t from spine where %s", strings.Join(entity, ", "), at, found)
	sql, err := window.At(ctx, f.Table, f.from, f.source(), moments)
	if err != nil {
		return nil, err
	}
	return append(out, fmt.Sprintf("left join (%[1]s\n) %[2]s on %[3]s = %[2]s.__mlp_t%[4]s", sql, f.windows(), at, strings.Join(on, ""))), nil
}

// latest joins the entity's latest row before a time. A row of the spine without a time has no entity to be found by: the
// engine's operator takes a null time for the newest or for none, by how many rows there are.
func (f *feature) latest(at string) string {
	terms := make([]string, len(f.Entity))
	for j, e := range f.Entity {
		terms[j] = fmt.Sprintf("case when %s is not null then spine.%s end = %s.%[2]s", at, table.Quote(e), f.name)
	}
	return fmt.Sprintf("asof left join %s on %s and %s > %s", f.instants(), strings.Join(terms, " and "), at, micros(f.name, f.Time))
}

// instants is the feature with one row for each entity and instant: the last in the order of all columns.
func (f *feature) instants() string {
	var by []string
	for _, e := range f.Entity {
		by = append(by, table.Quote(e))
	}
	time := micros(f.name, f.Time)
	order := make([]string, len(f.Columns))
	for j, c := range f.Columns {
		order[j] = table.Quote(c.Name) + " desc nulls last"
	}
	return fmt.Sprintf("(select * from %[1]s where %[2]s is not null qualify row_number() over (partition by %[3]s, %[2]s order by %[4]s) = 1) %[1]s",
		f.name, time, strings.Join(by, ", "), strings.Join(order, ", "))
}

// micros is a time as microseconds since 1970; null where it is null or infinite.
func micros(of, column string) string { return "epoch_us(" + of + "." + table.Quote(column) + ")" }
