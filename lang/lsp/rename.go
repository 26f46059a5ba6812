package lsp

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/sourcegraph/jsonrpc2"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// requestFailed is the protocol's code for a request that is well-formed and cannot be done.
const requestFailed = -32803

// refuse is the error of a request that cannot be done. The editor shows the text to the user, so it is a sentence.
func refuse(format string, args ...any) error {
	return &jsonrpc2.Error{Code: requestFailed, Message: fmt.Sprintf(format, args...)}
}

// prepareRename reports whether the position is about a name that can be changed, and which.
func (r *request) prepareRename() (any, error) {
	address, w := r.target(r.place())
	if d := r.module.definitions()[address]; d == nil || w.end == 0 {
		return nil, refuse("There is no name of a block, variable or local here.")
	}
	return renamePlace{Range: r.doc.tree().text.span(w.start, w.end), Placeholder: w.text}, nil
}

// edit is a change of one file, in offsets.
type edit struct {
	tree       *tree
	start, end int
	text       string
}

// rename changes a name wherever it is used, in all files of the module. It is refused where the module would be broken
// by it. State on disk is not looked at: the author says with a moved block that a stage keeps its results.
func (r *request) rename() (any, error) {
	address, w := r.target(r.place())
	defs := r.module.definitions()
	d := defs[address]
	if d == nil || w.end == 0 {
		return nil, refuse("There is no name of a block, variable or local here.")
	}
	name := r.params.NewName
	kind, old, _ := strings.Cut(address, ".")
	switch {
	case name == old:
		return workspaceEdit{Changes: map[string][]textEdit{}}, nil
	case !r.validName(kind, name):
		return nil, refuse("%q is no valid name: a name begins with a small letter, goes on with small letters, digits and underscores, "+
			"and is no reserved word of SQL or CEL.", name)
	case defs[kind+"."+name] != nil:
		return nil, refuse("There is a %s already.", kind+"."+name)
	}
	// The edited text is compiled before it is offered (breaks): a rename that makes new errors is refused.
	edits := r.renameEdits(address, name, d)
	if why := r.breaks(edits); why != "" {
		return nil, refuse("Renaming %s to %s would break the module: %s", address, name, why)
	}
	out := workspaceEdit{Changes: map[string][]textEdit{}}
	for _, e := range edits {
		uri := r.module.uri(e.tree.name)
		out.Changes[uri] = append(out.Changes[uri], textEdit{Range: e.tree.text.span(e.start, e.end), NewText: e.text})
	}
	return out, nil
}

// validName reports whether a block of that kind, a variable or local, can have a name, by the rules of the parser.
func (r *request) validName(kind, name string) bool {
	if k := r.module.cat.Kind(kind); k != nil {
		return syntax.ValidBlockName(k, name)
	}
	return syntax.ValidName(name)
}

// renameEdits are the edits for a new name, by file and place. Where a query names the table by the block's name, the
// reference gets that name as a key, so that the query stays as it is.
func (r *request) renameEdits(address, name string, d *definition) []edit {
	edits := []edit{{tree: d.tree, start: d.name.start, end: d.name.end, text: name}}
	named := map[*attr]bool{}
	for _, m := range r.module.mentions(address, d) {
		if m.use != nil && m.use.namesTable(d.name.text) && !named[m.use.attr] {
			named[m.use.attr] = true
			edits = append(edits, nameElements(m.tree, m.use.attr, r.module.cat)...)
		}
		edits = append(edits, edit{tree: m.tree, start: m.name.start, end: m.name.end, text: name})
	}
	slices.SortStableFunc(edits, func(a, b edit) int {
		if c := strings.Compare(a.tree.name, b.tree.name); c != 0 {
			return c
		}
		return a.start - b.start
	})
	return edits
}

// namesTable reports whether queries of the block call the table by the block's name, without an alias that the
// reference gives. A name in a comment or string does not count.
func (u *use) namesTable(name string) bool {
	if u.lang != plainText || u.attr.spec == nil || u.attr.spec.Type != schema.RefMap || u.key.end > 0 {
		return false
	}
	found := false
	var visit func(b *block)
	visit = func(b *block) {
		for _, a := range b.attrs {
			if a.language() != sqlText {
				continue
			}
			for _, e := range u.tree.texts(a) {
				found = found || slices.ContainsFunc(e.lexemes, func(l lexeme) bool {
					return (l.kind == identifier || l.kind == quotedIdentifier) && strings.EqualFold(l.text, name)
				})
			}
		}
		for _, n := range b.blocks {
			visit(n)
		}
	}
	visit(u.attr.block.top())
	return found
}

// nameElements turns a list of tables into one with names, so that queries go on calling them as they did: [source.a]
// becomes { a = source.a }.
func nameElements(t *tree, a *attr, cat *schema.Catalog) []edit {
	n := len(a.tokens)
	if n < 2 || a.tokens[0].Type != hclsyntax.TokenOBrack || a.tokens[n-1].Type != hclsyntax.TokenCBrack {
		return nil
	}
	space := func(side int) string {
		if c := t.text.src[side]; c == ' ' || c == '\n' || c == '\r' {
			return ""
		}
		return " "
	}
	edits := []edit{{tree: t, start: a.start, end: a.start + 1, text: "{" + space(a.start+1)}}
	for _, u := range t.references(a, cat) {
		edits = append(edits, edit{tree: t, start: u.kind.start, end: u.kind.start, text: u.name.text + " = "})
	}
	return append(edits, edit{tree: t, start: a.end - 1, end: a.end, text: space(a.end-2) + "}"})
}

// breaks compiles the module with the edits and tells of a mistake that was not there before, "" if there is none.
// Mistakes are compared by code and file and their number, since places and names in texts change with the edit. Both
// locks are held.
func (r *request) breaks(edits []edit) string {
	before := files(r.module.texts())
	after := maps.Clone(before)
	for i := len(edits) - 1; i >= 0; i-- { // from the end, so that offsets stay good
		e := edits[i]
		src := after[e.tree.name]
		after[e.tree.name] = slices.Concat(src[:e.start:e.start], []byte(e.text), src[e.end:])
	}
	was := map[string]int{}
	count := func(d source.Diagnostic) string { return d.Code + " " + d.Subject.File }
	for _, d := range r.s.opts.Compiler.Analyse(r.s.ctx, r.module.dir, before).Diagnostics {
		if d.Severity == source.Error {
			was[count(d)]++
		}
	}
	for _, d := range r.s.opts.Compiler.Analyse(r.s.ctx, r.module.dir, after).Diagnostics {
		if d.Severity != source.Error {
			continue
		}
		if was[count(d)]--; was[count(d)] < 0 {
			return fmt.Sprintf("%s:%d: %s", d.Subject.File, d.Subject.Start.Line, d.Summary)
		}
	}
	return ""
}
