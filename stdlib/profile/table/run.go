package table

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/stdlib/drift"
	"github.com/mlp-lang/mlp/stdlib/frame"
	sqltable "github.com/mlp-lang/mlp/stdlib/table"
)

// profile is all that was found. Numbers are NaN where they are undefined.
type profile struct {
	config
	rows, duplicates int64
	columns          []*column
	variables        []*variable // of the table, in its order
	pairs            []pair
	target           []related // in the order of the table
	times            []coverage
	drift            []part
	apart            *apart // nil without the block
	alike            *alike // likewise
	undefined        map[string]string
}

// column is one column of the table.
type column struct {
	schema.Column
	nulls, distinct int64
	summary         *summary // of numbers that are not personal
	top             []counted
}

// counted is a value and how many rows have it.
type counted struct {
	value string
	rows  int64
}

type pair struct {
	a, b string
	relation
}

// related is the strength of a column's relation to the target.
type related struct {
	name     string
	strength float64
}

// coverage is the time that a column spans.
type coverage struct {
	name        string
	days, gap   float64
	first, last string
}

// part is another table, compared column by column.
type part struct {
	name    string
	share   float64
	results []drift.Result
}

// input is what queries call the table.
const input = "data"

// run reads the table column by column by query, and those that relate to others into memory.
func run(ctx context.Context, s *component.Stage) error {
	p := &profile{undefined: map[string]string{}}
	if err := s.Decode(&p.config); err != nil {
		return err
	}
	in := s.In["on"].Table
	reader, err := sqltable.OpenReader(ctx, map[string]string{input: s.InputTable("on")})
	if err != nil {
		return err
	}
	defer reader.Close()
	if err := p.count(ctx, reader, in); err != nil {
		return err
	}
	f, err := sqltable.ReadFrame(ctx, s.InputTable("on"), append(relatable(in), times(in)...))
	if err != nil {
		return err
	}
	if err := p.describe(ctx, f, in); err != nil {
		return err
	}
	if p.Target != "" {
		if err := p.relateTarget(ctx, s); err != nil {
			return err
		}
	}
	for i, name := range p.Parts {
		if err := p.compare(ctx, s, f, name); err != nil {
			return err
		}
		s.Progress(i+1, len(p.Parts))
	}
	if p.IsolationForest != nil {
		if err := p.isolate(ctx, s, f); err != nil {
			return err
		}
	}
	if p.KMeans != nil {
		if err := p.cluster(ctx, s, f); err != nil {
			return err
		}
	}
	s.Logf("%d rows, %d duplicates, %d columns", p.rows, p.duplicates, len(p.columns))
	if err := s.WriteReport(p.report()); err != nil {
		return err
	}
	return s.WriteFigures(p.figures())
}

// count asks what takes a query: rows, duplicates, missing and distinct values, and the most frequent values of classes.
func (p *profile) count(ctx context.Context, r *sqltable.Reader, in *schema.Table) error {
	row, err := r.Row(ctx, "select count(*), count(*) - (select count(*) from (select distinct * from "+input+")) from "+input)
	if err != nil {
		return fmt.Errorf("counting rows: %w", err)
	}
	p.rows, p.duplicates = row[0].(int64), row[1].(int64)
	for _, c := range in.Columns {
		value := "case when " + sqltable.Known(c) + " then " + sqltable.Quote(c.Name) + " end"
		row, err := r.Row(ctx, fmt.Sprintf("select count(*) filter (where (%s) is null), count(distinct %[1]s) from %s", value, input))
		if err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
		x := &column{Column: c, nulls: row[0].(int64), distinct: row[1].(int64)}
		if !c.PII && (c.Type == "varchar" || c.Type == "boolean") {
			q := sqltable.Quote(c.Name)
			err = r.Query(ctx, fmt.Sprintf("select %[1]s::varchar, count(*) as n from %[2]s where %[1]s is not null group by %[1]s having n >= %[3]d order by n desc, %[1]s limit 5", q, input, named), func(row []any) error {
				x.top = append(x.top, counted{row[0].(string), row[1].(int64)})
				return nil
			})
			if err != nil {
				return fmt.Errorf("column %s: %w", c.Name, err)
			}
		}
		p.columns = append(p.columns, x)
	}
	return nil
}

// named is how many rows a value must have to be named in a report.
const named = 20

// describe summarises columns of numbers and times, and relates all pairs.
func (p *profile) describe(ctx context.Context, f *frame.Frame, in *schema.Table) error {
	for _, c := range p.columns {
		held := f.Column(c.Name)
		if held == nil || c.PII {
			continue
		}
		switch {
		case slices.Contains(times(in), c.Name):
			p.times = append(p.times, covers(held))
			continue
		case sqltable.Numeric(c.Type):
			s := summarise(held.Num)
			c.summary = &s
		}
		p.variables = append(p.variables, newVariable(held))
	}
	for i, a := range p.variables {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		for _, b := range p.variables[i+1:] {
			p.pairs = append(p.pairs, pair{a.name, b.name, relate(a, b)})
		}
	}
	return nil
}

// covers finds from when to when the times of a column reach, in UTC, and the longest time between two that follow each other.
func covers(c *frame.Column) coverage {
	s := summarise(c.Num)
	out := coverage{name: c.Name, days: math.NaN(), gap: math.NaN()}
	if len(s.sorted) == 0 || s.infinite {
		return out
	}
	const day = 86400
	first, last := s.sorted[0], s.sorted[len(s.sorted)-1]
	out.days, out.gap = (last-first)/day, 0
	for i := 1; i < len(s.sorted); i++ {
		out.gap = max(out.gap, (s.sorted[i]-s.sorted[i-1])/day)
	}
	out.first, out.last = date(first), date(last)
	return out
}

