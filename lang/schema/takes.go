package schema

import "strings"

// ValueKind is what a value is to a model, whatever type it is stored with.
type ValueKind string

// The kinds of values that models read; a type that is none of them has the kind "".
const (
	BooleanValue ValueKind = "boolean"
	NumberValue  ValueKind = "number"
	TextValue    ValueKind = "text"
)

// KindOf is the kind of the values of a column's type.
func KindOf(columnType string) ValueKind {
	switch columnType {
	case "boolean":
		return BooleanValue
	case "varchar":
		return TextValue
	case "tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint", "uinteger", "ubigint", "uhugeint",
		"float", "real", "double":
		return NumberValue
	}
	switch {
	case strings.HasPrefix(columnType, "decimal"):
		return NumberValue
	case strings.HasPrefix(columnType, "enum"):
		return TextValue
	}
	return ""
}

// Takes reports whether a model that was trained on a column of one type can be given a column of another: booleans where
// it saw booleans, numbers where it saw numbers, text where it saw text, and else the very type. It is the one answer to
// that question: for validation tables, evaluations, batch deployments, champions, monitors and requests.
func Takes(trained, given string) bool {
	kind := KindOf(trained)
	return trained == given || kind != "" && kind == KindOf(given)
}
