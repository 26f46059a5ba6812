package lsp

import (
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// tree is a file's outline, made of its tokens alone. Unlike a parsed module it is whole where the text is not: a block
// that is being written, an argument without a value. Every place in the file is found in it. A tree is never changed
// once made.
type tree struct {
	name   string
	text   *text
	file   *syntax.File
	tokens []hclsyntax.Token // comments included
	blocks []*block
}

// word is a piece of the text. The zero word, with end 0, stands for none.
type word struct {
	text       string
	start, end int
}

// has reports whether an offset is in the word, or at its end, where the cursor stands that has just typed it.
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

// newTree reads a text as far as it can be read: blocks, arguments and labels by their tokens, each with its schema. A tree
// is never changed.
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

// lex returns the file's tokens. A quoted string that does not end on its line ends there: HCL's lexer takes the rest
// of the file for part of it. It is called anew behind each such line, which costs the length of the rest; after
// maxUnclosed lines the file is taken as the lexer has it.
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

// top is the block of the file that b stands in.
func (b *block) top() *block {
	for b.parent != nil {
		b = b.parent
	}
	return b
}

// label is the label that is the block's name, which is the last one; false if it has none.
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

// attr is the argument of that name with a value or at least its =; nil if there is none. Of several the first.
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
