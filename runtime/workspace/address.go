package workspace

import (
	"github.com/mlp-lang/mlp/lang/lazyregexp"
)

// bareKey is the key of an instance without its quotes, as a shell leaves it.
var bareKey = lazyregexp.New(`\[([a-z0-9_]+)\]`)

// AddressOf reads an address as given on a command line: train.model[eu] is train.model["eu"], whose quotes a shell
// takes away. Any other text is returned as it is; whether the address exists is not asked.
func AddressOf(arg string) string { return bareKey().ReplaceAllString(arg, `["$1"]`) }

// AddressesOf are the addresses that arguments mean.
func AddressesOf(args []string) []string {
	out := make([]string, len(args))
	for i, arg := range args {
		out[i] = AddressOf(arg)
	}
	return out
}
