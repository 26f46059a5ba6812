package window

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// input is the name of the only table in the query of a feature.
const input = "input"

// # Windows as of a time
//
// A window of length over at the moment t of an entity sees the rows of that entity with t - over <= time < t; with
// known_at also known_at < t. The row at t is not seen, nor any other at the same instant, so that a feature never
// contains what is known only with its own row. With over = "2d", sum(amount) of one card is
//
//	time         amount   sees            sum
//	Mon 10:00    10       nothing         null
//	Tue 10:00    20       Mon             10
//	Wed 10:00    30       Mon, Tue        30
//	Wed 10:00    40       Mon, Tue        30: rows at the same instant do not see each other
//	Thu 10:01    50       Wed, Wed        70: Tue is 2 days and a minute ago
//
// Times become microseconds since 1970, so that "before" is "at least one less" and frames are frames of integers. Rows
// without an entity or a time (null, infinite) are seen by none, and their windows are null.
//
// There are three ways to compute a window, with the same result; all picks one for each:
//
//   - The window's aggregates are called with OVER (frame), one pass over the sorted rows. This is the rule.
//   - counted: with known_at, rows enter a window in another order than that of their times, which no frame describes. Sums
//     of integers and counts are computed by a running sum of events.
//   - seen: any other. The window is computed once for each distinct entity and time. These moments are joined with the rows
//     in their window, grouped, and joined back. The join goes by entity and by stretches of time as long as the window
//     (stretch): a window lies in at most two of them, the moment's and the one before, so that rows far away are never paired.
//     With stretches of 10, a moment at 25 is in stretch 2, and its window from 15 to 24 in the stretches 1 and 2.

// query writes the SQL that computes the windows of one feature, either at each of its rows (rows) or at given moments (At).
type query struct {
	ctx     context.Context
	entity  []string
	time    string
	in      *schema.Table
	source  string // the name of the table that is looked back over
	windows []schema.Window
	event   string // the column that is false where a row is but a moment; empty where all rows are events

	calls   []string // calls of aggregates over their frame, with their names
	args    []string // columns that calls by rank go by
	with    []string // of the windows computed apart
	joins   []string // of them, on base
	columns []string // the windows' values, of base and what is joined
}

// rows writes the SQL of a feature: the windows of each row of the input, beside its own columns.
func (q *query) rows(c *config) (string, error) {
	if err := q.all(fmt.Sprintf("(select distinct %s, __mlp_t from src where %s)", quoteAll(q.entity), q.found(""))); err != nil {
		return "", err
	}
	var base, final []string
	for _, col := range carried(q.in, c) {
		base, final = append(base, table.Quote(col.Name)), append(final, table.Quote(col.Name))
	}
	for _, col := range c.Columns {
		base = append(base, fmt.Sprintf("(%s\n) as %s", col.Expr, table.Quote(col.Name)))
		final = append(final, table.Quote(col.Name))
	}
	base = slices.Concat(base, q.named(), q.calls)
	with := append([]string{q.src(), fmt.Sprintf("base as (select %s\n  from %s)", strings.Join(base, ",\n    "), q.ranked("src"))}, q.with...)
	return q.write(with, append(final, q.columns...)), nil
}

// At writes the SQL that computes the windows of a feature at given moments over the table that the feature reads.
// moments is a SELECT of distinct entities, under the feature's names of them, and __mlp_t, microseconds since 1970; none of
// them null. The result has their columns as __mlp_e0, __mlp_e1, … and __mlp_t, and the windows by name.
func At(ctx context.Context, feature, in *schema.Table, source, moments string) (string, error) {
	q := &query{ctx: ctx, entity: feature.Entity, time: feature.Time, in: in, source: source, windows: feature.Windows, event: "__mlp_event"}
	if err := q.all("moments"); err != nil {
		return "", err
	}
	base := fmt.Sprintf("base as (select %s from moments)", strings.Join(q.named(), ", "))
	if len(q.calls) > 0 {
		rows := fmt.Sprintf("(select *, true as __mlp_event from src where %s union all by name select *, false as __mlp_event from moments)", q.found(""))
		base = fmt.Sprintf("base as (select %s\n  from %s\n  qualify not __mlp_event)", strings.Join(append(q.named(), q.calls...), ",\n    "), q.ranked(rows))
	}
	names := []string{"base.__mlp_t"}
	for i := range q.entity {
		names = append(names, fmt.Sprintf("base.__mlp_e%d", i))
	}
	return q.write(append([]string{q.src(), "moments as (" + moments + ")", base}, q.with...), append(names, q.columns...)), nil
}

