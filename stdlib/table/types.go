package table

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/mlp-lang/mlp/lang/schema"
)

// describe returns the columns of a query with the types that its rows are stored with. What cannot be stored has its own.
// Nothing is run: the engine binds the query and says what it would yield.
func (s *session) describe(ctx context.Context, query string) ([]schema.Column, error) {
	raw, err := s.engineTypes(ctx, query)
	return stored(raw), err
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

// plainTypes are the engine's types that a prepared statement tells as describe does: those that have one name and no parts. Text is not
// among them, for it may be JSON.
var plainTypes = map[duckdb.Type]string{
	duckdb.TYPE_BOOLEAN: "BOOLEAN", duckdb.TYPE_TINYINT: "TINYINT", duckdb.TYPE_SMALLINT: "SMALLINT", duckdb.TYPE_INTEGER: "INTEGER",
	duckdb.TYPE_BIGINT: "BIGINT", duckdb.TYPE_UTINYINT: "UTINYINT", duckdb.TYPE_USMALLINT: "USMALLINT", duckdb.TYPE_UINTEGER: "UINTEGER",
	duckdb.TYPE_UBIGINT: "UBIGINT", duckdb.TYPE_HUGEINT: "HUGEINT", duckdb.TYPE_FLOAT: "FLOAT", duckdb.TYPE_DOUBLE: "DOUBLE",
	duckdb.TYPE_DATE: "DATE", duckdb.TYPE_TIMESTAMP: "TIMESTAMP",
}

// prepared returns the columns of a query as engineTypes does, in a third of the time: it is bound, where describe is a query of its own, which
// is planned and run. False: it cannot tell, for a column is of a type with parts, or two have one name, or the query is not bound, and
// describe says why. Text is taken for VARCHAR, which it is where no JSON can come in.
func (s *session) prepared(query string) ([]schema.Column, bool) {
	statement, err := s.conn.Prepare(query) // one statement: more are refused before the first is run
	if err != nil {
		return nil, false
	}
	defer statement.Close()
	bound, ok := statement.(*duckdb.Stmt)
	if !ok {
		return nil, false
	}
	n, err := bound.ColumnCount()
	if err != nil {
		return nil, false
	}
	out, seen := make([]schema.Column, n), map[string]bool{}
	for i := range out {
		name, errName := bound.ColumnName(i)
		kind, errType := bound.ColumnType(i)
		written, plain := plainTypes[kind]
		if kind == duckdb.TYPE_VARCHAR {
			written, plain = "VARCHAR", true
		}
		if errName != nil || errType != nil || !plain || seen[strings.ToLower(name)] {
			return nil, false
		}
		out[i], seen[strings.ToLower(name)] = schema.Column{Name: name, Type: written}, true
	}
	return out, true
}

// noJSON reports whether a query over tables makes no JSON and reads none, so that all text in it is VARCHAR.
func noJSON(query string, tables map[string]*schema.Table) bool {
	if strings.Contains(strings.ToLower(query), "json") || strings.Contains(query, "->") {
		return false
	}
	for _, t := range tables {
		for _, c := range t.Columns {
			if strings.Contains(c.Type, "json") {
				return false
			}
		}
	}
	return true
}

// stored gives columns the types that their rows are stored with.
func stored(raw []schema.Column) []schema.Column {
	out := slices.Clone(raw)
	for i, c := range raw {
		out[i].Type, _ = storedType(c.Type)
	}
	return out
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
