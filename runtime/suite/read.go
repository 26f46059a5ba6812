package suite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/check"
	"github.com/mlp-lang/mlp/compiler/resolve"
	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// test is one test of a file. Fields down to asserts are read from it; those below are made when the test is compiled.
type test struct {
	file, name string
	at         source.Range
	ranges     map[string]source.Range // of its values, by path
	spec       testSpec
	base       *test // that it goes on from; nil: from nothing

	variables []*syntax.Attr  // the last of a name counts
	overrides []*syntax.Block // in their order
	givens    []*given        // the last of an address counts
	asserts   []*assertion

	module  *check.Module
	expects []*expectation
	failing []diagnosed // expected mistakes of the module: it does not compile, as it should
	wanted  bool
}

// testSpec is a test block as it is written, decoded as configuration. Given and Expect are in the order of the blocks,
// as the parsed blocks are; the two are gone through side by side.
type testSpec struct {
	Run            string            `json:"run"`
	Targets        []string          `json:"targets"`
	After          string            `json:"after"`
	ExpectFailures []string          `json:"expect_failures"`
	Given          []json.RawMessage `json:"given"`
	Expect         []json.RawMessage `json:"expect"`
	Assert         []struct{ Name, That, Message string }
}

// read reads the files of tests and puts together what belongs to each test.
// All files are read even if one has mistakes, so that all mistakes are told.
func read(o Options) ([]*test, source.Diagnostics) {
	var out []*test
	var diags source.Diagnostics
	for _, name := range slices.Sorted(maps.Keys(o.Tests)) {
		tests, more := readFile(o, name)
		out = append(out, tests...)
		diags = append(diags, more...)
	}
	return out, diags.Sort()
}

// readFile reads one file of tests: what is shared by all of them (variables, override, given), then the tests, then what
// each takes over from the one that it goes on from.
func readFile(o Options, name string) ([]*test, source.Diagnostics) {
	parsed, diags := syntax.ParseTests(map[string][]byte{name: o.Tests[name]})
	resolved, more := resolve.Resolve(parsed, resolve.Options{Dir: o.Dir, NoPipeline: true})
	diags = append(diags, more...)
	if diags.HasErrors() {
		return nil, diags.Sort()
	}
	r := &reader{file: name, text: o.Tests[name], resolved: resolved}
	for _, b := range parsed.Blocks {
		switch b.Kind {
		case "variables":
			r.shared.variables = append(r.shared.variables, b.Sorted()...)
		case "override":
			r.shared.overrides = append(r.shared.overrides, b)
		case "given":
			rb := resolved.ByAddress[b.Address]
			r.shared.givens = append(r.shared.givens, r.given(b.Name, rb.Config, b.NameRange, "", rb.Ranges))
		}
	}
	for _, b := range parsed.Blocks {
		if b.Kind == "test" {
			r.test(b)
		}
	}
	r.chains()
	return r.tests, r.diags.Sort()
}

// reader reads one file.
type reader struct {
	file     string
	text     []byte
	resolved *resolve.Module
	shared   test // what stands outside of tests
	tests    []*test
	diags    source.Diagnostics
}

// report notes a mistake in a file of tests.
func (r *reader) report(d source.Diagnostic) { r.diags = append(r.diags, d) }

// test reads one test. Its blocks are read twice, decoded as configuration and as written, since variables and overrides are
// evaluated in the module.
func (r *reader) test(b *syntax.Block) {
	rb := r.resolved.ByAddress[b.Address]
	t := &test{file: r.file, name: b.Name, at: b.Header, ranges: rb.Ranges}
	if err := json.Unmarshal(rb.Config, &t.spec); err != nil {
		r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeTest, Subject: b.Header,
			Summary: "the test cannot be read",
			Detail:  err.Error() + ".",
		})
		return
	}
	for _, list := range [][]string{t.spec.Targets, t.spec.ExpectFailures} {
		for i := range list {
			list[i] = addressOf(list[i])
		}
	}
	nested := map[string][]*syntax.Block{}
	for _, n := range b.Blocks {
		nested[n.Kind] = append(nested[n.Kind], n)
	}
	for _, n := range nested["variables"] {
		t.variables = append(t.variables, n.Sorted()...)
	}
	t.overrides = nested["override"]
	for i, n := range nested["given"] {
		t.givens = append(t.givens, r.given(n.Name, t.spec.Given[i], n.NameRange, "given["+n.Name+"].", rb.Ranges))
	}
	for i, n := range nested["expect"] {
		t.expects = append(t.expects, &expectation{rows: *r.given(n.Name, t.spec.Expect[i], n.NameRange, "expect["+n.Name+"].", rb.Ranges)})
	}
	for _, a := range t.spec.Assert {
		t.asserts = append(t.asserts, r.assertion(a.Name, a.Message, rb))
	}
	r.tests = append(r.tests, t)
}

