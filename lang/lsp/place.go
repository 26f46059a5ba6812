package lsp

import (
	"sort"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// where tells what stands at a place of a file.
type where int

const (
	nowhere  where = iota // a comment, or between tokens where nothing of interest can stand
	atKind                // the first word of a block of the file, or where one may begin
	atLabel               // a label of a block
	atItem                // the name of an argument or nested block, or where one may begin
	atValue               // in a value, outside of strings
	atString              // in a string of a value
)

// place is what stands at an offset of a file. Everything that answers for a position starts here. Which fields are set
// depends on what: attr from atItem on where it is known, string only in a string.
type place struct {
	tree   *tree
	offset int
	what   where
	block  *block    // the innermost; nil at the top of the file
	attr   *attr     // of a value, or the one whose name it is
	label  int       // which of the block's labels
	word   word      // the word around the offset
	string *embedded // nil outside of strings
}

// embedded is a string in a value, with the language that is written in it: SQL, CEL or plain text.
type embedded struct {
	lang       language
	text       source.Text
	start, end int // between the quotes, in the file
	offset     int // of the place, in the text's value
	lexemes    []lexeme
}

// at finds what stands at an offset, which is in bytes and may be at the end of the text. A word that the cursor stands
// behind counts as the one that it is in: `tra|` is atKind with the word tra. It never returns nil.
func (t *tree) at(offset int) *place {
	p := &place{tree: t, offset: offset}
	if t.inComment(offset) {
		return p
	}
	b := innermost(t.blocks, offset)
	if b == nil {
		p.what, p.word = atKind, t.wordAt(offset, wordRune)
		return p
	}
	p.block = b
	if b.body < 0 || offset < b.body {
		p.header()
		return p
	}
	// A place behind the = is in the value, even if nothing stands there yet.
	for _, a := range b.attrs {
		switch {
		case a.name.has(offset):
			p.what, p.attr, p.word = atItem, a, a.name
			return p
		case a.equals && offset > a.name.end && a.holds(t, offset):
			p.attr = a
			p.value()
			return p
		}
	}
	p.what, p.word = atItem, t.wordAt(offset, wordRune)
	return p
}

// holds reports whether offset is in the value, or where it will be: behind `data = ` on the same line, and in a
// bracket that is open also on the lines below.
func (a *attr) holds(t *tree, offset int) bool {
	if offset <= a.end {
		return offset >= a.start
	}
	behind := t.text.src[a.end:offset]
	switch {
	case a.unclosed:
		return strings.TrimSpace(behind) == ""
	case a.end == a.start:
		return strings.Trim(behind, " \t") == ""
	}
	return false
}

// inComment reports whether an offset is in a comment. One to the end of its line includes the line feed, which is outside.
func (t *tree) inComment(offset int) bool {
	i := sort.Search(len(t.tokens), func(i int) bool { return t.tokens[i].Range.End.Byte >= offset })
	for ; i < len(t.tokens) && t.tokens[i].Range.Start.Byte < offset; i++ {
		if tok := t.tokens[i]; tok.Type == hclsyntax.TokenComment {
			return offset < tok.Range.End.Byte || !strings.HasSuffix(string(tok.Bytes), "\n")
		}
	}
	return false
}

// innermost is the block that offset is in, its header included; nil between blocks of the file. Behind a closing brace
// the block is left; behind the text of a block that has none it goes on.
func innermost(blocks []*block, offset int) *block {
	for _, b := range blocks {
		if offset < b.kind.start || offset > b.end || offset == b.end && b.ended {
			continue
		}
		if n := innermost(b.blocks, offset); n != nil {
			return n
		}
		return b
	}
	return nil
}

// header is a place in a block's first line: its kind, or a label.
func (p *place) header() {
	b := p.block
	if b.kind.has(p.offset) {
		p.what, p.word = atItem, b.kind
		if p.block = b.parent; b.parent == nil {
			p.what = atKind
		}
		return
	}
	for i, l := range b.labels {
		if l.has(p.offset) {
			p.what, p.label, p.word = atLabel, i, l
		}
	}
}

// value is a place in an argument: a path, or a string, which may be a query or a rule with words of its own.
func (p *place) value() {
	p.what, p.word = atValue, p.tree.wordAt(p.offset, pathRune)
	if p.string = p.tree.stringAt(p.attr, p.offset); p.string == nil {
		return
	}
	p.what = atString
	s := p.string
	p.word = word{text: p.tree.text.src[s.start:s.end], start: s.start, end: s.end}
	if s.lang != plainText {
		p.word = word{start: p.offset, end: p.offset}
		if i := lexemeAt(s.lexemes, s.offset); i >= 0 {
			p.word = s.word(s.lexemes[i])
		}
	}
}

// pathRune reports whether a character may stand in an address: train.model is one word for completion there.
func pathRune(r rune) bool { return r == '.' || wordRune(r) }

// wordAt is the word of such characters around offset; empty, at the offset, where there is none.
func (t *tree) wordAt(offset int, in func(rune) bool) word {
	src := t.text.src
	start := strings.LastIndexFunc(src[:offset], func(r rune) bool { return !in(r) })
	if start >= 0 {
		for start++; start < offset && src[start]&0xc0 == 0x80; start++ {
		}
	}
	start = max(start, 0)
	end := offset + run(src[offset:], in)
	return word{text: src[start:end], start: start, end: end}
}

// stringAt is the string of an argument that offset is in, nil if it is in none. Of "a${"b"}c" it is the outer one. A
// string without an end goes to the end of the value.
func (t *tree) stringAt(a *attr, offset int) *embedded {
	start, depth := -1, 0
	for _, tok := range a.tokens {
		switch tok.Type {
		case hclsyntax.TokenOQuote, hclsyntax.TokenOHeredoc:
			if depth == 0 {
				start = tok.Range.Start.Byte
			}
			depth++
		case hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			if depth--; depth == 0 {
				end, inner := tok.Range.End.Byte, tok.Range.Start.Byte
				if offset > start && offset <= inner {
					return t.embed(a, start, end, inner, offset)
				}
			}
		}
	}
	if depth > 0 && offset > start {
		return t.embed(a, start, a.end, a.end, offset)
	}
	return nil
}

// embed is a string with the offset in its text: escapes and the indentation of heredocs are no part of the text, so that
// positions differ.
func (t *tree) embed(a *attr, start, end, inner, offset int) *embedded {
	r := source.Range{File: t.name, Start: t.file.Pos(start), End: t.file.Pos(end)}
	e := &embedded{text: expr.TextAt(t.file, r), start: start + 1, end: inner, lang: a.language()}
	e.offset = sort.Search(len(e.text.Value), func(i int) bool { return e.text.At(i).Byte >= offset })
	if e.lang != plainText {
		e.lexemes = lexemes(e.text.Value, e.lang)
	}
	return e
}

// language of an argument's strings: what the schema says, plain text where there is no schema.
func (a *attr) language() language {
	if a.spec == nil {
		return plainText
	}
	switch a.spec.Type {
	case schema.SQL, schema.SQLExpr:
		return sqlText
	case schema.CEL, schema.Limits:
		return celText
	}
	return plainText
}

// texts are all strings of an argument.
func (t *tree) texts(a *attr) []*embedded {
	var out []*embedded
	for _, tok := range a.tokens {
		if tok.Type == hclsyntax.TokenOQuote || tok.Type == hclsyntax.TokenOHeredoc {
			if e := t.stringAt(a, tok.Range.End.Byte); e != nil && (len(out) == 0 || e.start > out[len(out)-1].end) {
				out = append(out, e)
			}
		}
	}
	return out
}

// word is a lexeme's place in the file.
func (e *embedded) word(l lexeme) word {
	start := e.text.At(l.start).Byte
	return word{text: l.text, start: start, end: e.endOf(l.start, l.end)}
}

// endOf is where the run from start to end of the value ends in the file: at the end of its last byte, which may stand
// in a line before what follows.
func (e *embedded) endOf(start, end int) int {
	if end <= start {
		return e.text.At(start).Byte
	}
	return e.text.At(end-1).Byte + 1
}
