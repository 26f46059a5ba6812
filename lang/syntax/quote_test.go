package syntax

import (
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// TestQuote reads back what is quoted: a text is the same after it, whatever templates, quotes and characters it holds. All texts
// of up to five of the characters that mean something are tried.
func TestQuote(t *testing.T) {
	texts := []string{"", "plain", "a\nb\r\tc", "\x00\x1b\u202e\u00ad", "日本 🎉", "\U000e0001"}
	from := []string{""}
	for range 5 {
		var longer []string
		for _, s := range from {
			for _, r := range "$%{\"\\~a" {
				longer = append(longer, s+string(r))
			}
		}
		texts, from = append(texts, longer...), longer
	}
	for _, s := range texts {
		e, diags := hclsyntax.ParseExpression([]byte(Quote(s)), "x.mlp", hcl.InitialPos)
		if diags.HasErrors() {
			t.Fatalf("%q is quoted as %s: %s", s, Quote(s), diags)
		}
		if v, diags := e.Value(nil); diags.HasErrors() || v.AsString() != s {
			t.Fatalf("%q is quoted as %s, which is %#v %s", s, Quote(s), v, diags)
		}
	}
}
