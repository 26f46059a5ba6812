package diff

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// Leaves spreads a configuration into values by path: "params.trees", "column[amount].expr". Elements of lists that have
// names go by these, so that one more in the middle is one difference; the name itself is no value then. Lists of plain
// values are one value.
func Leaves(config json.RawMessage) map[string]json.RawMessage {
	out := map[string]json.RawMessage{}
	if len(config) == 0 {
		return out
	}
	dec := json.NewDecoder(bytes.NewReader(config))
	dec.UseNumber()
	var tree any
	if dec.Decode(&tree) != nil {
		out[""] = config
		return out
	}
	spread("", tree, out)
	return out
}

func spread(path string, v any, out map[string]json.RawMessage) {
	switch x := v.(type) {
	case map[string]any:
		if len(x) == 0 && path != "" {
			out[path] = json.RawMessage("{}")
		}
		for k, e := range x {
			name := k
			if path != "" {
				name = path + "." + k
			}
			spread(name, e, out)
		}
	case []any:
		names := elementNames(x)
		if names == nil {
			out[path] = encode(x)
			return
		}
		for i, e := range x {
			m := e.(map[string]any)
			if named, _ := m["name"].(string); named == names[i] && len(m) > 1 {
				m = maps.Clone(m)
				delete(m, "name") // it stands in the path
			}
			spread(path+"["+names[i]+"]", m, out)
		}
	default:
		out[path] = encode(x)
	}
}

// elementNames are the names of a list's elements, nil if one has none or two have the same.
func elementNames(list []any) []string {
	var names []string
	seen := map[string]bool{}
	for _, e := range list {
		m, _ := e.(map[string]any)
		name, ok := m["name"].(string)
		if of, _ := m["metric"].(map[string]any); !ok && of != nil { // a condition on a metric goes by that
			name, ok = of["name"].(string)
		}
		if !ok || seen[name] {
			return nil
		}
		seen[name] = true
		names = append(names, name)
	}
	return names
}

// Fields compares two configurations value by value.
func Fields(before, after json.RawMessage) []Field { return fields(Leaves(before), Leaves(after)) }

func fields(before, after map[string]json.RawMessage) []Field {
	paths := make(map[string]bool, len(before))
	for p := range before {
		paths[p] = true
	}
	for p := range after {
		paths[p] = true
	}
	var out []Field
	for _, p := range sortedKeys(paths) {
		if a, b := before[p], after[p]; !bytes.Equal(canonical(a), canonical(b)) {
			out = append(out, Field{Path: p, Before: a, After: b})
		}
	}
	return out
}

func canonical(v json.RawMessage) json.RawMessage {
	if len(v) == 0 {
		return nil
	}
	return encode(v)
}

func encode(v any) json.RawMessage {
	data, err := plan.Canonical(v)
	if err != nil {
		raw, _ := v.(json.RawMessage)
		return raw // no JSON: compared as it is
	}
	return data
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func compareText(a, b string) int { return cmp.Compare(a, b) }
