package format

import (
	"github.com/mlp-lang/mlp/lang/syntax"
	"github.com/mlp-lang/mlp/lang/token"
)

// inParts lays out what is sound of a text that has errors. All else, with the comments and blank lines around it, stays
// byte for byte. So an editor that formats on saving does so for the blocks above and below the one that is being written.
func inParts(text []byte) []byte {
	var out []byte
	r := reader{src: text, tokens: token.Scan(text)}
	from, to := 0, 0 // the stretch of sound items that is being read
	for r.more() {
		end, ok := r.topLevel()
		if !ok {
			out = append(append(out, laidOut(text[from:to])...), text[to:end]...)
			from = end
		}
		to = end
	}
	if to > from {
		to = len(text)
	}
	return append(append(out, laidOut(text[from:to])...), text[to:]...)
}

// more moves to the next item outside of all blocks, and reports whether there is one.
func (r *reader) more() bool {
	for r.take(token.Newline, true) {
	}
	return r.peek(true) != token.EOF
}

// topLevel reads an item outside of all blocks, with the end of its line, and tells where it ends and whether it is sound.
// Where one with errors ends is a guess. What this reader does not know, HCL is asked about.
func (r *reader) topLevel() (end int, ok bool) {
	begin := r.i
	if r.item() && (r.peek(true) == token.EOF || r.take(token.Newline, true)) {
		return int(r.tokens[r.i-1].End), true
	}
	end = len(r.src)
	if r.i = resume(r.src, r.tokens, begin); r.i < len(r.tokens) {
		end = int(r.tokens[r.i].Start)
	}
	return end, !syntax.CheckFile("", r.src[r.tokens[begin].Start:end]).HasErrors()
}

// laidOut returns the layout of a stretch of sound items; the stretch itself if it is not sound on its own.
func laidOut(stretch []byte) []byte {
	if out, err := inChunks(stretch, chunkSize); err == nil {
		return out
	}
	return stretch
}

// resume returns the token after a broken item at which reading can go on: the first one on a line that begins an item
// without an indent, where brackets are closed or the line is the head of a block. It is never within a heredoc.
func resume(text []byte, tokens []token.Token, begin int) int {
	depth, heredocs := 0, 0
	for i := begin; i < len(tokens); i++ {
		t := tokens[i]
		lineStart := t.Start == 0 || text[t.Start-1] == '\n'
		if i > begin && lineStart && heredocs == 0 && t.Kind == token.Ident && (depth == 0 || isHead(tokens[i:])) {
			return i
		}
		switch depth = max(depth+bracket(t.Kind), 0); t.Kind {
		case token.OHeredoc:
			heredocs++
		case token.CHeredoc:
			heredocs--
		}
	}
	return len(tokens)
}

// isHead reports whether tokens begin with the head of a block.
func isHead(tokens []token.Token) bool {
	for _, t := range tokens {
		switch t.Kind {
		case token.Ident, token.OQuote, token.QuotedLit, token.CQuote:
		default:
			return t.Kind == token.OBrace
		}
	}
	return false
}
