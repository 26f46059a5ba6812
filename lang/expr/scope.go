// Package expr evaluates the expressions of a module: HCL over variables, locals and references to blocks.
//
// A reference is opaque: an expression can pass it on and choose between several, and not compute with it. So
// everything else in HCL is known when the module is read. What SQL and rules are written in is not evaluated; Text
// gives it with the place of each byte in the file.
package expr

// What a name in an expression stands for, by its first word:
//
//	variable.min            a value, given from outside or a default; marked if it is sensitive
//	local.rates["eu"]       a value, computed before by the same rules
//	each.key, each.value    the instance that the expression stands in; nothing outside of repeated blocks
//	module.cards.model      an output of a module that is called: a value or a reference
//	split.s.train           a reference to a port of the block split.s
//	split.s                 a reference to the block itself
//	split.s["eu"].train     the same of an instance; split.s alone is then an object of all instances by key
//
// A block is an object with an opaque value (a cty capsule around a Ref) for each port, and a hidden one for the block itself, whose
// name begins with a zero byte, so that no HCL can write it. All of it is marked, and so is all that is computed from it:
// `length(split.s) > 2` has the mark and is refused where a value is wanted, since a plan must not depend on how many ports a type
// happens to have. What may be done with
// references is to choose and to collect: `variable.small ? split.a.train : split.b.train`, `[source.a, source.b]`, `values(split.s)`.
//
// Sensitive values have a mark of their own. It follows the value through functions, and where cty would lose it, it is put back
// (unmarked, marks.go); whoever writes a value down asks IsSensitive first.
//
// Unknown is how mistakes travel. A variable that could not be read is cty.DynamicVal, and so is what rests on it, without another
// diagnostic. A caller that gets a value that is not wholly known, and no error, leaves it out.
//
// Expressions have no access to time, randomness, the environment or other processes; files are read below one folder. So the same files
// and variables give the same values on every machine. How much may be computed is limited (Budget).

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// Target is a block that expressions can refer to. Ports are the names that can be selected.
type Target struct {
	Prefix     string // of the module that it stands in: "module.cards."; "" in the root
	Kind, Name string
	Ports      []string
	// Keys are those of a repeated block, sorted; nil for one that stands once.
	Keys []string
	key  string // of one instance
}

// Address of the block, or of the instance.
func (t Target) Address() string {
	address := t.Prefix + t.Kind + "." + t.Name
	if t.key != "" {
		address += fmt.Sprintf("[%q]", t.key)
	}
	return address
}

// Here is the address as it is written in the block's own module.
func (t Target) Here() string { return strings.TrimPrefix(t.Address(), t.Prefix) }

// instance is the target of one instance of a repeated block.
func (t Target) instance(key string) Target {
	t.Keys, t.key = nil, key
	return t
}

// Scope is what expressions see. It is not safe for concurrent use while it is being filled.
type Scope struct {
	// Variables and Locals are read as variable.<name> and local.<name>. One that is cty.DynamicVal is there, but
	// nothing is known of it, because a mistake has been told already: so is what is computed from it.
	Variables map[string]cty.Value
	Locals    map[string]cty.Value
	Modules   map[string]Called // those called, read as module.<name>.<output>
	// Lenient says that parts of the module are missing: unknown names are then not told, and give nothing known.
	Lenient bool

	kinds   []string // all that could be referred to, sorted
	targets map[string]map[string]Target
	invalid map[string]bool      // addresses that exist, though nothing is known of them
	each    map[string]cty.Value // of the instance that expressions stand in; nil outside of repeated blocks
	dir     string
	budget  *Budget
	capsule cty.Type
	known   *known
}

// NewScope returns a scope over these blocks. References to invalid addresses, and to kinds that have no block, are
// understood as such. Functions that read files find them in dir; with "" there is none.
func NewScope(dir string, kinds []string, targets []Target, invalid map[string]bool) *Scope {
	s := &Scope{
		Variables: map[string]cty.Value{}, Locals: map[string]cty.Value{}, Modules: map[string]Called{}, kinds: slices.Sorted(slices.Values(kinds)),
		targets: map[string]map[string]Target{}, invalid: invalid, capsule: capsule(), known: &known{names: map[string]*suggest.Names{}, counts: map[string]int{}},
	}
	s.Within(dir, NewBudget())
	for _, t := range targets {
		s.Add(t)
	}
	return s
}

// Within has expressions take what they compute from a budget that others take from too. Files are found in dir.
func (s *Scope) Within(dir string, b *Budget) {
	s.budget, s.dir = b, dir
}

// Add adds a block, or replaces the one of the same name. What an expression reads must be added before it is
// evaluated.
func (s *Scope) Add(t Target) {
	if s.targets[t.Kind] == nil {
		s.targets[t.Kind] = map[string]Target{}
	}
	s.targets[t.Kind][t.Name] = t
}

// Each returns the scope as an instance of a repeated block sees it, with each.key and each.value. It shares all else
// with s, also what is added later.
func (s *Scope) Each(key string, value cty.Value) *Scope {
	inner := *s
	inner.each = map[string]cty.Value{"key": cty.StringVal(key), "value": value}
	return &inner
}

