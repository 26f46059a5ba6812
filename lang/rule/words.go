package rule

import (
	"fmt"
	"strconv"
	"strings"
)

// quote writes a name or value of the user's in a message, on one line and with escapes.
func quote(s string) string { return strconv.Quote(s) }

// listing says what there is to choose from, at most a dozen.
func listing(lead string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	// A dozen fits a line of a terminal; of a hundred columns nobody reads the list, and there is a hint to the
	// nearest.
	const most = 12
	if len(names) > most {
		return fmt.Sprintf("%s %s and %d more.", lead, strings.Join(names[:most], ", "), len(names)-most)
	}
	return fmt.Sprintf("%s %s.", lead, strings.Join(names, ", "))
}

// typeWords says one of cel-go's types in plain words: "a number", "a list of numbers". Names of object types, which
// are made up (mlp#3), are never shown.
func typeWords(t string) string {
	switch {
	case t == "double" || t == "int" || t == "uint":
		return "a number"
	case t == "string":
		return "a string"
	case t == "bool":
		return "true or false"
	case t == "null" || t == "null_type":
		return "null"
	case strings.HasPrefix(t, typePrefix):
		return "a group of figures"
	case strings.HasPrefix(t, "list("):
		return "a list of " + plural(t[len("list("):len(t)-1])
	case strings.HasPrefix(t, "map("):
		_, elem, _ := strings.Cut(t[len("map("):len(t)-1], ", ")
		return "a map of " + plural(elem)
	}
	return "something else"
}

// plural is several values of a type in words, "numbers" of double: for what a list or map holds.
func plural(t string) string {
	switch {
	case t == "double":
		return "numbers"
	case t == "string":
		return "strings"
	case t == "bool":
		return "true and false"
	case strings.HasPrefix(t, typePrefix):
		return "groups of figures"
	case strings.HasPrefix(t, "list("):
		return "lists"
	case strings.HasPrefix(t, "map("):
		return "maps"
	}
	return "values"
}

// splitTypes takes the arguments of a signature as cel-go prints it apart: "(double, list(double))", "string.(double)".
// The text before ".(" is the type of what a method is called on, and comes first. Commas within brackets separate
// nothing: "(map(string, double), double)" has two arguments.
func splitTypes(signature string) []string {
	var out []string
	if target, rest, ok := strings.Cut(signature, ".("); ok {
		out = append(out, target)
		signature = "(" + rest
	}
	signature = strings.TrimSuffix(strings.TrimPrefix(signature, "("), ")")
	depth, start := 0, 0
	for i, r := range signature {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == ',' && depth == 0:
			out = append(out, strings.TrimSpace(signature[start:i]))
			start = i + 1
		}
	}
	if last := strings.TrimSpace(signature[start:]); last != "" {
		out = append(out, last)
	}
	return out
}
