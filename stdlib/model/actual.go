package model

import (
	"fmt"
	"math"
	"slices"
	"strconv"

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

func numberClasses(c *frame.Column) []string {
	seen := map[float64]bool{}
	var values []float64
	for _, x := range c.Num {
		if x == x && !seen[x] {
			seen[x] = true
			values = append(values, x)
		}
	}
	slices.Sort(values)
	out := make([]string, len(values))
	for i, x := range values {
		out[i] = className(c.Type, x)
	}
	return out
}

func className(columnType string, x float64) string {
	if columnType == "boolean" {
		return strconv.FormatBool(x != 0)
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

// Actual returns what a column of actual values says in the model's terms, by row: the index of the class, or the
// value; NaN where the column is null. A value that is none of the classes is an error.
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

func (s *Signature) actualNumbers(c *frame.Column) ([]float64, error) {
	known := map[float64]float64{}
	out := make([]float64, len(c.Num))
	for r, x := range c.Num {
		if x != x {
			out[r] = x
			continue
		}
		class, ok := known[x]
		if !ok {
			class = float64(slices.Index(s.Classes, className(c.Type, x)))
			known[x] = class
		}
		if class < 0 {
			return nil, s.noClass(c, className(c.Type, x))
		}
		out[r] = class
	}
	return out, nil
}

func (s *Signature) noClass(c *frame.Column, value string) error {
	return fmt.Errorf("the target %q holds %q, which is none of the %d classes that the model knows", c.Name, value, len(s.Classes))
}
