package suite

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/front"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// compiled is the module as some tests want it. module is nil or partial where diags has errors.
type compiled struct {
	module *check.Module
	files  map[string][]byte
	hidden []source.Range // in these and in the tests: where sensitive values stand
	diags  source.Diagnostics
}

// compile types each test that is wanted, before anything runs. Modules are compiled once for each key. Whatever
// happens, the texts kept for messages then have their sensitive values blotted out: tests may set a sensitive
// variable.
func (s *Suite) compile(ctx context.Context) (source.Diagnostics, error) {
	s.choose()
	known := map[string]*compiled{}
	var diags source.Diagnostics
	var hidden []source.Range
	defer func() { s.files = source.Hide(s.files, hidden) }()
	for _, t := range s.tests {
		key := t.key()
		if known[key] == nil {
			known[key] = s.module(ctx, t)
			maps.Copy(s.files, known[key].files)
			hidden = append(hidden, known[key].hidden...)
		}
		more, err := s.check(ctx, t, known[key])
		if err != nil {
			return nil, fmt.Errorf("%s: %q: %w", t.file, t.name, err)
		}
		diags = append(diags, more...)
	}
	return diags.Sort(), nil
}

// choose leaves the tests that are wanted and those that they go on from, in their order. The latter run, and are not
// among the results; a wanted test is skipped if one of them does not pass.
func (s *Suite) choose() {
	needed := map[*test]bool{}
	for _, t := range s.tests {
		if t.wanted = s.o.Filter == nil || s.o.Filter(t.file, t.name); t.wanted {
			for at := t; at != nil; at = at.base {
				needed[at] = true
			}
		}
	}
	s.tests = slices.DeleteFunc(s.tests, func(t *test) bool { return !needed[t] })
}

// key tells tests apart whose modules may differ: by where their variables, overrides and tables for variables stand in
// the files. Places rather than values are compared, since values are not evaluated yet. Tests that share what stands
// outside of them share its place, and so the compiled module.
func (t *test) key() string {
	var b strings.Builder
	for _, a := range t.variables {
		fmt.Fprintf(&b, "%s %v\x00", a.Name, a.Range)
	}
	for _, o := range t.overrides {
		fmt.Fprintf(&b, "%s %v\x00", o.Name, o.Range)
	}
	for _, g := range t.givens {
		if _, ok := g.variable(); ok {
			fmt.Fprintf(&b, "%s %v\x00", g.label, g.at)
		}
	}
	return b.String()
}

// module compiles the module with what a test overrides and sets. Neither the parsed module nor the options of the
// suite are changed: other tests start from the same. Warnings of the module are left out, for `mlp validate` tells
// them.
func (s *Suite) module(ctx context.Context, t *test) *compiled {
	tables, diags := s.tables(t)
	if diags.HasErrors() { // that the variable then has no value is no mistake of its own
		return &compiled{files: s.o.Module.Files, diags: diags}
	}
	changed, more := syntax.Override(withPipeline(s.o.Module, s.o.Catalog), t.overrides)
	diags = append(diags, more...)
	changed.Blocks = append(slices.Clone(changed.Blocks), tables.blocks...)
	opts := s.o.Resolve
	opts.Variables = maps.Clone(opts.Variables)
	if opts.Variables == nil {
		opts.Variables = map[string]resolve.Given{}
	}
	for _, a := range t.variables {
		opts.Variables[a.Name] = resolve.Given{From: "the test", Attr: a}
	}
	maps.Copy(opts.Variables, tables.values)
	r := front.Check(ctx, changed, front.Options{Options: opts, Library: s.o.Library, Diagnostics: diags})
	return &compiled{module: r.Module, files: r.Files, hidden: r.Resolved.Hidden,
		diags: tables.placed(slices.DeleteFunc(r.Diagnostics, func(d source.Diagnostic) bool { return d.Severity != source.Error }))}
}

// check types what a test gives, expects and asserts. A module that does not compile is told, unless the test expects
// just that. Rows are made into tables only where all else is right, since that is what takes time.
func (s *Suite) check(ctx context.Context, t *test, c *compiled) (source.Diagnostics, error) {
	if c.diags.HasErrors() {
		return t.expectMistakes(c.diags), nil
	}
	t.module = c.module
	k := &checker{suite: s, test: t}
	for _, g := range t.givens {
		k.given(g)
	}
	for _, e := range t.expects {
		k.expect(e)
	}
	k.targets()
	k.failures()
	k.goesTogether()
	if k.diags.HasErrors() {
		return k.diags.Sort(), nil
	}
	for _, g := range t.givens {
		if err := k.load(ctx, g); err != nil {
			return nil, err
		}
	}
	for _, e := range t.expects {
		if err := k.load(ctx, &e.rows); err != nil {
			return nil, err
		}
	}
	err := k.asserts()
	return k.diags.Sort(), err
}

// checker types one test. Mistakes are gathered in diags; methods go on after one wherever the next can be told from
// it.
type checker struct {
	suite *Suite
	test  *test
	diags source.Diagnostics
}

// report notes a mistake in the test that is looked at.
func (k *checker) report(d source.Diagnostic) { k.diags = append(k.diags, d) }

// addresses of all blocks, sorted.
func (k *checker) addresses() []string { return slices.Sorted(maps.Keys(k.test.module.Blocks)) }

// targets checks that the test's targets are blocks of the module.
func (k *checker) targets() {
	for i, a := range k.test.spec.Targets {
		if k.test.module.Blocks[a] == nil {
			k.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeTestAddress, Subject: k.rangeOf(fmt.Sprintf("targets[%d]", i)),
				Summary: fmt.Sprintf("the module has no block %s", a),
				Hint:    suggest.DidYouMean(a, k.addresses()),
			})
		}
	}
}

// goesTogether refuses what a plan cannot give: rows, which stages make, and a part of the module.
func (k *checker) goesTogether() {
	t := k.test
	if t.spec.Run != "plan" {
		return
	}
	for _, e := range t.expects {
		k.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeTest, Subject: e.rows.at,
			Summary: "a plan yields no rows",
			Detail:  "Stages run in an apply.",
			Hint:    "leave run out, or write run = \"apply\"",
		})
	}
	if len(t.spec.Targets) > 0 {
		k.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeTest, Subject: k.rangeOf("targets"),
			Summary: "a plan is of the whole module",
			Detail:  "An apply can be limited to targets.",
			Hint:    "leave run out, or write run = \"apply\"",
		})
	}
}

// rangeOf is where a value of the test stands, by a path such as "targets[1]"; else the test's header.
func (k *checker) rangeOf(path string) source.Range {
	if at, ok := k.test.ranges[path]; ok {
		return at
	}
	return k.test.at
}
