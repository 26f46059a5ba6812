package table

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// ToCSV writes a Parquet file as CSV (RFC 4180, lines end in \n): a header, null as an empty field, an empty text as "",
// times as ISO 8601 in UTC (with Z where the type has a zone), floats with the fewest digits that give them back.
func ToCSV(ctx context.Context, parquet, csv string) error {
	return export(ctx, parquet, csv, "format csv, header true", func(c schema.Column) string {
		return isoTime(c)
	})
}

// ToNDJSON writes a Parquet file as one JSON object a line. Times are as in ToCSV; NaN and infinities, which JSON has
// not, are null.
func ToNDJSON(ctx context.Context, parquet, ndjson string) error {
	return export(ctx, parquet, ndjson, "format json", inJSON)
}

// ToJSON is ToNDJSON as one list, an object a line.
func ToJSON(ctx context.Context, parquet, out string) error {
	return export(ctx, parquet, out, "format json, array true", inJSON)
}

// inJSON is a column's value in JSON.
func inJSON(c schema.Column) string {
	switch c.Type {
	case "double", "float": // through text, since 0.1 as a float is not 0.1 as a double
		return fmt.Sprintf("case when isfinite(%s) then %[1]s::varchar::double end", Quote(c.Name))
	}
	return isoTime(c)
}

// isoTime is a column's times in ISO 8601 with microseconds, Z where they are instants: what other programs parse.
func isoTime(c schema.Column) string {
	switch c.Type {
	case "timestamp", "timestamp_ns":
		return "strftime(" + Quote(c.Name) + ", '%Y-%m-%dT%H:%M:%S.%f')"
	case "timestamp with time zone":
		return "strftime(" + Quote(c.Name) + ", '%Y-%m-%dT%H:%M:%S.%fZ')"
	}
	return Quote(c.Name)
}

// export writes a Parquet file in another format, its rows in their order. expr says how each column is written.
// An error may leave a part of the file.
func export(ctx context.Context, parquet, out, format string, expr func(schema.Column) string) error {
	s, err := open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	in, err := s.plain(parquet)
	if err != nil {
		return err
	}
	to, err := s.target(out)
	if err != nil {
		return err
	}
	columns, err := s.describe(ctx, "select * from "+scanParquet(in))
	if err != nil {
		return fmt.Errorf("reading %s: %w", parquet, err)
	}
	exprs := make([]string, len(columns))
	for i, c := range columns {
		exprs[i] = expr(c) + " as " + Quote(c.Name)
	}
	err = s.exec(ctx, fmt.Sprintf("copy (select %s from %s) to %s (%s, use_tmp_file false)", strings.Join(exprs, ", "), scanParquet(in), literal(to), format))
	if err != nil {
		return fmt.Errorf("writing %s from %s: %w", out, parquet, err)
	}
	return nil
}

// FromCSV reads what ToCSV writes, and what any program writes in that manner, rows in the file's order. Columns are
// found by the header; others are left out. What does not fit is a *component.InputError with line, column and value.
// The order is kept since predictions go with the data by their place.
func FromCSV(ctx context.Context, path string, columns []schema.Column, out string) error {
	asked := make([]CSVColumn, len(columns))
	for i, c := range columns {
		asked[i] = CSVColumn{Column: c}
	}
	c := CSV{Files: []File{{Path: path, Name: filepath.Base(path)}}, Header: true, Unsorted: true}
	_, err := c.Load(ctx, asked, out)
	return err
}

// FromNDJSON reads one JSON object a line, rows in the file's order; absent members are null, others are left out.
// What does not fit is a *component.InputError with line, column and value.
func FromNDJSON(ctx context.Context, path string, columns []schema.Column, out string) error {
	s, err := open(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	p, err := s.plain(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(p)
	if err != nil {
		return err
	}
	// Each row is read once, into the texts of its members. It may be as long as the file; what the engine allows otherwise is 16 MiB.
	exprs, fields, members := make([]string, len(columns)), make([]origin, len(columns)), make([]string, len(columns))
	for i, c := range columns {
		fields[i] = origin{Quote(c.Name), "varchar", CSVColumn{Column: c}}
		exprs[i], members[i] = fields[i].read(), Quote(c.Name)+": 'varchar'"
	}
	scan := fmt.Sprintf("read_json(%s, format='newline_delimited', maximum_object_size=%d, columns={%s})", literal(p), max(16<<20, info.Size()), strings.Join(members, ", "))
	_, err = s.copyParquet(ctx, "select "+strings.Join(exprs, ", ")+" from "+scan, out)
	var e *Error
	if errors.As(err, &e) && e.DataError() {
		return s.explainJSON(ctx, filepath.Base(path), scan, fields, e)
	}
	return err
}

// explainJSON finds the value that could not be read, for a message that names its row and member; without one the engine's
// words are told.
func (s *session) explainJSON(ctx context.Context, file, scan string, fields []origin, cause *Error) error {
	found, err := s.refused(ctx, fields, scan)
	var e *Error
	switch {
	case errors.As(err, &e):
		return &component.InputError{Summary: file + " cannot be read", Detail: withoutAdvice(e.Message)}
	case err != nil:
		return err
	case found == nil:
		return &component.InputError{Summary: file + " cannot be read", Detail: withoutAdvice(cause.Message)}
	}
	return fields[found.field].told(fmt.Sprintf("%s row %d", file, found.row), found, "")
}

// withoutAdvice is a message of the engine's without what it says about options of its own.
func withoutAdvice(message string) string {
	message, _, _ = strings.Cut(message, "\nTry ")
	return message
}
