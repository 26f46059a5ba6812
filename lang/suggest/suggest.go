// Package suggest finds the name that was probably meant by one that there is not: `acu` among auc and f1 is auc. Every "did
// you mean" of messages comes from it.
package suggest

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// Near returns the candidate that was most likely meant by given, "" if none is near. Of equally near ones it is
// the first in alphabetical order, whatever the order of candidates. Who asks often for the same candidates makes Names
// of them once.
func Near(given string, candidates []string) string { return NewNames(candidates).Near(given) }

// Names are candidates made ready for many questions. They can be asked from several goroutines at a time.
type Names struct{ list []candidate }

// candidate is a name in lower case, and a set of its letters: each edit adds at most one to it and takes at most one.
type candidate struct {
	name    string
	lower   []rune
	letters uint64
}

// NewNames prepares candidates for many searches. The order of names does not matter; of names equally near, the first by alphabet wins.
func NewNames(names []string) *Names {
	n := &Names{list: make([]candidate, len(names))}
	for i, name := range names {
		n.list[i] = newCandidate(name)
	}
	return n
}

func newCandidate(name string) candidate {
	c := candidate{name: name, lower: []rune(strings.ToLower(name))}
	for _, r := range c.lower {
		c.letters |= 1 << (r & 63)
	}
	return c
}

// Near is the function Near for these candidates. Names that can be one edit away are looked at first, then those that
// can be two, and so on until one is found. Most of thousands of names are ruled out by their length and their set of letters, without
// counting edits.
func (n *Names) Near(given string) string {
	g := newCandidate(given)
	for most := 0; most <= 1+utf8.RuneCountInString(given)/4; most++ {
		best := ""
		for i := range n.list {
			if c := &n.list[i]; (best == "" || c.name < best) && c.name != given && g.within(c, most) {
				best = c.name
			}
		}
		if best != "" {
			return best
		}
	}
	return ""
}

// within reports whether a candidate is at most so many edits away, two letters swapped as one. Words of one or two letters
// are only near to longer ones.
func (given *candidate) within(c *candidate, most int) bool {
	longer := len(c.lower) - len(given.lower)
	if max(longer, -longer) > most || bits.OnesCount64(c.letters^given.letters) > 2*most {
		return false
	}
	if most == 0 {
		return slices.Equal(given.lower, c.lower)
	}
	if short := len(given.lower); (short < 2 || short == 2 && len(string(c.lower)) < 3) && !slices.Equal(given.lower, c.lower) {
		return false
	}
	if most == 1 && longer == 0 && c.letters == given.letters && sameLetters(given.lower, c.lower) {
		most = 2
	}
	return edits(given.lower, c.lower, most) <= most
}

// edits is the Levenshtein distance of two names whose lengths differ by most or less; of those farther apart than most
// it only says so. What lies more than most beside the diagonal is not computed (Ukkonen 1985).
func edits(a, b []rune, most int) int {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	row := make([]int, len(b)+1, 64)
	for j := range row {
		row[j] = min(j, most+1)
	}
	for i := 1; i <= len(a); i++ {
		from := max(1, i-most)
		diagonal := row[from-1]
		row[from-1] = min(i, most+1)
		least := row[from-1]
		for j := from; j <= min(len(b), i+most); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
			least = min(least, row[j])
		}
		if least > most {
			return most + 1
		}
	}
	return row[len(b)]
}

func sameLetters(a, b []rune) bool {
	x, y := slices.Clone(a), slices.Clone(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// DidYouMean is Near as the hint of a diagnostic: `did you mean "auc"?`, or "".
func DidYouMean(given string, candidates []string) string {
	return NewNames(candidates).DidYouMean(given)
}

// DidYouMean is Near as the hint of a diagnostic, or "".
func (n *Names) DidYouMean(given string) string {
	if s := n.Near(given); s != "" {
		return fmt.Sprintf("did you mean %q?", s)
	}
	return ""
}
