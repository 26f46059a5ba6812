package prediction

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/stdlib/frame"
)

// binaryClasses are the negative and the positive class of a column's values, where it has one only of those of another too, which
// may be nil. Without a name for it the positive class is true, 1, or the last in order. c is nil where nothing but predictions of
// scores is known. Of the column {yes, no} and positive = "yes" they are no, yes; of one with yes alone they are "not yes", yes: a
// month without one negative label is measured too.
func binaryClasses(c, other *frame.Column, positive string) ([]string, error) {
	if c == nil {
		return namedClasses(positive), nil
	}
	positive = c.AsWritten(positive)
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

// subset reports whether each of the values is in a list.
func subset(values, of []string) bool {
	for _, v := range values {
		if !slices.Contains(of, v) {
			return false
		}
	}
	return true
}

// distinct are the values of the columns as text, sorted.
// Of text all levels count, also those that no row has. A nil column has none.
func distinct(columns ...*frame.Column) []string {
	var out []string
	for _, c := range columns {
		if c == nil {
			continue
		}
		out = append(out, c.Levels...)
		for r := range c.Num {
			if !c.Null(r) {
				out = append(out, c.ValueName(r))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ClassIndex turns a column's values into indices of classes; null is NaN. A value that is none of the classes is an
// error that names it.
// Of a column {b, null, a} and the classes a, b these are {1, NaN, 0}. Numbers are found by how they are written: the class "2.0"
// is the 2 of an integer column.
func ClassIndex(c *frame.Column, classes []string) ([]float64, error) {
	if c.Text() {
		return textIndex(c, classes)
	}
	byName := map[string]float64{}
	for i, class := range classes {
		byName[className(c, class)] = float64(i)
	}
	return c.Find(byName, func(row int, name string) error { return unknownClass(c.Name, row, name, classes) })
}

// Unseen are the values of a column in some rows that are none of the classes, in order, and how many rows have one.
func Unseen(c *frame.Column, classes []string, rows []int) (values []string, count int) {
	known := map[string]bool{}
	for _, class := range classes {
		if c.Text() {
			known[class] = true
		} else {
			known[className(c, class)] = true
		}
	}
	for _, r := range rows {
		value := c.ValueName(r)
		if c.Text() && c.Codes[r] < 0 || !c.Text() && math.IsNaN(c.Num[r]) || known[value] {
			continue
		}
		count++
		if at, found := slices.BinarySearch(values, value); !found {
			values = slices.Insert(values, at, value)
		}
	}
	return values, count
}

// className is the name that a class's values have in a column of numbers or booleans.
func className(c *frame.Column, class string) string {
	if b, err := strconv.ParseBool(class); c.Type == "boolean" && err == nil {
		return strconv.FormatBool(b)
	}
	return c.AsWritten(class)
}

// textIndex is the class of each row by its place in classes; NaN where there is none, an error where it is another.
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

// unknownClass names the first value that is none of the classes, with its row, from 1.
func unknownClass(column string, row int, value string, classes []string) error {
	return fmt.Errorf("row %d of column %q is %q, which is none of the model's classes (%s)", row+1, column, value, strings.Join(classes, ", "))
}
