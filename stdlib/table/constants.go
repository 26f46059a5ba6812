package table

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/schema"
)

// The engine computes functions of constants while it finds out types, before anything is run and in one step that nothing
// interrupts: md5(repeat('x', 3000000000)) would take gigabytes and a minute wherever the query is looked at. So what makes much
// of a few characters is refused where it is a constant. The bounds are estimates, from above where that matters.

const (
	// maxConstant is how large a constant may become, in bytes.
	maxConstant = 16 << 20
	// maxPairs bounds functions that take as long as the product of their arguments.
	maxPairs = 1e9
)

// pairwise are the functions whose work grows with the product of their arguments.
var pairwise = map[string]bool{"levenshtein": true, "editdist3": true, "damerau_levenshtein": true, "jaro_similarity": true, "jaro_winkler_similarity": true,
	"jaccard": true, "mismatches": true, "list_intersect": true, "list_has_any": true, "list_has_all": true}

// giant tells of a call of constants that it would make something huge.
// Of length(repeat('x', 1e10)) the inner call is told, and length is not.
func (w *walker) giant(n tree, name string) {
	size, constant := extent(n)
	children, _ := n.Get("children").([]any)
	work := 0.0
	if constant && pairwise[name] {
		work = 1
		for _, c := range children {
			s, _ := extent(c)
			work *= s
		}
	}
	if !constant || size <= maxConstant && work <= maxPairs {
		return
	}
	for _, c := range children { // told where it begins
		if inner, constant := extent(c); constant && inner > maxConstant {
			return
		}
	}
	w.report(n, schema.Problem{
		Summary: fmt.Sprintf("%s of these constants is too much to compute while the query is checked", name),
		Detail:  fmt.Sprintf("A constant may have up to %d MB.", maxConstant>>20),
		Hint:    "build it from rows, as with from range(…), or of a column",
	})
}

// extent estimates the size of an expression's value in bytes; false if it is no constant.
// A number counts 16 bytes, a text its length.
func extent(v any) (float64, bool) {
	n, _ := v.(tree)
	switch n.Get("class") {
	case "CONSTANT":
		value, _ := n.Get("value").(tree)
		if text, ok := value.Get("value").(string); ok {
			return float64(max(len(text), 1)), true
		}
		return 16, true
	case "CAST":
		return extent(n.Get("child"))
	case "FUNCTION", "OPERATOR", "CASE", "COMPARISON", "CONJUNCTION", "BETWEEN":
		return extentOfAll(n)
	}
	return 0, false
}

// extentOfAll estimates the bytes of a value that is computed of constants alone, 16 for itself and those of its arguments,
// or what a function such as repeat makes of them; false if a column enters it.
func extentOfAll(n tree) (float64, bool) {
	args, _ := n.Get("children").([]any)
	if n.Get("class") != "FUNCTION" && args == nil {
		return 0, false
	}
	sum, sizes := 16.0, make([]float64, len(args))
	for i, a := range args {
		size, constant := extent(a)
		if !constant {
			return 0, false
		}
		sizes[i] = size
		sum += size
	}
	if n.Get("class") != "FUNCTION" {
		return sum, true
	}
	return grown(lowerName(n.Get("function_name")), args, sizes, sum), true
}

// digits are the widths that a format names.
var digits = lazyregexp.New(`\d+`)

// grown is the size of what a function makes of constants.
func grown(name string, args []any, sizes []float64, sum float64) float64 {
	switch {
	case name == "repeat" && len(args) == 2:
		return sizes[0] * amount(args[1])
	case (name == "lpad" || name == "rpad" || name == "bitstring" || name == "list_resize" || name == "array_resize") && len(args) >= 2:
		return sum + 16*amount(args[1])
	case name == "range" || name == "generate_series":
		return 16 * steps(args)
	case name == "bar" && len(args) > 3:
		return 4 * amount(args[3])
	case (name == "replace" || name == "regexp_replace" || name == "array_to_string" || name == "list_aggregate") && len(args) >= 2:
		return sum + sizes[0]*sizes[len(sizes)-1]/16
	case (name == "printf" || name == "format") && len(args) > 0:
		for _, d := range digits().FindAllString(constantText(args[0]), -1) {
			width, err := strconv.ParseFloat(d, 64)
			if err != nil {
				width = math.Inf(1)
			}
			sum += width
		}
		return sum
	case name == "string_split" || name == "str_split" || name == "split" || name == "regexp_split_to_array" || name == "string_to_array" || name == "bin" || name == "to_binary":
		return 16 * sum
	}
	return 2 * sum
}

