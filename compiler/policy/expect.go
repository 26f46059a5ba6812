package policy

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Loosened judges an attribute of a stage's configuration that differs: why the stage lets pass, or finds nothing wrong,
// where it would have before. Empty if that is not so, cannot be told, or the attribute expects nothing. Attributes of a check, a stage that
// has a verdict, are expectations.
func Loosened(check bool, path string, before, after json.RawMessage) string {
	name := path[strings.LastIndexByte(path, '.')+1:]
	switch {
	case check && len(before) > 0:
		return expectation(name, before, after)
	case path == "min_positives" && less(or(after, schema.LeastPositives), or(before, schema.LeastPositives)):
		return "fewer positives are enough"
	case path == "drift.limit" && less(or(before, schema.DriftDistance), or(after, schema.DriftDistance)):
		return "only larger drift counts"
	}
	return ""
}

// or is a value, or the number that holds where nobody gives one.
func or(v json.RawMessage, number float64) json.RawMessage {
	if len(v) > 0 {
		return v
	}
	return json.RawMessage(strconv.FormatFloat(number, 'g', -1, 64))
}

// ranges are expectations of a least and a greatest value; quantile_between has the quantile before them.
var ranges = []string{"between", "mean_between", "median_between", "quantile_between", "stdev_between", "distinct_between", "row_count_between"}

// plainExpectations are those of which it can be told only that they are gone, besides those below.
var plainExpectations = []string{"matches", "type", "greater_than", "compound_unique"}

// expectation says how a changed expectation asks for less; empty where it does not. before and after are JSON, nil if
// absent.
func expectation(name string, before, after json.RawMessage) string {
	gone := len(after) == 0 || string(after) == "false"
	switch name {
	case "severity":
		return severity(before, after)
	case "at_least":
		if less(after, before) {
			return "it need hold for fewer rows"
		}
		return ""
	case "max_null", "max_length":
		if !gone && less(before, after) {
			return "the limit is higher"
		}
	case "min_length":
		if !gone && less(after, before) {
			return "the limit is lower"
		}
	case "in_set":
		if !gone && moreValues(before, after) {
			return "more values may occur"
		}
	case "not_null", "unique":
		if string(before) == "false" {
			return ""
		}
	default:
		if slices.Contains(ranges, name) && !gone && wider(before, after) {
			return "the range is wider"
		}
		if !slices.Contains(ranges, name) && !slices.Contains(plainExpectations, name) {
			return ""
		}
	}
	if gone {
		return "the expectation is gone"
	}
	return ""
}

// less reports whether a is less than b, both numbers or both text, as times are. False where they cannot be compared.
func less(a, b json.RawMessage) bool {
	var x, y float64
	if json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && len(a) > 0 && len(b) > 0 {
		return x < y
	}
	var s, t string
	return json.Unmarshal(a, &s) == nil && json.Unmarshal(b, &t) == nil && s < t
}

// wider compares the last two elements of a range: of [0, 1] both, of quantile_between = [0.5, 10, 20] those behind the
// quantile.
func wider(before, after json.RawMessage) bool {
	var a, b []json.RawMessage
	if json.Unmarshal(before, &a) != nil || json.Unmarshal(after, &b) != nil || len(a) != len(b) || len(a) < 2 {
		return false
	}
	low, high := len(a)-2, len(a)-1
	return less(b[low], a[low]) || less(a[high], b[high])
}

// moreValues reports whether a list has a value that the other lacks.
func moreValues(before, after json.RawMessage) bool {
	var a, b []json.RawMessage
	if json.Unmarshal(before, &a) != nil || json.Unmarshal(after, &b) != nil {
		return false
	}
	return slices.ContainsFunc(b, func(v json.RawMessage) bool {
		return !slices.ContainsFunc(a, func(w json.RawMessage) bool { return string(v) == string(w) })
	})
}
