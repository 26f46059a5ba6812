package lsp

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/mlp-lang/mlp/lang/schema"
)

// outliner reads tokens into blocks, by recursive descent without errors: any token can stand anywhere, and what fits
// nowhere is passed over. Each function begins at the token next and ends behind what it read. next only grows, so that
// reading ends.
//
// Where a brace, bracket or quote is missing, the rest of the file must not fall into the block that lacks it. Three
// rules see to that: a string ends with its line (lex); a kind's name at the start of a line, before a quote or brace,
// begins a block of the file, whatever is open (beginsTop); and a line that begins like an argument ends a value in
// brackets (endsValue).
//
//	dataset "d" {
//	  from = [source.a          no closing bracket, and no closing brace
//	  sql  = "select 1"         begins like an argument: from ends before it
//	train "linear" "m" {        begins a block: dataset.d ends before it
type outliner struct {
	tree *tree
	cat  *schema.Catalog
	next int
}

// peek is the next token, ahead the one n further. Behind the last token there is the end of the file over and over, so
// that no caller has to ask whether there is one.
func (p *outliner) peek() hclsyntax.Token { return p.ahead(0) }

func (p *outliner) ahead(n int) hclsyntax.Token {
	if i := p.next + n; i < len(p.tree.tokens) {
		return p.tree.tokens[i]
	}
	return p.tree.tokens[len(p.tree.tokens)-1] // the end of the file
}

// wordOf is a token with its place in bytes.
func wordOf(t hclsyntax.Token) word {
	return word{text: string(t.Bytes), start: t.Range.Start.Byte, end: t.Range.End.Byte}
}

// body reads what stands in b, or in the file where b is nil, up to the closing brace, and returns the block.
func (p *outliner) body(b *block) *block {
	if b == nil {
		b = &block{}
	}
	for {
		t := p.peek()
		switch {
		case t.Type == hclsyntax.TokenEOF:
			b.end = t.Range.End.Byte
			return b
		case t.Type == hclsyntax.TokenCBrace:
			p.next++
			if b.kind.text != "" {
				b.end, b.ended = t.Range.End.Byte, true
				return b
			}
		// A block that was never closed ends where the next one of the file begins.
		case t.Type == hclsyntax.TokenIdent && b.kind.text != "" && p.beginsTop():
			b.end = t.Range.Start.Byte
			return b
		case t.Type == hclsyntax.TokenIdent:
			p.item(b)
		default:
			p.next++
		}
	}
}

// beginsTop reports whether the next token begins a block of the file: the name of a kind at the start of a line,
// before a quote or brace. Nested blocks are indented, so that one of the same name as a kind is not meant.
func (p *outliner) beginsTop() bool {
	t, after := p.peek(), p.ahead(1)
	at := t.Range.Start.Byte
	return (at == 0 || p.tree.text.src[at-1] == '\n') && p.cat.Kind(string(t.Bytes)) != nil &&
		(after.Type == hclsyntax.TokenOQuote || after.Type == hclsyntax.TokenOBrace)
}

// item reads an argument, a block or the beginning of either: a word alone is kept as an attr without =.
func (p *outliner) item(b *block) {
	name := wordOf(p.peek())
	p.next++
	switch p.peek().Type {
	case hclsyntax.TokenEqual:
		end := p.peek().Range.End.Byte
		p.next++
		a := &attr{name: name, equals: true, block: b, start: end, end: end}
		p.value(a)
		b.attrs = append(b.attrs, a)
	case hclsyntax.TokenOQuote, hclsyntax.TokenIdent, hclsyntax.TokenOBrace:
		p.block(b, name)
	default:
		b.attrs = append(b.attrs, &attr{name: name, block: b, start: name.end, end: name.end})
	}
}

// block reads labels and body. Whatever else follows ends the block without a body: a header that is being typed.
func (p *outliner) block(parent *block, kind word) {
	b := &block{kind: kind, parent: parent, body: -1, end: kind.end}
	if parent.kind.text == "" {
		b.parent = nil
	}
	parent.blocks = append(parent.blocks, b)
	for {
		switch t := p.peek(); t.Type {
		case hclsyntax.TokenOQuote:
			b.labels = append(b.labels, p.label())
			b.end = p.tree.tokens[p.next-1].Range.End.Byte
		case hclsyntax.TokenIdent:
			b.labels = append(b.labels, wordOf(t))
			b.end = t.Range.End.Byte
			p.next++
		case hclsyntax.TokenOBrace:
			p.next++
			b.body = t.Range.End.Byte
			p.body(b)
			return
		default:
			return
		}
	}
}

// label reads a quoted label; one without an end goes to the end of the line or to the brace. The word is without
// quotes.
func (p *outliner) label() word {
	w := word{start: p.peek().Range.End.Byte, end: p.peek().Range.End.Byte}
	p.next++
	for {
		switch t := p.peek(); t.Type {
		case hclsyntax.TokenCQuote:
			p.next++
			return w
		case hclsyntax.TokenNewline, hclsyntax.TokenEOF, hclsyntax.TokenOBrace:
			return w
		default:
			w.text, w.end = w.text+string(t.Bytes), t.Range.End.Byte
			p.next++
		}
	}
}

// value reads an argument's value: to the end of the line, outside of brackets. A bracket that is never closed ends
// where something begins that it cannot hold.
func (p *outliner) value(a *attr) {
	var open []hclsyntax.TokenType
	for first := p.next; ; p.next++ {
		t := p.peek()
		if t.Type == hclsyntax.TokenEOF || p.endsValue(t, open) {
			// Blank lines and comments behind the value are no part of it.
			a.tokens, a.unclosed = p.tree.tokens[first:p.next], len(open) > 0
			for len(a.tokens) > 0 && blank(a.tokens[len(a.tokens)-1]) {
				a.tokens = a.tokens[:len(a.tokens)-1]
			}
			if n := len(a.tokens); n > 0 {
				a.start, a.end = a.tokens[0].Range.Start.Byte, a.tokens[n-1].Range.End.Byte
			}
			return
		}
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			open = append(open, t.Type)
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd:
			open = open[:max(0, len(open)-1)]
		}
	}
}

// blank reports whether a token means nothing to the outline. Within values line ends are such.
func blank(t hclsyntax.Token) bool {
	return t.Type == hclsyntax.TokenNewline || t.Type == hclsyntax.TokenComment
}

// endsValue reports whether a token ends an argument's value. In brackets that were not closed it is the next block, or a
// line that begins like an argument: one missing bracket must not swallow the file.
func (p *outliner) endsValue(t hclsyntax.Token, open []hclsyntax.TokenType) bool {
	if len(open) == 0 {
		return t.Type == hclsyntax.TokenCBrace || t.Type == hclsyntax.TokenNewline ||
			t.Type == hclsyntax.TokenComment && strings.HasSuffix(string(t.Bytes), "\n")
	}
	if t.Type == hclsyntax.TokenIdent && p.beginsTop() {
		return true
	}
	startsLine := p.next > 0 && blank(p.tree.tokens[p.next-1])
	if !startsLine || open[len(open)-1] == hclsyntax.TokenOBrace {
		return false
	}
	switch p.ahead(1).Type {
	case hclsyntax.TokenEqual, hclsyntax.TokenOQuote, hclsyntax.TokenOBrace:
		return t.Type == hclsyntax.TokenIdent
	}
	return t.Type == hclsyntax.TokenCBrace
}
