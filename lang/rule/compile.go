package rule

import (
	"errors"
	"math"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/parser"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/source"
)

// Compile parses and type-checks a rule, which must give true or false. All mistakes are told, each at its own place in
// the file. The rule is nil if there are any errors; with warnings there is one. Diagnostics are sorted by place.
func (e *Env) Compile(t source.Text) (*Rule, source.Diagnostics) {
	s := newScript(t)
	checker, err := e.checker()
	if err != nil {
		return nil, s.defect(err)
	}
	plain, err := plainParser()
	if err != nil {
		return nil, s.defect(err)
	}
	expr, once, ds := s.parse(checker, plain)
	if ds != nil {
		return nil, ds
	}
	w := &walker{env: e, script: s, types: map[int64]*figure{}, places: map[int][]ast.Expr{}, ranges: map[int64]string{}, keys: map[int64]string{}}
	w.walk(expr, nil)
	kept := ast.NewExprFactory().CopyExpr(expr) // the checker writes to what it is given
	var errs, warnings source.Diagnostics
	for _, d := range w.diagnostics {
		if d.Severity == source.Error {
			errs = append(errs, d)
		} else {
			warnings = append(warnings, d)
		}
	}
	if errs = append(errs, w.check(checker, once, errs)...); len(errs) > 0 {
		return nil, errs.Sort()
	}
	r := &Rule{root: e.root, text: t.Value, refs: w.refs, expr: func() (ast.Expr, error) { return kept, nil }}
	if len(w.diagnostics) == 0 { // else what is found may follow from those
		if w.together(kept, ""); len(w.diagnostics) == 0 {
			w.constant(r, kept)
		}
		if w.diagnostics.HasErrors() {
			return nil, w.diagnostics.Sort()
		}
		warnings = w.diagnostics
	}
	return r, warnings.Sort()
}

// defect tells that cel-go could not be made ready for rules.
func (s *script) defect(err error) source.Diagnostics {
	return source.Diagnostics{{Severity: source.Error, Code: source.CodeRuleSyntax, Subject: s.text.Range, Summary: "the rule cannot be checked: " + err.Error()}}
}

// parse reads a rule with macros left as calls. One that surely has none is parsed once, for the checker too, which
// takes once; else that is nil. Only the first syntax error is told: the others follow from it. Integers have become
// doubles.
func (s *script) parse(checker *cel.Env, plain *parser.Parser) (expr ast.Expr, once *cel.Ast, ds source.Diagnostics) {
	if !macroWord().MatchString(s.text.Value) {
		if parsed, issues := checker.Parse(s.text.Value); issues.Err() == nil {
			s.info = parsed.NativeRep().SourceInfo()
			allDoubles(parsed.NativeRep().Expr())
			return parsed.NativeRep().Expr(), parsed, nil
		}
	}
	parsed, errs := plain.Parse(common.NewTextSource(s.text.Value))
	if list := errs.GetErrors(); len(list) > 0 {
		return nil, nil, source.Diagnostics{s.syntaxError(list[0])}
	}
	s.info = parsed.SourceInfo()
	allDoubles(parsed.Expr())
	return parsed.Expr(), nil, nil
}

// parsed reads a rule that is known to be sound, such as one that once compiled. Nothing is checked but syntax.
func parsed(text string) (ast.Expr, error) {
	plain, err := plainParser()
	if err != nil {
		return nil, err
	}
	read, errs := plain.Parse(common.NewTextSource(text))
	if list := errs.GetErrors(); len(list) > 0 {
		return nil, errors.New(list[0].Message)
	}
	allDoubles(read.Expr())
	return read.Expr(), nil
}

// macroWord finds the names of macros, as words of their own or parts of others: a rule over allowed_share is parsed
// twice for nothing, which is a cost and no mistake.
var macroWord = lazyregexp.New(`has|all|exists|map|filter`)

// allDoubles turns every integer literal into a double, in place: in the dialect 5 and 5.0 are one number, of which
// cel-go knows two types. Those that no double holds are reported by exact, which looks at the text.
func allDoubles(e ast.Expr) {
	factory := ast.NewExprFactory()
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.LiteralKind {
			return
		}
		switch v := e.AsLiteral().(type) {
		case types.Int:
			e.SetKindCase(factory.NewLiteral(e.ID(), types.Double(v)))
		case types.Uint:
			e.SetKindCase(factory.NewLiteral(e.ID(), types.Double(v)))
		}
	}))
}

// wholeNumbers undoes that where it can be, in place, for texts that people read: they write 5 and not 5.0.
func wholeNumbers(e ast.Expr) {
	factory := ast.NewExprFactory()
	ast.PostOrderVisit(e, ast.NewExprVisitor(func(e ast.Expr) {
		if x, ok := literalNumber(e); ok && whole(x) {
			e.SetKindCase(factory.NewLiteral(e.ID(), types.Int(x)))
		}
	}))
}

// whole reports whether a number is printed without ".0".
func whole(x float64) bool { return x == math.Trunc(x) && math.Abs(x) < 1e15 }

// check lets cel-go type the rule and says in our words what it finds, but for places that are spoken of already.
// A rule that does not come to a condition is told only where nothing else is: most often it is part of another mistake.
func (w *walker) check(checker *cel.Env, parsed *cel.Ast, told source.Diagnostics) source.Diagnostics {
	if parsed == nil {
		var issues *cel.Issues
		if parsed, issues = checker.Parse(w.script.text.Value); issues.Err() != nil {
			return w.translate(issues, told)
		}
		allDoubles(parsed.NativeRep().Expr())
	}
	checked, issues := checker.Check(parsed)
	if issues.Err() != nil {
		return w.translate(issues, told)
	}
	if got := checked.OutputType(); !got.IsExactType(cel.BoolType) && len(told) == 0 {
		return source.Diagnostics{w.notBool(got)}
	}
	return nil
}

// translate turns cel-go's issues into diagnostics. What is wrong within the arguments of a function that does not
// exist, or at a place spoken of already, follows from that.
func (w *walker) translate(issues *cel.Issues, told source.Diagnostics) source.Diagnostics {
	var all source.Diagnostics
	covered := make([]source.Range, 0, len(told))
	for _, d := range told {
		covered = append(covered, d.Subject)
	}
	for _, err := range issues.Errors() {
		d := w.typeError(err)
		if all = append(all, d); d.Code == source.CodeRuleFunction {
			covered = append(covered, d.Context)
		}
	}
	var out source.Diagnostics
	for _, d := range all {
		if d.Context.IsZero() && overlaps(d.Subject, covered) {
			continue
		}
		out = append(out, d)
		covered = append(covered, d.Subject)
	}
	return out
}

// overlaps reports whether a range shares a byte with one of others: of two diagnostics on one text the first is told.
func overlaps(r source.Range, others []source.Range) bool {
	for _, o := range others {
		if r.Start.Byte < o.End.Byte && o.Start.Byte < r.End.Byte || r == o {
			return true
		}
	}
	return false
}
