package table

// What is passed on as it is.
//
// A dataset that only checks a table, or gives it a key, is select * from it. To read all of its rows, sort them and write them anew takes as long
// as to load them did, and yields the bytes that are there already, if
//
//   - the query is the whole of one table, with its columns as they are (wholeTable);
//   - the file was written as copyParquet writes (writtenHere);
//   - its rows stand in the order that they would be sorted to: each is above the one before it in the first columns of that order (ascends), in
//     which then no two tie. That is looked at with these few columns alone, and so is it that the key tells rows apart;
//   - no number in it has two spellings, of which a sort writes one: 0.0 and -0.0, and what is no number (oneSpelling).
//
// Then the file is copied. What is not sure is sorted.

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// rowGroup is how many rows copyParquet puts into each row group but the last.
const rowGroup = 122880

// passOn copies the file of the one table that a query is the whole of, and reports whether it did. order has the columns that rows are to be
// sorted by, all of them; columns are those of the query.
func (s *session) passOn(ctx context.Context, q Query, columns []schema.Column, order []string) (rows int64, done bool, err error) {
	name, ok, err := s.wholeTable(ctx, q)
	if !ok || err != nil {
		return 0, false, err
	}
	path, err := s.plain(q.Tables[name])
	if err != nil {
		return 0, false, err
	}
	have, err := s.describe(ctx, "select * from "+scanParquet(path))
	same := func(a, b schema.Column) bool { return a.Name == b.Name && a.Type == b.Type }
	if err != nil || !slices.EqualFunc(have, columns, same) {
		return 0, false, err
	}
	rows, ok, err = s.writtenHere(ctx, path)
	if ok && err == nil {
		ok, err = s.ascends(ctx, path, order, q.Key.Columns)
	}
	if ok && err == nil {
		ok, err = s.oneSpelling(ctx, path, columns)
	}
	if !ok || err != nil {
		return 0, false, err
	}
	return rows, true, copyFile(ctx, q.Tables[name], q.Out)
}

// wholeTable is the table that a query is select * from, and nothing else.
func (s *session) wholeTable(ctx context.Context, q Query) (name string, ok bool, err error) {
	if len(q.Tables) != 1 || len(q.SQL) > 1000 {
		return "", false, nil
	}
	root, err := s.parse(ctx, q.SQL)
	if err != nil {
		return "", false, err
	}
	for name := range q.Tables {
		template, err := s.parse(ctx, "select * from "+Quote(name))
		if err != nil {
			return "", false, err
		}
		return name, reflect.DeepEqual(placeless(root), placeless(template)), nil
	}
	return "", false, nil
}

// writtenHere reports whether a file was written with the settings of copyParquet by this engine, as far as files tell them, and how many rows it
// has. The encodings are those of parquet_version v1.
func (s *session) writtenHere(ctx context.Context, path string) (rows int64, ok bool, err error) {
	p := literal(path)
	row, err := s.one(ctx, `select num_rows::bigint, created_by like 'DuckDB version v`+EngineVersion+` %' and not exists (select 1 from parquet_kv_metadata(`+p+`))
			and (select bool_and(compression = 'ZSTD' and encodings in ('PLAIN', 'PLAIN_DICTIONARY') and (row_group_num_rows = `+fmt.Sprint(rowGroup)+` or row_group_id = last)) from
				(select *, max(row_group_id) over () as last from parquet_metadata(`+p+`)))
		from parquet_file_metadata(`+p+`)`)
	if err != nil {
		return 0, false, err
	}
	ok, _ = row[1].(bool)
	return row[0].(int64), ok, nil
}

// ascends reports whether the rows of a file stand in an order, by a few of the columns that it begins with, in which no two are equal. With a key
// these are of the key, none of whose columns may be null. One null in the others ends it.
func (s *session) ascends(ctx context.Context, path string, order, key []string) (bool, error) {
	n := min(len(order), 4)
	if len(key) > 0 {
		n = len(key)
		for i, k := range key {
			if i >= len(order) || order[i] != k {
				return false, nil
			}
		}
	}
	// above says that a row is above the one before it by the first i columns; of the first row it says null.
	var terms, wrong, nulls []string
	above, equal := "false", "true"
	for i, name := range order[:n] {
		terms = append(terms, fmt.Sprintf("%s as x%d, lag(%[1]s) over () as p%[2]d", Quote(name), i))
		above = fmt.Sprintf("(%s or %s and x%d > p%[3]d)", above, equal, i)
		equal = fmt.Sprintf("%s and x%d = p%[2]d", equal, i)
		wrong = append(wrong, fmt.Sprintf("count(*) filter (where not coalesce(%s, false))", above))
		if len(key) > 0 {
			nulls = append(nulls, fmt.Sprintf("x%d is null", i))
		}
	}
	row, err := s.one(ctx, fmt.Sprintf("select least(%s), count(*) filter (where %s) from (select %s from %s)",
		strings.Join(wrong, ", "), strings.Join(append(nulls, "false"), " or "), strings.Join(terms, ", "), scanParquet(path)))
	if err != nil {
		return false, err
	}
	return row[0].(int64) <= 1 && row[1].(int64) == 0, nil
}

// oneSpelling reports whether a sort by all columns writes every value of a file as it is.
func (s *session) oneSpelling(ctx context.Context, path string, columns []schema.Column) (bool, error) {
	odd := []string{"false"}
	for _, c := range columns {
		x := Quote(c.Name)
		switch width, _ := decimalSize(c.Type); {
		case c.Type == "double" || c.Type == "float":
			odd = append(odd, fmt.Sprintf("bool_or(isnan(%s) or %[1]s = 0 and signbit(%[1]s))", x))
		case width > 0, slices.Contains(spelledOnce, c.Type):
		default:
			return false, nil
		}
	}
	row, err := s.one(ctx, "select coalesce("+strings.Join(odd, ", false) or coalesce(")+", false) from "+scanParquet(path))
	if err != nil {
		return false, err
	}
	found, _ := row[0].(bool)
	return !found, nil
}

// spelledOnce are types, besides decimals, of which equal values are the same bits.
var spelledOnce = []string{"tinyint", "smallint", "integer", "bigint", "utinyint", "usmallint", "uinteger", "ubigint", "boolean", "date", "timestamp", "varchar"}

// copyFile copies a file.
func copyFile(ctx context.Context, from, to string) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	_, err = io.Copy(out, in)
	return err
}
