package workspace

import (
	"fmt"
	"maps"
	"slices"
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
