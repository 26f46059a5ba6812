package table

// What becomes of values in memory.
//
// A frame has two kinds of columns, numbers and texts, as trainers and metrics need no others:
//
//	type            value             in the frame
//	bigint          7                 7
//	bigint          9007199254740993  9007199254740992, and in Exact "9007199254740993", for keys and classes
//	decimal(12,2)   12.50             12.5
//	boolean         true              1
//	date            2026-01-31        1769817600, in seconds
//	varchar         b                 the code of b among the column's sorted values
//	any             null              NaN; of texts the code -1
//	double          NaN               NaN, which is null from there on
//
// Lists, structs and blobs have no place in one, and are an error that names the column. WriteFrame goes the other way.

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/stdlib/frame"
)

// ReadFrame reads columns of a Parquet file into memory, rows in stored order; nil columns means all. Numbers become
// doubles, booleans 0 and 1, dates and timestamps seconds since 1970 in UTC, text codes into sorted levels. Nulls and
// NaN become NaN; infinities stay. Numbers that a double does not hold are kept as text besides. Other types are an error
// that names the column.
// The frame has the columns asked for, in that order, found without regard to case and named as the file names them.
func ReadFrame(ctx context.Context, path string, columns []string) (*frame.Frame, error) {
	s, err := open(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	p, err := s.plain(path)
	if err != nil {
		return nil, err
	}
	have, err := s.describe(ctx, "select * from "+scanParquet(p))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	readers, err := chooseColumns(have, columns)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	n, err := s.one(ctx, "select count(*) from "+scanParquet(p))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	f, err := s.fill(ctx, p, readers, int(n[0].(int64)))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return f, nil
}

// columnReader takes one column's values as they come.
type columnReader struct {
	column frame.Column
	expr   string
	codes  map[string]int32
	exact  string // an expression of the numbers that a double may not hold, as text; empty: it holds all
}

// chooseColumns says how each column is read: text as codes with levels, all else as float64. Whole numbers and decimals
// that a float64 does not hold exactly (from frame.ExactLimit on) are read a second time as text, so that keys stay apart.
func chooseColumns(have []schema.Column, want []string) ([]*columnReader, error) {
	t := schema.Table{Columns: have}
	if want == nil {
		want = t.Names()
	}
	out := make([]*columnReader, 0, len(want))
	for _, name := range want {
		c := t.Column(name)
		if c == nil {
			hint := suggest.DidYouMean(name, t.Names())
			return nil, fmt.Errorf("the table has no column %q; %s", name, strings.TrimPrefix(hint+"; it has "+names(have), "; "))
		}
		r := &columnReader{column: frame.Column{Name: c.Name, Type: c.Type}}
		switch q := Quote(c.Name); {
		case c.Type == "varchar":
			r.expr, r.codes = q, map[string]int32{}
		case c.Type == "boolean":
			r.expr = q + "::integer::double"
		case Numeric(c.Type):
			r.expr = q + "::double"
			if exceedsDouble(c.Type) {
				_, scale := decimalSize(c.Type)
				r.exact = fmt.Sprintf("case when abs(%s::double) >= %d / 1e%d then %s::varchar end", q, int64(frame.ExactLimit), scale, q)
			}
		case Temporal(c.Type):
			r.expr = "epoch(" + q + ")"
		default:
			return nil, fmt.Errorf("column %q has type %s, which is neither a number, a time nor text; cast it in a dataset, or leave it out", c.Name, c.Type)
		}
		out = append(out, r)
	}
	return out, nil
}

// batchBytes is how much of a table is read at once: the engine has that much of it beside what was read before.
const batchBytes = 16 << 20

// fill reads the columns, some at a time, rows in the order of the file. What is read of a column is in memory once, and beside it a few
// columns as the engine has them.
func (s *session) fill(ctx context.Context, path string, readers []*columnReader, rows int) (*frame.Frame, error) {
	f := &frame.Frame{Rows: rows, Columns: make([]frame.Column, len(readers))}
	for batch := range slices.Chunk(readers, max(batchBytes/(8*max(rows, 1)), 1)) {
		if err := s.fillBatch(ctx, path, batch, rows); err != nil {
			return nil, err
		}
	}
	for i, r := range readers {
		if err := r.short(rows); err != nil {
			return nil, err
		}
		r.sortLevels()
		f.Columns[i] = r.column
	}
	return f, nil
}

// fillBatch reads some columns. The exact texts stand behind the values of the columns.
func (s *session) fillBatch(ctx context.Context, path string, readers []*columnReader, rows int) error {
	exprs := make([]string, len(readers), 2*len(readers))
	for i, r := range readers {
		exprs[i] = r.expr
		if r.exact != "" {
			exprs = append(exprs, r.exact)
		}
		if r.codes != nil {
			r.column.Codes = make([]int32, 0, rows)
		} else {
			r.column.Num = make([]float64, 0, rows)
		}
	}
	return s.vectors(ctx, "select "+strings.Join(exprs, ", ")+" from "+scanParquet(path), func(columns []vector) {
		exact := len(readers)
		for i, r := range readers {
			r.takeVector(columns[i])
			if r.exact != "" {
				r.takeExactVector(columns[exact], rows)
				exact++
			}
		}
	})
}

// setExact keeps a number of one of so many rows as text.
func (r *columnReader) setExact(row int, text string, rows int) {
	c := &r.column
	if c.Exact == nil {
		c.Exact = make([]string, rows)
	}
	c.Exact[row] = frame.NumberName(text)
}

// exceedsDouble reports whether numbers of a type may have more digits than a double keeps.
func exceedsDouble(t string) bool {
	switch t {
	case "bigint", "ubigint", "hugeint", "uhugeint":
		return true
	}
	width, _ := decimalSize(t)
	return width > 15
}

// decimalSize is the number of digits of a decimal type, and of those behind the point; 0 of others.
func decimalSize(t string) (width, scale int) {
	if n, err := fmt.Sscanf(t, "decimal(%d,%d)", &width, &scale); n != 2 || err != nil {
		return 0, 0
	}
	return width, scale
}

// sortLevels puts the levels in bytewise order and the codes with them.
func (r *columnReader) sortLevels() {
	if r.codes == nil {
		return
	}
	c := &r.column
	sort.Strings(c.Levels)
	to := make([]int32, len(c.Levels))
	for i, level := range c.Levels {
		to[r.codes[level]] = int32(i)
	}
	for i, code := range c.Codes {
		if code >= 0 {
			c.Codes[i] = to[code]
		}
	}
}

// WriteFrame writes a frame as a Parquet file with the given columns (names and types; nil: the frame's own), rows in
// the frame's order. The same content gives the same bytes. NaN is written as null.
func WriteFrame(ctx context.Context, path string, f *frame.Frame, columns []schema.Column) error {
	if columns == nil {
		for _, c := range f.Columns {
			columns = append(columns, schema.Column{Name: c.Name, Type: c.Type})
		}
	}
	if len(columns) == 0 {
		return fmt.Errorf("writing %s: a table needs a column", path)
	}
	// Found first, so that a missing column leaves no file.
	source := make([]*frame.Column, len(columns))
	for i, c := range columns {
		if source[i] = f.Column(c.Name); source[i] == nil {
			return fmt.Errorf("writing %s: the frame has no column %q", path, c.Name)
		}
	}
	s, err := open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	out, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	if err := s.load(ctx, f.Rows, source); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if _, err := s.copyParquet(ctx, unloadQuery(columns, source), out); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// load puts the columns into a table of doubles and texts. Column i is c<i>. The appender is the engine's way in for many rows;
// closing it is what writes the last of them, so its error counts.
func (s *session) load(ctx context.Context, rows int, columns []*frame.Column) (err error) {
	defs := make([]string, len(columns))
	for i, c := range columns {
		kind := "double"
		if c.Text() {
			kind = "varchar"
		}
		defs[i] = fmt.Sprintf("c%d %s", i, kind)
	}
	if err := s.exec(ctx, "create table frame ("+strings.Join(defs, ", ")+")"); err != nil {
		return err
	}
	a, err := duckdb.NewAppenderFromConn(s.conn, "", "frame")
	if err != nil {
		return err
	}
	defer func() {
		if closed := a.Close(); err == nil && closed != nil { // after an error it says what follows from that
			err = s.error(ctx, closed)
		}
	}()
	row := make([]driver.Value, len(columns))
	for r := range rows {
		if r%100_000 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		for i, c := range columns {
			row[i] = cell(c, r)
		}
		if err := a.AppendRow(row...); err != nil {
			return s.error(ctx, err)
		}
	}
	return nil
}

// cell is a value as the appender takes it: a string, a float64, or nil for null.
func cell(c *frame.Column, row int) driver.Value {
	switch {
	case c.Text() && c.Codes[row] >= 0:
		return c.Levels[c.Codes[row]]
	case c.Text(), math.IsNaN(c.Num[row]):
		return nil
	}
	return c.Num[row]
}

// unloadQuery reads the loaded table with the types that are wanted.
// Seconds become microseconds by rounding, for 1700000000.1 s as a double is a little less than it says.
func unloadQuery(columns []schema.Column, source []*frame.Column) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		expr := fmt.Sprintf("c%d", i)
		switch {
		case source[i].Text():
		case c.Type == "boolean":
			expr += " <> 0"
		case Temporal(c.Type):
			expr = fmt.Sprintf("make_timestamp(round(%s * 1000000)::bigint)", expr)
		}
		out[i] = fmt.Sprintf("(%s)::%s as %s", expr, c.Type, Quote(c.Name))
	}
	return "select " + strings.Join(out, ", ") + " from frame"
}
