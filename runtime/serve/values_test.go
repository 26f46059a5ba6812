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
			f := newFeature(schema.Column{Name: "x", Type: typ})
			f.grow()
			got := f.set(0, scalar{'0', text})
			tensor := checkDatatype(datatypeOf(typ), scalar{'0', text})
			if (got == nil) != want || (tensor == nil) != want {
				t.Errorf("%s as %s: %v, as a tensor %v; want it taken: %t", shorten(text), typ, got, tensor, want)
			}
		}
	}
	if err := checkDatatype("FP32", scalar{'0', "1e39"}); err == nil || checkDatatype("FP32", scalar{'0', "3.4e38"}) != nil || checkDatatype("FP64", scalar{'0', "1e39"}) != nil {
		t.Error("32 bits hold no 1e39")
	}
}
