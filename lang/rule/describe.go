package rule

import "strings"

// Function describes a function or macro of rules.
type Function struct {
	Name string
	Form string // a call
	Doc  string // Markdown
}

// Of is what the function is called on with a dot: "list" (or a map), "text"; "" where it stands before its arguments.
func (f Function) Of() string {
	of, _, _ := strings.Cut(f.Form, "(")
	of, _, method := strings.Cut(of, ".")
	if !method {
		return ""
	}
	return of
}

// Functions describes all functions and macros of rules, by name.
func Functions() []Function {
	return []Function{
		{"abs", "abs(x)", "The number without its sign."},
		{"all", "list.all(x, condition)", "Whether the condition holds of every element of a list, or of every key of a map. It holds of none."},
		{"contains", "text.contains(part)", "Whether the part stands somewhere in the text."},
		{"endsWith", "text.endsWith(part)", "Whether the text ends with the part."},
		{"exists", "list.exists(x, condition)", "Whether the condition holds of some element of a list, or some key of a map."},
		{"exists_one", "list.exists_one(x, condition)", "Whether the condition holds of exactly one element or key."},
		{"filter", "list.filter(x, condition)", "The elements, or keys, of which the condition holds, as a list."},
		{"has", "has(a.b)", "Whether a figure is there and can be used: not missing, not NaN, not infinite."},
		{"map", "list.map(x, value)", "The list of the value for each element of a list, or each key of a map."},
		{"matches", "text.matches(pattern)", "Whether the regular expression (RE2) finds something in the text; `^…$` for the whole of it."},
		{"max", "max(list)", "The greatest of a list of numbers, or of the values of a map. Of none it is a fault."},
		{"mean", "mean(list)", "The mean of a list of numbers, or of the values of a map. Of none it is a fault."},
		{"min", "min(list)", "The least of a list of numbers, or of the values of a map. Of none it is a fault."},
		{"quantile", "quantile(list, q)", "The q-quantile, `0 <= q <= 1`, of a list of numbers, or of the values of a map: between two ranks by linear interpolation (R's type 7, numpy's default), so `quantile(list, 0.5)` is the median. Of none it is a fault."},
		{"size", "size(x)", "The number of elements of a list or map, of characters of a text."},
		{"startsWith", "text.startsWith(part)", "Whether the text begins with the part."},
		{"sum", "sum(list)", "The sum of a list of numbers, or of the values of a map. Of none it is a fault."},
	}
}
