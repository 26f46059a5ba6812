package serve

import (
	"math/big"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

// TestWholeNumbersAreExact: what is taken for a whole number of a type is one, also where floats are further apart than that, at both ends of
// each type and one beyond; a tensor's datatype and a column's type say the same.
func TestWholeNumbersAreExact(t *testing.T) {
	one := big.NewInt(1)
	power := func(n uint) *big.Int { return new(big.Int).Lsh(one, n) }
	for typ, bounds := range map[string][2]*big.Int{
		"tinyint": {new(big.Int).Neg(power(7)), power(7)}, "smallint": {new(big.Int).Neg(power(15)), power(15)},
		"integer": {new(big.Int).Neg(power(31)), power(31)}, "bigint": {new(big.Int).Neg(power(63)), power(63)},
		"utinyint": {new(big.Int), power(8)}, "usmallint": {new(big.Int), power(16)}, "uinteger": {new(big.Int), power(32)}, "ubigint": {new(big.Int), power(64)},
	} {
		low, past := bounds[0].String(), bounds[1].String()
		most := new(big.Int).Sub(bounds[1], one).String()
		below := new(big.Int).Sub(bounds[0], one).String()
		for text, want := range map[string]bool{
			low: true, most: true, low + ".0": true, most + ".000": true, "0": true, "-0": true, "0.5e1": true, "12e1": true,
			past: false, below: false, most + ".5": false, "0.5": false, "5e-1": false, past + "e0": false, "1e40": false, "-1e300": false,
			"1e-40000": true, strings.Repeat("9", 400): false,
		} {
			f := feature{column: newColumn(schema.Column{Name: "x", Type: typ})}
			got := f.add(scalarOf(text))
			tensor := checkDatatype(t, datatypeOf(typ), text)
			if (got == nil) != want || (tensor == nil) != want {
				t.Errorf("%s as %s: %v, as a tensor %v; want it taken: %t", shorten(text), typ, got, tensor, want)
			}
		}
	}
	if err := checkDatatype(t, "FP32", "1e39"); err == nil || checkDatatype(t, "FP32", "3.4e38") != nil || checkDatatype(t, "FP64", "1e39") != nil {
		t.Error("32 bits hold no 1e39")
	}
}

func checkDatatype(t *testing.T, name, text string) error {
	d, err := newDatatype(name)
	if err != nil {
		t.Fatal(err)
	}
	return d.check(scalarOf(text))
}

// TestValuesAreOfTheirTypes: what a column's type does not hold is refused, and what it rounds is rounded.
func TestValuesAreOfTheirTypes(t *testing.T) {
	for _, tt := range []struct {
		columnType, json, why string // json: with quotes where it is a string; why: empty if it is taken
		want                  float64
	}{
		{"decimal(5,2)", "123.45", "", 123.45}, {"decimal(5,2)", "999.99", "", 999.99}, {"decimal(5,2)", "-999.99", "", -999.99}, {"decimal(5,2)", "1.500", "", 1.5},
		{"decimal(5,2)", "1000", "out of the range of decimal(5,2)", 0}, {"decimal(5,2)", "1e3", "out of the range", 0}, {"decimal(5,2)", "1.005", "more than the 2 places", 0},
		{"decimal(5,2)", "-1e300", "out of the range", 0}, {"decimal(5,2)", "12345e-2", "", 123.45}, {"decimal(5,2)", "123450e-3", "", 123.45}, {"decimal(5,2)", "123456e-3", "places", 0},
		{"decimal(5,2)", "1e-99999999999999999999", "places", 0}, {"decimal(5,2)", "0e99999", "", 0}, {"decimal(5,2)", "0.000", "", 0}, {"decimal(5,2)", "0.30000000000000004", "places", 0},
		{"decimal(38,0)", "1e37", "", 1e37}, {"decimal(38,0)", "1e38", "out of the range", 0}, {"decimal(2,2)", "0.99", "", 0.99}, {"decimal(2,2)", "1", "out of the range", 0},
		{"float", "0.1", "", float64(float32(0.1))}, {"float", "1e39", "out of the range of float", 0}, {"float", "3.4e38", "", float64(float32(3.4e38))}, {"double", "0.1", "", 0.1},
		{"date", `"2024-05-01"`, "", 1714521600}, {"date", `"2024-05-01T00:00:00Z"`, "", 1714521600}, {"date", `"2024-05-01T12:00:00Z"`, "time of a day", 0},
		{"timestamp", `"2024-05-01T12:00:00.123456Z"`, "", 1714564800.123456}, {"timestamp", `"2024-05-01T12:00:00.1234567Z"`, "more places than timestamp", 0},
		{"timestamp", `"2024-05-01T12:00:00.120000000Z"`, "", 1714564800.12}, {"timestamp_ns", `"2024-05-01T12:00:00.1234567Z"`, "", 1714564800.1234567},
		{"timestamp_ns", `"2300-05-01T12:00:00Z"`, "out of the range of timestamp_ns", 0}, {"timestamp", `"0000-05-01"`, "before the year 1", 0},
		{"timestamp", `"2024-05-01T24:00:00Z"`, "ISO 8601", 0}, {"timestamp", `"2024-05-01T12:00:00+24:00"`, "a day or more from UTC", 0}, {"timestamp", `"2024-05-01T12:00:00+14:00"`, "", 1714514400},
		{"timestamp with time zone", `"2024-05-01"`, "", 1714521600}, {"timestamp", `"12:00:00"`, "ISO 8601", 0},
	} {
		f := feature{column: newColumn(schema.Column{Name: "x", Type: tt.columnType})}
		err := f.add(scalarOf(tt.json))
		if tt.why == "" && (err != nil || f.Num[0] != tt.want) || tt.why != "" && (err == nil || !strings.Contains(err.Error(), tt.why)) {
			t.Errorf("%s as %s: got %v, %v, want %v, %q", tt.json, tt.columnType, f.Num, err, tt.want, tt.why)
		}
	}
}
