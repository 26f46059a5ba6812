package table

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"unicode/utf8"
	"unsafe"

	duckdb "github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/frame"
)

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
	if err := s.load(ctx, "frame", f.Rows, source); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if _, err := s.copyParquet(ctx, unloadQuery(columns, source, "frame"), out); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}

// load puts the columns into a new table of doubles and texts, chunk by chunk as the engine keeps them. Column i is c<i>.
//
// Values go into the engine's vectors directly rather than through its appender of Go values, which boxes each of them. A chunk has room for
// as many rows as a vector, 2,048; its memory is used again for the next. The handles of the C library are destroyed in the
// reverse order of their making, whatever fails.
func (s *session) load(ctx context.Context, table string, rows int, columns []*frame.Column) error {
	defs, types := make([]string, len(columns)), make([]mapping.LogicalType, len(columns))
	for i, c := range columns {
		kind, id := "double", mapping.TypeDouble
		if c.Text() {
			kind, id = "varchar", mapping.TypeVarchar
		}
		defs[i], types[i] = fmt.Sprintf("c%d %s", i, kind), mapping.CreateLogicalType(id)
		defer mapping.DestroyLogicalType(&types[i])
	}
	if err := s.exec(ctx, "create table "+table+" ("+strings.Join(defs, ", ")+")"); err != nil {
		return err
	}
	var a mapping.Appender
	defer mapping.AppenderDestroy(&a) // after a flush it has nothing left to fail at
	said := func(state mapping.State) error {
		if state == mapping.StateSuccess {
			return nil
		}
		return s.error(ctx, &duckdb.Error{Msg: mapping.AppenderError(a)})
	}
	if err := said(mapping.AppenderCreate(s.handle(), "", table, &a)); err != nil {
		return err
	}
	chunk := mapping.CreateDataChunk(types)
	defer mapping.DestroyDataChunk(&chunk)
	writers := make([]columnWriter, len(columns))
	for i, c := range columns {
		writers[i] = newColumnWriter(c)
	}
	size := int(mapping.VectorSize())
	for from := 0; from < rows; from += size {
		if err := ctx.Err(); err != nil {
			return err
		}
		to := min(from+size, rows)
		for i := range writers {
			writers[i].write(mapping.DataChunkGetVector(chunk, mapping.IdxT(i)), from, to)
		}
		mapping.DataChunkSetSize(chunk, mapping.IdxT(to-from))
		if err := said(mapping.AppendDataChunk(a, chunk)); err != nil {
			return err
		}
		mapping.DataChunkReset(chunk)
	}
	return said(mapping.AppenderFlush(a))
}

// columnWriter writes the values of a column into vectors of the engine.
type columnWriter struct {
	column *frame.Column
	texts  []text // of levels, those that have room in one; nil of numbers
	long   []bool // levels that have not, or are no UTF-8, of which the engine is to say what it makes
}

// newColumnWriter makes the engine's form of each level once, however many rows have it.
func newColumnWriter(c *frame.Column) columnWriter {
	w := columnWriter{column: c}
	if c.Text() {
		w.texts, w.long = make([]text, len(c.Levels)), make([]bool, len(c.Levels))
		for i, level := range c.Levels {
			w.long[i] = !w.texts[i].set(level) || !utf8.ValidString(level)
		}
	}
	return w
}

// write puts the values of rows from to to into a vector with room for them.
func (w *columnWriter) write(v mapping.Vector, from, to int) {
	data := mapping.VectorGetData(v)
	var valid []uint64 // once a value is null
	null := func(row int) {
		if valid == nil {
			mapping.VectorEnsureValidityWritable(v)
			valid = unsafe.Slice((*uint64)(mapping.VectorGetValidity(v)), (to-from+63)/64)
		}
		valid[row/64] &^= 1 << (row % 64)
	}
	if !w.column.Text() {
		out := unsafe.Slice((*float64)(data), to-from)
		for row, x := range w.column.Num[from:to] {
			if x != x {
				null(row)
				x = 0
			}
			out[row] = x
		}
		return
	}
	out := unsafe.Slice((*text)(data), to-from)
	for row, code := range w.column.Codes[from:to] {
		switch {
		case code < 0:
			null(row)
			out[row] = text{}
		case w.long[code]:
			mapping.VectorAssignStringElementLen(v, mapping.IdxT(row), []byte(w.column.Levels[code]))
		default:
			out[row] = w.texts[code]
		}
	}
}

// unloadQuery reads the loaded table with the types that are wanted: frames know doubles and texts only, so that a boolean comes as 0 or 1
// and a point in time as seconds since 1970.
// Seconds become microseconds by rounding, for 1700000000.1 s as a double is a little less than it says.
func unloadQuery(columns []schema.Column, source []*frame.Column, table string) string {
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
	return "select " + strings.Join(out, ", ") + " from " + table
}
