package lsp

import (
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/mlp-lang/mlp/lang/schema"
)

// use is a place where a file speaks of a block, a variable or a local: in HCL, in a rule, or as a metric's name.
type use struct {
	tree    *tree
	attr    *attr
	address string // as written, without a key: train.model also of train.model["eu"]
	kind    word   // of a metric in limits: empty
	name    word
	port    word // what is selected of the block; empty if nothing is
	key     word // in `{ p = source.x }`: p
	lang    language
}

// has reports whether an offset is in the reference, or at the end of one of its words.
func (u *use) has(offset int) bool {
	return u.name.has(offset) || u.kind.end > 0 && u.kind.start <= offset && offset <= u.name.end ||
		u.lang == plainText && u.port.end > 0 && u.port.has(offset)
}

// isRoot reports whether a path that begins with this word leads to a block, a variable or a local.
func isRoot(cat *schema.Catalog, name string) bool { return name == "local" || cat.Kind(name) != nil }

// uses finds all that a file speaks of, in the order of the text.
func (t *tree) uses(cat *schema.Catalog) []*use {
	var out []*use
	t.walk(func(b *block) {
		for _, a := range b.attrs {
			out = append(out, t.usesIn(a, cat)...)
		}
	})
	return out
}

// usesIn are the blocks that an argument refers to, in HCL and in the rule that it holds.
func (t *tree) usesIn(a *attr, cat *schema.Catalog) []*use {
	out := t.references(a, cat)
	if a.language() == celText {
		for _, e := range t.texts(a) {
			out = append(out, t.ruleUses(a, e, cat)...)
		}
	}
	return out
}

// references of an argument in HCL: kind.name and kind.name.port. Words behind those, and what stands in templates, are
// not looked at closer; whether the block exists is not asked.
func (t *tree) references(a *attr, cat *schema.Catalog) []*use {
	var out []*use
	ts := a.tokens
	is := func(i int, typ hclsyntax.TokenType) bool { return i >= 0 && i < len(ts) && ts[i].Type == typ }
	for i := range ts {
		if !is(i, hclsyntax.TokenIdent) || is(i-1, hclsyntax.TokenDot) || !is(i+1, hclsyntax.TokenDot) || !is(i+2, hclsyntax.TokenIdent) ||
			!isRoot(cat, string(ts[i].Bytes)) {
			continue
		}
		u := &use{tree: t, attr: a, kind: wordOf(ts[i]), name: wordOf(ts[i+2])}
		u.address = u.kind.text + "." + u.name.text
		if is(i+3, hclsyntax.TokenDot) && is(i+4, hclsyntax.TokenIdent) {
			u.port = wordOf(ts[i+4])
		}
		if is(i-1, hclsyntax.TokenEqual) && is(i-2, hclsyntax.TokenIdent) {
			u.key = wordOf(ts[i-2])
		}
		out = append(out, u)
	}
	return out
}

// ruleUses are those of a rule. Limits name metrics without their kind.
func (t *tree) ruleUses(a *attr, e *embedded, cat *schema.Catalog) []*use {
	var out []*use
	for _, c := range chains(e.lexemes) {
		u := &use{tree: t, attr: a, lang: celText}
		switch {
		case a.spec.Type == schema.Limits && len(c.steps) == 1:
			u.name = e.word(c.steps[0].at)
			u.address = "metric." + u.name.text
		case a.spec.Type == schema.CEL && len(c.steps) > 1 && !c.steps[1].index && isRoot(cat, c.steps[0].name):
			u.kind, u.name = e.word(c.steps[0].at), e.word(c.steps[1].at)
			u.address = u.kind.text + "." + u.name.text
			if len(c.steps) > 2 && !c.steps[2].index {
				u.port = e.word(c.steps[2].at)
			}
		default:
			continue
		}
		out = append(out, u)
	}
	return out
}

// definition is where a block, variable or local is declared.
type definition struct {
	tree  *tree
	block *block
	name  word
	local *attr // of a local
}

// definitions of a file by address, the first of each.
// Of a name that is declared twice in the file the first place is found.
func (t *tree) definitions() map[string]*definition {
	out := map[string]*definition{}
	add := func(address string, d *definition) {
		if out[address] == nil {
			out[address] = d
		}
	}
	for _, b := range t.blocks {
		if w, ok := b.label(); ok && b.kindSpec != nil {
			add(b.address(), &definition{tree: t, block: b, name: w})
		}
		if b.kind.text != "locals" {
			continue
		}
		for _, a := range b.attrs {
			if a.equals {
				add("local."+a.name.text, &definition{tree: t, block: b, name: a.name, local: a})
			}
		}
	}
	return out
}
