package table

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
)

// LoadParquet writes Parquet files, whoever made them, as one with these columns, and returns the number of rows. Columns
// are found by name; others are left out; values are cast to the column's type. Rows are ordered by all columns.
// What does not fit is a *component.InputError.
func LoadParquet(ctx context.Context, files []File, columns []CSVColumn, out string) (int64, error) {
	s, err := open(ctx)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	scans := make([]string, len(files))
	for i, f := range files {
		have, path, err := s.parquetColumns(ctx, f)
		if err != nil {
			return 0, err
		}
		if scans[i], err = castScan(f, have, path, columns); err != nil {
			return 0, err
		}
	}
	order, err := totalOrder(plainColumns(columns), nil)
	if err != nil {
		return 0, err
	}
	n, err := s.copyParquet(ctx, "select * from ("+strings.Join(scans, "\nunion all\n")+") order by "+order, out)
	var e *Error
	if errors.As(err, &e) && e.DataError() {
		return 0, s.explainParquet(ctx, files, scans, e)
	}
	return n, err
}

// parquetColumns returns a file's columns and the path by which the engine reads it.
func (s *session) parquetColumns(ctx context.Context, f File) ([]schema.Column, string, error) {
	path, err := s.plain(f.Path)
	if err != nil {
		return nil, "", err
	}
	have, err := s.describe(ctx, "select * from "+scanParquet(path))
	var e *Error
	if errors.As(err, &e) {
		return nil, "", &component.InputError{Summary: f.Name + " cannot be read as Parquet", Detail: e.Message, Bare: f.Name + " cannot be read as Parquet"}
	}
	return have, path, err
}

func castScan(f File, have []schema.Column, path string, columns []CSVColumn) (string, error) {
	t := schema.Table{Columns: have}
	exprs := make([]string, len(columns))
	for i, c := range columns {
		found := t.Column(c.header())
		if found == nil {
			return "", &component.InputError{Summary: fmt.Sprintf("%s has no column %q", f.Name, c.header()), Bare: fmt.Sprintf("%s has no column %q", f.Name, c.header()),
				Detail: strings.TrimSpace("It has " + names(have) + ". " + Suggest(c.header(), t.Names()))}
		}
		exprs[i] = castTo(Quote(found.Name), found.Type, c.Type) + " as " + Quote(c.Name)
	}
	return "select " + strings.Join(exprs, ", ") + " from " + scanParquet(path), nil
}

// castTo casts a value without losing a part of it: a fraction is no whole number.
func castTo(expr, have, want string) string {
	whole := strings.HasSuffix(want, "int") || want == "integer" || want == "uinteger"
	if whole && (have == "double" || have == "float" || strings.HasPrefix(have, "decimal(")) {
		return fmt.Sprintf("case when %s is not null then case when %[1]s = trunc(%[1]s) then %[1]s else error('a fraction is no %s') end::%[2]s end", expr, want)
	}
	return expr + "::" + want
}

// explainParquet finds the file that made loading fail.
func (s *session) explainParquet(ctx context.Context, files []File, scans []string, cause *Error) error {
	for i, f := range files {
		err := s.exec(ctx, "create or replace temp table probe as "+scans[i])
		var e *Error
		if errors.As(err, &e) && e.DataError() {
			line, _, _ := strings.Cut(e.Message, "\n")
			return &component.InputError{Summary: f.Name + ": " + line, Detail: "Change the column's type, or correct the file."}
		}
		if err != nil {
			return err
		}
	}
	return cause
}

// SniffParquet returns the columns of Parquet files, which must all have the same ones.
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
