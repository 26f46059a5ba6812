package format

import (
	"bytes"

	"github.com/mlp-lang/mlp/lang/token"
)

// line is a run of tokens up to a line end that counts: those within heredocs and comments do not. Tokens are named by
// their index.
type line struct {
	first, end int
	assign     int  // the = of an argument whose value ends on the line; end if there is none
	comment    int  // the comment that ends the line after something else; end if there is none
	brace      int  // that of a block on one line; 0 if the line is none
	depth      int  // of brackets at its start
	apart      bool // a blank line goes before it
	frozen     bool // begins within a heredoc
	remark     bool // holds nothing but comments
	opens      bool // ends with an opening bracket
	closes     bool // begins with a closing one
}

// text is a text in tokens, with the number of spaces before each as the layout has it. Its slices are used again for the next chunk.
type text struct {
	src      []byte
	tokens   []token.Token // no spaces among them; what is between two is for the layout to say
	spaces   []int32       // by token
	lines    []line
	touching bool // there are tokens with a gap between them that goes, and that might be read as one then
}

// bytes is the text of a token.
func (t *text) bytes(i int) []byte { return t.src[t.tokens[i].Start:t.tokens[i].End] }

// split finds the lines that are not blank, and which of them have a blank one before them. Several blank lines are as good as one. A
// comment of the form /* */ that goes over lines is part of the line that it ends on.
func (t *text) split() {
	depth, heredocs, written := 0, 0, false
	for i := 0; i < len(t.tokens); {
		// Lines of a heredoc are frozen: their blanks are its text.
		l := line{first: i, depth: depth, frozen: heredocs > 0}
		for i < len(t.tokens) {
			k := t.tokens[i].Kind
			i++
			switch k {
			case token.OBrace, token.OBrack, token.OParen:
				depth++
			case token.CBrace, token.CBrack, token.CParen:
				depth = max(depth-1, 0)
			case token.OHeredoc:
				heredocs++
			case token.CHeredoc:
				heredocs--
			}
			if k == token.Newline || k == token.Comment && t.src[t.tokens[i-1].End-1] == '\n' {
				break
			}
		}
		l.end = i
		if t.tokens[l.first].Kind == token.Newline && !l.frozen {
			written = true
			continue
		}
		t.describe(&l, depth)
		l.apart = written
		t.lines = append(t.lines, l)
		written = false
	}
}

// describe finds the properties of a line; after is the depth at its end. The line `a = [ # why` ends with a comment and opens a bracket, and
// its = is not for aligning, since the value goes on.
func (t *text) describe(l *line, after int) {
	l.assign, l.comment = l.end, l.end
	if last := l.end - 1; last > l.first && t.tokens[last].Kind == token.Comment {
		l.comment = last
	}
	last := l.end - 1
	for last >= l.first && (t.tokens[last].Kind == token.Newline || t.tokens[last].Kind == token.Comment) {
		last--
	}
	if last < l.first {
		l.remark = t.tokens[l.first].Kind == token.Comment
		return
	}
	first := t.tokens[l.first].Kind
	l.opens = bracket(t.tokens[last].Kind) > 0
	l.closes = first == token.CBrace || first == token.CBrack || first == token.CParen
	t.findAssign(l)
	if first == token.Ident && t.tokens[last].Kind == token.CBrace && after == l.depth && !l.frozen {
		l.brace = t.findBrace(l.first, last)
	}
}

// findAssign finds the = of the line, if the brackets after it are closed on the line too: only such a value is aligned with those of the
// lines around it. The first = decides.
func (t *text) findAssign(l *line) {
	for i := l.first + 1; i < l.comment; i++ {
		if t.tokens[i].Kind != token.Equal {
			continue
		}
		net := 0
		for _, k := range t.tokens[i:l.comment] {
			net += bracket(k.Kind)
		}
		if net == 0 {
			l.assign = i
		}
		return
	}
}

// findBrace returns the opening brace of a block that begins with the token first and ends on the same line with the
// token last; 0 if that is none. In `column "id" { type = "varchar" }` it is the fifth token, behind the three of the label.
func (t *text) findBrace(first, last int) int {
	brace := 0
	for i := first; i < last; i++ {
		switch k := t.tokens[i].Kind; {
		case k == token.Comment && bytes.IndexByte(t.bytes(i), '\n') >= 0:
			return 0
		case brace > 0, k == token.Ident, k == token.OQuote, k == token.QuotedLit, k == token.CQuote:
		case k == token.OBrace:
			brace = i
		default:
			return 0
		}
	}
	return brace
}
