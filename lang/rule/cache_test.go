package rule

import (
	"testing"

	"github.com/google/go-cmp/cmp"

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

// answers are kept in memory.
type answers map[[32]byte][]byte

func (a answers) Get(key [32]byte) ([]byte, bool) { b, ok := a[key]; return b, ok }
func (a answers) Put(key [32]byte, b []byte)      { a[key] = b }

// TestKeptRules: a rule that was found sound is the same rule for the next process, wherever it stands, and one that was not
// is told again.
func TestKeptRules(t *testing.T) {
	slices := schema.KeyedMap(schema.Object(map[string]*schema.FigureType{"auc": schema.Double, "rows": schema.Double}), "eu", "us")
	root := schema.Object(map[string]*schema.FigureType{
		"evaluate": schema.Object(map[string]*schema.FigureType{"holdout": schema.Object(map[string]*schema.FigureType{
			"slices": slices, "state": schema.OneOf("good", "bad"), "curve": schema.ListOf(schema.Double)})}),
		"variable": schema.Object(map[string]*schema.FigureType{"least": schema.Double}),
	})
	compile := func(kept answers, version string, root *schema.FigureType, text string, line int) (*Rule, source.Diagnostics) {
		t.Helper()
		c := NewKeptCache(kept, version)
		e, err := c.Env(root)
		if err != nil {
			t.Fatal(err)
		}
		r := source.Range{File: "a.mlp", Start: source.Pos{Line: line, Column: 1}, End: source.Pos{Line: line, Column: 1 + len(text)}}
		return c.Compile(e, source.NewText(text, r, []source.Piece{{Start: r.Start}}))
	}
	values := Values{Known: map[string]any{"evaluate": map[string]any{"holdout": map[string]any{
		"slices": map[string]any{"eu": map[string]any{"auc": 0.9}, "us": map[string]any{"auc": 0.7}}}}}, Unknown: []string{"variable.least"}}
	for _, text := range []string{
		`evaluate.holdout.slices.eu.auc > 5`, `evaluate.holdout.slices.all(s, evaluate.holdout.slices[s].auc > variable.least)`,
		`evaluate.holdout.state == "good" || evaluate.holdout.curve[1] > 0`, `has(evaluate.holdout.slices.us.rows)`, `true`, `"é" == "è" || variable.least > 1`,
		`evaluate.holdout.state == "god"`, `evaluate.holdout.slices.uk.auc > 0`, `variable.most > 1`, `1 +`, `1`,
	} {
		kept := answers{}
		first, ds := compile(kept, "1", root, text, 1)
		if (len(kept) == 1) != (ds == nil) {
			t.Errorf("%s: kept %d answers with %v", text, len(kept), ds)
		}
		again, moreDs := compile(kept, "1", root, text, 7)
		fresh, freshDs := compile(answers{}, "1", root, text, 7)
		if d := cmp.Diff(freshDs, moreDs); d != "" {
			t.Errorf("%s: %s", text, d)
		}
		if first == nil || again == nil || fresh == nil {
			if first != nil || again != nil || fresh != nil {
				t.Errorf("%s: got %v, %v and %v", text, first, again, fresh)
			}
			continue
		}
		if d := cmp.Diff(fresh.Refs(), again.Refs(), cmp.AllowUnexported(Ref{})); d != "" {
			t.Errorf("%s: %s", text, d)
		}
		if d := cmp.Diff(fresh.Decide(values), again.Decide(values)); d != "" || fresh.String() != again.String() {
			t.Errorf("%s: %s\n%s\n%s", text, d, fresh, again)
		}
	}
	// Sound for one program and one type, and for no other.
	kept := answers{}
	narrow := schema.Object(map[string]*schema.FigureType{"state": schema.OneOf("good", "bad")})
	wide := schema.Object(map[string]*schema.FigureType{"state": schema.OneOf("good", "fair")})
	compile(kept, "1", wide, `state == "fair"`, 1)
	if _, ds := compile(kept, "1", narrow, `state == "fair"`, 1); ds == nil {
		t.Error("a word that another type has was taken")
	}
	compile(kept, "2", wide, `state == "fair"`, 1)
	if len(kept) != 2 {
		t.Errorf("got %d answers, want one for each version", len(kept))
	}
	// Damaged answers are not believed.
	for key, b := range kept {
		for i := range b {
			kept[key] = b[:i]
			if r, ds := compile(kept, "1", wide, `state == "fair"`, 1); r == nil || len(r.Refs()) != 1 {
				t.Errorf("cut at %d: got %v, %v", i, r, ds)
			}
		}
	}
}
