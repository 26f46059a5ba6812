package suite

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"path/filepath"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/component"
)

// expectation is a table that a test expects.
type expectation struct {
	rows      given   // as rows that are given: columns and content
	tolerance float64 // of numbers; 0: they must be equal
	partial   bool    // the table may have other rows too
}

// expect types what a test expects: the address must be a table, and the columns that are written be columns of it. Not
// all columns need to be written; those alone are compared.
func (k *checker) expect(e *expectation) {
	g := &e.rows
	if !k.find(g) {
		return
	}
	switch {
	case g.block.Out[g.port].Table == nil:
		k.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeTestGiven, Subject: g.at,
			Summary: fmt.Sprintf("%s is no table, so no rows can be expected of it", g.label),
			Detail:  k.yields(g.block),
			Hint:    "figures are asserted: assert \"…\" { that = \"…\" }",
		})
		return
	case !rowsOf(g.attrs):
		k.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeTestGiven, Subject: g.at,
			Summary: fmt.Sprintf("nothing is expected of %s", g.label),
			Hint:    "write csv = … or rows = […]",
		})
		return
	}
	if n, ok := g.attrs["tolerance"].(json.Number); ok {
		e.tolerance, _ = n.Float64() // a number of the language is one of Go
	}
	e.partial = g.attrs["partial"] == true
	k.rows(g)
}

// cell is a value of a table as it is compared and shown. A null is equal to null alone.
type cell struct {
	null   bool
	number bool
	value  float64 // of a number
	text   string
}

// compare compares an expected table with the one that the store has under got. nil: they are the same.
func (s *Suite) compare(ctx context.Context, e *expectation, got plan.Digest) (*Failure, error) {
	columns := e.rows.table.Columns
	want, err := s.cells(ctx, e.rows.content, columns)
	if err != nil {
		return nil, err
	}
	have, err := s.cells(ctx, got, columns)
	if err != nil {
		return nil, err
	}
	d := diff{columns: columns, tolerance: e.tolerance, partial: e.partial}
	d.match(want, have, e.keyed())
	if d.same() {
		return nil, nil
	}
	return &Failure{Kind: "expect", Summary: e.rows.label + " " + d.summary(len(have)), Detail: d.text(), Range: e.rows.at}, nil
}

// keyed are the places of the key's columns among those written, nil if not all are: rows that agree in a part of a key
// may be different rows.
func (e *expectation) keyed() []int {
	var out []int
	for _, name := range e.rows.table.Key {
		found := false
		for i, c := range e.rows.table.Columns {
			if strings.EqualFold(c.Name, name) {
				out, found = append(out, i), true
			}
		}
		if !found {
			return nil
		}
	}
	return out
}

// cells reads these columns of a table of the store, in the table's order. Numbers with fractions come as doubles, all
// else as the text that the SQL engine gives, so that dates and 64-bit integers are compared exactly.
func (s *Suite) cells(ctx context.Context, table plan.Digest, columns []schema.Column) ([][]cell, error) {
	dir, err := s.store.Temp("read-")
	if err != nil {
		return nil, err
	}
	dest := filepath.Join(dir, "table")
	if err := s.store.Materialize(ctx, table, dest); err != nil {
		return nil, err
	}
	terms := make([]string, len(columns))
	for i, c := range columns {
		terms[i] = quoted(c.Name) + "::varchar"
		if fractional(c.Type) {
			terms[i] = quoted(c.Name) + "::double"
		}
	}
	var out [][]cell
	err = s.o.Tables.Each(ctx, "select "+strings.Join(terms, ", ")+" from t", map[string]string{"t": filepath.Join(dest, component.TableFile)}, func(row []any) error {
		cells := make([]cell, len(row))
		for i, v := range row {
			cells[i] = newCell(v)
		}
		out = append(out, cells)
		return nil
	})
	return out, err
}

// fractional reports whether values of an SQL type are compared as numbers.
func fractional(t string) bool {
	return t == "double" || t == "float" || strings.HasPrefix(t, "decimal")
}

// newCell is a value as it is compared and shown: numbers as numbers, all else by its text.
func newCell(v any) cell {
	switch x := v.(type) {
	case nil:
		return cell{null: true, text: "null"}
	case float64:
		return cell{number: true, value: x, text: numberText(x)}
	case string:
		return cell{text: x}
	}
	return cell{text: fmt.Sprint(v)}
}

// numberText is the shortest text of a number, without exponent where it is of ordinary size.
func numberText(x float64) string {
	if a := math.Abs(x); a != 0 && (a < 1e-4 || a >= 1e15) {
		return fmt.Sprintf("%g", x)
	}
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.10f", x), "0"), ".")
}

// equal compares two values. Numbers are equal if they differ by no more than the tolerance, either absolutely or
// relative to the greater one; NaN is equal to NaN, and infinities to themselves.
func (a cell) equal(b cell, tolerance float64) bool {
	if a.null || b.null || !a.number || !b.number {
		return a.null == b.null && a.text == b.text
	}
	if math.IsNaN(a.value) || math.IsNaN(b.value) {
		return math.IsNaN(a.value) && math.IsNaN(b.value)
	}
	off := math.Abs(a.value - b.value)
	return a.value == b.value || off <= tolerance || off <= tolerance*math.Max(math.Abs(a.value), math.Abs(b.value))
}
