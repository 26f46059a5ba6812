package resolve

import (
	"testing"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// Line ends are those of a heredoc's text also where the parser has no text for an expression: at the end of a broken file.
func TestLineEndsAtTheEndOfAFile(t *testing.T) {
	const heredoc = "<<E\r\na\r\nE"
	f := syntax.NewFile("f", []byte(heredoc))
	given := cty.StringVal("a\r\n")
	for _, c := range []struct {
		start, end int
		want       string
	}{{0, len(heredoc), "a\n"}, {len(heredoc), len(heredoc), "a\r\n"}, {len(heredoc), 0, "a\r\n"}, {len(heredoc) + 1, len(heredoc) + 2, "a\r\n"}} {
		a := &syntax.Attr{File: f, Expr: &hclsyntax.LiteralValueExpr{Val: given},
			Range: source.Range{File: "f", Start: source.Pos{Byte: c.start}, End: source.Pos{Byte: c.end}}}
		if got := unifyLineEnds(given, a).AsString(); got != c.want {
			t.Errorf("from %d to %d: got %q, want %q", c.start, c.end, got, c.want)
		}
	}
}
