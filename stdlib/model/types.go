package model

import (
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// TextType tells whether a column of that type holds strings.
func TextType(t string) bool {
	return t == "varchar" || strings.HasPrefix(t, "enum")
}

// NumberType tells whether a column of that type holds numbers.
func NumberType(t string) bool {
	return slices.Contains(numberTypes, t) || strings.HasPrefix(t, "decimal")
}

var numberTypes = []string{
	"tinyint", "smallint", "integer", "bigint", "hugeint",
	"utinyint", "usmallint", "uinteger", "ubigint", "uhugeint", "float", "real", "double",
}

// FeatureType tells whether models can read a column of that type: numbers, booleans and strings.
func FeatureType(t string) bool { return t == "boolean" || NumberType(t) || TextType(t) }

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
