package cli

import (
	"maps"
	"slices"
)

// sortedKeys are the keys of a map in the order that they are printed in: the same at every run.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
