// Package format lays a file out in the one canonical way.
//
// Only white space moves: comments stay, and so does every token. Indentation is two spaces a level; the = of adjacent
// arguments are aligned, as are the braces of adjacent one-line blocks; top-level blocks stand apart by one blank line,
// except one-line blocks that were written together; within blocks there is at most one blank line in a row, and none
// next to a brace. The text of heredocs is not touched, apart from line ends, which are "\n" everywhere.
//
// A file is laid out in passes over its lines until nothing moves, so that what is formatted stays as it is.
package format

import (
	"bytes"
	"regexp"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// maxPasses is more than any file was seen to need, which is three.
const maxPasses = 8

// lineEnd is a line break in any form, and what was left over from converting it twice.
var lineEnd = regexp.MustCompile(`\r+(?:\n|$)`)

// Format returns the canonical layout of a file. A file with syntax errors is returned as it is, with the errors.
func Format(src []byte, filename string) ([]byte, source.Diagnostics) {
	if ds := syntax.CheckFile(filename, src); ds.HasErrors() {
		return src, ds
	}
	text := bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	text = lineEnd.ReplaceAll(text, []byte("\n"))
	for range maxPasses {
		next := pass(text)
		if bytes.Equal(next, text) {
			return text, nil
		}
		if !sameTokens(text, next) {
			break
		}
		text = next
	}
	return src, source.Diagnostics{{
		Severity: source.Warning, Code: source.CodeUnformatted, Subject: source.Range{File: filename},
		Summary: "the file is left as it is", Detail: "Its layout cannot be changed without changing what it says.",
	}}
}

// pass is one go at the layout.
func pass(text []byte) []byte {
	return layout(hclwrite.Format(text))
}

// sameTokens tells whether two texts differ in nothing but white space and line breaks.
func sameTokens(a, b []byte) bool {
	x, y := significant(a), significant(b)
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i].Type != y[i].Type || !bytes.Equal(trim(x[i]), trim(y[i])) {
			return false
		}
	}
	return true
}

// trim drops the line end that one-line comments carry, and the spaces before it.
func trim(t hclsyntax.Token) []byte {
	if t.Type == hclsyntax.TokenComment {
		return bytes.TrimRight(t.Bytes, " \t\r\n")
	}
	return t.Bytes
}

func significant(text []byte) hclsyntax.Tokens {
	tokens, _ := hclsyntax.LexConfig(text, "", hcl.InitialPos)
	var out hclsyntax.Tokens
	for _, t := range tokens {
		if t.Type != hclsyntax.TokenNewline {
			out = append(out, t)
		}
	}
	return out
}
