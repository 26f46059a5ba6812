package diff

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

// Only what somebody wrote, or took away, is told; a default is where it replaces what was written, gets policy weaker, or is all
// that differs.
func TestWritten(t *testing.T) {
	typ := &schema.Type{Body: schema.Body{
		Attrs: []schema.Attr{{Name: "trees", Default: 100.0}, {Name: "by"}, {Name: "list", Default: []string{"a", "b"}}},
		Blocks: []schema.Block{
			{Name: "fairness", Labelled: true, Body: schema.Body{Attrs: []schema.Attr{{Name: "by"}, {Name: "agg", Default: "worst_case"}, {Name: "min_group_size", Default: 20.0}, {Name: "strict", Default: false}}}},
			{Name: "params", FreeAttrs: true, Body: schema.Body{Attrs: []schema.Attr{{Name: "depth", Default: 6.0}}}},
		}}}
	for _, c := range []struct{ name, before, after, want string }{
		{"a block renamed", `{"fairness":[{"name":"gender","by":"g","agg":"worst_case","min_group_size":20,"strict":false}]}`,
			`{"fairness":[{"name":"a.b","by":"g","agg":"worst_case","min_group_size":20,"strict":false}]}`, `fairness[a.b].by fairness[gender].by`},
		{"a block of nothing else", `{"fairness":[{"name":"gender","agg":"worst_case"}]}`, `{"by":"x","fairness":[{"name":"status","agg":"worst_case"}]}`,
			`by fairness[gender] fairness[status]`},
		{"a default of a later version", `{"fairness":[{"name":"g","by":"g"}]}`, `{"by":"x","fairness":[{"name":"g","agg":"worst_case","by":"g"}]}`, `by`},
		{"with a value of its own", `{}`, `{"fairness":[{"name":"x","by":"g","agg":"mean","min_group_size":20}]}`, `fairness[x].agg fairness[x].by`},
		{"a default in place of a value", `{"trees":300}`, `{"trees":100}`, `trees`},
		{"nothing but a default", `{}`, `{"trees":100}`, `trees`},
		{"a default beside", `{"by":"x"}`, `{"by":"y","trees":100,"list":["a","b"]}`, `by`},
		{"another list", `{"by":"x"}`, `{"by":"y","list":["b","a"]}`, `by list`},
		{"a free attribute", `{}`, `{"params":{"depth":6,"other":6}}`, `params.other`},
		{"not of the type", `{"by":"x"}`, `{"by":"y","unknown":{"trees":100}}`, `by unknown.trees`},
	} {
		var got []string
		for _, f := range Written(json.RawMessage(c.before), json.RawMessage(c.after), Fields(json.RawMessage(c.before), json.RawMessage(c.after)), typ) {
			got = append(got, f.Path)
		}
		slices.Sort(got)
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
	weaker := []Field{{Path: "by", After: json.RawMessage(`"x"`)}, {Path: "trees", Before: json.RawMessage("100"), Weaker: "less is asked"}}
	if got := Written(json.RawMessage(`{"trees":100}`), json.RawMessage(`{"by":"x"}`), weaker, typ); len(got) != 2 {
		t.Errorf("got %v", got)
	}
}
