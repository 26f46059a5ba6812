package lsp

import (
	"path/filepath"
	"strings"

	"github.com/mlp-lang/mlp/lang/format"
)

// documentSymbols are the blocks of a file with those nested in them, and the locals, in the order of the text. A block
// that is half written is among them, as far as it goes.
func (r *request) documentSymbols() []documentSymbol {
	out := []documentSymbol{}
	for _, b := range r.doc.tree().blocks {
		out = append(out, symbolOf(r.doc.tree(), b))
	}
	return out
}

// symbolOf is a block in an outline: by its address, nested blocks by kind and label below it.
func symbolOf(t *tree, b *block) documentSymbol {
	s := documentSymbol{
		Name: b.kind.text, Kind: classSymbol, Range: t.text.span(b.kind.start, b.end), SelectionRange: t.text.span(b.kind.start, b.kind.end),
	}
	if w, ok := b.label(); ok {
		s.Name, s.SelectionRange = b.kind.text+"."+w.text, t.text.span(w.start, w.end)
		if b.parent != nil {
			s.Name = b.kind.text + " " + w.text
		}
		if len(b.labels) > 1 {
			s.Detail = b.labels[0].text
		}
	}
	if b.parent != nil {
		s.Kind = propertySymbol
	}
	if b.kind.text == "locals" {
		for _, a := range b.attrs {
			s.Children = append(s.Children, documentSymbol{
				Name: "local." + a.name.text, Kind: variableSymbol, Range: t.text.span(a.name.start, max(a.end, a.name.end)),
				SelectionRange: t.text.span(a.name.start, a.name.end),
			})
		}
	}
	for _, n := range b.blocks {
		s.Children = append(s.Children, symbolOf(t, n))
	}
	return s
}

// workspaceSymbols are the blocks of all modules that are open or are a folder of the workspace, whose address has the
// letters of the query in their order.
func (r *request) workspaceSymbols() []workspaceSymbol {
	for _, dir := range r.s.folders {
		r.s.module(dir)
	}
	out := []workspaceSymbol{}
	for _, dir := range sortedKeys(r.s.modules) {
		m := r.s.modules[dir]
		defs := m.definitions()
		for _, address := range sortedKeys(defs) {
			d := defs[address]
			if !matches(address, r.query) {
				continue
			}
			kind := classSymbol
			if d.local != nil || d.block.kind.text == "variable" {
				kind = variableSymbol
			}
			out = append(out, workspaceSymbol{Name: address, Kind: kind, ContainerName: filepath.Base(dir),
				Location: location{URI: m.uri(d.tree.name), Range: d.tree.text.span(d.name.start, d.name.end)}})
		}
	}
	return out
}

// matches reports whether a name has the letters of a query, in their order: "tmo" finds train.model. The name is in
// small letters. The empty query finds all.
func matches(name, query string) bool {
	for _, r := range strings.ToLower(query) {
		i := strings.IndexRune(name, r)
		if i < 0 {
			return false
		}
		name = name[i+1:]
	}
	return true
}

// formatting gives the file its one layout: one edit from the first line that changes to the last, so that the cursor
// and marks elsewhere stay. Blocks with syntax errors are left as they are.
func (r *request) formatting() []textEdit {
	t := r.doc.tree()
	laid, _ := format.Format([]byte(t.text.src), t.name)
	if string(laid) == t.text.src {
		return []textEdit{}
	}
	before, after := strings.SplitAfter(t.text.src, "\n"), strings.SplitAfter(string(laid), "\n")
	start := 0
	for len(before) > 0 && len(after) > 0 && before[0] == after[0] {
		start += len(before[0])
		before, after = before[1:], after[1:]
	}
	end := len(t.text.src)
	for len(before) > 0 && len(after) > 0 && before[len(before)-1] == after[len(after)-1] {
		end -= len(before[len(before)-1])
		before, after = before[:len(before)-1], after[:len(after)-1]
	}
	return []textEdit{{Range: t.text.span(start, end), NewText: strings.Join(after, "")}}
}
