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

// Unfit tells which features a model finds not in a table, or of a type that it does not take (schema.Takes).
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

// TaskOf is the task that fits a target of that type where none is named; positive is the positive class, if it is.
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

// Unclear says what to do where a target of whole numbers has no task and the trainer does these.
func Unclear(target, kind string, tasks []schema.Task) schema.Problem {
	lines := make([]string, len(tasks))
	for i, t := range tasks {
		lines[i] = fmt.Sprintf("task = %q", t)
	}
	return schema.Problem{Path: "target", Summary: fmt.Sprintf("Whether %q holds classes or amounts is not said", target),
		Detail: fmt.Sprintf("It is of type %s, and whole numbers can be either: 0 and 1, ten digits, or a price.", kind),
		Hint:   "add " + strings.Join(lines, " or ")}
}

// Class reports whether a target of that type can have a class written like this; of text any can be. It is how the class
// would be written, if it is only written otherwise.
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
