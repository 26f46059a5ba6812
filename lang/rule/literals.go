package rule

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/google/cel-go/common/ast"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// mistake in what is written out; the zero value is none.
type mistake struct{ summary, detail, hint string }

// badLiteral finds a last argument that is written out and that the function would refuse when the rule is decided,
// which may be after hours of training: a pattern that is no regular expression, a quantile beyond 1.
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

// exact complains about a number that is written as none that a double can be: whole and beyond 2^53, of more digits than a
// double keeps, or too large.
func (w *walker) exact(e ast.Expr) {
	r := w.rangeOf(e)
	text := string(w.script.runes[w.script.at(e):w.script.tokenEnd(w.script.at(e))])
	x, _ := literalNumber(e)
	if !math.IsInf(x, 0) && !written(text, x) {
		below, above := math.Nextafter(x, math.Inf(-1)), math.Nextafter(x, math.Inf(1))
		near := []float64{below, x, above}
		if value, _, err := big.ParseFloat(strings.TrimRight(text, "uU"), 0, 200, big.ToNearestEven); err == nil {
			near = []float64{x, above}
			if value.Cmp(big.NewFloat(x)) < 0 {
				near = []float64{below, x}
			}
		}
		w.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeRuleInexact, Subject: r,
			Summary: text + " is not a number that rules can tell from its neighbours",
			Detail:  fmt.Sprintf("Numbers are doubles, which hold whole numbers exactly up to 9007199254740992, and 15 to 17 digits of others; the nearest are %s and %s.", numberText(near[0]), numberText(near[1])),
			Hint:    "write the one that is meant",
		})
	}
}

// written reports whether a number's text is the double that it is read as: exactly if it is large, else with as many digits.
// 9007199254740993 is read as ...992, and a rule with it compares with another number than the one that stands there:
// that is told, and not rounded in silence.
func written(text string, x float64) bool {
	hex := strings.HasPrefix(strings.TrimPrefix(text, "-"), "0x")
	if strings.ContainsAny(text, "eE") && !hex {
		return true // rounded on purpose
	}
	text = strings.TrimRight(text, "uU")
	if math.Abs(x) < 1<<53 {
		return hex || schema.SameDigits(text, x)
	}
	value, ok := new(big.Rat).SetString(text)
	if !ok {
		return true
	}
	return value.Cmp(new(big.Rat).SetFloat64(x)) == 0
}

// numberText writes a number as people do, whole ones with all of their digits up to 21 of them.
func numberText(x float64) string {
	if x == math.Trunc(x) && math.Abs(x) < 1e21 {
		return strconv.FormatFloat(x, 'f', -1, 64)
	}
	return strconv.FormatFloat(x, 'g', -1, 64)
}

// share reports whether a number lies between 0 and 1; NaN does not.
func share(q float64) bool { return q >= 0 && q <= 1 }

// percent is the hint where 95 is written for 0.95.
func percent(q float64) string {
	if q > 1 && q <= 100 {
		return "write " + strconv.FormatFloat(q/100, 'g', -1, 64)
	}
	return ""
}

// literalsHold reports whether there is no such mistake anywhere in an expression.
func literalsHold(e ast.Expr) bool {
	holds := true
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() == ast.CallKind && badLiteral(e.AsCall()).summary != "" {
			holds = false
		}
	}))
	return holds
}
