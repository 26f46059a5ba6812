package workspace

import (
	"fmt"
	"maps"
	"slices"

	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/stdlib"
)

// sortedKeys are the keys of a map in the order in which they are told.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// counted is a number with its noun: "1 file", "3 files".
func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// KindNames are the kinds of blocks, and CodeNames the codes of diagnostics, for a shell's completion. They need no module.
func KindNames() []string {
	var out []string
	for _, k := range stdlib.Catalog().Kinds {
		out = append(out, k.Name)
	}
	return out
}

// CodeNames are the codes that mlp explain knows.
func CodeNames() []string {
	var out []string
	for _, c := range source.Codes() {
		out = append(out, c.Code)
	}
	return out
}
