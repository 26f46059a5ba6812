package file

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
)

// parse reads the file. NaN and Infinity, which Python writes although they are not JSON, are taken as strings, so
// that only the figure that is one is undefined.
// An object with two members of one name is an error, since parsers differ in which of them counts.
func parse(raw []byte) (map[string]any, error) {
	raw = quoteConstants(raw)
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("not a JSON object: %w", err)
	}
	if out == nil {
		return nil, fmt.Errorf("not a JSON object: null")
	}
	if err := source.CheckJSON(raw); err != nil {
		return nil, err
	}
	return out, nil
}

// quoteConstants puts quotes around NaN, Infinity and -Infinity outside of strings.
// {"auc": NaN, "note": "NaN"} becomes {"auc": "NaN", "note": "NaN"}. What is no JSON before is none after.
func quoteConstants(raw []byte) []byte {
	out := make([]byte, 0, len(raw)+16)
	inString := false
	for i := 0; i < len(raw); {
		if inString && raw[i] == '\\' && i+1 < len(raw) {
			out = append(out, raw[i], raw[i+1])
			i += 2
			continue
		}
		if raw[i] == '"' {
			inString = !inString
		}
		word := ""
		for _, w := range []string{"NaN", "Infinity", "-Infinity"} {
			if !inString && strings.HasPrefix(string(raw[i:min(i+len(w), len(raw))]), w) {
				word = w
			}
		}
		if word != "" {
			out = append(append(append(out, '"'), word...), '"')
			i += len(word)
			continue
		}
		out = append(out, raw[i])
		i++
	}
	return out
}

// lookup finds a figure at the top level or under "metrics"; a key with dots in it is found before a path.
// The file's top level goes before what stands under "metrics". why is empty for a number; quoted is more of the reason, in words of
// the file itself, which not every log may show.
func lookup(found map[string]any, name string) (x any, why, quoted string) {
	nested, _ := found["metrics"].(map[string]any)
	for _, m := range []map[string]any{found, nested} {
		if x, ok := walk(m, name); ok {
			return number(x)
		}
	}
	var names []string
	for _, m := range []map[string]any{found, nested} {
		for k := range m {
			names = append(names, k)
		}
	}
	if n := suggest.Near(name, names); n != "" {
		quoted = fmt.Sprintf("it has %q", n)
	}
	return nil, fmt.Sprintf("the file has no figure %q", name), quoted
}

// walk finds a figure by its dotted name. A key that holds the dots itself goes first: {"a.b": 1}.
// For the name "test.auc" these are tried in turn: the key "test.auc", then "auc" in the object under "test". A name
// that ends at an object is found, and is then no number.
func walk(m map[string]any, name string) (any, bool) {
	if x, ok := m[name]; ok {
		return x, true
	}
	first, rest, dotted := strings.Cut(name, ".")
	next, ok := m[first].(map[string]any)
	if !dotted || !ok {
		return nil, false
	}
	return walk(next, rest)
}

// number is a figure, or why it is none; the third result quotes the file, for whoever may see it.
// Booleans are no numbers, although Python counts with them: a rule `ok >= 0.5` on true would pass by luck.
func number(x any) (any, string, string) {
	switch x := x.(type) {
	case float64:
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, "it is not finite", ""
		}
		return x, "", ""
	case nil:
		return nil, "it is null", ""
	case string:
		if x == "NaN" || x == "Infinity" || x == "-Infinity" { // what Python writes
			return nil, "it is " + x + ", not a number", ""
		}
		return nil, "it is text, not a number", fmt.Sprintf("%q", shorten(x))
	}
	return nil, fmt.Sprintf("it is a %s, not a number", kindOf(x)), ""
}

// kindOf is what a value of JSON is called that is neither number, text nor null.
func kindOf(x any) string {
	switch x.(type) {
	case bool:
		return "boolean"
	case []any:
		return "list"
	}
	return "group of figures"
}

// shorten cuts a text to 40 characters for a message.
func shorten(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}

// place enters a figure at its place among nested objects.
// The names do not lead into each other, as check has seen to: an object is never put in a number's place.
func place(into map[string]any, parts []string, x any) {
	if len(parts) == 1 {
		into[parts[0]] = x
		return
	}
	next, ok := into[parts[0]].(map[string]any)
	if !ok {
		next = map[string]any{}
		into[parts[0]] = next
	}
	place(next, parts[1:], x)
}
