package suite

import (
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// A module that others call can be tested where it stands. It has no pipeline, so its tests run as if it had an empty one; and
// where its callers would hand in a table, `given "variable.orders" { … }` does: the variable refers to a source that the test
// adds to the module, whose rows are those given.

// withPipeline returns the module as one that can be planned: itself if it has a pipeline block, else a copy with an
// empty one. A module whose text could not be read to its end is left as it is: its pipeline block may be in the
// missing part.
func withPipeline(m *syntax.Module, catalog *schema.Catalog) *syntax.Module {
	if m.Incomplete || slices.ContainsFunc(m.Blocks, func(b *syntax.Block) bool { return b.Kind == "pipeline" }) {
		return m
	}
	implied, _ := syntax.Parse(map[string][]byte{"pipeline of the tests": []byte(`pipeline "tests" {}`)}, catalog)
	out := *m
	out.Blocks = append(slices.Clone(m.Blocks), implied.Blocks...)
	return &out
}

const variablePrefix = "variable."

// variable is the name of the variable that rows are given for: orders of "variable.orders".
func (g *given) variable() (name string, ok bool) { return strings.CutPrefix(g.label, variablePrefix) }

// handedIn are the tables that a test gives for variables: the sources that are added to the module, and the values by
// which the variables refer to them.
type handedIn struct {
	blocks []*syntax.Block
	values map[string]resolve.Given
	by     map[string]*given // by the file that its source is said to stand in
}

// tables makes a source of each table that is given for a variable.
func (s *Suite) tables(t *test) (handedIn, source.Diagnostics) {
	out := handedIn{values: map[string]resolve.Given{}, by: map[string]*given{}}
	var diags source.Diagnostics
	for _, g := range t.givens {
		name, ok := g.variable()
		if !ok {
			continue
		}
		k := &checker{suite: s, test: t}
		if text := k.sourceOf(g, name); text != "" {
			file := "rows of " + g.label
			parsed, ds := syntax.Parse(map[string][]byte{file: []byte(text)}, s.o.Catalog)
			out.by[file] = g
			k.diags = append(k.diags, out.placed(ds)...)
			out.blocks = append(out.blocks, parsed.Blocks...)
			target := expr.Target{Kind: "source", Name: s.sourceName(name), Ports: []string{"table"}}
			out.values[name] = resolve.Given{From: "the test", Block: &target}
		}
		diags = append(diags, k.diags...)
	}
	return out, diags
}

// sourceName is a name for the source of a variable's rows that no source of the module has: given_orders, or with
// underscores behind it.
func (s *Suite) sourceName(variable string) string {
	name := "given_" + variable
	for slices.ContainsFunc(s.o.Module.Blocks, func(b *syntax.Block) bool { return b.Kind == "source" && b.Name == name }) {
		name += "_"
	}
	return name
}

// sourceOf is the text of a source block whose columns are those given; "" after a mistake. The source's path leads
// nowhere: its rows are given, so that it never runs.
func (k *checker) sourceOf(g *given, name string) string {
	var variables []string
	for _, b := range k.suite.o.Module.Blocks {
		if b.Kind == "variable" {
			variables = append(variables, b.Name)
		}
	}
	if !slices.Contains(variables, name) {
		k.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeTestAddress, Subject: g.at,
			Summary: fmt.Sprintf("the module has no variable %q", name),
			Hint:    suggest.DidYouMean(name, variables),
		})
		return ""
	}
	types, ok := g.attrs["columns"].(map[string]any)
	if !ok || len(types) == 0 {
		k.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeTestGiven, Subject: g.rangeOf("columns"),
			Summary: fmt.Sprintf("the columns of %s have no types", g.label),
			Detail:  "The module that is tested does not know its callers' tables.",
			Hint:    `add columns = { id = "bigint" }`,
		})
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "source \"csv\" %q {\n  path = \"rows\"\n", k.suite.sourceName(name))
	for _, column := range g.columnOrder(types) {
		typ, ok := types[column].(string)
		if !ok {
			k.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeTestGiven, Subject: g.rangeOf("columns"),
				Summary: fmt.Sprintf("the type of the column %q is no text", column),
				Hint:    `write columns = { id = "bigint" }`,
			})
			return ""
		}
		fmt.Fprintf(&b, "  column %s { type = %s }\n", syntax.Quote(column), syntax.Quote(typ))
	}
	return b.String() + "}\n"
}

// columnOrder is that of the CSV's header where there is one; other columns follow by name.
func (g *given) columnOrder(types map[string]any) []string {
	at := map[string]int{}
	if text, ok := g.attrs["csv"].(string); ok {
		r := csv.NewReader(strings.NewReader(strings.TrimSpace(text)))
		r.TrimLeadingSpace = true
		header, _ := r.Read() // what is wrong with it is told where the rows are read
		for i, name := range header {
			at[strings.TrimSpace(name)] = i - len(header)
		}
	}
	names := slices.Sorted(maps.Keys(types))
	slices.SortStableFunc(names, func(a, b string) int { return at[a] - at[b] })
	return names
}

// placed moves what is told of a source that a test adds to the columns that the test writes.
func (h handedIn) placed(diags source.Diagnostics) source.Diagnostics {
	for i, d := range diags {
		if g := h.by[d.Subject.File]; g != nil {
			diags[i].Subject, diags[i].Context = g.rangeOf("columns"), source.Range{}
		}
	}
	return diags
}
