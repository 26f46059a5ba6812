package table

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// LoadParquet writes Parquet files, whoever made them, as one with these columns, and returns the number of rows. Columns
// are found by name; others are left out; values are read as the column's type. Rows are ordered by all columns, the same on
// however many threads. What does not fit is a *component.InputError that names file, row, column, value and the type that was expected.
func LoadParquet(ctx context.Context, files []File, columns []CSVColumn, threads int, out string) (int64, error) {
	s, err := open(ctx)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	parts, scans := make([]parquetPart, len(files)), make([]string, len(files))
	for i, f := range files {
		if parts[i], err = s.parquetPart(ctx, f, columns); err != nil {
			return 0, err
		}
		scans[i] = parts[i].query()
	}
	if err := inSome(parts, columns); err != nil {
		return 0, err
	}
	order, err := totalOrder(plainColumns(columns), nil)
	if err != nil {
		return 0, err
	}
	n, err := s.copyWide(ctx, threads, files, "select * from ("+strings.Join(scans, "\nunion all\n")+") order by "+order, out)
	var e *Error
	if errors.As(err, &e) && e.DataError() {
		return 0, s.explainParquet(ctx, parts, e)
	}
	return n, err
}

// absent is what a column is read from where a file does not have it.
func absent(c CSVColumn) string { return "null::" + c.Type }

// inSome refuses an optional column that no file has: it is misspelt.
func inSome(parts []parquetPart, columns []CSVColumn) error {
	for i, c := range columns {
		has := func(p parquetPart) bool { return p.fields[i].expr != absent(c) }
		if c.Optional && len(parts) > 0 && !slices.ContainsFunc(parts, has) {
			what := fmt.Sprintf("no file has a column %q", c.header())
			return &component.InputError{Summary: what, Bare: what, Detail: "Correct the name, or leave the column out."}
		}
	}
	return nil
}

// parquetColumns returns a file's columns and the path by which the engine reads it.
func (s *session) parquetColumns(ctx context.Context, f File) ([]schema.Column, string, error) {
	path, err := s.plain(f.Path)
	if err != nil {
		return nil, "", err
	}
	if err := f.looksParquet(); err != nil {
		return nil, "", err
	}
	have, err := s.describe(ctx, "select * from "+scanParquet(path))
	var e *Error
	if errors.As(err, &e) {
		return nil, "", &component.InputError{Summary: f.Name + " cannot be read as Parquet", Detail: strings.ReplaceAll(e.Message, path, f.Name), Bare: f.Name + " cannot be read as Parquet"}
	}
	return have, path, err
}

// looksParquet refuses what does not begin as Parquet does, with PAR1, or PARE where the footer is encrypted.
func (f File) looksParquet() error {
	file, err := os.Open(f.Path)
	if err != nil {
		return fmt.Errorf("opening %s: %w", f.Name, err)
	}
	defer file.Close()
	b := bufio.NewReader(file)
	if webPage(b) {
		return f.isWebPage()
	}
	head, err := b.Peek(4)
	if err != nil && err != io.EOF {
		return fmt.Errorf("reading %s: %w", f.Name, err)
	}
	if string(head) != "PAR1" && string(head) != "PARE" {
		what := f.Name + " is no Parquet file"
		return &component.InputError{Summary: what, Bare: what, Detail: `It does not begin with PAR1, as one does. What is CSV or JSON is read by source "csv" or "json".`}
	}
	return nil
}

// parquetPart is one file of a table: the expression that scans it, and what each column of the table is read from.
type parquetPart struct {
	file   File
	scan   string
	fields []origin
}

// parquetPart is one file with the fields of the columns that are wanted. Times of 96 bits, as Impala and old Spark wrote
// them, are read as bytes and converted here.
func (s *session) parquetPart(ctx context.Context, f File, columns []CSVColumn) (parquetPart, error) {
	have, path, err := s.parquetColumns(ctx, f)
	if err != nil {
		return parquetPart{}, err
	}
	t := schema.Table{Columns: have}
	times, nested, err := times96(f.Path)
	if err != nil {
		return parquetPart{}, err
	}
	if len(times) > 0 {
		if path, err = s.withBytes(f.Path); err != nil {
			return parquetPart{}, err
		}
	}
	p := parquetPart{f, scanParquet(path), make([]origin, len(columns))}
	for i, c := range columns {
		found := t.Column(c.header())
		if found == nil && c.Optional {
			p.fields[i] = origin{absent(c), c.Type, c}
			continue
		}
		if found == nil {
			return p, &component.InputError{Summary: fmt.Sprintf("%s has no column %q", f.Name, c.header()), Bare: fmt.Sprintf("%s has no column %q", f.Name, c.header()),
				Detail: "It has " + names(have) + ". " + missing(c.header(), t.Names())}
		}
		// What the engine reads is cast to what is stored of it first: an enumeration is text.
		p.fields[i] = origin{Quote(found.Name) + "::" + found.Type, found.Type, c}
		switch {
		case slices.Contains(nested, found.Name):
			return p, nestedTimes(f.Name, found.Name)
		case slices.Contains(times, found.Name):
			p.fields[i].expr, p.fields[i].have = Quote(found.Name), int96
		}
	}
	return p, nil
}

