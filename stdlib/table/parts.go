package table

import (
	"context"
	"fmt"
	"strings"

	bindings "github.com/duckdb/duckdb-go-bindings" // for what the driver's mapping leaves out
	duckdb "github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/mlp-lang/mlp/stdlib/frame"
)

// partRows is how many rows ReadParts hands over at a time: 32 columns of them are 16 MB.
const partRows = 64 << 10

// Part is some rows of a table, one after another.
type Part struct {
	frame.Frame
	Before int // rows of the table that come before them
	Total  int // rows of the table
}

// ReadParts reads columns as ReadFrame does, some rows at a time, and hands these over in stored order: what must not be in memory as a whole is
// read so. A text has its code among the levels of its own part. Of numbers that a double does not hold no text is kept (Exact is nil). The
// memory of a part is used again once take has returned. A table without rows has one part.
func ReadParts(ctx context.Context, path string, columns []string, take func(Part) error) error {
	return withColumns(ctx, path, columns, func(s *session, p string, readers []*columnReader, rows int) error {
		if len(readers) == 0 {
			return take(Part{Frame: frame.Frame{Rows: rows}, Total: rows}) // a table without columns has rows too
		}
		parts := &partReader{readers: readers, total: rows, take: take}
		terms := make([]string, len(readers))
		for i, r := range readers {
			terms[i], r.exact = r.expr, ""
			r.empty(min(rows, partRows+int(mapping.VectorSize())))
		}
		// What take returns is not of the file, so it does not name it.
		var failed error
		err := s.stream(ctx, "select "+strings.Join(terms, ", ")+" from "+scanParquet(p), func(columns []vector) error {
			failed = parts.chunk(columns)
			return failed
		})
		switch {
		case failed != nil:
			return failed
		case err != nil:
			return fmt.Errorf("reading %s: %w", path, err)
		case parts.rows > 0 || rows == 0:
			return parts.flush()
		}
		return nil
	})
}

// ReadRows reads some rows of columns as ReadFrame does, of which no more are in memory at a time than a part has. rows are places in the table,
// ascending, each once; one that is not there is an error. Of numbers that a double does not hold no text is kept (Exact is nil).
func ReadRows(ctx context.Context, path string, columns []string, rows []int) (*frame.Frame, error) {
	var out *frame.Frame
	next := 0
	err := ReadParts(ctx, path, columns, func(p Part) error {
		var of []int // places in the part
		for ; next < len(rows) && rows[next] < p.Before+p.Rows; next++ {
			of = append(of, rows[next]-p.Before)
		}
		some := p.Take(of)
		if out == nil {
			out = some
		} else {
			out.Append(some)
		}
		return nil
	})
	if err == nil && next < len(rows) {
		err = fmt.Errorf("reading %s: there is no row %d", path, rows[next]+1)
	}
	return out, err
}

// partReader gathers the chunks of a result into parts.
type partReader struct {
	readers             []*columnReader
	before, rows, total int // before the part, in it, and of the table
	take                func(Part) error
}

// chunk takes the next rows.
func (p *partReader) chunk(columns []vector) error {
	for i, r := range p.readers {
		r.takeVector(columns[i])
	}
	if p.rows += columns[0].rows; p.rows < partRows {
		return nil
	}
	return p.flush()
}

// flush hands over what has been gathered.
func (p *partReader) flush() error {
	part := Part{Frame: frame.Frame{Rows: p.rows, Columns: make([]frame.Column, len(p.readers))}, Before: p.before, Total: p.total}
	for i, r := range p.readers {
		r.sortLevels()
		part.Columns[i] = r.column
	}
	if err := p.take(part); err != nil {
		return err
	}
	for _, r := range p.readers {
		r.empty(0)
		if r.codes != nil {
			r.codes, r.column.Levels = map[string]int32{}, nil
		}
	}
	p.before, p.rows = p.before+p.rows, 0
	return nil
}

// stream calls f with every chunk of a query's result as the engine makes it: of the result there is never more in memory than that.
// An error of f ends the query, and is returned. ctx is looked at between chunks, so that the query must be one that makes them one by one, such
// as a scan.
func (s *session) stream(ctx context.Context, query string, f func(columns []vector) error) error {
	if err := s.within(ctx, query); err != nil {
		return err
	}
	var statement mapping.PreparedStatement
	defer mapping.DestroyPrepare(&statement)
	if mapping.Prepare(s.handle(), query, &statement) != mapping.StateSuccess {
		return s.error(ctx, &duckdb.Error{Msg: mapping.PrepareError(statement)})
	}
	var pending mapping.PendingResult
	defer mapping.DestroyPending(&pending)
	if bindings.PendingPreparedStreaming(statement, &pending) != mapping.StateSuccess {
		return s.error(ctx, &duckdb.Error{Msg: mapping.PendingError(pending)})
	}
	var result mapping.Result
	defer mapping.DestroyResult(&result)
	if mapping.ExecutePending(pending, &result) != mapping.StateSuccess {
		return s.error(ctx, &duckdb.Error{Msg: mapping.ResultError(&result)})
	}
	columns := make([]vector, mapping.ColumnCount(&result))
	for ctx.Err() == nil {
		chunk := mapping.FetchChunk(result)
		if chunk.Ptr == nil {
			if said := mapping.ResultError(&result); said != "" {
				return s.error(ctx, &duckdb.Error{Msg: said})
			}
			break
		}
		vectorsOf(chunk, columns)
		err := f(columns)
		mapping.DestroyDataChunk(&chunk)
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// vectorsOf puts the columns of a chunk into as many vectors.
func vectorsOf(chunk mapping.DataChunk, columns []vector) {
	rows := int(mapping.DataChunkGetSize(chunk))
	for i := range columns {
		v := mapping.DataChunkGetVector(chunk, mapping.IdxT(i))
		columns[i] = vector{rows: rows, data: mapping.VectorGetData(v), valid: (*uint64)(mapping.VectorGetValidity(v))}
	}
}
