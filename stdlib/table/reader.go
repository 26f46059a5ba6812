package table

import (
	"context"
	"database/sql/driver"
)

// Reader runs queries over Parquet files and hands their rows over in memory, where Run writes them to a file. It is not safe
// for concurrent use; close it.
type Reader struct{ s *session }

// OpenReader opens Parquet files, by the name that queries have for each: {"rows": "/store/…/rows.parquet"} for select count(*)
// from rows. No other file can be read, nor any written.
func OpenReader(ctx context.Context, tables map[string]string) (*Reader, error) {
	s, err := open(ctx)
	if err != nil {
		return nil, err
	}
	r := &Reader{s: s}
	files, err := s.views(ctx, tables)
	if err == nil {
		err = s.lock(ctx, files...)
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// Query calls f with each row: int64 and the other Go integers, float64, string, bool, time.Time, nil for null, []any for
// lists. The slice is reused. Mistakes in the query or the data are an *Error.
func (r *Reader) Query(ctx context.Context, sql string, f func(row []any) error) error {
	var out []any
	return r.s.each(ctx, sql, func(row []driver.Value) error {
		out = out[:0]
		for _, v := range row {
			out = append(out, v)
		}
		return f(out)
	})
}

// Row returns the only row of a query, its values as Query hands them over.
func (r *Reader) Row(ctx context.Context, sql string) ([]any, error) {
	row, err := r.s.one(ctx, sql)
	out := make([]any, len(row))
	for i, v := range row {
		out[i] = v
	}
	return out, err
}

// Close frees the engine.
func (r *Reader) Close() error { return r.s.Close() }
