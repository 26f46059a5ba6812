package expr

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"

	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// Budget limits how much the expressions of a module, and of the modules that it calls, may compute. A few lines of HCL can ask
// for more than any machine has: values that double from local to local, loops in loops.
//
// It is safe for concurrent use. When several goroutines exhaust it, which of them fails depends on chance; a caller that wants
// the same error every time notes Left before, calls Rewind with it, and evaluates once more one after the other.
type Budget struct {
	left atomic.Int64
	told atomic.Bool

	mu      sync.Mutex
	limited map[string]map[string]function.Function // by the folder that they find files in
}

// MaxValues is the budget of a module: so many values, or as many stretches of 16 bytes of text.
const MaxValues = 2_000_000

// NewBudget returns a whole budget, of MaxValues.
func NewBudget() *Budget {
	b := &Budget{}
	b.left.Store(MaxValues)
	return b
}

var errBudget = errors.New("the module computes too much")

// Take takes n from what is left, and fails where that is not enough.
func (b *Budget) Take(n int64) error {
	if b.left.Add(-min(n, MaxValues+1)) < 0 {
		b.left.Store(-1)
		return errBudget
	}
	return nil
}

// Exhausted reports whether somebody asked for more than there was.
func (b *Budget) Exhausted() bool { return b.left.Load() < 0 }

// Left is how many values may still be computed, below 0 once the budget is exhausted. Rewind takes it back to this.
func (b *Budget) Left() int64 { return b.left.Load() }

// Rewind sets the budget to what Left returned earlier. That it was exhausted since counts as not reported yet.
func (b *Budget) Rewind(left int64) {
	b.left.Store(left)
	b.told.Store(false)
}

// Exceeded is the diagnostic of the first expression for which the budget is not enough; those after it are silent.
func (b *Budget) Exceeded(at source.Range) source.Diagnostics {
	if b.told.Swap(true) {
		return nil
	}
	return source.Diagnostics{{
		Severity: source.Error, Code: source.CodeBudget, Subject: at, Summary: errBudget.Error(),
		Detail: fmt.Sprintf("The expressions of a module and of those it calls may make two million values, or %d MB of text; instances of blocks and calls of modules count too.",
			MaxValues*16/1_000_000),
		Hint: "what is large is data: name its file in a source block",
	}}
}

// size is what a value takes of a budget, its elements included; more than there is, where that is found on the way: a
// value that holds others over and over is not gone through to its end.
func size(v cty.Value, most int64) int64 {
	v, _ = v.Unmark()
	n := shallow(v)
	if !v.IsKnown() || v.IsNull() || !v.CanIterateElements() {
		return n
	}
	for it := v.ElementIterator(); it.Next() && n <= most; {
		_, e := it.Element()
		n += size(e, most-n)
	}
	return n
}

// shallow is the size of a value without what its elements hold.
// A unit is about a small value; 16 bytes of text are one. A number of millions of digits (1e9999999) costs more than
// any budget has, since writing it out would.
func shallow(v cty.Value) int64 {
	v, _ = v.Unmark()
	switch {
	case !v.IsKnown() || v.IsNull():
		return 1
	case v.Type() == cty.String:
		return 1 + int64(len(v.AsString()))/16
	case v.Type() == cty.Number && hugeNumber(v):
		return math.MaxInt32
	case v.CanIterateElements():
		return 1 + int64(v.LengthInt())
	}
	return 1
}

// maxExponent is the greatest power of two of a number, far beyond those of doubles. HCL's numbers have 512 bits and
// any exponent, so that 1e1000000000 is quickly written; writing one out takes a digit for each third of the exponent.
const maxExponent = 1 << 14

// hugeNumber reports whether a number is beyond what is computed with, by its binary exponent.
func hugeNumber(v cty.Value) bool {
	f := v.AsBigFloat()
	exponent := f.MantExp(nil)
	return exponent > maxExponent || exponent < -maxExponent
}

// counting is the name of a function that is put into expressions and returns its argument after counting it. No HCL can write the name.
const counting = "·"

// countLoops has the collections of loops and the parts of templates counted when the expression is evaluated, once. It
// returns a number of the expression that is too large to compute with, if there is one. It writes to the expression,
// so that the same argument must not be evaluated by two goroutines at a time.
func countLoops(e hclsyntax.Expression) (huge *hclsyntax.LiteralValueExpr) {
	_ = hclsyntax.VisitAll(e, func(n hclsyntax.Node) hcl.Diagnostics { // gives what the function gives: nothing
		switch x := n.(type) {
		case *hclsyntax.ForExpr:
			count(&x.CollExpr)
		case *hclsyntax.SplatExpr:
			count(&x.Source)
		case *hclsyntax.TemplateExpr:
			for i, part := range x.Parts {
				if _, literal := part.(*hclsyntax.LiteralValueExpr); !literal {
					count(&x.Parts[i])
				}
			}
		case *hclsyntax.LiteralValueExpr:
			if x.Val.Type() == cty.Number && !x.Val.IsNull() && x.Val.IsKnown() && (hugeNumber(x.Val) || x.Val.AsBigFloat().IsInf()) {
				huge = x
			}
		}
		return nil
	})
	return huge
}

