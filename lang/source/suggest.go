package source

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agext/levenshtein"
)

// Suggest returns the candidate that was most likely meant by given, "" if none is near. Of equally near ones it is
// the first in alphabetical order, whatever the order of candidates.
func Suggest(given string, candidates []string) string {
	best, bestDistance := "", 1+utf8.RuneCountInString(given)/4
	for _, c := range candidates {
		if c == given {
			continue
		}
		d := distance(strings.ToLower(given), strings.ToLower(c))
		if d < bestDistance || d == bestDistance && (best == "" || c < best) {
			best, bestDistance = c, d
		}
	}
	return best
}

// distance counts edits, two letters swapped as one. Words of one or two letters are only near to longer ones.
func distance(given, candidate string) int {
	d := levenshtein.Distance(given, candidate, nil)
	short := utf8.RuneCountInString(given)
	switch {
	case d > 0 && (short < 2 || short == 2 && len(candidate) < 3):
		return math.MaxInt
	case d == 2 && sameLetters(given, candidate):
		return 1
	}
	return d
}

func sameLetters(a, b string) bool {
	x, y := []rune(a), []rune(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// DidYouMean is Suggest as the hint of a diagnostic: `did you mean "auc"?`, or "".
func DidYouMean(given string, candidates []string) string {
	if s := Suggest(given, candidates); s != "" {
		return fmt.Sprintf("did you mean %q?", s)
	}
	return ""
}