// query reads the file's part of the table, the columns in the table's order. Parts of several files are joined by position (union all), so
// that each has to have all columns with the same types.
func (p parquetPart) query() string {
	terms := make([]string, len(p.fields))
	for i, f := range p.fields {
		terms[i] = f.read()
	}
	return "select " + strings.Join(terms, ", ") + " from " + p.scan
}

// explainParquet finds the file and the value that made loading fail: the engine names neither. It goes through the files one by one, which
// takes as long as loading them again, and is done after a failure alone. cause is the error where none of them has such a value.
func (s *session) explainParquet(ctx context.Context, parts []parquetPart, cause *Error) error {
	for _, p := range parts {
		found, err := s.refused(ctx, p.fields, p.scan)
		var e *Error
		switch {
		case errors.As(err, &e) && e.DataError():
			line, _, _ := strings.Cut(e.Message, "\n")
			return &component.InputError{Summary: p.file.Name + ": " + line, Detail: "Change the column's type, or correct the file."}
		case err != nil:
			return err
		case found != nil:
			f := p.fields[found.field]
			return f.told(fmt.Sprintf("%s row %d", p.file.Name, found.row), found, f.cure())
		}
	}
	return cause
}

// cure says what to do about a value of a Parquet file that the column's type does not keep.
func (f origin) cure() string {
	if f.have == int96 && f.Type == "timestamp" {
		return "The file holds it in nanoseconds (INT96): declare the column as timestamp_ns, or correct the file."
	}
	return "The file holds it as " + f.have + ": change the column's type, or correct the file."
}

// SniffParquet returns the columns of Parquet files, with the types that their rows would be stored with. Files must all have
// the same columns; the error names the first that differs.
// The columns stand in the order of the first file.
func SniffParquet(ctx context.Context, files []File) ([]schema.Column, error) {
	s, err := open(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	var first []schema.Column
	for i, f := range files {
		have, path, err := s.parquetColumns(ctx, f)
		if err != nil {
			return nil, err
		}
		// Nested columns and the like are refused for the first file; the others have the same columns or are refused for
		// that.
		if i == 0 {
			if err := s.storable(ctx, path, f.Name); err != nil {
				return nil, err
			}
			first = have
		} else if err := sameFiles(first, have, files[0].Name, f.Name); err != nil {
			return nil, err
		}
	}
	return first, nil
}

// storable refuses a file with columns that no stored table can have.
func (s *session) storable(ctx context.Context, path, name string) error {
	raw, err := s.engineTypes(ctx, "select * from "+scanParquet(path))
	if err != nil {
		return err
	}
	if _, err := yield(raw, false); err != nil {
		return &component.InputError{Summary: name + ": " + err.Error(), Detail: "Declare the columns that are wanted with column blocks."}
	}
	return nil
}

// sameFiles refuses a file whose columns are others than the first's: with none declared they are those of the source.
func sameFiles(first, have []schema.Column, firstName, name string) error {
	const detail = "Files of one source have the same columns; declare those that are wanted with column blocks."
	t := schema.Table{Columns: have}
	for _, c := range first {
		switch found := t.Column(c.Name); {
		case found == nil:
			return &component.InputError{Summary: fmt.Sprintf("%s has no column %q, which %s has", name, c.Name, firstName), Detail: detail}
		case found.Type != c.Type:
			return &component.InputError{Summary: fmt.Sprintf("column %q is %s in %s and %s in %s", c.Name, c.Type, firstName, found.Type, name), Detail: detail}
		}
	}
	if len(have) != len(first) {
		return &component.InputError{Summary: fmt.Sprintf("%s has %d columns, %s has %d", name, len(have), firstName, len(first)), Detail: detail}
	}
	return nil
}
