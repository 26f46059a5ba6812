package planner

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// configCauses compares two configurations attribute by attribute, by path.
func configCauses(before, after json.RawMessage) []plan.Cause {
	var a, b any
	if json.Unmarshal(orEmpty(before), &a) != nil || json.Unmarshal(orEmpty(after), &b) != nil {
		return []plan.Cause{{Kind: plan.ConfigCause, Before: before, After: after}}
	}
	old, now := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	flatten("", a, old)
	flatten("", b, now)
	paths := make([]string, 0, len(old)+len(now))
	for p := range old {
		paths = append(paths, p)
	}
	for p := range now {
		if _, ok := old[p]; !ok {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	var out []plan.Cause
	for _, p := range paths {
		if !bytes.Equal(old[p], now[p]) {
			out = append(out, plan.Cause{Kind: plan.ConfigCause, Path: p, Before: old[p], After: now[p]})
		}
	}
	return out
}

// flatten spreads a JSON tree into leaves by path. Elements of lists that have names go by their names, so that adding
// one in the middle is one difference; lists of plain values are one leaf.
func flatten(path string, v any, out map[string]json.RawMessage) {
	switch x := v.(type) {
	case map[string]any:
		if len(x) == 0 && path != "" {
			out[path] = json.RawMessage("{}")
		}
		for k, e := range x {
			flatten(join(path, k), e, out)
		}
	case []any:
		if !named(x) {
			out[path] = encode(x)
			return
		}
		for _, e := range x {
			m := e.(map[string]any)
			flatten(path+"["+m["name"].(string)+"]", m, out)
		}
	default:
		out[path] = encode(x)
	}
}

// named tells whether all elements are objects with a name.
func named(list []any) bool {
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			return false
		}
		if _, ok := m["name"].(string); !ok {
			return false
		}
	}
	return len(list) > 0
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func encode(v any) json.RawMessage {
	data, err := plan.Canonical(v)
	if err != nil {
		return json.RawMessage("null") // v came from JSON, so this cannot be
	}
	return data
}

func text(s string) json.RawMessage { return encode(s) }

func number(n int) json.RawMessage { return json.RawMessage(strconv.Itoa(n)) }

// dataSummary says of files what a reviewer compares: how many, how large, which digest.
func dataSummary(e *plan.External, digest plan.Digest) json.RawMessage {
	if e == nil {
		return text(string(digest))
	}
	var size int64
	for _, f := range e.Files {
		size += f.Size
	}
	return encode(map[string]any{"files": len(e.Files), "bytes": size, "digest": digest})
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
