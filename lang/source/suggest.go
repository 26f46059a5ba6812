package source

import (
	"fmt"
	"strings"

	"github.com/agext/levenshtein"
)

// Suggest returns the candidate that was most likely meant by given, "" if none is near. Of equally near ones it is
// the first in alphabetical order, whatever the order of candidates.
func Suggest(given string, candidates []string) string {
	best, bestDistance := "", 1+len([]rune(given))/4
	if len(given) < 3 {
		bestDistance = 0
	}
	for _, c := range candidates {
		if c == given {
			continue
		}
		d := levenshtein.Distance(strings.ToLower(given), strings.ToLower(c), nil)
		if d < bestDistance || d == bestDistance && (best == "" || c < best) {
			best, bestDistance = c, d
		}
	}
	return best
}

// DidYouMean is Suggest as the hint of a diagnostic: `did you mean "auc"?`, or "".
func DidYouMean(given string, candidates []string) string {
	if s := Suggest(given, candidates); s != "" {
		return fmt.Sprintf("did you mean %q?", s)
	}
	return ""
}
