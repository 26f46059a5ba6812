package rule

import (
	"unicode/utf8"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
)

// What deciding one rule may cost. A rule over a hundred slices takes some thousands of steps. Rules come with a module
// that may be somebody else's, and are decided by a job that must not hang: macros within each other take the length of
// the list to the power of their number.
const (
	maxSteps  = 200_000
	textStep  = 100 // characters of text that are read in one step
	maxQuoted = 300 // characters of a rule quoted in a reason
)

// spend counts work that is about to be done and reports whether it may be. The count ends at twice the most, so that
// it cannot overflow; once over, every later question is answered no.
func (f *folder) spend(steps int) bool {
	f.steps = min(f.steps+steps, 2*maxSteps)
	return f.steps <= maxSteps
}

// tooMany is what comes of a rule that may not go on: failed, so that the gate does not pass.
func (f *folder) tooMany(e ast.Expr) result {
	return f.fail(e, "the rule takes more than %d steps", maxSteps)
}

// text is an expression as a reason quotes it. What is left of a rule can be larger than the rule by far.
func (f *folder) text(e ast.Expr) string {
	size := textSize(e, maxLength)
	if f.spend(size / textStep); size >= maxLength {
		return "a part of the rule"
	}
	e = f.factory.CopyExpr(e)
	wholeNumbers(e)
	text := print(e)
	if utf8.RuneCountInString(text) > maxQuoted {
		text = string([]rune(text)[:maxQuoted]) + "…"
	}
	return text
}

// residual is the text of what is still to be decided of an open rule, such as `evaluate.e.metrics.recall >= 0.8`. It
// can be compiled as a rule again. Where the folded expression could not be (it is too long, too deeply nested, or a
// value that was put in is no valid literal at its place), the residual is the original text of the rule, which says
// the same and more.
func (r *Rule) residual(left ast.Expr) string {
	if textSize(left, maxLength) >= maxLength || !literalsHold(left) {
		return r.text
	}
	text := print(left)
	if depth(left) < maxDepth/3 {
		return text
	}
	if _, err := parsed(text); err != nil {
		return r.text
	}
	return text
}

// textSize is about the length of an expression's text, counted up to most. Parts of what is left of a rule may be the
// same in memory many times over, so that writing it down without a look at its size could take for ever.
func textSize(e ast.Expr, most int) int {
	size := 2
	switch e.Kind() {
	case ast.IdentKind:
		size += len(e.AsIdent())
	case ast.SelectKind:
		size += len(e.AsSelect().FieldName())
	case ast.LiteralKind:
		if s, ok := e.AsLiteral().(types.String); ok {
			size += len(s)
		}
	}
	for _, x := range parts(e) {
		if size >= most {
			break
		}
		size += textSize(x, most-size)
	}
	return size
}

// depth of an expression that is not large. A leaf has 1.
func depth(e ast.Expr) int {
	deepest := 0
	for _, x := range parts(e) {
		deepest = max(deepest, depth(x))
	}
	return deepest + 1
}

// parts of an expression, from left to right; none of a literal or name. What a rule cannot hold, maps and messages,
// has none.
func parts(e ast.Expr) []ast.Expr {
	switch e.Kind() {
	case ast.SelectKind:
		return []ast.Expr{e.AsSelect().Operand()}
	case ast.ListKind:
		return e.AsList().Elements()
	case ast.CallKind:
		c := e.AsCall()
		if c.IsMemberFunction() {
			return append([]ast.Expr{c.Target()}, c.Args()...)
		}
		return c.Args()
	}
	return nil
}
