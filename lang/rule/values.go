package rule

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Values is what is known when a rule is decided. A figure is known (in Known), not known yet (below a path in
// Unknown), or missing. The difference between the last two is that between a rule that is open and one that is an
// error: before a training its recall is unknown, after a training that wrote none it is missing. Deciding changes
// nothing in it; several rules may be decided on one at the same time.
type Values struct {
	// Known holds values by namespace, nested as in JSON: map[string]any, []any, float64 (or an integer type or
	// json.Number), bool, string. A nil or absent leaf that is not Unknown is missing: a rule that depends on it is an
	// error.
	Known map[string]any
	// Unknown are dotted paths of what is not known yet, "evaluate.holdout": all that is at or below them. "" stands for
	// every namespace that Known does not have.
	Unknown []string
	// Between are numbers of which only an interval is known, by dotted path. They are neither Known nor Unknown.
	Between map[string]Span
	// Undefined gives reasons for missing leaves, by dotted path: "evaluate.holdout.metrics.recall": "no positives".
	// Reasons are also found in Known itself, in an object "undefined" beside or above the leaf that holds them by the
	// rest of the path, as stages write them.
	Undefined map[string]string
}

// unknown reports whether all at the path is unknown. path is not empty.
func (v *Values) unknown(path []string) bool {
	dotted := strings.Join(path, ".")
	for _, u := range v.Unknown {
		if dotted == u || strings.HasPrefix(dotted, u+".") || u == "" && v.Known[path[0]] == nil {
			return true
		}
	}
	return false
}

// unknownBelow lists the unknown paths strictly below a path, relative to it.
func (v *Values) unknownBelow(path []string) []string {
	prefix := strings.Join(path, ".") + "."
	var out []string
	for _, u := range v.Unknown {
		if strings.HasPrefix(u, prefix) {
			out = append(out, u[len(prefix):])
		}
	}
	return out
}

// lookup returns the value at a path, nil if there is none. Steps in lists are written "[3]".
func (v *Values) lookup(path []string) any {
	var at any = v.Known
	for _, p := range path {
		switch container := at.(type) {
		case map[string]any:
			at = container[p]
		case []any:
			i, err := strconv.Atoi(strings.Trim(p, "[]"))
			if err != nil || i < 0 || i >= len(container) {
				return nil
			}
			at = container[i]
		default:
			return nil
		}
	}
	return at
}

// why says what is the matter with a missing figure: the reason that was given for it, the nearest one first, or that
// it is missing.
func (v *Values) why(path []string) string {
	name := PathString(path)
	if reason := v.Undefined[strings.Join(path, ".")]; reason != "" {
		return fmt.Sprintf("%s is undefined: %s", name, reason)
	}
	for i := len(path) - 1; i >= 0; i-- {
		above, _ := v.lookup(path[:i]).(map[string]any)
		reasons, _ := above["undefined"].(map[string]any)
		if reason, _ := reasons[strings.Join(path[i:], ".")].(string); reason != "" {
			return fmt.Sprintf("%s is undefined: %s", name, reason)
		}
	}
	return name + " is missing"
}

// scalar checks and normalises the value at a path: float64, bool or string, else the reason why it cannot be used.
func (v *Values) scalar(path []string, want schema.FigureKind) (value any, fault string) {
	raw := v.lookup(path)
	if raw == nil {
		return nil, v.why(path)
	}
	if number, ok := toFloat(raw); ok && want == schema.DoubleFigure {
		if math.IsNaN(number) || math.IsInf(number, 0) {
			return nil, fmt.Sprintf("%s is %v", PathString(path), number)
		}
		return number, ""
	}
	if b, ok := raw.(bool); ok && want == schema.BoolFigure {
		return b, ""
	}
	if s, ok := raw.(string); ok && want == schema.StringFigure {
		return s, ""
	}
	return nil, fmt.Sprintf("%s is %s, not %s", PathString(path), goWords(raw), typeWords(map[schema.FigureKind]string{
		schema.DoubleFigure: "double", schema.BoolFigure: "bool", schema.StringFigure: "string",
	}[want]))
}

// toFloat takes numbers as they come: of JSON read with or without UseNumber, and of Go.
func toFloat(raw any) (float64, bool) {
	switch n := raw.(type) {
	case float64:
		return n, true
	case float32:
		return float64(n), true
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case json.Number:
		f, err := n.Float64()
		return f, err == nil
	}
	return 0, false
}

// goWords names what a figure is in a message.
func goWords(raw any) string {
	switch raw.(type) {
	case bool:
		return "true or false"
	case string:
		return "a string"
	case []any:
		return "a list"
	case map[string]any:
		return "a group of figures"
	}
	return "a number"
}
