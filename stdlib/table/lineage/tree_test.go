package lineage

import (
	"encoding/json"
	"testing"
)

// TestTree: copies of a tree with other values leave it as it was, and the nil tree can be read.
func TestTree(t *testing.T) {
	n := &Tree{Members: []Member{{"class", "FUNCTION"}, {"children", []any{&Tree{}}}, {"filter", nil}}}
	written := func(n *Tree) string {
		data, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	const want = `{"class":"FUNCTION","children":[{}],"filter":null}`
	for got, want := range map[string]string{
		written(n.With("class", "WINDOW")):                `{"class":"WINDOW","children":[{}],"filter":null}`,
		written(n.With("alias", "a\"<")):                  `{"class":"FUNCTION","children":[{}],"filter":null,"alias":"a\"\u003c"}`,
		written(n.Each(func(any) any { return true })):    `{"class":true,"children":true,"filter":true}`,
		written(n.Each(func(v any) any { return v })):     want,
		written(n.With("filter", n).With("class", false)): `{"class":false,"children":[{}],"filter":` + want + `}`,
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := written(n); got != want {
		t.Errorf("the tree is %s now, and was %s", got, want)
	}
	var none *Tree
	for name := range none.All() {
		t.Errorf("the nil tree has %s", name)
	}
	if n.Get("class") != "FUNCTION" || n.Get("alias") != nil || none.Get("class") != nil {
		t.Error("a member has another value than it was given, or one that is not there has any")
	}
}
