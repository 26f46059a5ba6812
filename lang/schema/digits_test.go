package schema

import (
	"strconv"
	"testing"
)

func TestSameDigits(t *testing.T) {
	for text, want := range map[string]bool{
		"0": true, "-0.0": true, "0.1": true, "0.10000000000000001": true, "1234567890.12345": true, "1e300": true, "100000000000000000000000": true,
		"9007199254740992": true, "9007199254740993": false, "0.1234567890123456789": false, "12345678901234567.89": false, "-0.30000000000000000001": false,
		"0.30000000000000000000": true, "1.7976931348623157e308": true,
	} {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		if got := SameDigits(text, x); got != want {
			t.Errorf("%s: got %v", text, got)
		}
	}
}
