package table

import (
	"fmt"
	"strings"

	"github.com/agext/levenshtein"
)

// Suggest returns `did you mean "x"?` for the candidate that a misspelt name is closest to; empty if none is close.
func Suggest(name string, candidates []string) string {
	best, at := 0.0, ""
	for _, c := range candidates {
		if m := levenshtein.Match(strings.ToLower(name), strings.ToLower(c), nil); m > best {
			best, at = m, c
		}
	}
	if best < 0.5 {
		return ""
	}
	return fmt.Sprintf("did you mean %q?", at)
}
