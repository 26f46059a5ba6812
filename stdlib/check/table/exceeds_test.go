package table

import (
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	sqltable "github.com/mlp-lang/mlp/stdlib/table"
)

// TestExceeds compares columns of every two types of numbers and times with arithmetic that does not round.
func TestExceeds(t *testing.T) {
	numbers := map[string][]string{
		"bigint": {"0", "1", "-1", "9007199254740992", "9007199254740993", "-9007199254740993", "9223372036854775807"}, "ubigint": {"0", "9007199254740993", "18446744073709551615"},
		"integer": {"-2", "3"}, "decimal(10,2)": {"0.10", "-0.10", "0.30", "12345678.01"}, "decimal(20,19)": {"0.1000000000000000001", "0.0999999999999999999", "-0.1000000000000000001"},
		"decimal(38,2)": {"123456789012345678901234567890123456.78", "9007199254740992.01", "9007199254740991.99", "-9007199254740993.25"}, "decimal(38,30)": {"0.100000000000000000000000000001", "99999999.5"},
		"double": {"0.0", "0.1", "-0.1", "0.30000000000000004", "9007199254740992.0", "9007199254740994.0", "-9007199254740992.0", "1.2345678901234568e+35", "1e+300", "-1e+300", "99999999.5", "1e-300"},
		"float":  {"0.1", "16777216.0", "3.0"},
	}
	rat := func(text string) *big.Rat {
		x, ok := new(big.Rat).SetString(text)
		if !ok {
			t.Fatalf("%s is no number", text)
		}
		return x
	}
	compare(t, numbers, func(kindA, a, kindB, b string) bool {
		if floatA, floatB := strings.Contains("double float", kindA), strings.Contains("double float", kindB); floatA && floatB && kindA != kindB {
			return rat32(t, kindA, a).Cmp(rat32(t, kindB, b)) > 0
		}
		return rat(a).Cmp(rat(b)) > 0
	})
	times := map[string][]string{
		"timestamp": {"2024-01-01 00:00:00", "2024-01-01 00:00:00.000001", "9999-12-31 00:00:00", "0001-01-01 00:00:00"}, "date": {"2024-01-01", "9999-12-31", "1500-01-01"},
		"timestamp_ns":             {"2024-01-01 00:00:00", "2024-01-01 00:00:00.000000001", "2024-01-01 00:00:00.000001001", "1969-12-31 23:59:59.999999999"},
		"timestamp with time zone": {"2024-01-01 00:00:00+00", "9999-12-31 00:00:00+00"},
	}
	compare(t, times, func(_, a, _, b string) bool { return moment(a) > moment(b) })
}

// moment makes times comparable as text.
func moment(text string) string {
	text = strings.TrimSuffix(text, "+00")
	if len(text) == len("2024-01-01") {
		text += " 00:00:00"
	}
	if !strings.Contains(text, ".") {
		text += "."
	}
	return text + strings.Repeat("0", 29-len(text))
}

// rat32 is the number that a float is, where it is compared with a double.
func rat32(t *testing.T, kind, text string) *big.Rat {
	t.Helper()
	if kind == "float" {
		x, _ := new(big.Float).SetString(text)
		f, _ := x.Float32()
		return new(big.Rat).SetFloat64(float64(f))
	}
	x, _ := new(big.Float).SetString(text)
	f, _ := x.Float64()
	return new(big.Rat).SetFloat64(f)
}

func compare(t *testing.T, values map[string][]string, exceed func(kindA, a, kindB, b string) bool) {
	t.Helper()
	reader, err := sqltable.OpenReader(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for kindA, listA := range values {
		for kindB, listB := range values {
			sql := exceeds(schema.Column{Name: "a", Type: kindA}, schema.Column{Name: "b", Type: kindB})
			var rows []string
			for i, a := range listA {
				for j, b := range listB {
					rows = append(rows, fmt.Sprintf("(%d, %d, '%s'::%s, '%s'::%s)", i, j, a, kindA, b, kindB))
				}
			}
			err := reader.Query(t.Context(), fmt.Sprintf("select i, j, %s from (values %s) t(i, j, a, b)", sql, strings.Join(rows, ", ")), func(row []any) error {
				a, b := listA[row[0].(int32)], listB[row[1].(int32)]
				if want := exceed(kindA, a, kindB, b); row[2] != want {
					t.Errorf("%s %s > %s %s: got %v", kindA, a, kindB, b, row[2])
				}
				return nil
			})
			if err != nil {
				t.Errorf("%s > %s: %v", kindA, kindB, err)
			}
		}
	}
}