// relateTarget measures each column against the target, on the rows that models learn from.
func (p *profile) relateTarget(ctx context.Context, s *component.Stage) error {
	in := s.In["train"].Table
	f, err := sqltable.ReadFrame(ctx, s.InputTable("train"), relatable(in))
	if err != nil {
		return err
	}
	var target *variable
	for i := range f.Columns {
		if strings.EqualFold(f.Columns[i].Name, p.Target) {
			target = newVariable(&f.Columns[i])
		}
	}
	if target == nil {
		return &component.InputError{Summary: fmt.Sprintf("the rows to learn from have no column %q", p.Target)}
	}
	for i := range f.Columns {
		if f.Columns[i].Name != target.name {
			p.target = append(p.target, related{f.Columns[i].Name, relate(newVariable(&f.Columns[i]), target).strength()})
		}
	}
	return nil
}

// compare measures the drift of a part from the table.
func (p *profile) compare(ctx context.Context, s *component.Stage, reference *frame.Frame, name string) error {
	port := "parts." + name
	columns := shared(s.In["on"].Table, s.In[port].Table)
	f, err := sqltable.ReadFrame(ctx, s.InputTable(port), columns)
	if err != nil {
		return err
	}
	// Names are those of the table: the part may write them in other letters.
	for i := range f.Columns {
		f.Columns[i].Name = columns[i]
	}
	results, err := drift.Compare(ctx, reference, f, columns, drift.Options{Threads: s.Threads})
	if err != nil {
		return err
	}
	out := part{name: name, share: math.NaN(), results: results}
	defined, drifted := 0, 0
	for _, r := range results {
		if r.Undefined == "" {
			defined++
		}
		if r.Drifted {
			drifted++
		}
	}
	if defined > 0 {
		out.share = float64(drifted) / float64(defined)
	}
	p.drift = append(p.drift, out)
	return nil
}

// figures are what rules read; a null one has its reason.
func (p *profile) figures() map[string]any {
	columns, relations, target, covered, drifts := map[string]any{}, map[string]any{}, map[string]any{}, map[string]any{}, map[string]any{}
	for _, c := range p.columns {
		of := map[string]any{"nulls": float64(c.nulls), "distinct": float64(c.distinct)}
		at := "columns." + c.Name + "."
		values := map[string]float64{}
		why := "the column is " + c.Type + ", not a number"
		switch s := c.summary; {
		case c.PII:
			why = "the column is personal data"
		case s != nil && len(s.sorted) == 0:
			why = "the column has no values"
		case s != nil:
			why = "it takes two values, all of them finite"
			values = map[string]float64{"mean": s.mean, "stdev": s.stdev, "min": s.quantiles[0], "q25": s.quantiles[1], "median": s.quantiles[2], "q75": s.quantiles[3], "max": s.quantiles[4], "outliers": float64(s.outliers)}
		}
		for _, name := range numberFigures {
			x, ok := values[name]
			of[name] = p.figure(at+name, x, ok, why)
		}
		columns[c.Name] = of
	}
	for _, v := range p.variables {
		best := map[string]float64{}
		for _, r := range p.pairs {
			if r.a != v.name && r.b != v.name {
				continue
			}
			for name, x := range map[string]float64{"pearson": r.pearson, "spearman": r.spearman, "cramers_v": r.cramersV} {
				if x == x {
					best[name] = max(best[name], math.Abs(x))
				}
			}
		}
		of := map[string]any{}
		for _, name := range []string{"pearson", "spearman", "cramers_v"} {
			x, ok := best[name]
			why := "no other column of its kind varies with it"
			if v.unfit != "" {
				why = v.unfit
			}
			of[name] = p.figure("related."+v.name+"."+name, x, ok, why)
		}
		relations[v.name] = of
	}
	for _, r := range p.target {
		target[r.name] = p.figure("target."+r.name, r.strength, true, "it or the target is constant, infinite, or text of more than 100 values")
	}
	for _, c := range p.times {
		covered[c.name] = map[string]any{"days": p.figure("times."+c.name+".days", c.days, true, "the column has no finite time"),
			"longest_gap_days": p.figure("times."+c.name+".longest_gap_days", c.gap, true, "the column has no finite time")}
	}
	for _, d := range p.drift {
		scores := map[string]any{}
		for _, r := range d.results {
			scores[r.Column] = p.figure("drift."+d.name+".columns."+r.Column, r.Score, r.Undefined == "", r.Undefined)
		}
		drifts[d.name] = map[string]any{"share": p.figure("drift."+d.name+".share", d.share, true, "no column can be compared"), "columns": scores}
	}
	out := map[string]any{"rows": float64(p.rows), "duplicates": float64(p.duplicates), "columns": columns, "related": relations, "times": covered, "drift": drifts, "undefined": p.undefined}
	if p.Target != "" {
		out["target"] = target
	}
	p.pointValues(out)
	return out
}

// figure is a number, or nil with its reason.
func (p *profile) figure(path string, x float64, ok bool, why string) any {
	if !ok || math.IsNaN(x) || math.IsInf(x, 0) {
		p.undefined[path] = why
		return nil
	}
	return x
}
