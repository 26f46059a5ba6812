package model

import (
	"fmt"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib/table"
)

// TextType tells whether a column of that type holds strings.
func TextType(t string) bool { return schema.KindOf(t) == schema.TextValue }

// NumberType tells whether a column of that type holds numbers.
func NumberType(t string) bool { return schema.KindOf(t) == schema.NumberValue }

// FeatureType tells whether models can read a column of that type: numbers, booleans and strings.
func FeatureType(t string) bool { return schema.KindOf(t) != "" }

// Unfit tells which features a model finds not in a table, or of a type that it does not take (schema.Takes).
func Unfit(m *schema.Model, data *schema.Table, path string) []schema.Problem {
	var out []schema.Problem
	for _, f := range m.Features {
		c := data.Column(f.Name)
		switch {
		case c == nil:
			out = append(out, schema.Problem{Path: path, Summary: fmt.Sprintf("The data has no column %q, a feature of the model", f.Name),
				Hint: table.Suggest(f.Name, data.Names())})
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
	case target == "boolean", TextType(target) && positive != "":
		return schema.Binary
	case TextType(target):
		return schema.Multiclass
	}
	return schema.Regression
}
