package policy

import (
	"context"
	"fmt"
	"math"
	"strings"

	document "github.com/mlp-lang/mlp/lang/report"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// run measures the policy on the log.
func run(ctx context.Context, s *component.Stage) error {
	var c config
	if err := s.Decode(&c); err != nil {
		return err
	}
	t := s.In["log"].Table
	if t == nil {
		return fmt.Errorf("%s: the port log needs a schema", s.Address)
	}
	r, err := table.OpenReader(ctx, map[string]string{"log": s.InputTable("log")})
	if err != nil {
		return err
	}
	defer r.Close()
	q := &question{config: &c, table: t, reader: r, stage: s}
	if err := q.sound(ctx); err != nil {
		return err
	}
	if err := q.support(ctx); err != nil {
		return err
	}
	if err := q.read(ctx); err != nil {
		return err
	}
	figures := q.answer()
	if err := s.WriteReport(q.report(figures)); err != nil {
		return err
	}
	return s.WriteFigures(figures)
}

// question is a policy before a log.
type question struct {
	*config
	table  *schema.Table
	reader *table.Reader
	stage  *component.Stage

	total, unknown, unsupported float64 // rows
	rows                        []decision
	units                       int
}

// sql has of each row, as rows of the table decisions, its number, what was done, what the policy would do, the chance, the value, and what is guessed of either.
func (q *question) sql() string {
	action, propensity := q.columns(q.table)
	chosen := "mlp_choice"
	rank := "0"
	if k := q.Capacity; k != nil {
		over := []string{"mlp_choice"}
		if per, err := schema.ParseDuration(k.Per); err == nil && per > 0 {
			over = append(over, fmt.Sprintf("floor(epoch(%s) / %v)", table.Quote(k.time(q.table)), per.Seconds()))
		}
		order := []string{fmt.Sprintf("(%s) desc nulls last", k.Rank)}
		for _, key := range q.table.Key {
			order = append(order, table.Quote(key))
		}
		rank = fmt.Sprintf("row_number() over (partition by %s order by %s)", strings.Join(over, ", "), strings.Join(order, ", "))
		chosen = fmt.Sprintf("case when mlp_choice = %s and mlp_rank > %d then %s else mlp_choice end", table.Literal(k.Action), k.Most, table.Literal(k.Otherwise))
	}
	guess := func(of string) string {
		if q.Expected == "" {
			return "select mlp_row, 0::double as guess from numbered"
		}
		return fmt.Sprintf("select mlp_row, (%s)::double as guess from (select * exclude (mlp_choice, mlp_rank, mlp_chosen, mlp_action), %s as %s from numbered)", q.Expected, of, chosenColumn)
	}
	unit := "null"
	if len(q.table.Entity) > 0 {
		var by []string
		for _, e := range q.table.Entity {
			by = append(by, table.Quote(e))
		}
		unit = "dense_rank() over (order by " + strings.Join(by, ", ") + ")"
	}
	return fmt.Sprintf(`with plain as (select *, row_number() over () as mlp_row from log),
		choices as materialized (select *, (%s)::varchar as mlp_choice from plain),
		ranked as (select *, %s as mlp_rank from choices),
		numbered as materialized (select *, %s as mlp_chosen, %s::varchar as mlp_action from ranked),
		valued as (select mlp_row, (%s)::double as value, %s::double as propensity, mlp_action, mlp_chosen, %s as unit from numbered),
		decisions as (select v.*, n.guess as expected, d.guess as guessed from valued v join (%s) n using (mlp_row) join (%s) d using (mlp_row))`,
		q.Choose, rank, chosen, table.Quote(action), q.Value, table.Quote(propensity), unit, guess("mlp_chosen"), guess("mlp_action"))
}

// numbers are the columns of a query's only row.
func (q *question) numbers(ctx context.Context, sql string) ([]float64, error) {
	row, err := q.reader.Row(ctx, q.sql()+" "+sql)
	out := make([]float64, len(row))
	for i, x := range row {
		out[i], _ = x.(float64)
	}
	return out, err
}

// sound makes sure that chances are some, and that the policy does something with each row.
func (q *question) sound(ctx context.Context) error {
	n, err := q.numbers(ctx, `select count(*)::double, count_if(propensity is null or isnan(propensity) or propensity <= 0 or propensity > 1)::double, count_if(mlp_chosen is null)::double, count_if(mlp_action is null)::double, count_if(expected is null or guessed is null)::double from decisions`)
	if err != nil {
		return fmt.Errorf("reading the log: %w", err)
	}
	_, propensity := q.columns(q.table)
	q.total = n[0]
	switch {
	case n[1] > 0:
		return &component.InputError{Summary: fmt.Sprintf("in %v rows %s is no chance: it is null, 0 or less, or above 1", n[1], propensity), Detail: "What was sure to be done has the chance 1. Rows of a log that decided nothing have none, as those of a shadow: leave them out."}
	case n[3] > 0:
		return &component.InputError{Summary: fmt.Sprintf("%v rows do not say what was done", n[3]), Detail: "Leave them out, in a dataset."}
	case n[2] > 0:
		return &component.InputError{Summary: fmt.Sprintf("choose is null in %v rows", n[2]), Detail: "A policy does something with each row."}
	case n[4] > 0:
		return &component.InputError{Summary: fmt.Sprintf("expected is null in %v rows", n[4]), Detail: "A guess is made of each row; a rough one does."}
	}
	return nil
}

// supported is the condition that the log could have done what the policy would.
const supported = "(mlp_chosen = mlp_action or propensity < 1 and mlp_chosen in (select mlp_action from decisions))"

// support refuses a policy of which the log cannot say anything in some rows.
func (q *question) support(ctx context.Context) error {
	var which []string
	err := q.reader.Query(ctx, q.sql()+" select mlp_chosen, count(*)::double from decisions where not "+supported+" group by mlp_chosen order by mlp_chosen", func(row []any) error {
		n, _ := row[1].(float64)
		q.unsupported += n
		which = append(which, fmt.Sprintf("%q in %v", row[0], n))
		return nil
	})
	if err != nil {
		return fmt.Errorf("looking for what the log supports: %w", err)
	}
	if q.unsupported == 0 || q.Supported {
		return nil
	}
	what := fmt.Sprintf("in %v of %v rows (%.3g %%) the policy does what the log never could have: %s", q.unsupported, q.total, 100*q.unsupported/q.total, strings.Join(which, ", "))
	return &component.InputError{Summary: what, Bare: fmt.Sprintf("in %v of %v rows (%.3g %%) the policy does what the log never could have", q.unsupported, q.total, 100*q.unsupported/q.total),
		Detail: "Nothing tells what would have come of them: what was done was sure (propensity 1), or the log never did it. Have the deployment explore such rows, or set supported_only = true for figures of the others."}
}

// read reads what counts.
func (q *question) read(ctx context.Context) error {
	units := map[int64]int{}
	unknown := map[string][2]float64{}
	err := q.reader.Query(ctx, q.sql()+" select unit, (mlp_chosen = mlp_action), propensity, value, expected, guessed, mlp_action from decisions where "+supported+" order by mlp_row", func(row []any) error {
		action, _ := row[6].(string)
		seen := unknown[action]
		seen[1]++
		value, known := row[3].(float64)
		if !known || math.IsNaN(value) {
			q.unknown++
			seen[0]++
			unknown[action] = seen
			return nil
		}
		unknown[action] = seen
		d := decision{unit: q.units, value: value}
		if id, given := row[0].(int64); given {
			at, there := units[id]
			if !there {
				at = len(units)
				units[id] = at
			}
			d.unit, q.units = at, len(units)
		} else {
			q.units++
		}
		d.expected, _ = row[4].(float64)
		d.guessed, _ = row[5].(float64)
		if same, _ := row[1].(bool); same {
			p, _ := row[2].(float64)
			d.weight = 1 / p
		}
		q.rows = append(q.rows, d)
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading the log: %w", err)
	}
	least, most := 1.0, 0.0
	for _, n := range unknown {
		least, most = min(least, n[0]/n[1]), max(most, n[0]/n[1])
	}
	if most-least > 0.02 {
		q.stage.Warnf("of some actions %.3g %% of the rows have no value, of others %.3g %%: rows are missing by what was done; leave out all that are too young, whatever was done with them", 100*most, 100*least)
	}
	return nil
}

// answer are the figures.
func (q *question) answer() map[string]any {
	undefined := map[string]string{}
	e := estimate(q.rows, q.units, q.Expected != "", q.Confidence)
	figures := map[string]any{"rows": len(q.rows), "matched": e.matched, "effective": e.effective, "unknown": 0.0, "unsupported": 0.0, "undefined": undefined}
	if q.total > 0 {
		figures["unsupported"] = q.unsupported / q.total
	}
	if n := q.unknown + float64(len(q.rows)); n > 0 {
		figures["unknown"] = q.unknown / n
	}
	put := func(name string, b bounded) {
		few := e.matched < q.MinRows
		figure := map[string]any{}
		for end, x := range map[string]float64{"value": b.value, "low": b.low, "high": b.high} {
			switch {
			case few:
				figure[end], undefined[name+"."+end] = nil, fmt.Sprintf("in %d rows the log did what the policy would, of min_rows = %d", e.matched, q.MinRows)
			case math.IsNaN(x) || math.IsInf(x, 0):
				figure[end], undefined[name+"."+end] = nil, "nothing tells how far it may be off"
			default:
				figure[end] = x
			}
		}
		figures[name] = figure
	}
	put("logged", e.logged)
	put("ips", e.ips)
	put("snips", e.snips)
	put("gain", e.gain)
	if q.Expected != "" {
		put("dr", e.dr)
	}
	return figures
}

// report shows the estimates beside what was done.
func (q *question) report(figures map[string]any) *document.Report {
	undefined := figures["undefined"].(map[string]string)
	t := &document.Table{Columns: []document.Column{{Name: "value of a row"}, {Name: "estimate", Kind: document.Number}}}
	for _, line := range [][2]string{{"logged", "as it was decided"}, {"ips", "under the policy, by inverse propensity"}, {"snips", "the same, by the ratio"}, {"dr", "the same, doubly robust"}, {"gain", "gain"}} {
		f, there := figures[line[0]].(map[string]any)
		if !there {
			continue
		}
		cell := document.Missing(undefined[line[0]+".value"])
		if value, ok := f["value"].(float64); ok {
			cell = document.Figure(value)
			low, hasLow := f["low"].(float64)
			high, hasHigh := f["high"].(float64)
			if hasLow && hasHigh {
				cell.Low, cell.High = &low, &high
			} else {
				cell.Why = undefined[line[0]+".low"]
			}
		}
		t.Rows = append(t.Rows, []document.Cell{document.Words(line[1]), cell})
	}
	on := &document.Table{Columns: []document.Column{{Name: "rests on"}, {Name: "figure", Kind: document.Number}}}
	for _, line := range [][2]string{{"rows", "rows"}, {"matched", "rows in which the log did what the policy would"}, {"effective", "of the same weight, as many as"}, {"unknown", "share without a value"}, {"unsupported", "share in which the log could not have"}} {
		x, isFloat := figures[line[0]].(float64)
		if n, whole := figures[line[0]].(int); whole && !isFloat {
			x = float64(n)
		}
		on.Rows = append(on.Rows, []document.Cell{document.Words(line[1]), document.Figure(x)})
	}
	return &document.Report{Title: "Another policy, by a log of decisions", Sections: []document.Section{{Title: "What the policy would have been worth", Items: []document.Item{{Table: t}, {Table: on}}}}}
}
