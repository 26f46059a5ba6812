package table

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/runtime/component"
)

// origin is what a column of a table is read from: of the CSV field f3 with text in it, read as the bigint amount, expr is f3 and
// have is varchar.
type origin struct {
	expr, have string // an expression and its type
	CSVColumn
}

// text is the expression as text.
func (f origin) text() string {
	if f.have == int96 {
		return shown96(f.expr)
	}
	return f.expr + "::varchar"
}

// made is what the engine makes of the expression as the column's type.
func (f origin) made() string {
	expr := f.expr
	if f.have == int96 {
		expr = micros96(expr)
	}
	return fmt.Sprintf("try(cast(%s as %s))::varchar", expr, f.Type) // try_cast of a far year to timestamp_ns is an error
}

// badValue is the error that a value raises which does not fit; refused finds out which one it was.
const badValue = "a value does not fit the type of its column"

// read is the column, or an error where a value is not one of its type.
func (f origin) read() string {
	expr := f.expr
	if f.have != f.Type {
		expr = fmt.Sprintf("case when %s is not null then coalesce(%s, error('%s')) end::%s", f.expr, exact(f.expr, f.have, f.Type), badValue, f.Type)
	}
	return expr + " as " + Quote(f.Name)
}

// refusal is a value that is not one of its column's type.
type refusal struct {
	row   int64 // from 1
	field int
	value string
	would string // what the type would make of it; empty: nothing
}

// refused finds the first value that made reading fail; nil if there is none.
// The query repeats what read does, without the error, and numbers the rows in the order of the file. It is asked only after reading
// has failed.
func (s *session) refused(ctx context.Context, fields []origin, from string) (*refusal, error) {
	bad, would := []string{"null::varchar"}, []string{"null::varchar"} // so that the lists have a type
	for _, f := range fields {
		if f.have == f.Type {
			bad, would = append(bad, "null"), append(would, "null")
			continue
		}
		no := fmt.Sprintf("%s is not null and (%s) is null", f.expr, exact(f.expr, f.have, f.Type))
		bad = append(bad, fmt.Sprintf("case when %s then %s end", no, f.text()))
		would = append(would, fmt.Sprintf("case when %s then %s end", no, f.made()))
	}
	query := fmt.Sprintf("select n, bad, would from (select row_number() over () as n, [%s] as bad, [%s] as would from %s) "+
		"where len(list_filter(bad, lambda x: x is not null)) > 0 order by n limit 1", strings.Join(bad, ", "), strings.Join(would, ", "), from)
	var found *refusal
	err := s.each(ctx, query, func(row []driver.Value) error {
		for i, v := range row[1].([]any)[1:] {
			if v == nil {
				continue
			}
			found = &refusal{row: row[0].(int64), field: i, value: fmt.Sprint(v)}
			if w := row[2].([]any)[i+1]; w != nil {
				found.would = fmt.Sprint(w)
			}
			break
		}
		return nil
	})
	return found, err
}

// told says what is wrong with a value, and what to do. place is the file with its line or row.
func (f origin) told(place string, r *refusal, cure string) *component.InputError {
	e := &component.InputError{
		Summary: fmt.Sprintf("%s: column %q holds %s, which is no %s", place, f.header(), shown(r.value), f.Type),
		Bare:    fmt.Sprintf("%s: the value of column %q is no %s", place, f.header(), f.Type),
	}
	if r.would != "" && r.would != r.value {
		e.Detail = fmt.Sprintf("As %s it would be %s: another value. ", f.Type, shown(r.would))
	}
	e.Detail = strings.TrimSpace(e.Detail + cure)
	return e
}
