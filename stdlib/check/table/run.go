package table

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	sqltable "github.com/mlp-lang/mlp/stdlib/table"
)

// sampleRows is how many failing rows the report shows of an expectation.
const sampleRows = 5

// outcome of an expectation, as the report tells it.
type outcome struct {
	Column      string              `json:"column,omitempty"`
	Expectation string              `json:"expectation"`
	Label       string              `json:"label,omitempty"`
	Expected    string              `json:"expected"`
	Observed    string              `json:"observed"`
	Passed      bool                `json:"passed"`
	Severity    string              `json:"severity"`
	Rows        int64               `json:"rows"` // that do not hold; 0 of aggregates
	Counted     int64               `json:"counted"`
	Sample      []map[string]string `json:"sample,omitempty"`

	// key is the expectation's name among the figures.
	key string
}

// share of the counted rows that hold.
func (o outcome) share() float64 {
	if o.Counted == 0 {
		if o.Passed {
			return 1
		}
		return 0
	}
	return float64(o.Counted-o.Rows) / float64(o.Counted)
}

// checker looks at one table. Its queries are run one after the other.
type checker struct {
	reader *sqltable.Reader
	table  *schema.Table
}

// run asks for each expectation in turn and writes figures and a report. An expectation that does not hold is no failure of
// the stage: its figures say so, and the check's verdict is decided on them.
func run(ctx context.Context, s *component.Stage) error {
	var c config
	if err := s.Decode(&c); err != nil {
		return err
	}
	in := s.In["on"].Table
	expectations, problems := c.expectations(in)
	// Problems were told when files were checked, and a plan is not made with them; a saved one comes from a file.
	for _, p := range problems {
		return &component.InputError{Summary: p.Path + ": " + p.Summary, Detail: p.Detail}
	}
	reader, err := sqltable.OpenReader(ctx, map[string]string{input: s.InputTable("on")})
	if err != nil {
		return fmt.Errorf("opening the table: %w", err)
	}
	defer reader.Close()
	k := &checker{reader: reader, table: in}
	figures, err := k.figures(ctx)
	if err != nil {
		return err
	}
	outcomes := make([]outcome, len(expectations))
	for i, e := range expectations {
		if outcomes[i], err = k.look(ctx, e); err != nil {
			return err
		}
		s.Logf("%s", line(outcomes[i]))
		s.Progress(i+1, len(expectations))
	}
	figures.add(outcomes)
	if err := writeReport(s, figures.Table.Rows, outcomes); err != nil {
		return err
	}
	return s.WriteFigures(figures)
}

// line is an expectation as the log has it.
func line(o outcome) string {
	mark := "ok  "
	if !o.Passed {
		mark = o.Severity
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s: expected %s, observed %s", mark, o.key, o.Expected, o.Observed))
}

// look finds out whether an expectation holds. Only cancellation is an error: what cannot be computed fails.
func (k *checker) look(ctx context.Context, e expectation) (outcome, error) {
	o := outcome{Column: e.Column, Expectation: e.Name, Label: e.Label, Expected: e.Expected, Severity: e.Severity, key: e.key()}
	var err error
	switch e.kind {
	case static:
		o.Passed, o.Observed = e.holds, e.sql
	case aggregate:
		err = k.aggregate(ctx, e, &o)
	default:
		err = k.rows(ctx, e, &o)
	}
	if ctx.Err() != nil {
		return o, ctx.Err()
	}
	if err != nil {
		o.Passed, o.Observed = false, "it cannot be computed: "+err.Error()
	}
	return o, nil
}

// aggregate compares one value of all rows with its limits; of no values it does not hold.
func (k *checker) aggregate(ctx context.Context, e expectation, o *outcome) error {
	row, err := k.reader.Row(ctx, "select ("+e.sql+")::double from "+input)
	if err != nil {
		return err
	}
	x, ok := row[0].(float64)
	if !ok {
		o.Observed = "no values"
		return nil
	}
	o.Observed = number(x)
	o.Passed = e.low <= x && x <= e.high
	return nil
}

// rows counts the rows that count and those that do not hold; a condition that is null does not hold. A sample of the latter
// goes into the report.
func (k *checker) rows(ctx context.Context, e expectation, o *outcome) error {
	from := input
	if e.partition != "" {
		from = fmt.Sprintf("(select *, count(*) over (partition by %s) as %s from %s)", e.partition, duplicates, input)
	}
	bad := fmt.Sprintf("(%s) and not coalesce((%s), false)", e.counted, e.sql)
	row, err := k.reader.Row(ctx, fmt.Sprintf("select count(*) filter (where %s), count(*) filter (where %s) from %s", e.counted, bad, from))
	if err != nil {
		return err
	}
	o.Counted, o.Rows = row[0].(int64), row[1].(int64)
	o.Passed = float64(o.Counted-o.Rows) >= e.atLeast*float64(o.Counted)
	o.Observed = fmt.Sprintf("%d of %d rows do not hold", o.Rows, o.Counted)
	if o.Rows == 0 {
		o.Observed = fmt.Sprintf("all %d rows hold", o.Counted)
		return nil
	}
	return k.sample(ctx, fmt.Sprintf("from %s where %s limit %d", from, bad, sampleRows), o)
}

// sample takes the first failing rows in stored order, personal data masked.
// That a personal value is null is shown: it is no value of anybody.
func (k *checker) sample(ctx context.Context, query string, o *outcome) error {
	columns := make([]string, len(k.table.Columns))
	for i, c := range k.table.Columns {
		columns[i] = sqltable.Quote(c.Name) + "::varchar"
		if c.PII {
			columns[i] = fmt.Sprintf("case when %s is not null then '***' end", sqltable.Quote(c.Name))
		}
	}
	return k.reader.Query(ctx, "select "+strings.Join(columns, ", ")+" "+query, func(row []any) error {
		shown := map[string]string{}
		for i, v := range row {
			shown[k.table.Columns[i].Name] = short(v)
		}
		o.Sample = append(o.Sample, shown)
		return nil
	})
}

// short is a value as text, cut to 80 characters; null is written so.
func short(v any) string {
	if v == nil {
		return "null"
	}
	text := []rune(fmt.Sprint(v))
	if len(text) > 80 {
		text = append(text[:80], '…')
	}
	return string(text)
}

// writeReport writes report.json: the outcomes in the order of the block.
func writeReport(s *component.Stage, rows float64, outcomes []outcome) error {
	dir, err := s.Output("report")
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(map[string]any{"rows": rows, "expectations": outcomes}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return os.WriteFile(filepath.Join(dir, "report.json"), append(text, '\n'), 0o644)
}

// finite is a number for JSON, nil where it is none.
func finite(v any) *float64 {
	if x, ok := v.(float64); ok && !math.IsNaN(x) && !math.IsInf(x, 0) {
		return &x
	}
	return nil
}
