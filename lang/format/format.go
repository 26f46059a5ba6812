// Package format lays a file out in the one canonical way.
//
// Only white space moves: comments stay, and so does every token. Indentation is two spaces a level; the = of adjacent
// arguments are aligned, as are the braces of adjacent one-line blocks; top-level blocks stand apart by one blank line,
// except one-line blocks that were written together; within blocks there is at most one blank line in a row, and none
// next to a brace. The text of heredocs and of comments is not touched, apart from line ends, which are "\n" everywhere.
//
// The layout depends on tokens and on where blank lines stand outside of blocks, and those it puts there change nothing
// of it. So what is formatted stays as it is.
package format

// How a file is laid out:
//
//  1. The text is split at blank lines outside of all blocks, over which no alignment reaches, into chunks of some kilobytes (chunk.go).
//     So a long file takes no larger buffers than its largest block does.
//  2. Each chunk is held to HCL's grammar (grammar.go). Where that fails, HCL's own parser is asked; if it finds an error as well, only
//     the blocks and the arguments outside of blocks that are sound are laid out (parts.go).
//  3. The tokens are split into lines, each with its cells: what is before the =, the value, the comment at the end (line.go).
//  4. White space is decided on, one question after the other, as a number of spaces before each token (layout.go): which lines have a
//     blank one before them, indentation by brackets, spaces between tokens (spaces.go, the rules of HCL's formatter), the column of =,
//     of comments, and of braces.
//  5. The chunk is written. Where two tokens touch that did not before, the result is scanned again and its tokens compared: a layout
//     that would change the meaning is refused, and the file is left as it is.
//
// Of
//
//	train "gradient_boosting" "m" {
//	data = split.s.train
//
//	features=["age","tenure"] # reviewed
//	   seed = 7
//	}
//
// comes
//
//	train "gradient_boosting" "m" {
//	  data = split.s.train
//
//	  features = ["age", "tenure"] # reviewed
//	  seed     = 7
//	}
//
// The blank line keeps data out of the group whose = are aligned. A line that opens several brackets indents by one step, and the line
// that closes them goes back by one.

import (
	"bytes"
	"errors"

	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/lang/token"
)

// Format returns the canonical layout of a file. Of a file with syntax errors the blocks and arguments outside of all
// blocks that are sound are laid out, and all other bytes are as they were; the errors are returned too. Text that is
// not UTF-8 or too long is returned as it is.
func Format(src []byte, filename string) ([]byte, source.Diagnostics) {
	if ds := syntax.CheckText(filename, src); ds.HasErrors() {
		return src, ds
	}
	text := bytes.TrimPrefix(src, []byte("\xef\xbb\xbf"))
	// The layout of a chunk depends on that chunk alone. Where one is not sound by itself, the whole is read by HCL's
	// parser, which says what is wrong, or that nothing is.
	out, err := inChunks(text, chunkSize)
	if errors.Is(err, errUnsound) {
		ds := syntax.CheckFile(filename, text)
		if ds.HasErrors() {
			return inParts(text), ds
		}
		out, err = asOne(text)
	}
	if err != nil {
		return src, source.Diagnostics{{
			Severity: source.Warning, Code: source.CodeUnformatted, Subject: source.Range{File: filename},
			Summary: "the file is left as it is", Detail: "Its layout cannot be changed without changing what it says.",
		}}
	}
	return out, nil
}

// same reports whether two texts differ in nothing but white space and line breaks.
func same(a []byte, as []token.Token, b []byte, bs []token.Token) bool {
	for {
		as, bs = skipNewlines(as), skipNewlines(bs)
		if len(as) == 0 || len(bs) == 0 {
			return len(as) == len(bs)
		}
		if as[0].Kind != bs[0].Kind || !bytes.Equal(trimmed(a, as[0]), trimmed(b, bs[0])) {
			return false
		}
		as, bs = as[1:], bs[1:]
	}
}

func skipNewlines(tokens []token.Token) []token.Token {
	for len(tokens) > 0 && tokens[0].Kind == token.Newline {
		tokens = tokens[1:]
	}
	return tokens
}

// trimmed is a token's text without the line end that one-line comments carry, and the blanks before it.
func trimmed(text []byte, t token.Token) []byte {
	if t.Kind == token.Comment {
		return bytes.TrimRight(text[t.Start:t.End], " \t\r\n")
	}
	return text[t.Start:t.End]
}
