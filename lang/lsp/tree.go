package lsp

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// tree is a file's outline, made of its tokens alone. Unlike a parsed module it is whole where the text is not: a
// block that is being written, an argument without a value. Every place in the file is found in it.
type tree struct {
	name   string
	text   *text
	file   *syntax.File
	tokens []hclsyntax.Token
	blocks []*block
}

// word is a piece of the text.
type word struct {
	text       string
	start, end int
}

func (w word) has(offset int) bool { return w.start <= offset && offset <= w.end }

// block is one that is written, however much of it.
type block struct {
	kind   word
	labels []word // without their quotes
	body   int    // offset behind the opening brace; -1 without one
	end    int    // behind the closing brace, or where the text goes on with something else
	ended  bool   // with its closing brace
	parent *block
	attrs  []*attr
	blocks []*block

	kindSpec *schema.Kind
	typeSpec *schema.Type
	spec     *schema.Block // of a nested block
	takes    *schema.Body  // nil where the type is not known
}

// attr is an argument. Without = it is a word that may become an argument or a block.
type attr struct {
	name       word
	equals     bool
	start, end int  // of the value; the same where there is none
	unclosed   bool // has a bracket that is never closed
	tokens     []hclsyntax.Token
	block      *block
	spec       *schema.Attr
}

func newTree(name string, t *text, cat *schema.Catalog) *tree {
	out := &tree{name: name, text: t, file: syntax.NewFile(name, []byte(t.src))}
	out.tokens = lex(out.file)
	p := &outliner{tree: out, cat: cat}
	out.blocks = p.body(nil).blocks
	b := &binder{cat: cat, bodies: map[*schema.Type]*schema.Body{}}
	for _, top := range out.blocks {
		b.top(top)
	}
	return out
}

// maxUnclosed is how many strings without an end are mended in one file.
const maxUnclosed = 50

// lex returns the file's tokens. A quoted string that does not end on its line ends there.
func lex(f *syntax.File) []hclsyntax.Token {
	var out []hclsyntax.Token
	from := 0
	for range maxUnclosed {
		tokens, _ := hclsyntax.LexConfig(f.Bytes[from:], f.Name, hcl.Pos{Line: 1, Column: 1, Byte: from})
		cut := -1
		for i, t := range tokens {
			if t.Type == hclsyntax.TokenQuotedNewline {
				cut = i
				break
			}
		}
		if cut < 0 {
			return append(out, tokens...)
		}
		newline := tokens[cut]
		from = newline.Range.End.Byte
		newline.Type = hclsyntax.TokenNewline
		out = append(append(out, tokens[:cut]...), newline)
	}
	tokens, _ := hclsyntax.LexConfig(f.Bytes[from:], f.Name, hcl.Pos{Line: 1, Column: 1, Byte: from})
	return append(out, tokens...)
}

// outliner reads tokens into blocks.
type outliner struct {
	tree *tree
	cat  *schema.Catalog
	next int
}

func (p *outliner) peek() hclsyntax.Token { return p.ahead(0) }

func (p *outliner) ahead(n int) hclsyntax.Token {
	if i := p.next + n; i < len(p.tree.tokens) {
		return p.tree.tokens[i]
	}
	return p.tree.tokens[len(p.tree.tokens)-1] // the end of the file
}

func wordOf(t hclsyntax.Token) word {
	return word{text: string(t.Bytes), start: t.Range.Start.Byte, end: t.Range.End.Byte}
}

// body reads what stands in b, or in the file, up to the closing brace.
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

// beginsTop tells whether the next token begins a block of the file: the name of a kind at the start of a line, before
// a quote or brace.
func (p *outliner) beginsTop() bool {
	t, after := p.peek(), p.ahead(1)
	at := t.Range.Start.Byte
	return (at == 0 || p.tree.text.src[at-1] == '\n') && p.cat.Kind(string(t.Bytes)) != nil &&
		(after.Type == hclsyntax.TokenOQuote || after.Type == hclsyntax.TokenOBrace)
}

// item reads an argument, a block or the beginning of either.
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

// label reads a quoted label.
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

func blank(t hclsyntax.Token) bool {
	return t.Type == hclsyntax.TokenNewline || t.Type == hclsyntax.TokenComment
}

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

// binder gives what is written its meaning in the catalog.
type binder struct {
	cat    *schema.Catalog
	bodies map[*schema.Type]*schema.Body
}

func (b *binder) top(n *block) {
	if n.kindSpec = b.cat.Kind(n.kind.text); n.kindSpec == nil {
		return
	}
	typ := n.kindSpec.DefaultType
	if len(n.labels) > 1 || len(n.labels) == 1 && typ == "" && n.kindSpec.Type("") == nil {
		typ = n.labels[0].text
	}
	if n.typeSpec = n.kindSpec.Type(typ); n.typeSpec == nil {
		return
	}
	if b.bodies[n.typeSpec] == nil {
		b.bodies[n.typeSpec] = syntax.BodyOf(n.typeSpec)
	}
	b.body(n, b.bodies[n.typeSpec])
}

func (b *binder) body(n *block, body *schema.Body) {
	n.takes = body
	for _, a := range n.attrs {
		a.spec = body.Attr(a.name.text)
	}
	for _, c := range n.blocks {
		if c.spec = body.Block(c.kind.text); c.spec != nil {
			b.body(c, &c.spec.Body)
		}
	}
}

// top is the block of the file that b stands in.
func (b *block) top() *block {
	for b.parent != nil {
		b = b.parent
	}
	return b
}

// label is that which is the name; false if there is none.
func (b *block) label() (word, bool) {
	if len(b.labels) == 0 || b.kindSpec != nil && b.kindSpec.Unlabelled {
		return word{}, false
	}
	return b.labels[len(b.labels)-1], true
}

// address of a block of the file, "" if it has none.
func (b *block) address() string {
	if w, ok := b.label(); ok && b.parent == nil {
		return b.kind.text + "." + w.text
	}
	return ""
}

func (b *block) attr(name string) *attr {
	for _, a := range b.attrs {
		if a.name.text == name && a.equals {
			return a
		}
	}
	return nil
}

// walk calls f with every block, parents first.
func (t *tree) walk(f func(*block)) {
	var visit func([]*block)
	visit = func(bs []*block) {
		for _, b := range bs {
			f(b)
			visit(b.blocks)
		}
	}
	visit(t.blocks)
}