// count has an expression counted, once: what is counted already is not written to.
func count(e *hclsyntax.Expression) {
	if call, ok := (*e).(*hclsyntax.FunctionCallExpr); ok && call.Name == counting {
		return
	}
	at := (*e).Range()
	*e = &hclsyntax.FunctionCallExpr{Name: counting, Args: []hclsyntax.Expression{*e}, NameRange: at, OpenParenRange: at, CloseParenRange: at}
}

// tooLarge is the diagnostic of a number that is too large to compute with.
func tooLarge(f *syntax.File, n *hclsyntax.LiteralValueExpr) source.Diagnostics {
	return source.Diagnostics{{
		Severity: source.Error, Code: source.CodeNumberRange, Subject: f.Range(n.SrcRange), Summary: "the number is out of range",
		Detail: "Its exponent is beyond that of any number that can be computed with.",
	}}
}

// functions are those that expressions can call, with their results counted.
// can and try take what they are given unevaluated, and what they evaluate is counted there.
func (b *Budget) functions(dir string) map[string]function.Function {
	b.mu.Lock()
	defer b.mu.Unlock()
	if out := b.limited[dir]; out != nil {
		return out
	}
	all := functions(dir)
	out := make(map[string]function.Function, len(all)+1)
	if b.limited == nil {
		b.limited = map[string]map[string]function.Function{}
	}
	b.limited[dir] = out
	for name, f := range all {
		if name == "can" || name == "try" { // which take expressions, and evaluate them
			out[name] = f
			continue
		}
		out[name] = b.limit(name, f)
	}
	out[counting] = function.New(&function.Spec{
		Params: []function.Parameter{{Name: "value", Type: cty.DynamicPseudoType, AllowNull: true, AllowUnknown: true, AllowDynamicType: true, AllowMarked: true}},
		Type:   func(args []cty.Value) (cty.Type, error) { return args[0].Type(), nil },
		Impl:   func(args []cty.Value, _ cty.Type) (cty.Value, error) { return args[0], b.Take(shallow(args[0])) },
	})
	return out
}

// limit returns a function that takes its cost from the budget: before it is called where its result can be much larger
// than its arguments, and then that of the result.
func (b *Budget) limit(name string, f function.Function) function.Function {
	return function.New(&function.Spec{
		Params: f.Params(), VarParam: f.VarParam(),
		Type: func(args []cty.Value) (cty.Type, error) { return f.ReturnTypeForValues(args) },
		Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
			if err := b.Take(cost(name, args)); err != nil {
				return cty.DynamicVal, err
			}
			v, err := f.Call(args)
			if err != nil {
				return v, err
			}
			return v, b.Take(shallow(v))
		},
	})
}

// cost is an upper bound of what a call makes, of the functions whose results can be much larger than their arguments:
// a product of three lists of a thousand has a thousand million elements. 0 of all others.
func cost(name string, args []cty.Value) int64 {
	sizes := make([]int64, len(args))
	sum := int64(0)
	for i, v := range args {
		sizes[i] = size(v, MaxValues)
		sum += sizes[i]
	}
	switch name {
	case "setproduct":
		n := int64(len(args))
		for _, v := range args {
			v, _ = v.Unmark()
			if v.IsKnown() && !v.IsNull() && v.CanIterateElements() {
				n = min(n*int64(v.LengthInt()), math.MaxInt32)
			}
		}
		return n
	case "replace":
		return int64(strings.Count(text(args[0]), text(args[1]))) * int64(len(text(args[2]))) / 16
	case "regexreplace": // $0 may stand for everything
		return int64(len(text(args[0]))+1) * int64(len(text(args[2]))) / 16
	case "formatlist", "join": // the first argument, or each that is no list, for each element of the lists
		return sum * (1 + sizes[0]) / 4
	case "indent":
		return int64(strings.Count(text(args[1]), "\n")) * number(args[0]) / 16
	case "jsondecode", "csvdecode":
		return sum * 8
	case "parseint", "tonumber": // which take a long time for many digits
		return int64(len(text(args[0]))) * int64(len(text(args[0]))) / 1024
	case "jsonencode", "format", "tostring", "tolist", "toset", "tomap":
		return sum
	}
	return 0
}

// text is that of a string, "" of anything else.
func text(v cty.Value) string {
	v, _ = v.Unmark()
	if !v.IsKnown() || v.IsNull() || v.Type() != cty.String {
		return ""
	}
	return v.AsString()
}

// number is that of a number, 0 of anything else.
func number(v cty.Value) int64 {
	v, _ = v.Unmark()
	if !v.IsKnown() || v.IsNull() || v.Type() != cty.Number {
		return 0
	}
	f, _ := v.AsBigFloat().Float64()
	return int64(min(max(f, 0), math.MaxInt32))
}
