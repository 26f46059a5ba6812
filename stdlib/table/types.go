package table

import (
	"context"
	"database/sql/driver"
	"fmt"
	"regexp"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// describe returns the columns of a query with the types that its rows are stored with.
func (s *session) describe(ctx context.Context, query string) ([]schema.Column, error) {
	var out []schema.Column
	err := s.each(ctx, "describe "+query, func(row []driver.Value) error {
		out = append(out, schema.Column{Name: row[0].(string), Type: storedType(row[1].(string))})
		return nil
	})
	return out, err
}

// storedType is the type that values of an engine's type have once they are in a Parquet file: what Parquet has no
// type for is stored as the closest that it has. Integers stay exact: a sum of integers is a bigint, and one that does
// not fit is an error when it is computed.
func storedType(t string) string {
	t = fixedSize.ReplaceAllString(lowerType(t), "[]")
	switch {
	case t == "hugeint", t == "uhugeint", t == "bignum":
		return "bigint"
	case strings.HasPrefix(t, "enum("), t == "bit":
		return "varchar"
	case t == "timestamp_s", t == "timestamp_ms":
		return "timestamp"
	case t == `"null"`, t == "null":
		return "integer"
	case t == "time with time zone":
		return "time"
	}
	return t
}

// fixedSize is the mark of arrays, which Parquet keeps as lists.
var fixedSize = regexp.MustCompile(`\[\d+\]`)

// storable tells why a type cannot be stored; empty if it can.
func storable(t string) string {
	switch {
	case strings.HasPrefix(t, "union("):
		return "a union"
	case strings.Contains(t, "hugeint"), strings.Contains(t, "enum("), strings.Contains(t, "bignum"):
		return "it holds a type that Parquet has not"
	}
	return ""
}

// lowerType writes a type's name in lower case, leaving quoted names in it alone.
func lowerType(t string) string {
	var b strings.Builder
	var quote byte
	for i := range len(t) {
		c := t[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		b.WriteByte(c)
	}
	return b.String()
}

// Numeric tells whether a type is a number, in DuckDB's sense.
func Numeric(t string) bool {
	switch t {
	case "tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint", "uinteger", "ubigint",
		"float", "double":
		return true
	}
	return strings.HasPrefix(t, "decimal(")
}

// Temporal tells whether a type is a point in time: a date or a timestamp.
func Temporal(t string) bool { return t == "date" || strings.HasPrefix(t, "timestamp") }

// sameColumns compares a query's columns with those that were expected.
func sameColumns(got, want []schema.Column) error {
	if len(got) != len(want) {
		return fmt.Errorf("the query yields %d columns (%s), expected %d (%s)", len(got), names(got), len(want), names(want))
	}
	for i := range got {
		if got[i].Name != want[i].Name || got[i].Type != want[i].Type {
			return fmt.Errorf("column %d of the query is %s %s, expected %s %s", i+1,
				got[i].Name, got[i].Type, want[i].Name, want[i].Type)
		}
	}
	return nil
}

func names(columns []schema.Column) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.Name
	}
	return strings.Join(out, ", ")
}
