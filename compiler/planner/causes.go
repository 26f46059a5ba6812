package planner

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/mlp-lang/mlp/compiler/diff"
	"github.com/mlp-lang/mlp/compiler/plan"
)

// configCauses compares two configurations attribute by attribute, by path.
func configCauses(before, after json.RawMessage) []plan.Cause {
	var out []plan.Cause
	for _, f := range diff.Fields(before, after) {
		out = append(out, plan.Cause{Kind: plan.ConfigCause, Path: f.Path, Before: f.Before, After: f.After})
	}
	return out
}

func encode(v any) json.RawMessage {
	data, err := plan.Canonical(v)
	if err != nil {
		return json.RawMessage("null") // v came from JSON, so this cannot be
	}
	return data
}

func text(s string) json.RawMessage { return encode(s) }

// optional is a text, or absent where it is empty.
func optional(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return text(s)
}

func number(n int) json.RawMessage { return json.RawMessage(strconv.Itoa(n)) }

// dataSummary says of files what a reviewer compares: how many, how large, which digest, and which differ from former ones.
func dataSummary(e *plan.External, digest plan.Digest, since *plan.External) json.RawMessage {
	if e == nil {
		return text(string(digest))
	}
	if e.Remote {
		return encode(map[string]any{"version": cmp.Or(e.Version, "not known")})
	}
	var size int64
	for _, f := range e.Files {
		size += f.Size
	}
	out := map[string]any{"files": len(e.Files), "bytes": size, "digest": digest}
	for word, names := range filesChanged(since, e) {
		out[word] = names
	}
	return encode(out)
}

// filesChanged are the names of files that are new, other or gone, at most a few of each.
func filesChanged(before, after *plan.External) map[string][]string {
	const most = 20
	out := map[string][]string{}
	if before == nil || after == nil {
		return out
	}
	was, is := map[string]plan.Digest{}, map[string]plan.Digest{}
	for _, f := range before.Files {
		was[f.Name] = f.Digest
	}
	for _, f := range after.Files {
		is[f.Name] = f.Digest
	}
	note := func(word, name string) {
		if len(out[word]) < most {
			out[word] = append(out[word], name)
		}
	}
	for _, name := range sortedKeys(is) {
		if d, ok := was[name]; !ok {
			note("added", name)
		} else if d != is[name] {
			note("changed", name)
		}
	}
	for _, name := range sortedKeys(was) {
		if _, ok := is[name]; !ok {
			note("removed", name)
		}
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
