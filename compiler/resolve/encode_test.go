package resolve

import (
	"math/big"
	"testing"
)

// TestNumbers: a number that is written with more digits than a double has is handed on with all of them; one that is computed is a double.
func TestNumbers(t *testing.T) {
	parse := func(text string) *big.Float {
		f, _, err := big.ParseFloat(text, 10, 512, big.ToNearestEven)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	for text, want := range map[string]string{
		"0.1": "0.1", "0.10": "0.1", "1.0": "1", "0.10000000000000001": "0.1", "1e-7": "1e-7", "9007199254740993": "9007199254740993", "2.5": "2.5",
		"0.12345678901234567891": "0.12345678901234567891", "-12345678901234567.89": "-12345678901234567.89", "0.30000000000000000001": "0.30000000000000000001",
	} {
		if got, err := number(parse(text)); err != nil || got.String() != want {
			t.Errorf("%s: got %s, %v, want %s", text, got, err, want)
		}
	}
	third := new(big.Float).SetPrec(512).Quo(parse("1"), parse("3"))
	sum := new(big.Float).SetPrec(512).Add(parse("0.1"), parse("0.2"))
	for f, want := range map[*big.Float]string{third: "0.3333333333333333", sum: "0.3"} {
		if got, err := number(f); err != nil || got.String() != want {
			t.Errorf("%v: got %s, %v, want %s", f, got, err, want)
		}
	}
}
