package token

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// kinds of HCL's tokens as ours; what is not in it is of our kind Operator or Invalid.
var kinds = map[hclsyntax.TokenType]Kind{
	hclsyntax.TokenIdent: Ident, hclsyntax.TokenNumberLit: Number, hclsyntax.TokenQuotedLit: QuotedLit, hclsyntax.TokenStringLit: StringLit,
	hclsyntax.TokenOQuote: OQuote, hclsyntax.TokenCQuote: CQuote, hclsyntax.TokenOHeredoc: OHeredoc, hclsyntax.TokenCHeredoc: CHeredoc,
	hclsyntax.TokenOBrace: OBrace, hclsyntax.TokenCBrace: CBrace, hclsyntax.TokenOBrack: OBrack, hclsyntax.TokenCBrack: CBrack,
	hclsyntax.TokenOParen: OParen, hclsyntax.TokenCParen: CParen, hclsyntax.TokenTemplateInterp: Interp,
	hclsyntax.TokenTemplateControl: Control, hclsyntax.TokenTemplateSeqEnd: SeqEnd, hclsyntax.TokenComment: Comment,
	hclsyntax.TokenNewline: Newline, hclsyntax.TokenDot: Dot, hclsyntax.TokenComma: Comma, hclsyntax.TokenEllipsis: Ellipsis,
	hclsyntax.TokenColon: Colon, hclsyntax.TokenDoubleColon: DoubleColon, hclsyntax.TokenEqual: Equal, hclsyntax.TokenFatArrow: FatArrow,
	hclsyntax.TokenQuestion: Question, hclsyntax.TokenBang: Bang, hclsyntax.TokenMinus: Minus, hclsyntax.TokenStar: Star,
	hclsyntax.TokenSlash: Operator, hclsyntax.TokenPlus: Operator, hclsyntax.TokenPercent: Operator, hclsyntax.TokenEqualOp: Operator,
	hclsyntax.TokenNotEqual: Operator, hclsyntax.TokenLessThan: Operator, hclsyntax.TokenLessThanEq: Operator,
	hclsyntax.TokenGreaterThan: Operator, hclsyntax.TokenGreaterThanEq: Operator, hclsyntax.TokenAnd: Operator, hclsyntax.TokenOr: Operator,
}

// fromHCL returns the tokens that HCL's scanner gives, and whether there are lexical errors among them. What is left
// open at the end of the text is not one of them.
func fromHCL(text []byte) (tokens []Token, broken bool) {
	theirs, _ := hclsyntax.LexConfig(text, "", hcl.InitialPos)
	for _, t := range theirs {
		if t.Type == hclsyntax.TokenEOF {
			break
		}
		k, ok := kinds[t.Type]
		if !ok {
			return nil, true
		}
		tokens = append(tokens, Token{k, int32(t.Range.Start.Byte), int32(t.Range.End.Byte)})
	}
	return melded(text, tokens), false
}

// melded joins literals that follow each other within a line.
func melded(text []byte, tokens []Token) []Token {
	var out []Token
	for _, t := range tokens {
		if t.Start == t.End {
			continue
		}
		if n := len(out); n > 0 && out[n-1].Kind == t.Kind && (t.Kind == QuotedLit || t.Kind == StringLit && text[t.Start-1] != '\n') {
			out[n-1].End = t.End
			continue
		}
		out = append(out, t)
	}
	return out
}

func written(text []byte, tokens []Token) []string {
	out := make([]string, len(tokens))
	for i, t := range tokens {
		out[i] = fmt.Sprintf("%d %q", t.Kind, text[t.Start:t.End])
	}
	return out
}

func compare(t *testing.T, text []byte) {
	t.Helper()
	got := Scan(text)
	at := int32(0)
	for _, k := range got {
		if k.Start < at || k.End < k.Start {
			t.Fatalf("token %v begins before %d, where another ends", k, at)
		}
		if gap := strings.Trim(string(text[at:k.Start]), " \t"); gap != "" {
			t.Fatalf("%q is left out", gap)
		}
		at = k.End
	}
	for _, k := range got {
		if k.Kind == Invalid || k.Kind == Unclosed {
			return // HCL takes such text otherwise
		}
	}
	if gap := strings.Trim(string(text[at:]), " \t"); gap != "" {
		t.Fatalf("%q is left out at the end", gap)
	}
	want, broken := fromHCL(text)
	if broken {
		t.Fatalf("%q has lexical errors that were not seen", text)
	}
	if diff := cmp.Diff(written(text, want), written(text, melded(text, got))); diff != "" {
		t.Fatalf("%q: -HCL's +ours:\n%s", text, diff)
	}
}

// seeds are texts in which scanners go wrong easily.
func seeds() []string {
	return []string{
		"a \"b\" {\n  c = [1, 2.5e3, -x.y[*].z.*.w, \"${f(a::b(1)...)}\"] # d\n}\n",
		"a = <<E\n x $ $$ $${y} %%{z} ${w}\n E \nb = <<-É\n${<<F\n y\nF\n}\n  É\n",
		"a = \"$ $$ $${ %%{ %{if x}y%{endif} ${~ x ~} \\\" \\\\ \\n $\"\n",
		"a = \"${ {b = {}}.c }\" ? 1e5 : 1...\nb=1..2 1.e5 1e+5 1e 1e+\n",
		"# c\r\n// d\r\n/* e\r\n*/ a == b != c >= d <= e && f || g => h :: i ... .. < > << <<1 <<- \r\n",
		"a-b é_ü = 1e999\n", "\"a\nb\"\n", "/* x", "a = \"${\n\"b\"\n}\"", "}}{{~}", "x = <<E\r\na\r\nE\r\n", "@ ; ` ' & | ^ ~ \\ $ %{",
		"a = <<E\n$\nE\n", "a = <<E\nx %\n$$\nE\n", "a = <<E\n$E\nE\n", "a = \"$", "a = \"\\", "<<E\n${", "a=\"$\"\nb=\"%\"",
	}
}

func TestScan(t *testing.T) {
	for _, text := range seeds() {
		t.Run("", func(t *testing.T) { compare(t, []byte(text)) })
	}
}

func TestScanCorpus(t *testing.T) {
	n := 0
	for _, pattern := range []string{"../../examples/*/[^.]*.mlp", "../../spec/conformance/*.txtar"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, text)
			n++
		}
	}
	if n < 20 {
		t.Errorf("got %d files, want the examples and the conformance suite", n)
	}
}

// FuzzScan holds the tokens to those of HCL.
func FuzzScan(f *testing.F) {
	for _, text := range seeds() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if utf8.ValidString(text) && !strings.Contains(text, "\x00") && !strings.HasPrefix(text, "\ufeff") {
			compare(t, []byte(text))
		}
	})
}
