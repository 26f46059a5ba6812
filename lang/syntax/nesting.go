package syntax

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/mlp-lang/mlp/lang/source"
)

// The parser calls itself for each bracket and for each ? and prefix operator, so without limits a file of a few
// megabytes could exhaust the stack.
const (
	maxDepth     = 250
	maxOperators = 5000
	// smallFile is a size up to which even the worst text cannot hurt, so that it is not looked at twice.
	smallFile = 4 << 10
)

type limits struct {
	depth     int // of brackets
	operators int // of one value
}

// checkNesting tells whether the file from start on is nested too deeply to be parsed.
func checkNesting(f *File, start int) (source.Diagnostic, bool) {
	text, most := f.Bytes[start:], limits{maxDepth, maxOperators}
	if len(text) <= smallFile || surelyShallow(text, most) {
		return source.Diagnostic{}, false
	}
	tokens, _ := hclsyntax.LexConfig(text, f.Name, hcl.Pos{Line: 1, Column: 1, Byte: start})
	at, deep := tooDeep(tokens, most)
	if !deep {
		return source.Diagnostic{}, false
	}
	return source.Diagnostic{
		Severity: source.Error, Code: source.CodeNesting, Subject: f.Range(at),
		Summary: "the text is nested too deeply",
		Detail:  fmt.Sprintf("Brackets may be nested %d deep, and one value may have %d operators.", maxDepth, maxOperators),
		Hint:    "split it up with locals",
	}, true
}

// tooDeep finds the first token beyond the limits.
func tooDeep(tokens hclsyntax.Tokens, most limits) (at hcl.Range, deep bool) {
	depth, operators := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc,
			hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc,
			hclsyntax.TokenTemplateSeqEnd:
			depth = max(depth-1, 0)
		case hclsyntax.TokenQuestion, hclsyntax.TokenBang, hclsyntax.TokenMinus, hclsyntax.TokenColon:
			operators++
		case hclsyntax.TokenEqual, hclsyntax.TokenComma:
			operators = 0
		}
		if depth > most.depth || operators > most.operators {
			return t.Range, true
		}
	}
	return hcl.Range{}, false
}
