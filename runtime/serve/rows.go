package serve

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/lang/schema"
)

// kind is how values of a column are given in JSON.
type kind int

const (
	textKind kind = iota
	boolKind
	numberKind
	wholeKind // numbers without a fraction
	timeKind  // ISO 8601 text
)

func kindOf(c schema.Column) kind {
	switch t, _, _ := strings.Cut(c.Type, "("); strings.TrimSpace(t) {
	case "boolean":
		return boolKind
	case "tinyint", "smallint", "integer", "bigint", "hugeint", "utinyint", "usmallint", "uinteger", "ubigint", "uhugeint":
		return wholeKind
	case "float", "real", "double", "decimal", "numeric":
		return numberKind
	case "date", "time", "timestamp", "timestamp with time zone", "timestamptz", "timestamp_s", "timestamp_ms", "timestamp_ns":
		return timeKind
	}
	return textKind
}

// checkRow turns a row as it came into one as component.Model wants it. Every feature must be there; null says that
// its value is not known.
func (m *served) checkRow(row map[string]any) (map[string]any, error) {
	out := make(map[string]any, len(m.columns))
	for _, c := range m.model.Inputs() {
		v, ok := row[c.Name]
		if !ok {
			return nil, fmt.Errorf("feature %q is missing; give null where its value is not known", c.Name)
		}
		value, err := checkValue(c, v)
		if err != nil {
			return nil, fmt.Errorf("feature %q: %w", c.Name, err)
		}
		out[c.Name] = value
	}
	if len(row) == len(out) {
		return out, nil
	}
	for _, name := range sortedNames(row) {
		if _, ok := m.columns[name]; !ok {
			return nil, fmt.Errorf("%s", unknown("feature", name, sortedNames(m.columns)))
		}
	}
	return out, nil
}

// checkValue turns one JSON value, decoded with UseNumber, into the Go type that belongs to the column's.
func checkValue(c schema.Column, v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	switch kindOf(c) {
	case boolKind:
		if b, ok := v.(bool); ok {
			return b, nil
		}
		return nil, wrongType("true or false", v)
	case numberKind, wholeKind:
		n, ok := v.(json.Number)
		if !ok {
			return nil, wrongType("a number", v)
		}
		return checkNumber(c, n)
	case timeKind:
		text, ok := v.(string)
		if !ok {
			return nil, wrongType("a date or time in ISO 8601", v)
		}
		return parseTime(text)
	}
	if text, ok := v.(string); ok {
		return text, nil
	}
	return nil, wrongType("a string", v)
}

func checkNumber(c schema.Column, n json.Number) (any, error) {
	f, err := n.Float64()
	if err != nil || math.IsInf(f, 0) {
		return nil, fmt.Errorf("%s is too large a number", n)
	}
	if kindOf(c) == wholeKind && f != math.Trunc(f) {
		return nil, fmt.Errorf("expected a whole number, got %s", n)
	}
	return f, nil
}

func wrongType(want string, v any) error {
	got := "an object"
	switch x := v.(type) {
	case bool:
		got = strconv.FormatBool(x)
	case json.Number:
		got = "the number " + x.String()
	case string:
		got = "the string " + strconv.Quote(shorten(x))
	case []any:
		got = "a list"
	}
	return fmt.Errorf("expected %s, got %s", want, got)
}

func shorten(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// parseTime gives seconds since 1970 in UTC. Without a zone the time is UTC; one without a date is on the first day of
// 1970.
func parseTime(text string) (any, error) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, "2006-01-02 15:04:05Z07:00", time.DateOnly, time.TimeOnly} {
		t, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if layout == time.TimeOnly {
			t = t.AddDate(1970, 0, 0)
		}
		return float64(t.Unix()) + float64(t.Nanosecond())/1e9, nil
	}
	return nil, fmt.Errorf("expected a date or time in ISO 8601, got %q", shorten(text))
}
