package syntax

// How text is measured.
//
// Three figures are kept while the tokens go by once: how many there are; how deep brackets, quotes and heredocs lie
// within each other; and how long a chain is, the operators, steps and indexes of one value. In
//
//	a = b.c[d + e.f] + 1
//
// the chain of the value is 3: the step to c, the index and the last +. That in the brackets is 2, and would count in its
// place if it were longer. A comma, an equals sign, and in a body the end of a line begin a new chain.

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/token"
)

// The parser calls itself for each bracket, and evaluation for each operator and each step of a reference. So without
// limits a file of a few megabytes could exhaust the stack, which no program survives. And a token takes the parser some
// hundred bytes.
const (
	maxDepth     = 250
	maxOperators = 5000
	// MaxTokens is how many tokens all files of a module may have together, or one that has them all: what a hundred thousand
	// blocks take, in some 2 GB of memory.
	MaxTokens = 5_000_000
)

// wholeErrors is the size of a text up to which all its errors are looked for where its characters are wrong already.
const wholeErrors = 4 << 20

// measure counts the tokens of the file from start on, and returns a diagnostic if they are too many or too deeply
// nested for the parser. It reads each byte once and keeps no tokens, so that any text may be handed to it.
func measure(f *File, start int) (int, source.Diagnostics) {
	m := &measured{levels: make([]level, 1, 16)}
	scanner := token.NewScanner(f.Bytes[start:])
	for {
		t := scanner.Next()
		at := source.Range{File: f.Name}
		broken := t.Kind == token.Invalid || t.Kind == token.Unclosed
		if broken && len(f.Bytes)-start <= wholeErrors {
			return measureHCL(f, start)
		}
		fits := m.add(t.Kind)
		if t.Kind == token.EOF {
			return m.tokens, nil
		}
		if fits && !broken {
			continue
		}
		at.Start, at.End = f.Pos(start+int(t.Start)), f.Pos(start+int(t.End))
		if broken {
			return m.tokens, source.Diagnostics{{
				Severity: source.Error, Code: source.CodeSyntax, Subject: at, Summary: "the text is not HCL",
				Detail: "A character stands where it cannot, or a string, comment or heredoc has no end. Nothing after it was read.",
			}}
		}
		return m.tokens, m.refusal(at)
	}
}

// measureHCL measures a text with wrong characters as HCL's scanner takes it, for our own goes on otherwise.
func measureHCL(f *File, start int) (int, source.Diagnostics) {
	m := &measured{levels: make([]level, 1, 16)}
	tokens, _ := hclsyntax.LexConfig(f.Bytes[start:], f.Name, hcl.Pos{Line: 1, Column: 1, Byte: start})
	for _, t := range tokens {
		if !m.add(kindOf(t.Type)) {
			return m.tokens, m.refusal(f.Range(t.Range))
		}
	}
	return m.tokens, nil
}

// kindOf is what matters of the type of one of HCL's tokens.
func kindOf(t hclsyntax.TokenType) token.Kind {
	switch t {
	case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc,
		hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		return token.OParen
	case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc,
		hclsyntax.TokenTemplateSeqEnd:
		return token.CParen
	case hclsyntax.TokenEqual, hclsyntax.TokenComma, hclsyntax.TokenFatArrow:
		return token.Comma
	case hclsyntax.TokenIdent, hclsyntax.TokenNumberLit, hclsyntax.TokenQuotedLit, hclsyntax.TokenStringLit, hclsyntax.TokenNewline,
		hclsyntax.TokenComment, hclsyntax.TokenEOF:
		return token.Ident
	}
	return token.Operator
}

// measured is how many tokens there are and how deeply they are nested.
type measured struct {
	tokens int
	levels []level
}

// level is what stands between two brackets. The depth of evaluation grows with the operators of one value, `a + b +
// c`, but not with the number of values: [1, 2, 3] is flat.
type level struct {
	open    token.Kind
	chain   int // operators and steps of the value that is being read, or the deepest of what is in brackets in it
	deepest int // of the values before it
}

// next ends a value.
func (l *level) next() { l.deepest, l.chain = max(l.deepest, l.chain), 0 }

// add counts a token, and reports whether it is within the limits.
// On a closing bracket the chain within becomes part of the one that it stands in; a closing bracket too many is left to
// the parser, which says so.
func (m *measured) add(k token.Kind) bool {
	m.tokens++
	top := &m.levels[len(m.levels)-1]
	switch k {
	case token.OBrace, token.OBrack, token.OParen, token.OQuote, token.OHeredoc, token.Interp, token.Control:
		top.chain++ // an index, a call, or a step down
		m.levels = append(m.levels, level{open: k})
	case token.CBrace, token.CBrack, token.CParen, token.CQuote, token.CHeredoc, token.SeqEnd:
		if len(m.levels) > 1 {
			inner := max(top.chain, top.deepest)
			m.levels = m.levels[:len(m.levels)-1]
			top = &m.levels[len(m.levels)-1]
			top.chain = max(top.chain, inner)
		}
	case token.Question, token.Bang, token.Minus, token.Colon, token.Operator, token.Star, token.Dot:
		top.chain++
	case token.Equal, token.Comma, token.FatArrow:
		top.next()
	case token.Newline, token.Comment:
		if top.open == token.EOF || top.open == token.OBrace {
			top.next()
		}
	}
	return m.tokens <= MaxTokens && len(m.levels)-1 <= maxDepth && top.chain <= maxOperators
}

// refusal says which limit the token at this place goes beyond.
func (m *measured) refusal(at source.Range) source.Diagnostics {
	if m.tokens > MaxTokens {
		return tooManyTokens("the file", MaxTokens, at)
	}
	return tooDeep(at)
}

// tooDeep refuses a text that is nested more deeply than the parser's stack bears. The place is the token that was one
// too many.
func tooDeep(at source.Range) source.Diagnostics {
	return source.Diagnostics{{
		Severity: source.Error, Code: source.CodeNesting, Subject: at,
		Summary: "the text is nested too deeply",
		Detail:  fmt.Sprintf("Brackets may be nested %d deep, and one value may have %d operators.", maxDepth, maxOperators),
		Hint:    "split it up with locals",
	}}
}

// tooManyTokens refuses a file, or all together. There is no place to mend: the range is the file.
func tooManyTokens(what string, most int, at source.Range) source.Diagnostics {
	return source.Diagnostics{{
		Severity: source.Error, Code: source.CodeFileSize, Subject: at,
		Summary: fmt.Sprintf("%s has more than %d tokens", what, most),
		Detail:  "All words, numbers, strings and signs count.",
		Hint:    "keep data in files of its own and name them in a source block",
	}}
}
