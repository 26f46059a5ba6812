package lsp

import (
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/schema"
)

// The legend of semantic tokens, of the protocol's own names.
var (
	tokenTypes     = []string{"keyword", "type", "class", "property", "variable", "namespace", "function", "string", "number", "comment", "enumMember"}
	tokenModifiers = []string{"declaration"}
)

// declaration is the modifier of the name that a header declares; other places of the name have none.
const declaration = 1 // the first modifier's bit

// token is a word with its meaning, one of tokenTypes.
type token struct {
	at        word
	kind      string
	modifiers uint32 // bits, by their places in tokenModifiers
}

// semanticTokens tells what each word of a file means, the words of SQL and rules included. Editors colour the rest by
// their grammar.
func (r *request) semanticTokens() semanticTokens {
	t := r.doc.tree()
	var out []token
	t.walk(func(b *block) {
		out = append(out, headerTokens(b)...)
		for _, a := range b.attrs {
			kind := "property"
			if b.kind.text == "locals" {
				kind = "variable"
			}
			out = append(out, token{at: a.name, kind: kind})
			for _, u := range t.references(a, r.module.cat) {
				out = append(out, token{at: u.kind, kind: "namespace"}, token{at: u.name, kind: "variable"})
				if u.port.end > 0 {
					out = append(out, token{at: u.port, kind: "property"})
				}
			}
			if a.language() != plainText {
				for _, e := range t.texts(a) {
					out = append(out, r.embeddedTokens(a, e)...)
				}
			}
		}
	})
	return encode(t.text, out)
}

// headerTokens colour a header: the kind, the type, and the name that it declares.
func headerTokens(b *block) []token {
	out := []token{{at: b.kind, kind: "keyword"}}
	for i, l := range b.labels {
		switch name, _ := b.label(); {
		case b.parent != nil:
			out = append(out, token{at: l, kind: "enumMember", modifiers: declaration})
		case l == name:
			out = append(out, token{at: l, kind: "variable", modifiers: declaration})
		case i == 0:
			out = append(out, token{at: l, kind: "type"})
		}
	}
	return out
}

// embeddedTokens are the words of SQL or a rule.
func (r *request) embeddedTokens(a *attr, e *embedded) []token {
	var tables map[string]string
	if e.lang == sqlText {
		tables = aliases(e.lexemes, r.module.tables(a))
	}
	var out []token
	for i, l := range e.lexemes {
		kind := ""
		switch l.kind {
		case number:
			kind = "number"
		case quoted:
			kind = "string"
		case comment:
			kind = "comment"
		case identifier, quotedIdentifier:
			kind = wordKind(a, e, i, tables)
		default:
			continue
		}
		out = append(out, token{at: e.word(l), kind: kind})
	}
	return out
}

// wordKind is the kind of a word in a query or rule, told by what stands around it: before a bracket a function, behind a dot a property, in SQL
// the name or alias of a table a class.
func wordKind(a *attr, e *embedded, i int, tables map[string]string) string {
	l := e.lexemes[i]
	called := i+1 < len(e.lexemes) && e.lexemes[i+1].text == "("
	selected := i > 0 && e.lexemes[i-1].text == "."
	if e.lang == sqlText {
		switch {
		case l.kind == identifier && sqlWord(l.text):
			return "keyword"
		case called:
			return "function"
		case tables[strings.ToLower(l.text)] != "" && !selected && a.spec.Type == schema.SQL:
			return "class"
		}
		return "property"
	}
	switch {
	case called:
		return "function"
	case l.text == "true" || l.text == "false" || l.text == "in" || l.text == "null":
		return "keyword"
	case selected:
		return "property"
	case i+1 < len(e.lexemes) && e.lexemes[i+1].text == ".":
		return "namespace"
	}
	return "variable"
}

// encode writes tokens as the protocol wants: five numbers each, line and column relative to the token before, length,
// type, modifiers; none over several lines. Tokens that overlap an earlier one are left out.
func encode(t *text, tokens []token) semanticTokens {
	out := semanticTokens{Data: []uint32{}}
	slices.SortStableFunc(tokens, func(a, b token) int { return a.at.start - b.at.start })
	last, end := position{}, 0
	for _, tok := range tokens {
		if tok.at.start < end {
			continue
		}
		end = tok.at.end
		for from := tok.at.start; from < tok.at.end; {
			line := strings.TrimRight(t.src[from:lineEnd(t, from, tok.at.end)], "\r\n")
			start, stop := t.position(from), t.position(from+len(line))
			delta := start.Character
			if start.Line == last.Line {
				delta -= last.Character
			}
			if line != "" {
				out.Data = append(out.Data, uint32(start.Line-last.Line), uint32(delta), uint32(stop.Character-start.Character),
					uint32(slices.Index(tokenTypes, tok.kind)), tok.modifiers)
				last = start
			}
			from = lineEnd(t, from, tok.at.end)
		}
	}
	return out
}

// lineEnd is where the line that offset is in ends, at most.
func lineEnd(t *text, offset, most int) int {
	if line := t.position(offset).Line; line+1 < len(t.starts) {
		return min(t.starts[line+1], most)
	}
	return most
}