// src is the table that is looked back over, with each row's time in microseconds.
func (q *query) src() string {
	return fmt.Sprintf("src as (select *, %s as __mlp_t from %s)", micros(q.time), q.source)
}

// write puts the query together.
func (q *query) write(with, columns []string) string {
	return fmt.Sprintf("with %s\nselect %s\nfrom base%s", strings.Join(with, ",\n"), strings.Join(columns, ",\n  "), strings.Join(q.joins, ""))
}

// all gathers how each window is computed at the moments of a subquery.
func (q *query) all(moments string) error {
	exprs := make([]string, len(q.windows))
	for i, w := range q.windows {
		exprs[i] = w.Expr
	}
	// Windows whose calls can slide are columns of one pass over sorted rows. The others, and those that see a row only once
	// it is known (known_at), are joined as subqueries of their own.
	split, err := table.SplitAggregates(q.ctx, exprs, q.in, "__mlp_w", q.event)
	if err != nil {
		return err
	}
	late, err := q.late(exprs)
	if err != nil {
		return err
	}
	for i := range q.windows {
		w := &q.windows[i]
		over, err := length(w)
		if err != nil {
			return err
		}
		if split[i] == nil || w.KnownAt != "" {
			seen := q.seen(i, w, over, moments)
			if late != nil && exact(late[i]) {
				seen = q.counted(i, w, late[i], over, moments)
			}
			q.apart(i, w, seen)
			continue
		}
		for k, call := range split[i].Calls {
			q.calls = append(q.calls, fmt.Sprintf("%s over %s as __mlp_w%d_%d", call.SQL, q.frame(&call, over), i, k))
		}
		q.columns = append(q.columns, fmt.Sprintf("case when %s then %s end as %s", q.found("base"), split[i].Outer, table.Quote(w.Column)))
	}
	return nil
}

// late takes apart the aggregates of windows that see rows once they are known; nil where there is no such window.
func (q *query) late(exprs []string) ([]*table.Aggregates, error) {
	if !slices.ContainsFunc(q.windows, func(w schema.Window) bool { return w.KnownAt != "" }) {
		return nil, nil
	}
	return table.SplitAggregates(q.ctx, exprs, q.in, "__mlp_w", "__mlp_known")
}

// exact reports whether all calls add numbers without rounding.
func exact(a *table.Aggregates) bool {
	return a != nil && !slices.ContainsFunc(a.Calls, func(c table.Call) bool { return !c.Exact })
}

// apart joins window i, which is computed for each moment by itself.
func (q *query) apart(i int, w *schema.Window, seen string) {
	q.with = append(q.with, seen)
	q.joins = append(q.joins, q.join(i))
	q.columns = append(q.columns, fmt.Sprintf("case when not %s then null when s%d.__mlp_at is null then (select __mlp_value from n%[2]d)"+
		" else s%[2]d.__mlp_value end as %[3]s", q.found("base"), i, table.Quote(w.Column)))
}

// named are the columns that rows are found by, as base calls them.
func (q *query) named() []string {
	out := []string{"__mlp_t"}
	for i, e := range q.entity {
		out = append(out, fmt.Sprintf("%s as __mlp_e%d", table.Quote(e), i))
	}
	return out
}

// micros is a column as microseconds since 1970; null where it is null or infinite.
func micros(column string) string {
	if column == "" {
		return "null::bigint"
	}
	return "epoch_us(" + table.Quote(column) + ")"
}

// found is true for rows that have an entity and a time: of the table itself, or of base.
func (q *query) found(base string) string {
	if base == "" {
		terms := []string{"__mlp_t is not null"}
		for _, e := range q.entity {
			terms = append(terms, table.Quote(e)+" is not null")
		}
		return "(" + strings.Join(terms, " and ") + ")"
	}
	terms := []string{base + ".__mlp_t is not null"}
	for i := range q.entity {
		terms = append(terms, fmt.Sprintf("%s.__mlp_e%d is not null", base, i))
	}
	return "(" + strings.Join(terms, " and ") + ")"
}

