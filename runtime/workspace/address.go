package workspace

import (
	"github.com/mlp-lang/mlp/lang/lazyregexp"
)

// bareKey is the key of an instance without its quotes, as a shell leaves it.
var bareKey = lazyregexp.New(`\[([a-z0-9_]+)\]`)

// AddressOf reads an address as given on a command line: train.model[eu] is train.model["eu"].
func AddressOf(arg string) string { return bareKey().ReplaceAllString(arg, `["$1"]`) }
