package rule

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
)

// maxPattern bounds a regular expression, in characters and in instructions.
const maxPattern = 10_000

// pattern is a compiled regular expression. Matching takes time in the length of the text times size.
type pattern struct {
	re   *regexp.Regexp
	size int
}

// pattern compiles a regular expression, once for each rule that is decided: a macro may match the same one for each
// slice. Errors are not kept, since the first one ends the rule.
func (f *folder) pattern(text string) (pattern, error) {
	if p, ok := f.patterns[text]; ok {
		return p, nil
	}
	f.spend(len(text))
	p, err := newPattern(text)
	if err == nil {
		if f.patterns == nil {
			f.patterns = map[string]pattern{}
		}
		f.patterns[text] = p
	}
	return p, err
}

// newPattern refuses what is no regular expression (RE2, https://github.com/google/re2/wiki/Syntax), and one that
// repeats its parts so often that it takes much memory: (a{1000}){1000} is short to write.
func newPattern(text string) (pattern, error) {
	if len(text) > maxPattern {
		return pattern{}, fmt.Errorf("the regular expression is longer than %d characters", maxPattern)
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if e := (*syntax.Error)(nil); errors.As(err, &e) {
		return pattern{}, fmt.Errorf("%s in the regular expression: %s", e.Code, e.Expr)
	}
	if err != nil {
		return pattern{}, fmt.Errorf("reading the regular expression: %w", err)
	}
	size := instructions(parsed)
	if size > maxPattern {
		return pattern{}, errors.New("the regular expression repeats its parts too often")
	}
	re, err := regexp.Compile(text)
	return pattern{re: re, size: size}, err
}

// instructions is about how many a regular expression compiles to, counted up to one more than the most.
func instructions(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)/4
	for _, sub := range re.Sub {
		n = min(n+instructions(sub), maxPattern+1)
	}
	if re.Op == syntax.OpRepeat {
		n = min(n*max(re.Min, re.Max, 1), maxPattern+1)
	}
	return n
}
