package syntax

import (
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

var nestings = []string{
	"", "a = 1", "a {\n  b = [1, (2)]\n}\n", "a = \"}}\"\nb = [[[[", "# }}}\n[[[", "// }}}\n[[[", "/* }}} */ [[[",
	"a = <<EOT\n}}}\nEOT\n[[[", "a = <<-EOT\n  }}}\n  EOT\n[[[", "a = <<-E\n}\n E \nb = [[[", "\"${\"}\"}\" [[[", "\"a\n}\"[[[", "\"\\\"}\" [[[",
	"a = <<E \n}\nE\n[[[", "a = 1 << 2 }\n[[[", "a = <<E\n${[[[", "a ? b : c ? d : e", "!!!!a", "a == - - - b", "a => - - -", "a , - - -", "a = - - -",
	"a = \"\\\n}\" [[[", "<<--E\n}\nE\n[[[", "<<E\r\n}\r\nE\r\n[[[", "<<E\n}\nE", "'}' [[[", "$${ }", "%{ if }",
}

// TestSurelyShallow is quick to say what the lexer says too, and says it of what people write.
func TestSurelyShallow(t *testing.T) {
	for _, text := range []string{"a {\n  b = [1, (2)]\n}\n", "a = \"}}\"\n# [[[\nb = <<-SQL\n  select ((((((1))))))\n  SQL\n", "a = <<EOT\n[[[[\nEOT\n"} {
		if !surelyShallow([]byte(text), limits{4, 4}) {
			t.Errorf("%q is left to the lexer", text)
		}
	}
	if surelyShallow([]byte(strings.Repeat("[", 300)), limits{maxDepth, maxOperators}) {
		t.Error("300 brackets are taken for shallow")
	}
}

// FuzzSurelyShallow: what is called shallow is so by the lexer's tokens.
func FuzzSurelyShallow(f *testing.F) {
	for _, text := range nestings {
		f.Add(text, 2, 2)
	}
	f.Fuzz(func(t *testing.T, text string, depth, operators int) {
		most := limits{1 + max(depth, -depth)%6, 1 + max(operators, -operators)%6}
		if most.depth < 1 || most.operators < 1 || CheckText("a.mlp", []byte(text)) != nil || !surelyShallow([]byte(text), most) {
			return
		}
		tokens, _ := hclsyntax.LexConfig([]byte(text), "a.mlp", hcl.InitialPos)
		if at, deep := tooDeep(tokens, most); deep {
			t.Errorf("%q is deep at %v by %+v", text, at, most)
		}
	})
}
