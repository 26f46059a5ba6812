package diff

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

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

// spread writes the leaves of a value into out. Objects in lists go by name where they have one ("slice[eu].where"), so that
// an element that is inserted moves no other; other lists are one leaf.
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

// Fields compares two configurations value by value. Where no value differs and yet they are not the same, which is when named
// elements stand in another order, that is what differs: there is no difference without a field.
func Fields(before, after json.RawMessage) []Field {
	if bytes.Equal(before, after) {
		return nil
	}
	out := fields(Leaves(before), Leaves(after))
	was, is := orders(before), orders(after)
	for _, path := range sortedKeys(is) {
		if a, b := both(was[path], is[path]), both(is[path], was[path]); !slices.Equal(a, b) {
			out = append(out, Field{Path: path, Before: encode(was[path]), After: encode(is[path])})
		}
	}
	if len(out) == 0 && !bytes.Equal(canonical(before), canonical(after)) {
		out = append(out, Field{Before: before, After: after})
	}
	slices.SortFunc(out, func(a, b Field) int { return cmp.Compare(a.Path, b.Path) })
	return out
}

// both are the names of one list that another has too, in its order.
func both(list, other []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(name string) bool { return !slices.Contains(other, name) })
}

// orders are the names of the elements of lists, by the path of the list, in their order.
func orders(config json.RawMessage) map[string][]string {
	out := map[string][]string{}
	var tree any
	if json.Unmarshal(config, &tree) != nil {
		return out
	}
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch x := v.(type) {
		case map[string]any:
			for k, e := range x {
				walk(strings.TrimPrefix(path+"."+k, "."), e)
			}
		case []any:
			if names := elementNames(x); names != nil {
				out[path] = names
				for i, e := range x {
					walk(path+"["+names[i]+"]", e)
				}
			}
		}
	}
	walk("", tree)
	return out
}

// fields are the paths whose values differ as JSON, sorted. A path that only one side has is added or removed.
// fields({"a": 1, "b": 2}, {"a": 1, "c": 3}) has b without After and c without Before.
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

// canonical is the canonical JSON of a value, nil of an absent one: null is a value.
func canonical(v json.RawMessage) json.RawMessage {
	if len(v) == 0 {
		return nil
	}
	return encode(v)
}

// encode is the canonical JSON of a value: two orders of keys are the same, 1.0 and 1 are not.
func encode(v any) json.RawMessage {
	data, err := plan.Canonical(v)
	if err != nil {
		raw, _ := v.(json.RawMessage)
		return raw // no JSON: compared as it is
	}
	return data
}

// sortedKeys are the keys of a map, in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// compareText orders texts by their bytes.
func compareText(a, b string) int { return cmp.Compare(a, b) }