// assertion finds the text of a condition among the texts of the test, with its place, which the compiled rule's
// messages use.
func (r *reader) assertion(name, message string, b *resolve.Block) *assertion {
	a := &assertion{name: name, message: message, at: b.Ranges["assert["+name+"]"]}
	for _, t := range b.Texts {
		if t.Path == "assert["+name+"].that" {
			a.text = t.Text
		}
	}
	return a
}

// bareKey is the key of an instance without its quotes.
var bareKey = lazyregexp.New(`\[([a-z0-9_]+)\]`)

// addressOf reads an address: train.model[eu] is train.model["eu"], whose quotes would have to be escaped.
func addressOf(label string) string { return bareKey().ReplaceAllString(label, `["$1"]`) }

// given reads a block that gives rows or figures. prefix is where the block stands in its test, and is cut off the
// paths of ranges; "" for a block outside of tests. Numbers stay as they are written (json.Number): 0.1 in a decimal
// column must not become a double on its way.
func (r *reader) given(label string, config json.RawMessage, at source.Range, prefix string, ranges map[string]source.Range) *given {
	g := &given{label: addressOf(label), at: at, attrs: map[string]any{}, ranges: map[string]source.Range{}}
	d := json.NewDecoder(bytes.NewReader(config))
	d.UseNumber()
	if err := d.Decode(&g.attrs); err != nil {
		r.report(source.Diagnostic{
			Severity: source.Error, Code: source.CodeTest, Subject: at,
			Summary: "what is given cannot be read",
			Detail:  err.Error() + ".",
		})
	}
	delete(g.attrs, "name")
	for path, at := range ranges {
		if rest, ok := strings.CutPrefix(path, prefix); ok {
			g.ranges[rest] = at
		}
	}
	if at, ok := g.ranges["csv"]; ok {
		g.written = bytes.HasPrefix(r.text[at.Start.Byte:], []byte("<<"))
	}
	return g
}

// chains puts tests behind those that they go on from, which hand on all that they were given and changed. A test in a
// circle is reported and goes on from nothing, so that the others can be read.
func (r *reader) chains() {
	byName := map[string]*test{}
	var names []string
	for _, t := range r.tests {
		byName[t.name] = t
		names = append(names, t.name)
	}
	for _, t := range r.tests {
		if t.spec.After == "" {
			continue
		}
		if t.base = byName[t.spec.After]; t.base == nil {
			r.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeTestAfter, Subject: t.ranges["after"],
				Summary: fmt.Sprintf("the file has no test %q to go on from", t.spec.After),
				Hint:    suggest.DidYouMean(t.spec.After, names),
			})
		}
	}
	for _, t := range r.tests {
		if circular(t) {
			r.report(source.Diagnostic{
				Severity: source.Error, Code: source.CodeTestAfter, Subject: t.ranges["after"],
				Summary: fmt.Sprintf("the test %q goes on from itself", t.name),
			})
			t.base = nil
		}
	}
	done := map[*test]bool{}
	for _, t := range r.tests {
		r.inherit(t, done)
	}
}

// circular reports whether a test goes on from itself; 1,000 steps are more than a file has.
func circular(t *test) bool {
	for at, n := t.base, 0; at != nil && n < 1000; at, n = at.base, n+1 {
		if at == t {
			return true
		}
	}
	return false
}

// inherit puts before a test's own what stands outside of tests, and what the tests have that it goes on from. done
// keeps each test from being completed twice.
func (r *reader) inherit(t *test, done map[*test]bool) {
	if done[t] {
		return
	}
	done[t] = true
	from := &r.shared
	if t.base != nil {
		r.inherit(t.base, done)
		from = t.base
	}
	t.variables = slices.Concat(from.variables, t.variables)
	t.overrides = slices.Concat(from.overrides, t.overrides)
	t.givens = lastOf(slices.Concat(from.givens, t.givens))
}

// lastOf leaves the last of several givens of one label, as a copy: typing fills it in by the module of one test.
func lastOf(givens []*given) []*given {
	var out []*given
	for i, g := range givens {
		if !slices.ContainsFunc(givens[i+1:], func(later *given) bool { return later.label == g.label }) {
			copied := *g
			out = append(out, &copied)
		}
	}
	return out
}

// rowsOf reports whether attributes write rows.
func rowsOf(attrs map[string]any) bool { return attrs["csv"] != nil || attrs["rows"] != nil }
