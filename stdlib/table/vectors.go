package table

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"time"
	"unsafe"

	duckdb "github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// The driver hands results over value by value, each in memory of its own. The engine itself has them as vectors: up to 2048 values of
// one column in a row, with a bit for each that is not null. Tables that are read whole are taken from these.

// vector is a column of a chunk of a result. Its memory is the engine's, and gone with the next chunk.
type vector struct {
	rows  int
	data  unsafe.Pointer
	valid *uint64 // a bit for each row, the lowest first; nil: no row is null
}

// valids are the words of the bits, 64 rows each; those of the last beyond rows say nothing.
func (v vector) valids() []uint64 {
	if v.valid == nil {
		return nil
	}
	return unsafe.Slice(v.valid, (v.rows+63)/64)
}

// doubles appends the values of a column of doubles; null is NaN.
func (v vector) doubles(to []float64) []float64 {
	from := len(to)
	to = append(to, unsafe.Slice((*float64)(v.data), v.rows)...)
	for i, word := range v.valids() {
		if word == math.MaxUint64 {
			continue
		}
		for r := 64 * i; r < min(64*i+64, v.rows); r++ {
			if word>>(r%64)&1 == 0 {
				to[from+r] = math.NaN()
			}
		}
	}
	return to
}

// text is a string of the engine's, duckdb_string_t of its C interface: the bytes themselves up to 12 of them, else four and where all are.
type text struct {
	length uint32
	first  [4]byte
	rest   [8]byte
}

// bytes are those of the string, in the engine's memory.
func (t *text) bytes() []byte {
	if t.length <= uint32(len(t.first)+len(t.rest)) {
		return unsafe.Slice(&t.first[0], t.length)
	}
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&t.rest)), t.length)
}

// set makes it a string that has room in it; false: s has not.
func (t *text) set(s string) bool {
	*t = text{}
	if len(s) > len(t.first)+len(t.rest) {
		return false
	}
	t.length = uint32(len(s))
	copy(unsafe.Slice(&t.first[0], len(t.first)+len(t.rest)), s)
	return true
}

// texts calls f with each value of a column of strings; ok is false of null.
func (v vector) texts(f func(row int, s []byte, ok bool)) {
	valid, all := v.valids(), unsafe.Slice((*text)(v.data), v.rows)
	for r := range all {
		if valid != nil && valid[r/64]>>(r%64)&1 == 0 {
			f(r, nil, false)
		} else {
			f(r, all[r].bytes(), true)
		}
	}
}

// vectors calls f with every chunk of a query's result, of doubles and strings, column by column. The result is in the engine's memory as
// a whole before the first.
func (s *session) vectors(ctx context.Context, query string, f func(columns []vector)) error {
	var result mapping.Result
	if err := s.result(ctx, query, &result); err != nil {
		return err
	}
	defer mapping.DestroyResult(&result)
	columns := make([]vector, mapping.ColumnCount(&result))
	for ctx.Err() == nil {
		chunk := mapping.FetchChunk(result)
		if chunk.Ptr == nil {
			break
		}
		vectorsOf(chunk, columns)
		f(columns)
		mapping.DestroyDataChunk(&chunk)
	}
	return ctx.Err()
}

// result runs a query on the session's connection, until ctx ends. The engine plans it once; what the driver runs it plans twice where it reads
// a file, to prepare it and to run it.
func (s *session) result(ctx context.Context, query string, result *mapping.Result) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.spent = s.spent || !passes(query)
	conn, done, ended := s.handle(), make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		for again := time.NewTicker(interruptEvery); ; <-again.C { // one that comes before the query begins is not heard
			mapping.Interrupt(conn)
			select {
			case <-done:
				again.Stop()
				return
			default:
			}
		}
	})
	state := mapping.Query(conn, query, result)
	close(done)
	if !stop() {
		<-ended // no later query is to be interrupted
	}
	if state == mapping.StateSuccess {
		return nil
	}
	defer mapping.DestroyResult(result)
	return s.error(ctx, &duckdb.Error{Msg: mapping.ResultError(result)})
}

// interruptEvery is the time between two interruptions of a query.
const interruptEvery = 10 * time.Millisecond

// handle is the connection as the engine's C interface knows it. The driver keeps it to itself, so it is looked up by its name, conn. Another version
// of the driver may call it otherwise; then this panics in the first test that reads a table.
func (s *session) handle() mapping.Connection {
	return mapping.Connection{Ptr: reflect.ValueOf(s.conn).Elem().FieldByName("conn").FieldByName("Ptr").UnsafePointer()}
}

// takeVector appends a chunk of the column's values: numbers, or texts as codes.
func (r *columnReader) takeVector(v vector) {
	c := &r.column
	if r.codes == nil {
		c.Num = v.doubles(c.Num)
		return
	}
	v.texts(func(_ int, s []byte, ok bool) {
		if !ok {
			c.Codes = append(c.Codes, -1)
			return
		}
		code, known := r.codes[string(s)]
		if !known {
			code = int32(len(r.codes))
			level := string(s)
			r.codes[level], c.Levels = code, append(c.Levels, level)
		}
		c.Codes = append(c.Codes, code)
	})
}

// takeExactVector takes the texts of the chunk that was taken last.
func (r *columnReader) takeExactVector(v vector, rows int) {
	from := len(r.column.Num) - v.rows
	v.texts(func(row int, s []byte, ok bool) {
		if ok {
			r.setExact(from+row, string(s), rows)
		}
	})
}

// short says that a column has fewer or more rows than the table.
func (r *columnReader) short(rows int) error {
	if n := len(r.column.Num) + len(r.column.Codes); n != rows {
		return fmt.Errorf("column %q has %d rows of %d", r.column.Name, n, rows)
	}
	return nil
}
