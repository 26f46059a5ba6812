package model

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/frame"
)

// ClassNames are the different values of a target that occur, as text: "false" and "true" of a boolean, numbers in
// shortest form, ascending; text in bytewise order.
func ClassNames(c *frame.Column) []string {
	if !c.Text() {
		return numberClasses(c)
	}
	occurs := make([]bool, len(c.Levels))
	for _, code := range c.Codes {
		if code >= 0 {
			occurs[code] = true
		}
	}
	var out []string
	for code, level := range c.Levels {
		if occurs[code] {
			out = append(out, level)
		}
	}
	return out
}

// numberClasses are the classes of a column of numbers or booleans. Values that a float64 holds are told apart by it, which is quick;
// the others by their texts.
func numberClasses(c *frame.Column) []string {
	seen, numbers := map[string]bool{}, map[float64]bool{}
	type class struct {
		name  string
		value float64
	}
	var found []class
	for r, x := range c.Num {
		if exact := c.Exact != nil && c.Exact[r] != ""; x != x || !exact && numbers[x] {
			continue
		} else if !exact {
			numbers[x] = true
		}
		if name := c.ValueName(r); !seen[name] {
			seen[name] = true
			found = append(found, class{name, x})
		}
	}
	slices.SortFunc(found, func(a, b class) int {
		if order := cmp.Compare(a.value, b.value); order != 0 || a.value > 0 {
			return cmp.Or(order, strings.Compare(a.name, b.name))
		}
		return strings.Compare(b.name, a.name) // numbers too close for a float64 have as many digits
	})
	out := make([]string, len(found))
	for i, f := range found {
		out[i] = f.name
	}
	return out
}

// Actual returns what a column of actual values says in the model's terms, by row: the index of the class, or the
// value; NaN where the column is null. A value that is none of the classes is an error.
// In regression it is the column's own slice, not a copy.
func (s *Signature) Actual(c *frame.Column) ([]float64, error) {
	if s.Task == schema.Regression {
		if c.Text() {
			return nil, fmt.Errorf("the target %q is %s, not a number", c.Name, c.Type)
		}
		return c.Num, nil
	}
	if !c.Text() {
		return s.actualNumbers(c)
	}
	codes := make([]float64, len(c.Levels))
	for i, level := range c.Levels {
		codes[i] = float64(slices.Index(s.Classes, level))
	}
	out := make([]float64, len(c.Codes))
	for r, code := range c.Codes {
		out[r] = math.NaN()
		if code < 0 {
			continue
		}
		if out[r] = codes[code]; out[r] < 0 {
			return nil, s.noClass(c, c.Levels[code])
		}
	}
	return out, nil
}

// actualNumbers is Actual of a column of numbers or booleans.
func (s *Signature) actualNumbers(c *frame.Column) ([]float64, error) {
	known := map[string]float64{}
	for i, class := range s.Classes {
		known[class] = float64(i)
	}
	return c.Find(known, func(_ int, name string) error { return s.noClass(c, name) })
}

// noClass is the error of a value that no training row had.
func (s *Signature) noClass(c *frame.Column, value string) error {
	return fmt.Errorf("the target %q holds %q, which is none of the %d classes that the model knows", c.Name, value, len(s.Classes))
}
