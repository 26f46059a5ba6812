package syntax

import (
	"fmt"
	"strings"
	"testing"
)

// TestMeasure holds the limits that keep the parser and evaluation from exhausting the stack.
func TestMeasure(t *testing.T) {
	many := func(s string, n int) string { return strings.Repeat(s, n) }
	cases := []struct{ name, text, want string }{
		{"brackets", "a = " + many("[", 250) + many("]", 250), ""},
		{"too many brackets", "a = " + many("[", 251) + many("]", 251), "MLP1006"},
		{"blocks", many("a {\n", 251) + many("}\n", 251), "MLP1006"},
		{"templates", "a = " + many(`"${`, 126) + "1" + many(`}"`, 126), "MLP1006"},
		{"operators", "a = 1" + many(" + 1", 4999), ""},
		{"too many operators", "a = 1" + many(" + 1", 5001), "MLP1006"},
		{"signs", "a = " + many("-", 5001) + "1", "MLP1006"},
		{"conditions", "a = " + many("true ? 1 : ", 2501) + "1", "MLP1006"},
		{"steps", "a = b" + many(".c", 5001), "MLP1006"},
		{"indices", "a = b" + many("[c]", 5001), "MLP1006"},
		{"operators after what is nested", "a = f(x, " + many("f(x, ", 20) + "1" + many(")"+many(" + 1", 300), 20) + ")", "MLP1006"},
		{"values side by side", "a = [" + many("1 + 1 + 1,", 6000) + "]", ""},
		{"lines of an object", "a = {\n" + many("b: 1\n", 6000) + "}", ""},
		{"lines of a block", "a {\n" + many("b = -1\n", 6000) + "}", ""},
		{"within brackets lines do not count", "a = (1" + many("\n+ 1", 5001) + ")", "MLP1006"},
		{"what a string without an end holds", "a = \"\nb = \"" + many("[", 300) + "\"\n", "MLP1006"},
		{"tokens", "a = [" + many("1,", MaxTokens/2) + "]", "MLP1002"},
		{"what is no token, at length", "a = \x01" + many(" ", wholeErrors), "MLP1004"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, ds := measure(NewFile("a.mlp", []byte(c.text)), 0)
			got := ""
			if len(ds) > 0 {
				got = ds[0].Code
			}
			if got != c.want {
				t.Errorf("got %q, want %q: %v", got, c.want, ds)
			}
		})
	}
}

// TestModuleTokens holds that what is too much together is told, though each file is small enough.
func TestModuleTokens(t *testing.T) {
	text := []byte("locals {\n  a = [" + strings.Repeat("1,", MaxTokens/20) + "]\n}\n")
	files := map[string][]byte{}
	for i := range 12 {
		files[fmt.Sprintf("%02d.mlp", i)] = text
	}
	_, ds := Parse(files, catalog())
	if len(ds) != 1 || ds[0].Code != "MLP1002" || ds[0].Subject.File != "09.mlp" {
		t.Errorf("got %v, want MLP1002 of 09.mlp", ds)
	}
}
