package rule

import (
	"strconv"

	"github.com/google/cel-go/common/ast"
)

// mistake in what is written out.
type mistake struct{ summary, detail, hint string }

// badLiteral finds a last argument that is written out and that the function would refuse when the rule is decided.
func badLiteral(c ast.CallExpr) mistake {
	if len(c.Args()) == 0 {
		return mistake{}
	}
	last := c.Args()[len(c.Args())-1]
	switch c.FunctionName() {
	case "matches":
		text, ok := literalString(last)
		if !ok {
			return mistake{}
		}
		if _, err := newPattern(text); err != nil {
			return mistake{summary: err.Error(), detail: "Regular expressions are RE2's."}
		}
	case "quantile":
		if q, ok := number(last); ok && !share(q) {
			return mistake{summary: "quantile takes a share between 0 and 1", hint: percent(q)}
		}
	}
	return mistake{}
}

func share(q float64) bool { return q >= 0 && q <= 1 }

func percent(q float64) string {
	if q > 1 && q <= 100 {
		return "write " + strconv.FormatFloat(q/100, 'g', -1, 64)
	}
	return ""
}

// literalsHold tells whether there is no such mistake anywhere in an expression.
func literalsHold(e ast.Expr) bool {
	holds := true
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.CallKind && badLiteral(e.AsCall()).summary != "" {
			holds = false
		}
	}))
	return holds
}
