// Package rule compiles and decides the conditions of a module: CEL over typed figures.
//
// A rule is parsed and type-checked by cel-go against an environment made from schema.FigureType, and decided here, by
// folding.
//
// # Folding
//
// Folding puts the figures that are known into the expression and computes what can be computed. Each sub-expression comes
// out in one of three states: known, with a value; open, because a figure is not known yet; failed, because a figure is
// missing or an operation impossible. In every state there is an expression that decides as the original does. Of
//
//	evaluate.e.metrics.recall >= variable.min && evaluate.e.metrics.fpr <= 0.01
//
// with min = 0.8, fpr = 0.005 and recall not known yet, the left side is open and the right side known to be true, so
// the whole is open and what is left, the residual, is
//
//	evaluate.e.metrics.recall >= 0.8
//
// With fpr = 0.02 the whole is known to be false, though recall is not known: what decides needs no more. The same goes for
// a failed side, whichever side that is: false && failed is false, true && failed is failed.
//
// Figures are read as late as can be. The path evaluate.e.metrics is a place, not a value, until something needs the value;
// so a missing evaluate.e.metrics.auc is no matter to a rule that reads .recall, and has(evaluate.e.metrics.auc) can be
// asked. A list holds places too: size([a, b]) is 2 whatever a and b are.
//
// Why not cel-go's evaluator: its partial evaluation keeps NaN as a number like any other, so that a gate could pass on
// one. TestAgreesWithCEL holds both evaluators to the same answers where everything is known.
//
// The dialect: every number is a double, so that `rows >= 10000` needs no ".0". There are comparisons, arithmetic,
// && || !, the conditional, `in`, indices, size(), the macros all, exists, exists_one, map, filter and has(), min, max,
// mean, sum and quantile of lists and maps of numbers, abs, and contains, startsWith, endsWith and matches on strings.
// Nothing reads time or anything outside, and no rule takes long: see cost.go.
//
// # From text to verdict
//
//  1. Compile parses the text with macros left as calls, and turns every number into a double.
//  2. walker goes through the expression, notes which figures are read, and finds what cel-go's checker cannot: keys that a
//     map does not have, words that a figure never is, comparisons that always or never hold (bounds.go).
//  3. cel-go's checker types a second parse, with macros expanded; its messages are said anew in the language's words, at
//     the places that the walker has noted (messages.go, overloads.go).
//  4. A rule without any finding is asked whether its operands exclude each other, and whether it is decided without any
//     figure (together.go).
//  5. Decide folds the compiled rule over the values of the moment: when a plan is made, again when stages have run.
//
// Compare (shift.go) answers another question, of two texts: whether a changed rule lets more pass than before.
package rule

import (
	"strings"

	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/parser"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// Rule is a compiled condition. It is immutable and safe for concurrent use. One from a kept cache is parsed when it is
// first decided or printed.
type Rule struct {
	root *schema.FigureType
	text string
	expr func() (ast.Expr, error) // macros are calls here
	refs []Ref
}

// Ref is a figure that a rule reads.
type Ref struct {
	// Path leads to it from the root: evaluate, holdout, metrics, auc. It ends before the first part that is not
	// spelled out, so for evaluate.holdout.slices[s].auc it is that of the map, evaluate.holdout.slices.
	Path  []string
	Range source.Range

	start, end int // of the range, in the rule's text
}

// Refs lists every place where the rule reads figures, in order of appearance; paths may repeat. The slice is the
// rule's own.
func (r *Rule) Refs() []Ref { return r.refs }

// String is the rule as cel-go prints it, in one line.
func (r *Rule) String() string {
	expr, err := r.expr()
	if err != nil {
		return r.text
	}
	return print(expr)
}

// print writes an expression in one line. The expressions of this package can all be printed. Equal expressions print
// alike, for which print is used as a key: `a>=1` and `a >= 1.0` are one.
func print(e ast.Expr) string {
	text, err := parser.Unparse(e, nil, parser.WrapOnColumn(1<<30))
	if err != nil {
		return "(" + err.Error() + ")"
	}
	return text
}

// PathString writes a path as a rule would: parts that are no identifiers are indices, slices["a b"].auc.
func PathString(path []string) string {
	var b strings.Builder
	for i, p := range path {
		switch {
		case strings.HasPrefix(p, "["):
			b.WriteString(p)
		case !identifier(p):
			b.WriteString("[" + quote(p) + "]")
		case i > 0:
			b.WriteString("." + p)
		default:
			b.WriteString(p)
		}
	}
	return b.String()
}

// identifier reports whether a name can be written after a dot.
func identifier(s string) bool {
	for i, r := range s {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || r < '0' || '9' < r) {
			return false
		}
	}
	return s != "" && s != "in"
}