// constantText is the text of a constant, also below casts; empty of all else.
func constantText(v any) string {
	n, _ := v.(tree)
	if n.Get("class") == "CAST" {
		return constantText(n.Get("child"))
	}
	value, _ := n.Get("value").(tree)
	text, _ := value.Get("value").(string)
	return text
}

// amount is a number that constants make, without its sign; infinite where that is not plain to see.
func amount(v any) float64 { return math.Abs(number(v)) }

// number is the value of a constant expression, or +Inf where that is not known: sizes are bounded from above.
func number(v any) float64 {
	n, _ := v.(tree)
	switch n.Get("class") {
	case "CAST":
		if text, err := strconv.ParseFloat(constantText(n.Get("child")), 64); err == nil {
			return text
		}
		return number(n.Get("child"))
	case "CONSTANT":
		value, _ := n.Get("value").(tree)
		if null, _ := value.Get("is_null").(bool); null {
			return 0
		}
		if x, ok := value.Get("value").(json.Number); ok {
			if f, err := x.Float64(); err == nil {
				return f
			}
		}
	case "FUNCTION":
		return computed(n)
	}
	return math.Inf(1)
}

// computed evaluates the arithmetic that sizes are written in, `repeat('x', 2 ** 30)`.
func computed(n tree) float64 {
	args, _ := n.Get("children").([]any)
	name := lowerName(n.Get("function_name"))
	switch len(args) {
	case 1:
		switch x := number(args[0]); name {
		case "-":
			return -x
		case "+", "trunc", "floor", "round", "abs":
			return x
		case "ceil", "ceiling":
			return x + 1
		case "length", "len", "strlen":
			size, _ := extent(args[0])
			return size
		}
	case 2:
		switch x, y := number(args[0]), number(args[1]); name {
		case "+":
			return x + y
		case "-":
			return x - y
		case "*":
			return x * y
		case "/", "//":
			return x / y
		case "**", "^", "pow", "power":
			return math.Pow(x, y)
		}
	}
	return math.Inf(1)
}

// steps is how many values a series of constants has: of numbers, or of times.
func steps(args []any) float64 {
	if len(args) == 1 {
		return amount(args[0])
	}
	if len(args) < 2 {
		return 0
	}
	from, to, step := number(args[0]), number(args[1]), 1.0
	a, okA := constantTime(args[0])
	b, okB := constantTime(args[1])
	if okA && okB {
		from, to, step = 0, b.Sub(a).Seconds(), 86400
	}
	if len(args) > 2 {
		if step = number(args[2]); okA && okB {
			step = seconds(args[2])
		}
	}
	n := math.Abs((to - from) / step)
	if math.IsNaN(n) {
		return math.Inf(1)
	}
	return n
}

// constantTime reads a date, or a date with a time, at the beginning of a constant.
func constantTime(v any) (time.Time, bool) {
	text := constantText(v)
	for _, layout := range []string{time.DateOnly, time.DateTime} {
		if t, err := time.Parse(layout, text[:min(len(text), len(layout))]); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// units are the lengths of what intervals are written in, in seconds.
var units = []struct {
	name    string
	seconds float64
}{{"microsecond", 1e-6}, {"millisecond", 1e-3}, {"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", 86400}, {"week", 7 * 86400}, {"month", 28 * 86400},
	{"quarter", 90 * 86400}, {"year", 365 * 86400}, {"decade", 3650 * 86400}, {"century", 36500 * 86400}}

// seconds is the length of an interval of constants; a microsecond where that is not plain to see.
// The first unit of the list whose name is in the text counts. A month is taken to have 28 days, the least, as sizes are bounded from
// above.
func seconds(v any) float64 {
	n, _ := v.(tree)
	text, count := constantText(v), 1.0
	if n.Get("class") == "FUNCTION" { // to_days(1)
		if args, _ := n.Get("children").([]any); len(args) == 1 {
			text, count = strings.TrimSuffix(lowerName(n.Get("function_name")), "s"), number(args[0])
		}
	} else if _, err := fmt.Sscanf(text, "%g", &count); err != nil {
		return 1e-6
	}
	for _, u := range units {
		if strings.Contains(strings.ToLower(text), u.name) {
			return math.Max(math.Abs(count)*u.seconds, 1e-6)
		}
	}
	return 1e-6
}