// far is 2^65 microseconds, more than lie between any two times: both are 64-bit integers.
const far = "36893488147419103232::hugeint"

// frame is the OVER clause of a call: the rows of the entity from over microseconds before the row to 1 microsecond before.
//
// A quantile (table.Call.Named) must not meet rows that it does not count, such as those with a null. They cannot be
// filtered out, since they want a value themselves. So such a row is ordered by its time plus far, where no frame of a
// counted row reaches, and its own frame starts and ends far earlier, which takes it back to its time:
//
//	row  __mlp_t  amount  away  ordered by  frame, over = 10
//	a    100      5       0     100         90 … 99
//	b    105      null    far   105 + far   95 … 104: sees a
//	c    108      7       0     108         98 … 107: sees a, not b
//
// The null of b is replaced by any value, which no frame sees.
func (q *query) frame(c *table.Call, over int64) string {
	if c.Named == "" {
		return fmt.Sprintf("(partition by %s order by __mlp_t range between %d preceding and 1 preceding)", quoteAll(q.entity), over)
	}
	seen := fmt.Sprintf("(%s) is not null", c.Of)
	if c.Where != "" {
		seen += fmt.Sprintf(" and (%s)", c.Where)
	}
	away := c.Named + "_away"
	q.args = append(q.args, fmt.Sprintf("case when %s then 0::hugeint else %s end as %s", seen, far, away),
		fmt.Sprintf("coalesce(%s, (select any_value(%[1]s) from src)) as %s", c.Of, c.Named))
	return fmt.Sprintf("(partition by %s order by __mlp_t + %s range between %d + %[2]s preceding and 1 + %[2]s preceding)", quoteAll(q.entity), away, over)
}

// ranked is a table with what calls by rank go by.
func (q *query) ranked(from string) string {
	if len(q.args) == 0 {
		return from
	}
	return fmt.Sprintf("(select *,\n    %s\n  from %s)", strings.Join(q.args, ",\n    "), from)
}

// seen computes window i: n<i> is its value over no rows, s<i> that at each moment which sees any.
func (q *query) seen(i int, w *schema.Window, over int64, moments string) string {
	// __mlp_s is the stretch of time, one window long, that a row is in: a moment sees rows of its own stretch and of the
	// one before, so that the join goes by equality and not by a range.
	moment, same, groups := make([]string, len(q.entity)), make([]string, len(q.entity)), make([]string, len(q.entity)+1)
	for j, e := range q.entity {
		moment[j] = fmt.Sprintf("%s as __mlp_e%d", table.Quote(e), j)
		same[j] = fmt.Sprintf("r.%s = m.__mlp_e%d", table.Quote(e), j)
		groups[j] = fmt.Sprintf("__mlp_e%d", j)
	}
	groups[len(q.entity)] = "__mlp_at"
	source := fmt.Sprintf("select *, %s as __mlp_s from src where %s", stretch("__mlp_t", over), q.found(""))
	if w.KnownAt != "" {
		known := micros(w.KnownAt)
		source = fmt.Sprintf("select *, %s as __mlp_s, %s as __mlp_k from src where %s and %s is not null",
			stretch("__mlp_t", over), known, q.found(""), known)
		same = append(same, "r.__mlp_k < m.__mlp_at")
	}
	return fmt.Sprintf(`n%[1]d as (select (%[2]s
) as __mlp_value from src where false),
s%[1]d as (select %[3]s, (%[2]s
) as __mlp_value from (
    select r.*, m.* exclude (__mlp_m)
    from (
      select %[4]s, __mlp_t as __mlp_at, unnest([%[5]s, %[5]s - 1]) as __mlp_m
      from %[6]s
    ) m
    join (%[7]s) r
    on r.__mlp_s = m.__mlp_m and r.__mlp_t < m.__mlp_at and r.__mlp_t >= m.__mlp_at - %[8]d and %[9]s
  ) group by %[3]s)`,
		i, w.Expr, strings.Join(groups, ", "), strings.Join(moment, ", "), stretch("__mlp_t", over), moments, source, over, strings.Join(same, " and "))
}

