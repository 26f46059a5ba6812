package suite

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/digest"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
)

// What can be given, and what becomes of it:
//
//	given "source.payments" { rows = […] }          a table, stored, in place of the stage that reads the files
//	given "split.parts.test" { csv = <<-CSV … }     the same of one port; the other ports are not given by that
//	given "variable.orders" { columns = …, rows = … }  a source of its own, which the variable refers to
//	given "evaluate.test" { metrics = { auc = 0.9 } }  figures, in place of the stage; delta goes to evaluate.test@champion
//	given "check.orders" { passed = false }         the verdict, whatever rules the check has
//	given "deploy.scorer" {}                        a model that is live before the test
//
// Each is held to what the module says: columns to the table that the block yields, figures to the type by which rules know them. A name that
// is misspelt would else be a column of nulls, or a figure that no rule reads.

// given is what a test gives, or expects, at an address. The upper fields are read from the file, the lower are made of
// them when the test is typed, and depend on the test's module: inherit copies a given for each test.
type given struct {
	label  string // the address as written, with quotes around keys: "split.holdout.test"
	at     source.Range
	attrs  map[string]any          // as written; numbers are json.Number
	ranges map[string]source.Range // of its values, by path: "rows[2].amount"

	written bool // csv is a heredoc in the file

	block   *check.Block
	port    string
	table   *schema.Table      // of rows
	content plan.Digest        // of rows: the table
	figures map[string]any     // nil if none are given
	delta   any                // comparison with the champion
	passed  *bool              // of a check
	live    *plan.ReleaseState // of a deployment
}

// rangeOf is where an attribute of the given stands, else the given itself.
func (g *given) rangeOf(path string) source.Range {
	if at, ok := g.ranges[path]; ok {
		return at
	}
	return g.at
}

// find finds the block and port that a label means: "dataset.payments" means the port of that name's own,
// "split.holdout.test" the port test of split.holdout, and "variable.orders" the source that stands for the variable.
// Where there is none a mistake is reported, but for a variable, of which sourceOf has told.
func (k *checker) find(g *given) bool {
	m := k.test.module
	if name, ok := g.variable(); ok {
		g.block, g.port = m.Blocks["source."+k.suite.sourceName(name)], "table"
		return g.block != nil
	}
	if g.block = m.Blocks[g.label]; g.block != nil {
		if own := schema.OwnPort(g.block.TypeSpec.Out); own != nil {
			g.port = own.Name
		}
		return true
	}
	i := strings.LastIndexByte(g.label, '.')
	if i > 0 && m.Blocks[g.label[:i]] != nil {
		g.block, g.port = m.Blocks[g.label[:i]], g.label[i+1:]
		if _, ok := g.block.Out[g.port]; ok {
			return true
		}
		ports := slices.Sorted(maps.Keys(g.block.Out))
		k.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeTestAddress, Subject: g.at,
			Summary: fmt.Sprintf("%s has no port %q", g.block.Address, g.port),
			Detail:  "It has " + strings.Join(ports, ", ") + ".",
			Hint:    suggest.DidYouMean(g.port, ports),
		})
		return false
	}
	k.report(source.Diagnostic{
		Severity: source.Error, Code: source.CodeTestAddress, Subject: g.at,
		Summary: fmt.Sprintf("the module has no block %s", g.label),
		Hint:    suggest.DidYouMean(g.label, k.addresses()),
	})
	return false
}

// special are the attributes of a given that are no figures.
var special = []string{"csv", "rows", "defaults", "columns", "passed", "comparable"}

