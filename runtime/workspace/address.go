package workspace

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/suggest"
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

// UnknownAddress tells of an address that is not there, and which was probably meant: where the word is the kind or
// name of blocks, those ("model" means train.model), else the nearest address by letters. known need not be sorted.
func UnknownAddress(of string, known []string) error {
	hint := "'mlp graph' lists all addresses."
	if below := ofName(of, known); len(below) > 0 {
		hint = "There is " + strings.Join(below[:min(len(below), 12)], ", ") + "."
		if len(below) == 1 {
			hint = fmt.Sprintf("did you mean %q?", below[0])
		}
	} else if meant := suggest.DidYouMean(of, known); meant != "" {
		hint = meant
	}
	return &Failure{Err: fmt.Errorf("there is no %s", of), Hint: hint}
}

// ofName returns the addresses that have the word as their kind, name or key, sorted, each once: "train" gives all
// training, "model" gives train.model and deploy.model. A word with a dot is an address and never such a name.
func ofName(word string, known []string) []string {
	var out []string
	for _, a := range known {
		if !strings.Contains(word, ".") && slices.Contains(address.Words(a), word) && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	slices.Sort(out)
	return out
}
