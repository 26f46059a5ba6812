package prediction

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/stdlib/frame"
)

// binaryClasses are the negative and the positive class of a column's values, where it has one only of those of another
// too, which may be nil. Without a name for it the positive class is true, 1, or the last in order.
func binaryClasses(c, other *frame.Column, positive string) ([]string, error) {
	if c == nil {
		return namedClasses(positive), nil
	}
	classes := []string{"0", "1"}
	switch {
	case c.Type == "boolean":
		classes = []string{"false", "true"}
	default:
		values := distinct(c)
		if len(values) < 2 {
			values = distinct(c, other)
		}
		if c.Text() || !subset(values, classes) {
			classes = values
		}
	}
	if len(classes) == 1 && positive != "" && classes[0] == positive {
		// No row is negative, so there is no name for that.
		return []string{"not " + positive, positive}, nil
	}
	if len(classes) == 1 && positive != "" {
		return []string{classes[0], positive}, nil
	}
	switch {
	case len(classes) != 2:
		return nil, fmt.Errorf("column %q has %d distinct values, expected the two classes", c.Name, len(classes))
	case positive == classes[0]:
		return []string{classes[1], classes[0]}, nil
	case positive != "" && positive != classes[1]:
		return nil, fmt.Errorf("column %q has no value %q, which is named as the positive class", c.Name, positive)
	}
	return classes, nil
}

// namedClasses are the two classes where only the positive one's name is known.
func namedClasses(positive string) []string {
	switch positive {
	case "", "1":
		return []string{"0", "1"}
	case "0":
		return []string{"1", "0"}
	case "true":
		return []string{"false", "true"}
	case "false":
		return []string{"true", "false"}
	}
	return []string{"not " + positive, positive}
}

func subset(values, of []string) bool {
	for _, v := range values {
		if !slices.Contains(of, v) {
			return false
		}
	}
	return true
}

// distinct are the values of the columns as text, sorted.
func distinct(columns ...*frame.Column) []string {
	var out []string
	for _, c := range columns {
		if c == nil {
			continue
		}
		out = append(out, c.Levels...)
		for _, x := range c.Num {
			if !math.IsNaN(x) {
				out = append(out, number(c, x))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func number(c *frame.Column, x float64) string {
	if c.Type == "boolean" {
		return strconv.FormatBool(x != 0)
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

// ClassIndex turns a column's values into indices of classes; null is NaN. A value that is none of the classes is an
// error that names it.
func ClassIndex(c *frame.Column, classes []string) ([]float64, error) {
	if c.Text() {
		return textIndex(c, classes)
	}
	byValue := map[float64]float64{}
	for i, class := range classes {
		if x, err := classValue(c, class); err == nil {
			byValue[x] = float64(i)
		}
	}
	out := make([]float64, len(c.Num))
	for r, x := range c.Num {
		index, known := byValue[x]
		switch {
		case math.IsNaN(x):
			out[r] = x
		case !known:
			return nil, unknownClass(c.Name, r, number(c, x), classes)
		default:
			out[r] = index
		}
	}
	return out, nil
}

// Unseen are the values of a column in some rows that are none of the classes, in order, and how many rows have one.
func Unseen(c *frame.Column, classes []string, rows []int) (values []string, count int) {
	known := map[float64]bool{}
	for _, class := range classes {
		if x, err := classValue(c, class); err == nil && !c.Text() {
			known[x] = true
		}
	}
	for _, r := range rows {
		var value string
		switch {
		case c.Text() && c.Codes[r] >= 0 && !slices.Contains(classes, c.Levels[c.Codes[r]]):
			value = c.Levels[c.Codes[r]]
		case !c.Text() && !math.IsNaN(c.Num[r]) && !known[c.Num[r]]:
			value = number(c, c.Num[r])
		default:
			continue
		}
		count++
		if at, found := slices.BinarySearch(values, value); !found {
			values = slices.Insert(values, at, value)
		}
	}
	return values, count
}

func classValue(c *frame.Column, class string) (float64, error) {
	if b, err := strconv.ParseBool(class); c.Type == "boolean" && err == nil {
		if b {
			return 1, nil
		}
		return 0, nil
	}
	return strconv.ParseFloat(class, 64)
}

func textIndex(c *frame.Column, classes []string) ([]float64, error) {
	out := make([]float64, len(c.Codes))
	for r, code := range c.Codes {
		if code < 0 {
			out[r] = math.NaN()
			continue
		}
		i := slices.Index(classes, c.Levels[code])
		if i < 0 {
			return nil, unknownClass(c.Name, r, c.Levels[code], classes)
		}
		out[r] = float64(i)
	}
	return out, nil
}

func unknownClass(column string, row int, value string, classes []string) error {
	return fmt.Errorf("row %d of column %q is %q, which is none of the model's classes (%s)", row+1, column, value, strings.Join(classes, ", "))
}
