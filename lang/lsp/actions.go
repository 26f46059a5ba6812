package lsp

import (
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/source"
)

// codeActions are the cures that messages name, as edits: the name that was meant for one that there is not, a line for an
// argument that is missing, and the layout of `mlp fmt`. Each is offered only where the text still is what the message
// speaks of.
func (r *request) codeActions() []codeAction {
	out := []codeAction{}
	t := r.doc.tree()
	if r.module.analysis != nil {
		for _, d := range r.module.analysis.Diagnostics {
			at := t.text.rangeSpan(d.Subject)
			if d.Subject.File != r.doc.name || !at.touches(r.params.Range) {
				continue
			}
			// Each cure looks at the text of now and not at that of the diagnostic, which may be older by some letters.
			for _, fix := range []func(*tree, source.Diagnostic) (string, *textEdit){meant, missing} {
				if title, e := fix(t, d); e != nil {
					told := r.module.translate(d, map[string]*text{r.doc.name: t.text})
					out = append(out, codeAction{Title: title, Kind: "quickfix", Diagnostics: []diagnostic{told}, Preferred: true,
						Edit: workspaceEdit{Changes: map[string][]textEdit{r.doc.uri: {*e}}}})
				}
			}
		}
	}
	if edits := r.formatting(); len(edits) > 0 {
		out = append(out, codeAction{Title: "Lay the file out (mlp fmt)", Kind: "source.fixAll",
			Edit: workspaceEdit{Changes: map[string][]textEdit{r.doc.uri: edits}}})
	}
	return out
}

// touches reports whether two stretches have a place in common, their ends included: a cursor behind a word is at the
// word.
func (s span) touches(other span) bool {
	return !s.End.before(other.Start) && !other.End.before(s.Start)
}

// before reports whether p stands in front of q; a position is not before itself.
func (p position) before(q position) bool {
	return p.Line < q.Line || p.Line == q.Line && p.Character < q.Character
}

var (
	hinted = lazyregexp.New(`^did you mean (?:"([^"]+)"|([a-z][\w.]*))\?`)
	named  = lazyregexp.New(`"([^"]+)"`)
)

// meant replaces the name that a message quotes by the one that its hint names. With `there is no variable "regoin"` and
// `did you mean variable.region?` it is variable.regoin that the text has, and only its last step that is replaced.
func meant(t *tree, d source.Diagnostic) (title string, _ *textEdit) {
	m := hinted().FindStringSubmatch(d.Hint)
	if m == nil {
		return "", nil
	}
	instead := m[1] + m[2]
	for _, q := range named().FindAllStringSubmatch(d.Summary, -1) {
		wrong := q[1]
		to := instead
		if !strings.Contains(wrong, ".") {
			to = to[strings.LastIndexByte(to, '.')+1:]
		}
		if start, ok := t.only(wrong, d.Subject); ok && wrong != to {
			return fmt.Sprintf("Write %s", to), &textEdit{Range: t.text.span(start, start+len(wrong)), NewText: to}
		}
	}
	return "", nil
}

// only is where a word stands in a stretch of the file, if it stands there once, and not as part of another word. A
// word that stands there twice could be either; a cure that might hit the wrong one is not offered.
func (t *tree) only(w string, in source.Range) (at int, ok bool) {
	start, end := in.Start.Byte, in.End.Byte
	if start < 0 || end < start || end > len(t.text.src) {
		return 0, false // the text has changed since
	}
	at = -1
	for from := start; ; {
		i := strings.Index(t.text.src[from:end], w)
		if i < 0 {
			return at, at >= 0
		}
		i += from
		from = i + len(w)
		if i > 0 && wordRune(rune(t.text.src[i-1])) || from < len(t.text.src) && wordRune(rune(t.text.src[from])) {
			continue // a part of another word
		}
		if at >= 0 {
			return 0, false
		}
		at = i
	}
}

// addition is the form of the hint of a missing argument, "add target = …", from which its name is read. For a hint in
// other words no action is offered.
var addition = lazyregexp.New(`^add (\w+) = …$`)

// missing adds a line for an argument that a block lacks, below its header. The value is left to the author.
func missing(t *tree, d source.Diagnostic) (title string, _ *textEdit) {
	m := addition().FindStringSubmatch(d.Hint)
	b := innermost(t.blocks, d.Subject.Start.Byte)
	if d.Code != source.CodeMissingAttr || m == nil || b == nil || b.body < 0 {
		return "", nil
	}
	for _, a := range b.attrs {
		if a.name.text == m[1] {
			return "", nil // written since
		}
	}
	indent := strings.Repeat("  ", 1+b.depth())
	line := "\n" + indent + m[1] + " = "
	if rest := t.text.src[b.body:b.end]; !strings.Contains(rest, "\n") {
		line += "\n" + indent[2:]
	}
	return fmt.Sprintf("Add %s", m[1]), &textEdit{Range: t.text.span(b.body, b.body), NewText: line}
}

// depth is how many blocks a block is nested in.
func (b *block) depth() int {
	n := 0
	for at := b.parent; at != nil; at = at.parent {
		n++
	}
	return n
}
