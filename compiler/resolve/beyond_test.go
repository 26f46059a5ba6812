package resolve

import (
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/syntax"
)

// TestNumbersBeyondFloats: a number that no rule could read is told where it is given, in the words of the language.
func TestNumbersBeyondFloats(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		given map[string]Given
		want  string
	}{
		"given":             {`variable "x" { type = number }`, map[string]Given{"x": {From: "--var x", Text: "1e400"}}, `1:1 variable "x" holds a number that is too large`},
		"in a list":         {`variable "x" { type = list(number) }`, map[string]Given{"x": {From: "--var x", Text: "[1, -1e309]"}}, `variable "x" holds a number that is too large`},
		"in a file":         {`variable "x" { type = number }`, fromFile(t, "x = 1e400\n"), `1:5 variable "x" holds a number that is too large`},
		"a default":         {`variable "x" { default = 1e400 }`, nil, `1:26 variable "x" holds a number that is too large`},
		"a local":           {"locals {\n  big = 10 * 1e308\n}", nil, `2:9 local "big" holds a number that is too large`},
		"the largest there": {`variable "x" { type = number }`, map[string]Given{"x": {From: "--var x", Text: "1.7e308"}}, ""},
	} {
		parsed, ds := syntax.Parse(map[string][]byte{"p.mlp": []byte(c.text + "\npipeline \"p\" {}\n")}, catalog())
		_, more := Resolve(parsed, Options{Variables: c.given})
		got := strings.Join(brief(append(ds, more...)), "\n")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) || strings.Contains(got, "json:") {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}
