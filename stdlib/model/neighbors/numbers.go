package neighbors

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
)

// numbers are written as JSON with null for NaN, each in as few digits as give the same bits when read.
type numbers []float64

// MarshalJSON implements json.Marshaler.
func (n numbers) MarshalJSON() ([]byte, error) {
	out := make([]byte, 1, 2+8*len(n))
	out[0] = '['
	for i, x := range n {
		if i > 0 {
			out = append(out, ',')
		}
		switch {
		case math.IsNaN(x):
			out = append(out, "null"...)
		case math.IsInf(x, 0):
			return nil, fmt.Errorf("element %d is infinite", i)
		default:
			out = strconv.AppendFloat(out, x, 'g', -1, 64)
		}
	}
	return append(out, ']'), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *numbers) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	if len(data) < 2 || data[0] != '[' {
		return fmt.Errorf("%.20q is no list of numbers", data)
	}
	*n = numbers{}
	for rest := bytes.TrimSpace(data[1 : len(data)-1]); len(rest) > 0; {
		var word []byte
		word, rest, _ = bytes.Cut(rest, []byte{','})
		word = bytes.TrimSpace(word)
		if string(word) == "null" {
			*n = append(*n, math.NaN())
			continue
		}
		x, err := strconv.ParseFloat(string(word), 64)
		if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
			return fmt.Errorf("%.20q is no number", word)
		}
		*n = append(*n, x)
	}
	return nil
}
