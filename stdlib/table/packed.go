package table

import (
	"context"
	"fmt"
	"iter"
	"math"
	"path/filepath"
	"strings"
	"unicode/utf8"
	"unsafe"

	duckdb "github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/packed"
)

// packedTypes are the types that packed rows can have, as the engine has them.
var packedTypes = map[string]mapping.Type{
	"varchar": mapping.TypeVarchar, "double": mapping.TypeDouble, "boolean": mapping.TypeBoolean, "integer": mapping.TypeInteger,
	"bigint": mapping.TypeBigInt, "date": mapping.TypeDate, "timestamp": mapping.TypeTimestamp,
}

// WritePacked writes rows that come packed, one or many at a time, as a Parquet file with these columns, in the order in which they come. The same rows
// give the same bytes.
func WritePacked(ctx context.Context, rows iter.Seq2[[]byte, error], columns []schema.Column, out string) error {
	s, err := open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if out, err = filepath.Abs(out); err != nil {
		return err
	}
	if err := s.fillPacked(ctx, rows, columns); err != nil {
		return fmt.Errorf("writing %s: %w", out, err)
	}
	if _, err := s.copyParquet(ctx, "select * from unpacked", out); err != nil {
		return fmt.Errorf("writing %s: %w", out, err)
	}
	return nil
}

// fillPacked puts packed rows into a new table, unpacked, in the way of load.
func (s *session) fillPacked(ctx context.Context, rows iter.Seq2[[]byte, error], columns []schema.Column) error {
	defs, types := make([]string, len(columns)), make([]mapping.LogicalType, len(columns))
	for i, c := range columns {
		id, known := packedTypes[c.Type]
		if !known {
			return fmt.Errorf("column %q: packed rows have no %s", c.Name, c.Type)
		}
		defs[i], types[i] = Quote(c.Name)+" "+c.Type, mapping.CreateLogicalType(id)
		defer mapping.DestroyLogicalType(&types[i])
	}
	if err := s.exec(ctx, "create table unpacked ("+strings.Join(defs, ", ")+")"); err != nil {
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
	if err := said(mapping.AppenderCreate(s.handle(), "", "unpacked", &a)); err != nil {
		return err
	}
	chunk := mapping.CreateDataChunk(types)
	defer mapping.DestroyDataChunk(&chunk)
	filled, size := 0, int(mapping.VectorSize())
	vectors := make([]filling, len(columns))
	flush := func() error {
		mapping.DataChunkSetSize(chunk, mapping.IdxT(filled))
		err := said(mapping.AppendDataChunk(a, chunk))
		mapping.DataChunkReset(chunk)
		filled = 0
		return err
	}
	for text, err := range rows {
		for err == nil && len(text) > 0 {
			var row packed.Values
			if row, text, err = packed.Next(text, len(columns)); err != nil {
				break
			}
			for i := range vectors {
				if filled == 0 {
					v := mapping.DataChunkGetVector(chunk, mapping.IdxT(i))
					vectors[i] = filling{vector: v, data: mapping.VectorGetData(v), size: size}
				}
				if err == nil {
					err = vectors[i].put(&row, i, filled, columns[i].Type)
				}
			}
			if err == nil {
				err = row.Err()
			}
			if filled++; err == nil && filled == size {
				err = flush()
			}
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
	if filled > 0 {
		if err := flush(); err != nil {
			return err
		}
	}
	return said(mapping.AppenderFlush(a))
}

// filling is a vector of the engine that is filled, value by value.
type filling struct {
	vector mapping.Vector
	data   unsafe.Pointer
	valid  []uint64 // a bit for each row, the lowest first, once one is null
	size   int
}

// slot is the place of a row's value.
func slot[T any](f *filling, at int) *T { return &unsafe.Slice((*T)(f.data), f.size)[at] }

// put takes a row's next value, which is that of a column of this type.
func (f *filling) put(row *packed.Values, column, at int, kind string) error {
	if !row.There(column) {
		if f.valid == nil {
			mapping.VectorEnsureValidityWritable(f.vector)
			f.valid = unsafe.Slice((*uint64)(mapping.VectorGetValidity(f.vector)), (f.size+63)/64)
		}
		f.valid[at/64] &^= 1 << (at % 64)
		if kind == "varchar" {
			*slot[text](f, at) = text{}
		}
		return nil
	}
	switch kind {
	case "varchar":
		value, place := row.Text(), slot[text](f, at)
		if !utf8.Valid(value) {
			return fmt.Errorf("a text is no UTF-8: %q", value)
		}
		if !place.set(unsafe.String(unsafe.SliceData(value), len(value))) {
			mapping.VectorAssignStringElementLen(f.vector, mapping.IdxT(at), value)
		}
	case "double":
		*slot[float64](f, at) = row.Double()
	case "boolean":
		*slot[bool](f, at) = row.Boolean()
	case "integer", "date":
		n := row.Integer()
		if n < math.MinInt32 || n > math.MaxInt32 {
			return fmt.Errorf("%d is no %s", n, kind)
		}
		*slot[int32](f, at) = int32(n)
	default:
		*slot[int64](f, at) = row.Integer()
	}
	return nil
}
