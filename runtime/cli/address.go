package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/suggest"
)

// unknownAddress tells of an address that is not there, and which was probably meant: where the word is the kind or
// name of blocks, those ("model" means train.model), else the nearest address by letters. known need not be sorted.
func unknownAddress(address string, known []string) error {
	hint := "'mlp graph' lists all addresses."
	if below := ofName(address, known); len(below) > 0 {
		hint = "There is " + strings.Join(below[:min(len(below), 12)], ", ") + "."
		if len(below) == 1 {
			hint = fmt.Sprintf("did you mean %q?", below[0])
		}
	} else if meant := suggest.DidYouMean(address, known); meant != "" {
		hint = meant
	}
	return &failure{err: fmt.Errorf("there is no %s", address), hint: hint}
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
