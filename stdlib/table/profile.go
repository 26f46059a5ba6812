package table

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Profile is what the rows of a table are like. Numbers of a hidden column are counted, and none of its values is in it.
type Profile struct {
	Rows    int64
	Columns []ColumnProfile
	Head    [][]*string // the first rows, as stored: values as text, nil for null and for hidden columns
}

// ColumnProfile is what one column holds. All values are as the engine writes them as text.
type ColumnProfile struct {
	Name, Type string
	Hidden     bool
	Nulls      int64
	Distinct   int64    // of values that are not null
	Quantiles  []string // of numbers and points in time: the least value, those at a quarter, half and three quarters, and the greatest; nil if all are null
	Top        []Counted
}

// Counted is a value and how many rows have it.
type Counted struct {
	Value string
	Rows  int64
}

// most is how many of a column's values are told, the most frequent first.
const most = 5

// ProfileOf looks through a Parquet file. What it gives does not depend on the number of threads: it counts and sorts, and sums no floats. hidden says
// of which columns no value may be told; head is how many rows are.
func ProfileOf(ctx context.Context, path string, hidden func(column string) bool, head, threads int) (*Profile, error) {
	s, err := open(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	const rows = "rows"
	files, err := s.views(ctx, map[string]string{rows: path})
	if err != nil {
		return nil, err
	}
	if err := s.keepTo(ctx, files...); err != nil {
		return nil, err
	}
	columns, err := s.describe(ctx, "select * from "+rows)
	if err != nil {
		return nil, err
	}
	p := &Profile{}
	err = s.wide(ctx, threads, func() error {
		if err := s.freeze(ctx); err != nil {
			return err
		}
		n, err := s.one(ctx, "select count(*) from "+rows)
		if err != nil {
			return err
		}
		p.Rows = n[0].(int64)
		for _, c := range columns {
			x, err := s.profile(ctx, rows, c, hidden(c.Name))
			if err != nil {
				return fmt.Errorf("column %s: %w", c.Name, err)
			}
			p.Columns = append(p.Columns, x)
		}
		p.Head, err = s.head(ctx, rows, p.Columns, head)
		return err
	})
	return p, err
}

// profile looks through one column. Of a hidden one, and of one that is null in all rows, it counts and asks no more. Quantiles are values that
// rows have (quantile_disc), never a mean of two of them: half of 1 and 2 is 1, and a date stays a date.
func (s *session) profile(ctx context.Context, of string, c schema.Column, hidden bool) (ColumnProfile, error) {
	x := ColumnProfile{Name: c.Name, Type: c.Type, Hidden: hidden}
	name := Quote(c.Name)
	row, err := s.one(ctx, fmt.Sprintf("select count(*) - count(%s), count(distinct %s) from %s", name, name, of))
	if err != nil {
		return x, err
	}
	x.Nulls, x.Distinct = row[0].(int64), row[1].(int64)
	if hidden || x.Distinct == 0 {
		return x, nil
	}
	if Numeric(c.Type) || Temporal(c.Type) {
		err = s.each(ctx, fmt.Sprintf("select unnest(list_transform(quantile_disc(%s, [0, 0.25, 0.5, 0.75, 1]), v -> v::varchar)) from %s", name, of), func(row []driver.Value) error {
			x.Quantiles = append(x.Quantiles, row[0].(string))
			return nil
		})
		if err != nil {
			return x, err
		}
	}
	// Of values that as many rows have, the least come first.
	err = s.each(ctx, fmt.Sprintf("select %s::varchar, count(*) as n from %s where %s is not null group by %s order by n desc, %s limit %d", name, of, name, name, name, most), func(row []driver.Value) error {
		x.Top = append(x.Top, Counted{row[0].(string), row[1].(int64)})
		return nil
	})
	return x, err
}

// head are the first rows in the order in which they are stored, as text. Values of hidden columns are not even read.
func (s *session) head(ctx context.Context, of string, columns []ColumnProfile, n int) ([][]*string, error) {
	texts := make([]string, len(columns))
	for i, c := range columns {
		if texts[i] = Quote(c.Name) + "::varchar"; c.Hidden {
			texts[i] = "null::varchar"
		}
	}
	var out [][]*string
	err := s.each(ctx, fmt.Sprintf("select %s from %s limit %d", strings.Join(texts, ", "), of, n), func(row []driver.Value) error {
		cells := make([]*string, len(row))
		for i, v := range row {
			if text, ok := v.(string); ok {
				cells[i] = &text
			}
		}
		out = append(out, cells)
		return nil
	})
	return slices.Clip(out), err
}
