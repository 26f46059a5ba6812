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
	"fmt"
	"slices"
	"sort"
	"strings"

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
	f := &frame.Frame{}
	err := readColumns(ctx, path, columns, true, func(rows int, some []*columnReader) error {
		f.Rows = rows
		for _, r := range some {
			f.Columns = append(f.Columns, r.column)
			r.column = frame.Column{} // its memory is the frame's
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Names are those of the columns of a Parquet file, in their order.
func Names(ctx context.Context, path string) (names []string, err error) {
	err = withColumns(ctx, path, nil, func(_ *session, _ string, readers []*columnReader, _ int) error {
		for _, r := range readers {
			names = append(names, r.column.Name)
		}
		return nil
	})
	return names, err
}

// ReadColumns reads columns as ReadFrame does, a few at a time, and hands these over with the number of columns that came before them. Their
// memory is used again once take has returned, so that a table of which take keeps little is never in memory as a whole. Of numbers that a
// double does not hold no text is kept (Exact is nil).
func ReadColumns(ctx context.Context, path string, columns []string, take func(before int, some []frame.Column) error) error {
	before := 0
	return readColumns(ctx, path, columns, false, func(_ int, readers []*columnReader) error {
		some := make([]frame.Column, len(readers))
		for i, r := range readers {
			some[i] = r.column
		}
		err := take(before, some)
		before += len(some)
		return err
	})
}

// readColumns calls take with the readers of a few columns at a time, which hold these as a whole, and in which those that follow are read
// where take leaves them.
func readColumns(ctx context.Context, path string, columns []string, exact bool, take func(rows int, some []*columnReader) error) error {
	return withColumns(ctx, path, columns, func(s *session, p string, readers []*columnReader, rows int) error {
		if len(readers) == 0 {
			return take(rows, nil) // a table without columns has rows too
		}
		var last []*columnReader
		for batch := range slices.Chunk(readers, max(batchBytes/(8*max(rows, 1)), 1)) {
			for i, r := range batch {
				if !exact {
					r.exact = ""
				}
				if i < len(last) {
					r.column.Num, r.column.Codes = last[i].column.Num, last[i].column.Codes
				}
			}
			if err := s.fillBatch(ctx, p, batch, rows); err != nil {
				return fmt.Errorf("reading %s: %w", path, err)
			}
			if err := take(rows, batch); err != nil {
				return err
			}
			last = batch
		}
		return nil
	})
}

// withColumns opens a file and hands over the readers of some of its columns, nil: of all, and how many rows it has. p is the path as the session reads it.
func withColumns(ctx context.Context, path string, columns []string, read func(s *session, p string, readers []*columnReader, rows int) error) error {
	s, err := open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	p, err := s.plain(path)
	if err != nil {
		return err
	}
	readers, rows, err := s.columnReaders(ctx, p, columns)
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return read(s, p, readers, rows)
}

// columnReaders are those of some columns of a file, nil: of all, and how many rows it has.
func (s *session) columnReaders(ctx context.Context, path string, columns []string) ([]*columnReader, int, error) {
	have, err := s.describe(ctx, "select * from "+scanParquet(path))
	if err != nil {
		return nil, 0, err
	}
	readers, err := chooseColumns(have, columns)
	if err != nil {
		return nil, 0, err
	}
	n, err := s.one(ctx, "select count(*) from "+scanParquet(path))
	if err != nil {
		return nil, 0, err
	}
	return readers, int(n[0].(int64)), nil
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

// fillBatch reads some columns. The exact texts stand behind the values of the columns.
func (s *session) fillBatch(ctx context.Context, path string, readers []*columnReader, rows int) error {
	exprs := make([]string, len(readers), 2*len(readers))
	for i, r := range readers {
		exprs[i] = r.expr
		if r.exact != "" {
			exprs = append(exprs, r.exact)
		}
		r.empty(rows)
	}
	err := s.vectors(ctx, "select "+strings.Join(exprs, ", ")+" from "+scanParquet(path), func(columns []vector) {
		exact := len(readers)
		for i, r := range readers {
			r.takeVector(columns[i])
			if r.exact != "" {
				r.takeExactVector(columns[exact], rows)
				exact++
			}
		}
	})
	if err != nil {
		return err
	}
	for _, r := range readers {
		if err := r.short(rows); err != nil {
			return err
		}
		r.sortLevels()
	}
	return nil
}

// empty makes room for so many rows, where the column that was read before has none.
func (r *columnReader) empty(rows int) {
	c := &r.column
	switch {
	case r.codes != nil && cap(c.Codes) < max(rows, 1):
		c.Codes, c.Num = make([]int32, 0, max(rows, 1)), nil
	case r.codes != nil:
		c.Codes, c.Num = c.Codes[:0], nil
	case cap(c.Num) < max(rows, 1):
		c.Num, c.Codes = make([]float64, 0, max(rows, 1)), nil
	default:
		c.Num, c.Codes = c.Num[:0], nil
	}
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
