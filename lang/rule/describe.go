package rule

import "strings"

// Function describes a function or macro of rules.
type Function struct {
	Name    string
	Form    string // a call
	Doc     string // Markdown
	Example string // a rule that calls it
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
// The list is made anew at each call, and is the caller's.
func Functions() []Function {
	// Each example is compiled and evaluated by a test, over the figures that it reads.
	return []Function{
		{"abs", "abs(x)", "The number without its sign.",
			`abs(evaluate.holdout.metrics.auc - 0.9) < 0.01`},
		{"all", "list.all(x, condition)", "Whether the condition holds of every element of a list, or of every key of a map. It holds of none.",
			`evaluate.holdout.slices.all(s, evaluate.holdout.slices[s].auc > 0.6)`},
		{"contains", "text.contains(part)", "Whether the part stands somewhere in the text.",
			`variable.region.contains('e')`},
		{"endsWith", "text.endsWith(part)", "Whether the text ends with the part.",
			`variable.region.endsWith('u')`},
		{"exists", "list.exists(x, condition)", "Whether the condition holds of some element of a list, or some key of a map.",
			`evaluate.holdout.folds.exists(x, x >= 0.9)`},
		{"exists_one", "list.exists_one(x, condition)", "Whether the condition holds of exactly one element or key.",
			`evaluate.holdout.slices.exists_one(s, evaluate.holdout.slices[s].auc > 0.8)`},
		{"filter", "list.filter(x, condition)", "The elements, or keys, of which the condition holds, as a list.",
			`size(evaluate.holdout.folds.filter(x, x > 0.75)) == 2`},
		{"has", "has(a.b)", "Whether a figure is there and can be used: not missing, not NaN, not infinite.",
			`!has(evaluate.holdout.metrics.recall) || evaluate.holdout.metrics.recall > 0.7`},
		{"map", "list.map(x, value)", "The list of the value for each element of a list, or each key of a map.",
			`min(evaluate.holdout.slices.map(s, evaluate.holdout.slices[s].auc)) >= 0.7`},
		{"matches", "text.matches(pattern)", "Whether the regular expression (RE2) finds something in the text; `^…$` for the whole of it.",
			`variable.region.matches('^(eu|us)$')`},
		{"max", "max(list)", "The greatest of a list of numbers, or of the values of a map. Of none it is a fault.",
			`max(evaluate.holdout.folds) - min(evaluate.holdout.folds) < 0.25`},
		{"mean", "mean(list)", "The mean of a list of numbers, or of the values of a map. Of none it is a fault.",
			`mean(evaluate.holdout.folds) > 0.75`},
		{"min", "min(list)", "The least of a list of numbers, or of the values of a map. Of none it is a fault.",
			`min(monitor.live.columns) >= 1`},
		{"quantile", "quantile(list, q)", "The q-quantile, `0 <= q <= 1`, of a list of numbers, or of the values of a map: between two ranks by linear interpolation (R's type 7, numpy's default), so `quantile(list, 0.5)` is the median. Of none it is a fault.",
			`quantile(evaluate.holdout.folds, 0.5) == 0.8`},
		{"size", "size(x)", "The number of elements of a list or map, of characters of a text.",
			`size(evaluate.holdout.slices) == 2`},
		{"startsWith", "text.startsWith(part)", "Whether the text begins with the part.",
			`variable.region.startsWith('e')`},
		{"sum", "sum(list)", "The sum of a list of numbers, or of the values of a map. Of none it is a fault.",
			`sum([0.1, 0.2]) < 0.5`},
	}
}