// Eval evaluates an argument. With errors the value is cty.DynamicVal. A value that is not wholly known rests on a
// mistake that was told elsewhere. The same argument must not be evaluated twice at the same time; different ones may be,
// once the scope is filled.
func (s *Scope) Eval(a *syntax.Attr) (cty.Value, source.Diagnostics) {
	if constant(a.Expr) {
		v, hds := a.Expr.Value(nil)
		if !hds.HasErrors() {
			return s.counted(a, v)
		}
	}
	if v, ok := s.plainReference(a); ok {
		return s.counted(a, v)
	}
	// Only the names that the expression reads are put into the context: a module of thousands of blocks is not copied for
	// each argument.
	roots := map[string]map[string]cty.Value{}
	var ds source.Diagnostics
	secret := false
	for _, t := range a.Expr.Variables() {
		name, v, d := s.resolve(a.File, t)
		if d != nil {
			ds = append(ds, *d)
			continue
		}
		root := t.RootName()
		if roots[root] == nil {
			roots[root] = map[string]cty.Value{}
		}
		roots[root][name] = v
		secret = secret || holdsValues(root) && IsSensitive(v)
	}
	if ds.HasErrors() {
		return cty.DynamicVal, ds.Sort()
	}
	ctx := &hcl.EvalContext{Variables: map[string]cty.Value{}, Functions: s.budget.functions(s.dir)}
	for root, values := range roots {
		ctx.Variables[root] = cty.ObjectVal(values)
	}
	// for expressions within each other multiply; that is counted before anything is computed.
	if huge := countLoops(a.Expr); huge != nil {
		return cty.DynamicVal, tooLarge(a.File, huge)
	}
	if s.budget.Exhausted() {
		return cty.DynamicVal, nil
	}
	v, hds := a.Expr.Value(ctx)
	v, ds = s.counted(a, v)
	if ds.HasErrors() || s.budget.Exhausted() {
		return v, ds
	}
	for _, d := range hds {
		ds = append(ds, s.evaluation(a.File, d, secret))
	}
	if ds.HasErrors() {
		return cty.DynamicVal, ds
	}
	if secret && unmarked(a.Expr, ctx) {
		v = Sensitive(v)
	}
	return v, ds
}

// plainReference is the value of an expression that is nothing but a block or one of its ports, which most arguments
// are that refer to anything: HCL's evaluation is left out. False for any other, and for what is wrong.
func (s *Scope) plainReference(a *syntax.Attr) (cty.Value, bool) {
	e, ok := a.Expr.(*hclsyntax.ScopeTraversalExpr)
	if !ok || len(e.Traversal) < 2 || len(e.Traversal) > 3 || holdsValues(e.Traversal.RootName()) {
		return cty.NilVal, false
	}
	_, v, d := s.resolve(a.File, e.Traversal)
	if d != nil || !v.IsKnown() || !v.Type().IsObjectType() || !v.Type().HasAttribute(own) {
		return cty.NilVal, false
	}
	if len(e.Traversal) == 2 {
		return v, true
	}
	port, ok := stepName(e.Traversal, 2)
	if !ok || !v.Type().HasAttribute(port) {
		return cty.NilVal, false
	}
	return v.GetAttr(port), true
}

// counted takes a value from the budget.
func (s *Scope) counted(a *syntax.Attr, v cty.Value) (cty.Value, source.Diagnostics) {
	if s.budget.Take(size(v, MaxValues)) != nil {
		return cty.DynamicVal, s.budget.Exceeded(a.Range)
	}
	return v, nil
}

// constant reports whether an expression is written out: strings, truth values, null, and lists of such. Such an
// expression has its value without a context.
func constant(e hclsyntax.Expression) bool {
	switch x := e.(type) {
	case *hclsyntax.LiteralValueExpr:
		return x.Val.Type() != cty.Number // which may be too large
	case *hclsyntax.TemplateExpr:
		return x.IsStringLiteral()
	case *hclsyntax.TupleConsExpr:
		for _, elem := range x.Exprs {
			if !constant(elem) {
				return false
			}
		}
		return true
	}
	return false
}

// holdsValues reports whether values are read below a root, not blocks.
func holdsValues(root string) bool {
	return root == "variable" || root == "local" || root == "each" || root == "module"
}

// evaluation translates one of HCL's diagnostics. Its own code is that of an evaluation. What functions say may quote
// their arguments, so it is held back where one is sensitive.
func (s *Scope) evaluation(f *syntax.File, d *hcl.Diagnostic, secret bool) source.Diagnostic {
	out := f.Diagnostic(d, source.CodeEvaluation)
	if secret {
		out.Detail = "What is wrong is not shown, because a value in the expression is sensitive."
	}
	if strings.Contains(out.Detail, "panic in function") { // cty's own words, of arithmetic on infinity
		out.Detail = "It is not defined for these values."
	}
	if extra, ok := hcl.DiagnosticExtra[hclsyntax.FunctionCallUnknownDiagExtra](d); ok {
		name := extra.CalledFunctionName()
		out.Summary = fmt.Sprintf("there is no function %q", name)
		out.Detail = ""
		out.Hint = suggest.DidYouMean(name, s.functionNames())
		if _, other := schema.FunctionWords().Meant(name, s.functionNames()); other != "" {
			out.Hint = other
		}
		if why := refused[name]; why != "" {
			out.Summary, out.Detail, out.Hint = fmt.Sprintf("the function %q is refused", name), why, ""
		}
	}
	if strings.Contains(out.Detail, own) || strings.Contains(out.Detail, "capsule") || computesReference(d) {
		out.Code, out.Detail = source.CodeRefComputed, "A reference to a block can be passed on, and not computed with. What blocks yield is read in SQL and in rules."
	}
	return out
}

// functionNames are those of the functions that can be written.
func (s *Scope) functionNames() []string {
	names := slices.Collect(maps.Keys(s.budget.functions(s.dir)))
	return slices.DeleteFunc(names, func(name string) bool { return name == counting })
}

// computesReference reports whether the expression that a diagnostic is about gives a reference.
func computesReference(d *hcl.Diagnostic) bool {
	if d.Expression == nil || d.EvalContext == nil {
		return false
	}
	v, ds := d.Expression.Value(d.EvalContext)
	return !ds.HasErrors() && v.HasMarkDeep(computed{})
}
