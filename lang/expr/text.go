package expr

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"

	"github.com/apparentlymart/go-textseg/v15/textseg"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// Text returns an argument that is written as a string, in quotes or as a heredoc, with the place in the file of each
// byte of its value. Line breaks are "\n" whatever the file's are, so that a value does not depend on how a file was
// checked out. Interpolations are errors: what is written is what is meant.
func Text(a *syntax.Attr) (source.Text, source.Diagnostics) {
	e := a.Expr
	for {
		p, ok := e.(*hclsyntax.ParenthesesExpr)
		if !ok {
			break
		}
		e = p.Expression
	}
	if d := notText(a, e); d != nil {
		return source.Text{Range: a.Range}, source.Diagnostics{*d}
	}
	r := a.File.Range(e.Range())
	value, pieces := decode(a.File, r)
	return source.NewText(value, r, pieces), nil
}

// TextAt returns the string that is written at r, in quotes or as a heredoc, as Text does. What is put into it by ${} is
// left out, and a string without an end is taken as it stands.
func TextAt(f *syntax.File, r source.Range) source.Text {
	value, pieces := decode(f, r)
	return source.NewText(value, r, pieces)
}

// notText tells why an expression is no constant string.
// Queries and rules are looked at before anything has a value, and an interpolation would make another query of each
// value, in which a quote could end a string.
func notText(a *syntax.Attr, e hclsyntax.Expression) *source.Diagnostic {
	d := &source.Diagnostic{Severity: source.Error, Code: source.CodeInterpolation, Subject: a.Range}
	what := "a string"
	if a.Spec != nil {
		what = "the " + string(a.Spec.Type)
	}
	var part hclsyntax.Expression
	switch t := e.(type) {
	case *hclsyntax.TemplateExpr:
		for _, p := range t.Parts {
			// A number or bool among the parts was put in by ${}.
			if l, ok := p.(*hclsyntax.LiteralValueExpr); part == nil && (!ok || l.Val.Type() != cty.String) {
				part = p
			}
		}
		if part == nil {
			return nil
		}
	case *hclsyntax.TemplateWrapExpr:
		part = t.Wrapped
	default:
		d.Code, d.Summary = source.CodeNotLiteral, fmt.Sprintf("%s is not written as a string", a.Name)
		d.Detail = fmt.Sprintf("%s stands where it is used, in quotes or as a heredoc, so that nothing can be put into it unseen.", upperFirst(what))
		return d
	}
	d.Subject = a.File.Range(part.Range())
	d.Context = a.Range
	d.Summary = fmt.Sprintf("%s has an interpolation", a.Name)
	d.Detail = fmt.Sprintf("Nothing is put into %s.", what)
	d.Hint = interpolationHint(a, part)
	return d
}

// interpolationHint says how to write what was probably meant.
// A variable in a query is a parameter, a block a table; in a rule both are seen as they are.
func interpolationHint(a *syntax.Attr, part hclsyntax.Expression) string {
	if t, ok := part.(*hclsyntax.ScopeTraversalExpr); ok && a.Spec != nil {
		root := t.Traversal.RootName()
		if a.Spec.Type == schema.CEL {
			return fmt.Sprintf("write %s: rules see variables, locals and figures themselves", name(t.Traversal))
		}
		if value, ok := stepName(t.Traversal, 1); ok && !blockRoot(root) {
			if a.Spec.Type == schema.SQL {
				return fmt.Sprintf("write $%s, and give it to the query: params { %[1]s = %s }", value, name(t.Traversal))
			}
			return fmt.Sprintf("an expression has no parameters: compute the column in a dataset, whose params can be %s", name(t.Traversal))
		}
		if block, ok := stepName(t.Traversal, 1); ok && root != "variable" && root != "local" {
			return fmt.Sprintf("a query names its tables: write %s", block)
		}
	}
	return "write $${ or %%{ where the characters ${ or %{ themselves are meant"
}

// blockRoot reports whether a reference with that root is to a block.
func blockRoot(root string) bool {
	switch root {
	case "variable", "var", "local", "each":
		return false
	}
	return true
}

// name writes a traversal down.
func name(t hcl.Traversal) string {
	var b bytes.Buffer
	for i := range t {
		n, _ := stepName(t, i)
		if root, ok := t[i].(hcl.TraverseRoot); ok {
			n = root.Name
		}
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(n)
	}
	return b.String()
}

func upperFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// decode reads the string at r as HCL does, and notes where each run of its value stands. In "a\nb" the value's third
// byte stands at the file's fourth: with an escape, value and file part, and a new piece begins. A plain string, which
// most are, is read without HCL's lexer.
func decode(f *syntax.File, r source.Range) (string, []source.Piece) {
	text := f.Between(r.Start.Byte, r.End.Byte)
	if len(text) == 0 {
		return "", nil
	}
	if len(text) >= 2 && text[0] == '"' && !bytes.ContainsAny(text[1:len(text)-1], "\"\\$%\n") && text[len(text)-1] == '"' {
		w := &textWriter{file: f}
		w.quoted(text[1:len(text)-1], r.Start.Byte+1)
		return w.value.String(), w.pieces
	}
	end := r.End.Byte
	if i := bytes.IndexByte(f.Between(end, len(f.Bytes)), '\n'); i >= 0 {
		end += i + 1 // a heredoc's end marker is one only at the end of a line
	}
	tokens, _ := hclsyntax.LexExpression(f.Between(r.Start.Byte, end), f.Name, hcl.Pos{Line: 1, Column: 1, Byte: r.Start.Byte})
	w := &textWriter{file: f}
	strip := 0
	for i, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOHeredoc:
			if bytes.HasPrefix(t.Bytes, []byte("<<-")) {
				strip = indentation(tokens[i+1:])
			}
		case hclsyntax.TokenQuotedLit:
			w.quoted(t.Bytes, t.Range.Start.Byte)
		case hclsyntax.TokenStringLit:
			skip := 0
			if i > 0 && startsLine(tokens[i-1]) && !blankLine(t.Bytes) {
				skip = clusters(t.Bytes, strip)
			}
			w.unquoted(t.Bytes[skip:], t.Range.Start.Byte+skip)
		case hclsyntax.TokenCQuote, hclsyntax.TokenCHeredoc:
			return w.value.String(), w.pieces
		}
	}
	return w.value.String(), w.pieces
}