// counted computes window i with the result of seen, for aggregates that add without rounding (sums of integers, counts),
// by one running sum instead of a join. Each row of the table becomes two events: +value at the later of its time and its
// known_at, -value at its time plus the length of the window. The window at a moment is the sum of the events before it.
// A refund of 30 at 100 that is known at 104, with a window of 10: +30 at 104 and -30 at 110, so moments from 105 to 110 see
// it. A running count beside each sum tells a sum over no values, which is null, from a sum of 0.
func (q *query) counted(i int, w *schema.Window, a *table.Aggregates, over int64, moments string) string {
	var names, values, sums []string
	for j, e := range q.entity {
		names = append(names, fmt.Sprintf("%s as __mlp_e%d", table.Quote(e), j))
	}
	var wanted []string
	for k, c := range a.Calls {
		values = append(values, fmt.Sprintf("case when %s then %s end as __mlp_v%d", cmp.Or(c.Where, "true"), c.Of, k))
		sums = append(sums, fmt.Sprintf("sum(case when __mlp_v%[1]d is not null then __mlp_sign end) over before as __mlp_n%[1]d, "+
			"sum(case when __mlp_sign > 0 then __mlp_v%[1]d else -__mlp_v%[1]d end) over before as __mlp_s%[1]d", k))
		wanted = append(wanted, fmt.Sprintf("case when __mlp_n%[2]d > 0 then __mlp_s%[2]d end as __mlp_w%[1]d_%[2]d", i, k))
	}
	known := micros(w.KnownAt)
	return fmt.Sprintf(`n%[1]d as (select (%[2]s
) as __mlp_value from src where false),
s%[1]d as (select * exclude (%[12]s), (%[3]s) as __mlp_value from (select %[4]s, __mlp_at, %[5]s
  from (select *, %[6]s
    from (select %[7]s, %[8]s, unnest([greatest(__mlp_t, %[9]s)::hugeint, __mlp_t::hugeint + %[10]d]) as __mlp_t, unnest([1, -1]) as __mlp_sign, null::bigint as __mlp_at
      from (select *, true as __mlp_known from src where %[11]s and %[9]s is not null and %[9]s < __mlp_t::hugeint + %[10]d)
      union all by name select %[7]s, __mlp_t::hugeint as __mlp_t, __mlp_t as __mlp_at from %[13]s)
    window before as (partition by %[4]s order by __mlp_t range between unbounded preceding and 1 preceding)
    qualify __mlp_at is not null)))`,
		i, w.Expr, a.Outer, q.entities(), strings.Join(wanted, ", "), strings.Join(sums, ",\n      "), strings.Join(names, ", "), strings.Join(values, ", "),
		known, over, q.found(""), q.placeholders(i, a), moments)
}

// entities are the columns that rows are found by, under their names in base.
func (q *query) entities() string {
	out := make([]string, len(q.entity))
	for j := range q.entity {
		out[j] = fmt.Sprintf("__mlp_e%d", j)
	}
	return strings.Join(out, ", ")
}

// placeholders are the names of a window's calls in the query.
func (q *query) placeholders(i int, a *table.Aggregates) string {
	out := make([]string, len(a.Calls))
	for k := range a.Calls {
		out[k] = fmt.Sprintf("__mlp_w%d_%d", i, k)
	}
	return strings.Join(out, ", ")
}

// join puts a window's subquery beside the base, by moment and entity.
func (q *query) join(i int) string {
	on := []string{fmt.Sprintf("s%d.__mlp_at = base.__mlp_t", i)}
	for j := range q.entity {
		on = append(on, fmt.Sprintf("s%d.__mlp_e%d = base.__mlp_e%[2]d", i, j))
	}
	return fmt.Sprintf("\nleft join s%d on %s", i, strings.Join(on, " and "))
}

// stretch is an SQL expression for the number of the stretch of time, of the given length in microseconds, that t lies in:
// t divided by length and rounded down, also before 1970 (of -1 and a length of 10 it is -1, not 0).
func stretch(t string, length int64) string {
	return fmt.Sprintf("((%s - ((%[1]s %% %[2]d) + %[2]d) %% %[2]d) // %[2]d)", t, length)
}

// quoteAll lists columns for SQL: "card", "shop".
func quoteAll(names []string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = table.Quote(n)
	}
	return strings.Join(out, ", ")
}
