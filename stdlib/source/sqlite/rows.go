package sqlite

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	_ "modernc.org/sqlite" // the driver

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// rows hands over a file with the rows of the query as JSON objects. The database is copied first: SQLite writes beside it even to
// read, and whether the original stayed as it was is seen by its digest. asked are the columns that are wanted; nil: all are. blobs
// are the columns whose every value, nulls aside, is one.
func (c config) rows(ctx context.Context, root string, names []string, asked []table.CSVColumn, use func(rows table.File, blobs []string) error) error {
	folder, err := scratch.New(scratch.Table)
	if err != nil {
		return err
	}
	defer folder.Close()
	name, err := main(names)
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := copyFile(filepath.Join(root, filepath.FromSlash(n)), filepath.Join(folder.Dir, filepath.Base(n))); err != nil {
			return err
		}
	}
	// With the pragma, functions that could do something beside computing are refused in views and generated
	// columns: whoever made the file does not decide what is run here.
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: filepath.Join(folder.Dir, filepath.Base(name))}).EscapedPath()+"?_pragma=trusted_schema(0)")
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	out := filepath.Join(folder.Dir, "rows.ndjson")
	blobs, err := c.write(ctx, db, asked, out)
	if err != nil {
		return err
	}
	return use(table.File{Path: out, Name: c.name()}, blobs)
}

// copyFile copies a file to one that does not exist yet; the folder is the stage's own.
func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// write writes the rows. Columns are selected as expressions, whose values the driver hands over as they are: of a column that is
// declared as a date or a boolean it would make one. What JSON does not tell, a blob from a text, it says of whole columns.
func (c config) write(ctx context.Context, db *sql.DB, asked []table.CSVColumn, path string) (onlyBlobs []string, err error) {
	names, err := c.columns(ctx, db)
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		what := fmt.Sprintf("%s yields no columns", c.name())
		return nil, &component.InputError{Summary: what, Bare: what, Detail: "One SELECT is expected: what a source reads is not changed."}
	}
	blobs := blobColumns(asked)
	if asked != nil {
		names = slices.DeleteFunc(names, func(name string) bool { return blobs[name] == left })
	}
	if len(names) == 0 {
		what := fmt.Sprintf("%s has none of the columns that the block declares", c.name())
		return nil, &component.InputError{Summary: what, Bare: what, Detail: "Columns are found by their names as they are written, in small and capital letters."}
	}
	// The plus sign is SQLite's operator without an effect: it makes an expression of a column, and expressions have no declared type.
	terms := make([]string, len(names))
	for i, name := range names {
		terms[i] = "+" + table.Quote(name)
	}
	rows, err := db.QueryContext(ctx, "select "+strings.Join(terms, ", ")+" from ("+c.query()+"\n)")
	if err != nil {
		return nil, c.told(ctx, err)
	}
	defer rows.Close()
	file, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	out := bufio.NewWriterSize(file, 1<<20)
	values, into, kinds := make([]any, len(names)), make([]any, len(names)), make([]blobKind, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	for n := 1; rows.Next(); n++ {
		if err := rows.Scan(into...); err != nil {
			return nil, c.told(ctx, err)
		}
		line := []byte{'{'}
		for i, v := range values {
			kinds[i] = max(kinds[i], kindOf(v))
			if i > 0 {
				line = append(line, ',')
			}
			if line, err = jsontext.AppendQuote(line, names[i]); err == nil {
				line, err = appendValue(append(line, ':'), v, asked != nil && blobs[names[i]] != kindOf(v))
			}
			if err != nil {
				what := fmt.Sprintf("%s row %d: column %q holds %v", c.name(), n, names[i], err)
				return nil, &component.InputError{Summary: what, Bare: what, Detail: "Change the column's type, or what the query makes of it."}
			}
		}
		if _, err := out.Write(append(line, '}', '\n')); err != nil {
			return nil, err
		}
	}
	if err := rows.Err(); err != nil {
		return nil, c.told(ctx, err)
	}
	for i, kind := range kinds {
		if kind == bytes {
			onlyBlobs = append(onlyBlobs, names[i])
		}
	}
	return onlyBlobs, out.Flush()
}

// blobKind says of a column, or of a value, whether it is of bytes. Of several values the greatest kind is that of their column:
// bytes, if there are blobs and nothing else but null.
type blobKind int

const (
	left  blobKind = iota // of a column: nobody asks for it; of a value: it is null
	bytes                 // a blob
	other                 // anything else
)

// blobColumns says of each asked column, by its name in the query, whether it takes blobs. Names that nobody asks for are left.
func blobColumns(asked []table.CSVColumn) map[string]blobKind {
	out := map[string]blobKind{}
	for _, column := range asked {
		name := column.Header
		if name == "" {
			name = column.Name
		}
		if out[name] = other; column.Type == "blob" {
			out[name] = bytes
		}
	}
	return out
}

// kindOf is that of a value from the driver.
func kindOf(v any) blobKind {
	switch v.(type) {
	case nil:
		return left
	case []byte:
		return bytes
	}
	return other
}

// appendValue appends a value to a line of JSON: a blob as \x and two digits for each byte, so 0xFF00 becomes "\\xff00". An infinite
// real, which JSON has no number for, is the text "+Infinity" or "-Infinity". mismatched says that the value is a blob and the column
// none of blobs, or the other way round, which is an error unless the value is null.
//
// Of a row with an integer, a text, a blob, nothing, and a real, the line is
//
//	{"id":7,"name":"Zoë","photo":"\\xff00","note":null,"amount":12.5}
//
// Integers keep all their digits, since the reader of JSON types them as text does: 9007199254740993 stays what it is, though no
// double holds it.
func appendValue(line []byte, v any, mismatched bool) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(line, "null"...), nil
	case []byte:
		if mismatched {
			return nil, errors.New("a blob, and no column but one of type blob takes that")
		}
		return jsontext.AppendQuote(line, `\x`+hex.EncodeToString(v))
	}
	if mismatched {
		return nil, fmt.Errorf("%v, and a column of type blob takes blobs alone", v)
	}
	switch v := v.(type) {
	case int64:
		return strconv.AppendInt(line, v, 10), nil
	case float64:
		if math.IsInf(v, 0) {
			return append(line, `"`+strconv.FormatFloat(v, 'g', -1, 64)[:1]+`Infinity"`...), nil
		}
		return strconv.AppendFloat(line, v, 'g', -1, 64), nil // as the shortest text that is read as the same number
	case string:
		out, err := jsontext.AppendQuote(line, v)
		if err != nil {
			return nil, errors.New("a text that is not UTF-8")
		}
		return out, nil
	}
	return nil, fmt.Errorf("a value of the type %T", v)
}

// columns are the names of the query's columns, each once.
func (c config) columns(ctx context.Context, db *sql.DB) ([]string, error) {
	rows, err := db.QueryContext(ctx, c.query()) // within another query the second of a name would have another one
	if err != nil {
		return nil, c.told(ctx, err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, c.told(ctx, err)
	}
	seen := map[string]bool{}
	for _, name := range names {
		if seen[strings.ToLower(name)] {
			return nil, &component.InputError{Summary: fmt.Sprintf("%s has two columns %q", c.name(), name), Detail: "Name one of them otherwise: select a as b."}
		}
		seen[strings.ToLower(name)] = true
	}
	return names, nil
}

// told says what SQLite says.
func (c config) told(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &component.InputError{Summary: fmt.Sprintf("%s cannot be read: %v", c.name(), err), Bare: c.name() + " cannot be read",
		Detail: "See that path is a SQLite database, and that it has what table or query names."}
}