// startsLine reports whether the token after t begins a line of a heredoc.
func startsLine(t hclsyntax.Token) bool {
	return t.Type == hclsyntax.TokenOHeredoc || bytes.HasSuffix(t.Bytes, []byte("\n"))
}

// blankLine reports whether a line of a heredoc is white space to its end; such lines keep theirs.
func blankLine(line []byte) bool {
	return len(bytes.TrimLeftFunc(line, unicode.IsSpace)) == 0 && bytes.HasSuffix(line, []byte("\n"))
}

// indentation is what an indented heredoc loses at the start of each line that is not blank: the least white space that
// any has, in grapheme clusters, as HCL counts.
func indentation(tokens hclsyntax.Tokens) int {
	least := -1
	for i, t := range tokens {
		if t.Type != hclsyntax.TokenStringLit {
			break
		}
		if i > 0 && !startsLine(tokens[i-1]) || blankLine(t.Bytes) {
			continue
		}
		space := len(t.Bytes) - len(bytes.TrimLeftFunc(t.Bytes, unicode.IsSpace))
		n, _ := textseg.TokenCount(t.Bytes[:space], textseg.ScanGraphemeClusters)
		if least < 0 || n < least {
			least = n
		}
	}
	return max(least, 0)
}

// clusters is the number of bytes of the first n grapheme clusters.
func clusters(b []byte, n int) int {
	total := 0
	for range n {
		adv, _, err := textseg.ScanGraphemeClusters(b[total:], true)
		if err != nil || adv == 0 {
			break
		}
		total += adv
	}
	return total
}

// textWriter puts a value together. A new piece begins wherever value and file do not go on byte by byte in one line.
type textWriter struct {
	file   *syntax.File
	value  bytes.Buffer
	pieces []source.Piece
	next   int // the offset in the file that goes on with the last piece
}

// add appends decoded bytes, which stand in the file at offset.
func (w *textWriter) add(decoded []byte, offset, length int) {
	if len(decoded) == 0 {
		return
	}
	if len(w.pieces) == 0 || offset != w.next {
		w.pieces = append(w.pieces, source.Piece{Offset: w.value.Len(), Start: w.file.Pos(offset)})
	}
	w.value.Write(decoded)
	w.next = offset + length
	if length != len(decoded) || bytes.IndexByte(decoded, '\n') >= 0 {
		w.next = -1 // what follows has a piece of its own
	}
}

// unquoted appends a literal of a heredoc: only $${ and %%{ are escapes.
// Line ends are made \n, so that places in the text are those of the file on every system.
func (w *textWriter) unquoted(b []byte, offset int) {
	for i := 0; i < len(b); {
		switch n := plain(b[i:], "$%\r"); {
		case n > 0:
			w.add(b[i:i+n], offset+i, n)
			i += n
		case isTemplateEscape(b[i:]):
			w.add([]byte{b[i], '{'}, offset+i, 3)
			i += 3
		case bytes.HasPrefix(b[i:], []byte("\r\n")):
			w.add([]byte{'\n'}, offset+i, 2)
			i += 2
		default:
			w.add(b[i:i+1], offset+i, 1)
			i++
		}
	}
}

// quoted appends a literal between quotes.
// Each byte keeps the place that it was written at, also where \n in the file is one byte in the text.
func (w *textWriter) quoted(b []byte, offset int) {
	for i := 0; i < len(b); {
		n := plain(b[i:], "$%\\")
		switch {
		case n > 0:
			w.add(b[i:i+n], offset+i, n)
		case isTemplateEscape(b[i:]):
			n = 3
			w.add([]byte{b[i], '{'}, offset+i, n)
		case b[i] == '\\':
			n = escapeLength(b[i:])
			token := hclsyntax.Token{Type: hclsyntax.TokenQuotedLit, Bytes: b[i : i+n]}
			decoded, _ := hclsyntax.ParseStringLiteralToken(token)
			w.add([]byte(decoded), offset+i, n)
		default:
			n = 1
			w.add(b[i:i+1], offset+i, n)
		}
		i += n
	}
}

// plain is the length of what stands before the first of these bytes or after the first line break: a piece ends with
// its line.
func plain(b []byte, special string) int {
	for i, c := range b {
		if bytes.IndexByte([]byte(special), c) >= 0 {
			return i
		}
		if c == '\n' {
			return i + 1
		}
	}
	return len(b)
}

// isTemplateEscape reports whether b begins with $${ or %%{, which stand for ${ and %{.
func isTemplateEscape(b []byte) bool {
	return len(b) >= 3 && (b[0] == '$' || b[0] == '%') && b[1] == b[0] && b[2] == '{'
}

// escapeLength is the length of the escape sequence that b begins with.
func escapeLength(b []byte) int {
	n := 2
	if len(b) > 1 {
		switch b[1] {
		case 'u':
			n = 6
		case 'U':
			n = 10
		default:
			_, size := utf8.DecodeRune(b[1:])
			n = 1 + size
		}
	}
	return min(n, len(b))
}
