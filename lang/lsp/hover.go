package lsp

import (
	"strings"

	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
)

// hover tells what stands at the position, nil if there is nothing to tell. The range is the word that is told of,
// which editors mark.
func (r *request) hover() *hover {
	p := r.place()
	text, at := "", p.word
	switch p.what {
	case atKind:
		if k := r.module.cat.Kind(p.word.text); k != nil {
			text = "**" + k.Name + "**: " + k.Summary + "\n\n" + k.Doc
		}
	case atLabel:
		text = r.labelDoc(p)
	case atItem:
		text = itemDoc(p)
	case atValue:
		text, at = r.useDoc(p)
	case atString:
		text = r.stringDoc(p)
	}
	if text == "" {
		return nil
	}
	return &hover{Contents: *markdown(text), Range: p.tree.text.span(at.start, at.end)}
}

// labelDoc tells of a block's type, the first of two labels, or of the block, the last.
func (r *request) labelDoc(p *place) string {
	b := p.block
	if w, ok := b.label(); ok && w == p.word && b.parent == nil {
		return r.module.blockDoc(b.address(), "", &definition{tree: p.tree, block: b, name: w})
	}
	if b.typeSpec != nil && p.label == 0 && b.parent == nil {
		return "**" + b.kind.text + " " + b.typeSpec.Name + "**: " + b.typeSpec.Summary + "\n\n" + b.typeSpec.Doc
	}
	return ""
}

// itemDoc tells of an argument or nested block, by the schema of the block that it stands in.
func itemDoc(p *place) string {
	if p.block.takes == nil {
		return ""
	}
	if a := p.block.takes.Attr(p.word.text); a != nil {
		return attrDoc(a)
	}
	if b := p.block.takes.Block(p.word.text); b != nil {
		return "**" + b.Name + "**: " + blockDetail(b) + "\n\n" + b.Doc
	}
	return ""
}

// useDoc tells of the block that the position refers to, and the whole reference as what is told of.
func (r *request) useDoc(p *place) (string, word) {
	u := r.useAt(p)
	if u == nil {
		return "", word{}
	}
	at := word{start: u.kind.start, end: u.name.end}
	d := r.module.definitions()[u.address]
	if d == nil {
		return "", word{}
	}
	if u.port.end > 0 {
		at.end = u.port.end
	}
	return r.module.blockDoc(u.address, u.port.text, d), at
}

// useAt is what the position refers to, nil if it refers to nothing.
func (r *request) useAt(p *place) *use {
	if p.attr == nil {
		return nil
	}
	for _, u := range p.tree.usesIn(p.attr, r.module.cat) {
		if u.has(p.offset) {
			return u
		}
	}
	return nil
}

// stringDoc tells of a word in a string: a column, a table, a figure.
func (r *request) stringDoc(p *place) string {
	spec := p.attr.spec
	switch {
	case spec == nil:
		return ""
	case spec.ColumnOf != "":
		return columnDoc(r.module.inputs(p.block, spec.ColumnOf), p.word.text)
	case p.string.lang == sqlText:
		return r.sqlDoc(p)
	case spec.Type == schema.CEL:
		return r.figureDoc(p)
	case spec.Type == schema.Limits:
		if u := r.useAt(p); u != nil {
			if d := r.module.definitions()[u.address]; d != nil {
				return r.module.blockDoc(u.address, "", d)
			}
		}
	}
	return ""
}

// columnDoc tells of a column, in each of the tables that have one of that name.
func columnDoc(tables map[string]*schema.Table, name string) string {
	var lines []string
	for _, table := range sortedKeys(tables) {
		if c := tables[table].Column(name); c != nil {
			lines = append(lines, "`"+table+"."+c.Name+"`: "+columnDetail(c))
		}
	}
	return strings.Join(lines, "\n\n")
}

// sqlDoc tells of a column or table in a query. Of `select p.amount from payments p` it tells at amount of the column of payments, at p of the
// table, and at select nothing.
func (r *request) sqlDoc(p *place) string {
	i := lexemeAt(p.string.lexemes, p.string.offset)
	if i < 0 {
		return ""
	}
	l := p.string.lexemes[i]
	tables := r.module.tables(p.attr)
	named := aliases(p.string.lexemes, tables)
	// Behind a dot the word is a column of that table; behind FROM or JOIN, or before a dot, it is a table; else it may be either.
	if name, ok := qualifier(p.string.lexemes, l.start); ok {
		if t := tables[named[strings.ToLower(name)]]; t != nil {
			return columnDoc(map[string]*schema.Table{named[strings.ToLower(name)]: t}, l.text)
		}
	}
	if table := named[strings.ToLower(l.text)]; table != "" && p.attr.spec.Type == schema.SQL {
		dotted := i+1 < len(p.string.lexemes) && p.string.lexemes[i+1].text == "."
		if doc := columnDoc(tables, l.text); doc == "" || dotted || i > 0 && beforeTable(p.string.lexemes[i-1]) {
			return "**" + table + "**\n\n" + tableDoc(tables[table])
		}
	}
	return columnDoc(tables, l.text)
}

// figureDoc tells of the part of a path in a rule that ends at the position's word.
// On auc of evaluate.e.metrics.auc the whole path is told of, on metrics all metrics. A function's name counts for one
// only before a bracket: a metric may be called max.
func (r *request) figureDoc(p *place) string {
	env := r.module.env(p.block)
	i := lexemeAt(p.string.lexemes, p.string.offset)
	if env == nil || i < 0 {
		return ""
	}
	l := p.string.lexemes[i]
	for _, f := range rule.Functions() {
		if f.Name == l.text && i+1 < len(p.string.lexemes) && p.string.lexemes[i+1].text == "(" {
			return ruleFunctionDoc(f)
		}
	}
	for _, ch := range chains(p.string.lexemes) {
		for n, s := range ch.steps {
			if s.index || s.at.start != l.start {
				continue
			}
			path := p.string.text.Value[ch.steps[0].at.start:l.end]
			if t := figureAt(env, p.string.lexemes, ch, n+1); t != nil {
				doc := figureDoc(path, t)
				if v := r.module.value(path); v != "" {
					doc += "\n\n= `" + v + "`"
				}
				return doc
			}
		}
	}
	return ""
}
