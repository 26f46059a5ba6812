package model

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/stdlib/frame"
)

// TextType reports whether a column of that type holds strings.
func TextType(t string) bool { return schema.KindOf(t) == schema.TextValue }

// NumberType reports whether a column of that type holds numbers.
func NumberType(t string) bool { return schema.KindOf(t) == schema.NumberValue }

// FeatureType reports whether models can read a column of that type: numbers, booleans and strings.
func FeatureType(t string) bool { return schema.KindOf(t) != "" }

// Unfit returns a problem for each feature of a model that a table lacks, or has with a type that the model does not take
// (schema.Takes), each at the given path of the block.
func Unfit(m *schema.Model, data *schema.Table, path string) []schema.Problem {
	var out []schema.Problem
	for _, f := range m.Features {
		c := data.Column(f.Name)
		switch {
		case c == nil:
			out = append(out, schema.Problem{Path: path, Summary: fmt.Sprintf("The data has no column %q, a feature of the model", f.Name),
				Hint: suggest.DidYouMean(f.Name, data.Names())})
		case !schema.Takes(f.Type, c.Type):
			out = append(out, schema.Problem{Path: path, Summary: fmt.Sprintf("Column %q is %s; the model was trained on %s", f.Name, c.Type, f.Type),
				Detail: "A model takes booleans where it was trained on booleans, numbers where on numbers, text where on text.",
				Hint:   "cast the column in a dataset"})
		}
	}
	return out
}

// TaskOf returns the task that fits a target of that type where the configuration names none: of a boolean, or where a positive
// class is named, binary; of a text multiclass; of a double or decimal regression; of whole numbers "", since 0 and 1 may be
// classes or amounts (Unclear). positive is the name of the positive class, or empty.
func TaskOf(target, positive string) schema.Task {
	switch {
	case target == "boolean", positive != "":
		return schema.Binary
	case TextType(target):
		return schema.Multiclass
	case WholeType(target):
		return ""
	}
	return schema.Regression
}

// WholeType reports whether a type is of whole numbers, which may be classes as well as amounts.
func WholeType(t string) bool { return strings.HasSuffix(t, "int") || strings.HasSuffix(t, "integer") }

// Unclear is the problem of a target of whole numbers whose task is not said; tasks are those that the trainer can do. target is
// the column's name, kind its type.
func Unclear(target, kind string, tasks []schema.Task) schema.Problem {
	lines := make([]string, len(tasks))
	for i, t := range tasks {
		lines[i] = fmt.Sprintf("task = %q", t)
	}
	return schema.Problem{Path: "target", Summary: fmt.Sprintf("Whether %q holds classes or amounts is not said", target),
		Detail: fmt.Sprintf("It is of type %s, and whole numbers can be either: 0 and 1, ten digits, or a price.", kind),
		Hint:   "add " + strings.Join(lines, " or ")}
}

// Class reports whether a target of that type can have a class written like this; of text any can be. like is how a number is
// to be written instead: of an integer "1.0" is not ok and like "1", "x" is not ok and like empty.
func Class(target, class string) (like string, ok bool) {
	switch {
	case target == "boolean":
		return "", class == "true" || class == "false"
	case NumberType(target):
		if _, err := strconv.ParseFloat(class, 64); err != nil {
			return "", false
		}
		like = frame.NumberName(class)
		if WholeType(target) && strings.Contains(like, ".") {
			return "", false
		}
		return like, like == class
	}
	return class, true
}