// given types one given: rows of a table, figures, the verdict of a check, or the model of a deployment that is live.
// The attribute "rows" means a table's rows where it is a list, and may be a figure of that name where it is a number.
func (k *checker) given(g *given) {
	if !k.find(g) {
		return
	}
	figures := map[string]any{}
	for name, v := range g.attrs {
		if !slices.Contains(special, name) {
			figures[name] = v
		}
	}
	rows := rowsOf(g.attrs)
	if n := countOf(g); n != nil {
		figures["rows"], rows = n, false
	}
	if !g.block.TypeSpec.IsCheck() && !g.block.TypeSpec.IsDeployment() { // of which live tells
		k.refuse(g, "passed")
	}
	if _, ok := g.variable(); !ok {
		k.refuse(g, "columns")
	}
	switch {
	case rows && g.block.Out[g.port].Table != nil:
		k.rows(g)
		if g.table != nil {
			k.complete(g)
		}
		k.refuse(g, "comparable")
	case rows:
		k.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeTestGiven, Subject: g.at,
			Summary: fmt.Sprintf("%s is no table, so it has no rows", g.label),
			Detail:  k.yields(g.block),
		})
	case g.block.TypeSpec.IsDeployment():
		k.live(g)
		return
	case g.block.TypeSpec.IsCheck() && g.attrs["passed"] != nil:
		passed := g.attrs["passed"] == true
		g.passed = &passed
	case g.block.Figures == nil || len(figures) == 0:
		k.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeTestGiven, Subject: g.at,
			Summary: fmt.Sprintf("nothing of %s is given", g.label),
			Detail:  k.yields(g.block),
			Hint:    giveHint(g),
		})
		return
	}
	if len(figures) > 0 {
		k.figures(g, figures)
	}
}

// countOf is the figure "rows" of a block that has one, as checks do, where that is given and not rows of a table; else
// nil.
func countOf(g *given) any {
	if g.block.Figures == nil || g.block.Figures.Fields["rows"] == nil || g.attrs["csv"] != nil {
		return nil
	}
	if _, list := g.attrs["rows"].([]any); list {
		return nil
	}
	return g.attrs["rows"]
}

// refuse tells of attributes that mean nothing here, each at its place.
func (k *checker) refuse(g *given, names ...string) {
	for _, name := range names {
		if g.attrs[name] != nil {
			k.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeTestGiven, Subject: g.rangeOf(name),
				Summary: fmt.Sprintf("%s has no meaning for %s", name, g.label),
			})
		}
	}
}

// yields says what a block yields, and so what can be given of it.
func (k *checker) yields(b *check.Block) string {
	var parts []string
	for _, port := range slices.Sorted(maps.Keys(b.Out)) {
		s := b.Out[port]
		parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s (%s)", strings.TrimSuffix(b.Address+"."+port, "."), s.Type)))
	}
	out := ""
	if len(parts) > 0 {
		out = "It yields " + strings.Join(parts, ", ") + "."
	}
	if b.Figures != nil {
		out = strings.TrimSpace(out + " Its figures are " + strings.Join(slices.Sorted(maps.Keys(b.Figures.Fields)), ", ") + ".")
	}
	return out
}

// giveHint says what can be given of a block of that type, or of its port; "" where nothing can.
func giveHint(g *given) string {
	b := g.block
	switch {
	case b.Out[g.port].Table != nil:
		return "write csv = … or rows = […]"
	case b.TypeSpec.Yields(schema.ModelPort):
		return "a model cannot be written down: give the figures of its evaluation, or make the training short with override"
	case b.TypeSpec.IsCheck():
		return "write passed = true, or its figures"
	case b.TypeSpec.IsGate():
		return "a gate is decided on figures: give those of the evaluation that it reads"
	case b.Figures != nil:
		return "write its figures by their names in rules: metrics = { … }"
	}
	return ""
}

// live makes the state of a deployment that has a model live. The model is a digest of the address: nothing can be
// loaded from it, and no real model has it. comparable = false leaves out the signature, as of a model whose features
// were others, so that the champion is not compared with.
func (k *checker) live(g *given) {
	comparable := g.attrs["comparable"] != false
	for name := range g.attrs {
		if name != "comparable" {
			k.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeTestGiven, Subject: g.rangeOf(name),
				Summary: fmt.Sprintf("%s cannot be given of a deployment", name),
				Detail:  "Given is that another model is live. Its comparison with the candidate is given with the evaluation: delta = { … }.",
			})
		}
	}
	from, shape := modelOf(g.block)
	g.live = &plan.ReleaseState{Type: g.block.Type, Model: digest.Of([]byte(g.block.Address)), From: from,
		Fingerprint: digest.Of([]byte("given")), Config: g.block.Config}
	if comparable {
		g.live.Signature = shape
	}
}

// modelOf is the block whose model a deployment releases, and what is known of the model.
func modelOf(b *check.Block) (from string, signature *schema.Model) {
	r := b.ModelInput()
	if r == nil {
		return "", nil
	}
	return r.Target, b.In[r.Port].Model
}

