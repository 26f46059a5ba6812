// Package lazyregexp compiles the patterns of package variables when they are first used. Every command starts by running the
// initialisation of every package linked in, and most commands need few of the patterns: sixty of them cost more than a
// millisecond of a start of twelve.
//
//	var safeName = lazyregexp.New(`^[a-z]+$`)
//
//	if safeName().MatchString(name) { … }
package lazyregexp

import (
	"regexp"
	"sync"
)

// New returns what compiles the pattern at its first call, and then always returns the same. A pattern that does not compile
// panics at that call; a test compiles all that stand in the source.
func New(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}
