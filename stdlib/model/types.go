package model

import (
	"slices"
	"strings"
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
