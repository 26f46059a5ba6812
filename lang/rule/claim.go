package rule

import (
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"
)

// Claim is a rule taken apart: comparisons of a figure with a number, joined by && and ||. One of All, Any and Path is set, or none: Text is then a part that is
// no such comparison.
type Claim struct {
	All, Any []Claim
	Path     []string // of the figure
	Op       string   // "<", "<=", ">", ">="; the figure stands on its left
	Value    float64
	Text     string // as it stands in the rule, in one line
}

// Claim takes the rule apart. A negation is that of what it negates: !(a > 1 || b > 1) is a <= 1 && b <= 1.
func (r *Rule) Claim() Claim {
	e, err := r.expr()
	if err != nil {
		return Claim{Text: r.text}
	}
	return apart(e, false)
}

func apart(e ast.Expr, negated bool) Claim {
	c := Claim{Text: print(e)}
	if negated {
		c.Text = "!(" + c.Text + ")"
	}
	if e.Kind() != ast.CallKind {
		return c
	}
	call := e.AsCall()
	args := call.Args()
	switch name := call.FunctionName(); name {
	case operators.LogicalNot:
		return apart(args[0], !negated)
	case operators.LogicalAnd, operators.LogicalOr:
		parts := []Claim{apart(args[0], negated), apart(args[1], negated)}
		if (name == operators.LogicalAnd) != negated {
			c.All = parts
		} else {
			c.Any = parts
		}
	default:
		op, turned, ok := comparison(name)
		if !ok {
			return c
		}
		left, right := args[0], args[1]
		if _, isNumber := number(left); isNumber {
			left, right, op = right, left, turned
		}
		path, value, ok := figurePath(left), 0.0, false
		if value, ok = number(right); !ok || path == nil {
			return c
		}
		if negated {
			op = map[string]string{"<": ">=", "<=": ">", ">": "<=", ">=": "<"}[op]
		}
		c.Path, c.Op, c.Value = path, op, value
	}
	return c
}

// figurePath is a.b.c as its parts; nil of another expression.
func figurePath(e ast.Expr) []string {
	switch e.Kind() {
	case ast.IdentKind:
		return []string{e.AsIdent()}
	case ast.SelectKind:
		if above := figurePath(e.AsSelect().Operand()); above != nil {
			return append(above, e.AsSelect().FieldName())
		}
	}
	return nil
}
