package table

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/runtime/component"
)

// Key tells the rows of a table apart: none of its columns is null, and no two rows have the same values in all of them. What to do where
// that is not so is added to the error that says so.
type Key struct {
	Columns    []string // none: there is no key
	WhenNull   string   // "Filter them out in the query, or choose another key."
	WhenShared string
}

// CheckKey holds the rows of a Parquet file to a key. Rows that are not are a *component.InputError. Names are found as SQL finds them,
// without regard to case. The error names one value that several rows share, the least as text.
func CheckKey(ctx context.Context, path string, key Key) error {
	if len(key.Columns) == 0 {
		return nil
	}
	s, err := open(ctx)
	if err != nil {
		return err
	}
	file, err := s.plain(path)
	if err == nil {
		err = s.lock(ctx, file)
	}
	if err == nil {
		err = s.checkKey(ctx, scanParquet(file), key)
	}
	return errors.Join(err, s.Close())
}

// checkKey reads rows once, and again for what to say where they are not as the key says: groups by the key's columns, of which a key has as
// many as there are rows. What is said counts both the values and the rows, "3 of its values are shared by 7 rows, such as id = A12": one
// value of a thousand rows is another mistake than 500 values of two.
func (s *session) checkKey(ctx context.Context, rows string, key Key) error {
	// Nulls count first: a null differs from every value, also from another null, and so would pass as unique.
	quoted, nulls, text := make([]string, len(key.Columns)), make([]string, len(key.Columns)), make([]string, len(key.Columns))
	for i, k := range key.Columns {
		quoted[i] = Quote(k)
		nulls[i] = quoted[i] + " is null"
		text[i] = fmt.Sprintf("%s || coalesce(%s::varchar, 'null')", literal(k+" = "), quoted[i])
	}
	name, columns, null := strings.Join(key.Columns, ", "), strings.Join(quoted, ", "), strings.Join(nulls, " or ")
	wrong, err := s.number(ctx, "select count(*) from (select 1 from "+rows+" group by "+columns+" having count(*) > 1 or "+null+")")
	if err != nil {
		return fmt.Errorf("checking the key: %w", err)
	}
	if wrong == 0 {
		return nil
	}
	row, err := s.counts(ctx, "select count(*) from "+rows+" where "+null)
	if err != nil {
		return err
	}
	if n := row[0].(int64); n > 0 {
		return &component.InputError{Summary: fmt.Sprintf("the key (%s) is null in %d rows", name, n), Detail: key.WhenNull}
	}
	row, err = s.counts(ctx, fmt.Sprintf(`select count(*), coalesce(sum(n), 0)::bigint, coalesce(min(example), '') from (
		select count(*) as n, %s as example from %s group by %s having count(*) > 1)`, strings.Join(text, " || ', ' || "), rows, columns))
	if err != nil {
		return err
	}
	return &component.InputError{
		Summary: fmt.Sprintf("the key (%s) is not unique: %d of its values are shared by %d rows, such as %s", name, row[0], row[1], row[2]), Detail: key.WhenShared}
}

// counts is the only row of a query that counts what a key does not tell apart.
func (s *session) counts(ctx context.Context, query string) ([]driver.Value, error) {
	row, err := s.one(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("checking the key: %w", err)
	}
	return row, nil
}
