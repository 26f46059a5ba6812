package frame

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// ExactLimit is the magnitude, 2^53, from which on a float64 does not hold every whole number: 2^53 + 1 becomes 2^53.
const ExactLimit = 1 << 53

// Null reports whether a row has no value.
func (c *Column) Null(row int) bool {
	if c.Text() {
		return c.Codes[row] < 0
	}
	return math.IsNaN(c.Num[row])
}

// ValueName is a row's value as text, the same for equal values and no others: what classes, groups and entities are told
// apart by. Numbers are in shortest form. Null has none.
func (c *Column) ValueName(row int) string {
	switch {
	case c.Null(row):
		return ""
	case c.Text():
		return c.Levels[c.Codes[row]]
	case c.Type == "boolean":
		return strconv.FormatBool(c.Num[row] != 0)
	case c.Exact != nil && c.Exact[row] != "":
		return c.Exact[row]
	case c.Type == "float":
		return strconv.FormatFloat(c.Num[row], 'f', -1, 32)
	}
	return strconv.FormatFloat(c.Num[row], 'f', -1, 64)
}

// Find gives for each row of a column of numbers or booleans what index has for the value's name; NaN for null. What is
// not there is an error that unknown makes.
func (c *Column) Find(index map[string]float64, unknown func(row int, name string) error) ([]float64, error) {
	out, seen := make([]float64, len(c.Num)), map[float64]float64{}
	for r, x := range c.Num {
		found, known := seen[x]
		exact := c.Exact != nil && c.Exact[r] != ""
		switch {
		case x != x:
			out[r] = x
			continue
		case !known || exact:
			name := c.ValueName(r)
			if found, known = index[name]; !known {
				return nil, unknown(r, name)
			}
			if !exact {
				seen[x] = found
			}
		}
		out[r] = found
	}
	return out, nil
}

// AsWritten is the name that a value of the column has which somebody wrote: of a column of numbers "2.0" is "2".
func (c *Column) AsWritten(text string) string {
	if c.Text() || c.Type == "boolean" {
		return text
	}
	return NumberName(text)
}

// NumberName writes a number in the form that names of values have (ValueName): "2.0" becomes "2", "1e3" "1000", "0.50"
// "0.5", without rounding, however many digits there are. A text that is no number is returned as it is.
func NumberName(text string) string {
	if strings.ContainsAny(text, "_/xXpPoObB") {
		return text
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok {
		return text
	}
	if r.IsInt() {
		return r.Num().String()
	}
	if places, exact := r.FloatPrec(); exact && places <= 40 {
		return r.FloatString(places)
	}
	return text
}
