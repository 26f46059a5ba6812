package table

import (
	"context"
	"database/sql/driver"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// describe returns the columns of a query with the types that its rows are stored with. What cannot be stored has its own.
// Nothing is run: the engine binds the query and says what it would yield.
func (s *session) describe(ctx context.Context, query string) ([]schema.Column, error) {
	raw, err := s.engineTypes(ctx, query)
	for i, c := range raw {
		stored, _ := storedType(c.Type)
		raw[i].Type = stored
	}
	return raw, err
}

// engineTypes returns the columns of a query with the engine's own types, as the engine writes them.
func (s *session) engineTypes(ctx context.Context, query string) ([]schema.Column, error) {
	var out []schema.Column
	err := s.each(ctx, "describe "+query, func(row []driver.Value) error {
		out = append(out, schema.Column{Name: row[0].(string), Type: row[1].(string)})
		return nil
	})
	return out, err
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

// Numeric reports whether a type is a number, in DuckDB's sense.
func Numeric(t string) bool {
	switch t {
	case "tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint", "uinteger", "ubigint",
		"float", "double":
		return true
	}
	return strings.HasPrefix(t, "decimal(")
}

// Temporal reports whether a type is a point in time: a date or a timestamp.
func Temporal(t string) bool { return t == "date" || strings.HasPrefix(t, "timestamp") }

// Scale returns how many digits behind the point the numbers of a type have: 2 of decimal(10,2), 0 of bigint. ok is false
// for types whose numbers are not exact (double, float), and for types that are no numbers.
func Scale(t string) (scale int, ok bool) {
	if !Numeric(t) || t == "double" || t == "float" {
		return 0, false
	}
	_, scale = decimalSize(t)
	return scale, true
}

// Known returns the SQL condition that a column has a value; null is none, and neither is NaN. Of the double x it is
// ("x" is not null and not isnan("x")).
func Known(c schema.Column) string {
	q := Quote(c.Name)
	if c.Type == "double" || c.Type == "float" {
		return "(" + q + " is not null and not isnan(" + q + "))"
	}
	return q + " is not null"
}

// Constant returns an SQL expression of the type kind for a text of the configuration, such as "5" as a bigint. The text is
// read by the rule for files (exact); if it is no value of the type, the query fails when it runs: "x" is no bigint.
func Constant(text, kind string) string {
	if kind == "varchar" {
		return literal(text)
	}
	return fmt.Sprintf("coalesce(%s, error(%s))::%s", exactText(literal(text), kind), literal(fmt.Sprintf("%q is no %s", text, kind)), kind)
}

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

// names lists columns for a message.
func names(columns []schema.Column) string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = c.Name
	}
	return strings.Join(out, ", ")
}
