package schema

import (
	"math/big"
	"strconv"
	"strings"
)

// SameDigits reports whether a double, printed with as many digits as a decimal number's text has, is that number: 0.1 and
// 0.10000000000000001 are the double 0.1, and 0.1234567890123456789 is none.
func SameDigits(text string, x float64) bool {
	mantissa, _, _ := strings.Cut(strings.ToLower(strings.TrimLeft(text, "+-")), "e")
	digits := strings.Trim(strings.Replace(mantissa, ".", "", 1), "0")
	printed, ok := new(big.Rat).SetString(strconv.FormatFloat(x, 'e', max(len(digits), 1)-1, 64))
	if !ok {
		return false
	}
	written, ok := new(big.Rat).SetString(text)
	return ok && printed.Cmp(written) == 0
}
