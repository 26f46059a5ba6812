package window

import (
	"context"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// input is the name of the only table in the query.
const input = "input"

// query writes the SQL of a feature.
//
// Times become microseconds since 1970, so that "before" is "at least one less" and frames are frames of integers. A
// window that is a single aggregate call gets an OVER clause. Any other is computed once for each distinct entity and
// time: these moments are joined with the rows in their window, grouped, and joined back. That join goes by entity and
// by stretches of time as long as the window, of which a window touches two, so that rows far away are never paired.
type query struct {
	config
	in *schema.Table
	// single tells whether an expression is one aggregate call, so that OVER can follow it.
	single func(expr string, in *schema.Table, entity []string) bool
}

func (q *query) sql() (string, error) {
	var with, columns, joins []string
	for _, col := range carried(q.in, &q.config) {
		columns = append(columns, table.Quote(col.Name))
	}
	final := append([]string{}, columns...)
	for _, col := range q.Columns {
		columns = append(columns, fmt.Sprintf("(%s\n) as %s", col.Expr, table.Quote(col.Name)))
		final = append(final, table.Quote(col.Name))
	}
	for i, w := range q.Windows {
		over, err := w.micros()
		if err != nil {
			return "", err
		}
		name := table.Quote(w.Name)
		if w.KnownAt == "" && q.single(w.Expr, q.in, q.Entity) {
			columns = append(columns, fmt.Sprintf("case when %s then %s\nover %s end as %s", q.found(), w.Expr, q.frame(over), name))
			final = append(final, name)
			continue
		}
		with = append(with, q.seen(i, w, over))
		joins = append(joins, q.join(i))
		final = append(final, fmt.Sprintf("case when not %s then null when s%d.__mlp_at is null then (select __mlp_value from n%[2]d)"+
			" else s%[2]d.__mlp_value end as %[3]s", q.foundIn("base"), i, name))
	}
	for i, e := range q.Entity {
		columns = append(columns, fmt.Sprintf("%s as __mlp_e%d", table.Quote(e), i))
	}
	columns = append(columns, "__mlp_t")
	head := fmt.Sprintf("with src as (select *, %s as __mlp_t from %s),\nbase as (select %s\n  from src)",
		micros(q.Time), input, strings.Join(columns, ",\n    "))
	with = append([]string{head}, with...)
	return fmt.Sprintf("%s\nselect %s\nfrom base%s", strings.Join(with, ",\n"), strings.Join(final, ",\n  "), strings.Join(joins, "")), nil
}

// micros is a column as microseconds since 1970; null where it is null or infinite.
func micros(column string) string {
	if column == "" {
		return "null::bigint"
	}
	return "epoch_us(" + table.Quote(column) + ")"
}

// found is true for rows that have an entity and a time.
func (q *query) found() string {
	return q.allNotNull(func(i int) string { return table.Quote(q.Entity[i]) }, "__mlp_t")
}

// foundIn is found, for a table that names entities __mlp_e0, __mlp_e1, …
func (q *query) foundIn(name string) string {
	return q.allNotNull(func(i int) string { return fmt.Sprintf("%s.__mlp_e%d", name, i) }, name+".__mlp_t")
}

func (q *query) allNotNull(entity func(int) string, time string) string {
	terms := []string{time + " is not null"}
	for i := range q.Entity {
		terms = append(terms, entity(i)+" is not null")
	}
	return "(" + strings.Join(terms, " and ") + ")"
}

func (q *query) frame(over int64) string {
	return fmt.Sprintf("(partition by %s order by __mlp_t range between %d preceding and 1 preceding)",
		strings.Join(quoteAll(q.Entity), ", "), over)
}

// seen computes window i: n<i> is its value over no rows, s<i> that at each moment which sees any.
func (q *query) seen(i int, w window, over int64) string {
	entity := quoteAll(q.Entity)
	same := make([]string, len(entity))
	moment := make([]string, len(entity))
	for j, e := range entity {
		moment[j] = fmt.Sprintf("%s as __mlp_e%d", e, j)
		same[j] = fmt.Sprintf("r.%s = m.__mlp_e%d", e, j)
	}
	source := fmt.Sprintf("select *, %s as __mlp_s from src where %s", stretch("__mlp_t", over), q.found())
	if w.KnownAt != "" {
		known := micros(w.KnownAt)
		source = fmt.Sprintf("select *, %s as __mlp_s, %s as __mlp_k from src where %s and %s is not null",
			stretch("__mlp_t", over), known, q.found(), known)
		same = append(same, "r.__mlp_k < m.__mlp_at")
	}
	groups := make([]string, len(entity)+1)
	for j := range entity {
		groups[j] = fmt.Sprintf("__mlp_e%d", j)
	}
	groups[len(entity)] = "__mlp_at"
	return fmt.Sprintf(`n%[1]d as (select (%[2]s
) as __mlp_value from src where false),
s%[1]d as (select %[3]s, (%[2]s
) as __mlp_value from (
    select r.*, m.* exclude (__mlp_m)
    from (
      select %[4]s, __mlp_t as __mlp_at, unnest([%[5]s, %[5]s - 1]) as __mlp_m
      from (select distinct %[6]s, __mlp_t from src where %[7]s)
    ) m
    join (%[8]s) r
    on r.__mlp_s = m.__mlp_m and r.__mlp_t < m.__mlp_at and r.__mlp_t >= m.__mlp_at - %[9]d and %[10]s
  ) group by %[3]s)`,
		i, w.Expr, strings.Join(groups, ", "), strings.Join(moment, ", "), stretch("__mlp_t", over),
		strings.Join(entity, ", "), q.found(), source, over, strings.Join(same, " and "))
}

func (q *query) join(i int) string {
	on := []string{fmt.Sprintf("s%d.__mlp_at = base.__mlp_t", i)}
	for j := range q.Entity {
		on = append(on, fmt.Sprintf("s%d.__mlp_e%d = base.__mlp_e%[2]d", i, j))
	}
	return fmt.Sprintf("\nleft join s%d on %s", i, strings.Join(on, " and "))
}

// stretch numbers stretches of time of the given length: division rounded down, also before 1970, in integers.
func stretch(t string, length int64) string {
	return fmt.Sprintf("((%s - ((%[1]s %% %[2]d) + %[2]d) %% %[2]d) // %[2]d)", t, length)
}

func quoteAll(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = table.Quote(n)
	}
	return out
}

// singleCalls asks the engine: an expression that OVER can follow, in a query that also names a plain column, has no
// aggregate beside the one that becomes windowed.
func singleCalls(ctx context.Context) func(string, *schema.Table, []string) bool {
	return func(expr string, in *schema.Table, entity []string) bool {
		b := table.NewBinder(nil)
		defer b.Close()
		by := strings.Join(quoteAll(entity), ", ")
		_, problems := b.Query(ctx, fmt.Sprintf("select %s, %s\nover (partition by %[1]s) from %s", by, expr, input),
			map[string]*schema.Table{input: in})
		return len(problems) == 0
	}
}
