package rule

import (
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// TestCache holds that a rule is compiled once for the same text, place and figures, and again when one of them differs.
func TestCache(t *testing.T) {
	c := NewCache()
	root := func(names ...string) *schema.FigureType {
		fields := map[string]*schema.FigureType{}
		for _, n := range names {
			fields[n] = schema.Double
		}
		return schema.Object(fields)
	}
	at := func(line int) source.Range {
		return source.Range{File: "a.mlp", Start: source.Pos{Line: line, Column: 1}, End: source.Pos{Line: line, Column: 8}}
	}
	compile := func(root *schema.FigureType, text string, line int) *Rule {
		t.Helper()
		e, err := c.Env(root)
		if err != nil {
			t.Fatal(err)
		}
		r, ds := c.Compile(e, source.NewText(text, at(line), nil))
		if (r == nil) != ds.HasErrors() {
			t.Fatalf("got %v, %v", r, ds)
		}
		return r
	}
	first := compile(root("a", "b"), "a > 1", 1)
	if first == nil {
		t.Fatal("a > 1 does not compile")
	}
	if compile(root("b", "a"), "a > 1", 1) != first {
		t.Error("the same rule was compiled again")
	}
	for name, other := range map[string]*Rule{
		"another text": compile(root("a", "b"), "a > 2", 1), "another place": compile(root("a", "b"), "a > 1", 2),
		"other figures": compile(root("a"), "a > 1", 1),
	} {
		if other == first || other == nil {
			t.Errorf("%s gives %v", name, other)
		}
	}
	for range 2 {
		if compile(root("b"), "a > 1", 1) != nil {
			t.Error("a is not there, and the rule compiles")
		}
	}
	if _, err := c.Env(schema.Double); err == nil {
		t.Error("a number was taken for an environment")
	}
}