// figures types the figures given of a block, by what rules know of it. The comparison with the champion, delta, is
// written with the evaluation, and belongs to the stage that is derived for it (evaluate.holdout@champion); it is taken
// out here.
func (k *checker) figures(g *given, figures map[string]any) {
	k.refuse(g, "comparable", "defaults")
	if g.block.Figures == nil {
		for _, name := range slices.Sorted(maps.Keys(figures)) {
			k.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeTestFigure, Subject: g.rangeOf(name),
				Summary: fmt.Sprintf("%s has no figure %q", g.label, name),
				Detail:  k.yields(g.block),
				Hint:    suggest.DidYouMean(name, special),
			})
		}
		return
	}
	for _, name := range slices.Sorted(maps.Keys(figures)) {
		k.figure(g, name, g.block.Figures, name, figures[name])
	}
	if slices.ContainsFunc(g.block.Derived, func(d schema.Derivation) bool { return d.Role == schema.ChampionRole }) {
		g.delta = figures["delta"]
		delete(figures, "delta")
	}
	g.figures = figures
}

// figure types the member of an object or map of figures, path being where it is written.
func (k *checker) figure(g *given, path string, of *schema.FigureType, name string, v any) {
	t := of.Elem
	known := of.Keys
	if of.Kind == schema.ObjectFigure {
		t, known = of.Fields[name], slices.Sorted(maps.Keys(of.Fields))
	}
	if path == name && g.block.TypeSpec.IsCheck() { // written like a figure, though it is none
		known = append(known, "passed")
	}
	if t == nil || of.Kind == schema.MapFigure && of.Closed && !slices.Contains(known, name) {
		detail := ""
		if len(known) > 0 {
			detail = "It has " + strings.Join(known, ", ") + "."
		}
		k.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeTestFigure, Subject: g.rangeOf(path),
			Summary: fmt.Sprintf("%s has no %q", g.owner(path), name),
			Detail:  detail,
			Hint:    suggest.DidYouMean(name, known),
		})
		return
	}
	k.value(g, path, t, v)
}

// owner is what a path's last part is a member of: evaluate.test.metrics of the path metrics.auc.
func (g *given) owner(path string) string {
	if i := strings.LastIndexByte(path, '.'); i > 0 {
		return g.label + "." + path[:i]
	}
	return g.label
}

// value holds a given value to the type of the figure; null stands for an undefined figure, such as the precision of a
// model that predicted nothing.
func (k *checker) value(g *given, path string, t *schema.FigureType, v any) {
	ok := v == nil // undefined: a rule that reads it is an error
	switch x := v.(type) {
	case json.Number:
		ok = t.Kind == schema.DoubleFigure
	case bool:
		ok = t.Kind == schema.BoolFigure
	case string:
		ok = t.Kind == schema.StringFigure
	case []any:
		if ok = t.Kind == schema.ListFigure; ok {
			for i, e := range x {
				k.value(g, fmt.Sprintf("%s[%d]", path, i), t.Elem, e)
			}
		}
	case map[string]any:
		if ok = t.Kind == schema.ObjectFigure || t.Kind == schema.MapFigure; ok {
			for _, name := range slices.Sorted(maps.Keys(x)) {
				k.figure(g, path+"."+name, t, name, x[name])
			}
		}
	}
	if !ok {
		k.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeTestFigure, Subject: g.rangeOf(path),
			Summary: fmt.Sprintf("%s.%s takes %s", g.label, path, figureWords(t)),
		})
	}
}

// figureWords names what a figure takes, for the end of a sentence: "takes an object of auc, recall".
func figureWords(t *schema.FigureType) string {
	switch t.Kind {
	case schema.DoubleFigure:
		return "a number"
	case schema.BoolFigure:
		return "true or false"
	case schema.StringFigure:
		return "a string"
	case schema.ListFigure:
		return "a list"
	}
	names := t.Keys
	if t.Kind == schema.ObjectFigure {
		names = slices.Sorted(maps.Keys(t.Fields))
	}
	if len(names) == 0 {
		return "an object"
	}
	return "an object of " + strings.Join(names, ", ")
}
