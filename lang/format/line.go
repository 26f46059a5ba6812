package format

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// line is a line of a file with what its layout depends on.
type line struct {
	text    string
	frozen  bool // begins inside a heredoc or a comment of many lines: not to be touched
	depth   int  // of brackets at its start
	after   int  // and at its end
	opens   bool // ends with an opening bracket
	closes  bool // begins with a closing one
	comment bool // holds nothing else
	brace   int  // offset of the brace of a block on one line, 0 if it is none
	tail    int  // offset of the comment after it, 0 if there is none
}

func (l *line) blank() bool { return !l.frozen && l.text == "" }

// word is the first one of the line.
func (l *line) word() string {
	word, _, _ := strings.Cut(strings.TrimLeft(l.text, " "), " ")
	return word
}

// scan splits a text into lines. Trailing blanks are dropped, except in heredocs and comments of many lines.
func scan(text []byte) []*line {
	raw := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	lines := make([]*line, len(raw))
	for i, s := range raw {
		lines[i] = &line{text: s}
	}
	tokens, _ := hclsyntax.LexConfig(text, "", hcl.InitialPos)
	freeze(lines, tokens)
	byLine := make([]hclsyntax.Tokens, len(lines))
	for _, t := range tokens {
		if i := t.Range.Start.Line - 1; i < len(lines) && t.Type != hclsyntax.TokenEOF {
			byLine[i] = append(byLine[i], t)
		}
	}
	depth := 0
	for i, l := range lines {
		if !l.frozen {
			l.text = strings.TrimRight(l.text, " \t\r")
		}
		l.depth = depth
		l.describe(byLine[i])
		depth = l.after
	}
	return lines
}

// freeze marks the lines that belong to the token of an earlier line.
func freeze(lines []*line, tokens hclsyntax.Tokens) {
	mark := func(from, to int) { // counted from 1, to included
		for i := from; i <= min(to, len(lines)); i++ {
			lines[i-1].frozen = true
		}
	}
	heredoc, depth := 0, 0
	for _, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOHeredoc:
			if depth++; depth == 1 {
				heredoc = t.Range.Start.Line
			}
		case hclsyntax.TokenCHeredoc:
			if depth--; depth == 0 {
				mark(heredoc+1, t.Range.End.Line)
			}
		case hclsyntax.TokenComment:
			if t.Range.End.Column > 1 {
				mark(t.Range.Start.Line+1, t.Range.End.Line)
			}
		}
	}
}

// describe finds the properties of a line from the tokens that begin on it.
func (l *line) describe(tokens hclsyntax.Tokens) {
	l.after = l.depth
	l.comment = len(tokens) > 0 && (tokens[0].Type == hclsyntax.TokenComment || l.frozen && tokens[0].Type == hclsyntax.TokenNewline)
	for i, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen:
			l.after++
			l.opens = true
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen:
			l.after = max(l.after-1, 0)
			l.opens = false
			l.closes = l.closes || i == 0
		case hclsyntax.TokenComment, hclsyntax.TokenNewline:
		default:
			l.opens = false
		}
	}
	if brace := blockBrace(tokens); brace > 0 && l.after == l.depth && !l.frozen {
		start := tokens[0].Range.Start.Byte - (len(l.text) - len(strings.TrimLeft(l.text, " ")))
		l.brace = tokens[brace].Range.Start.Byte - start
		if last := tokens[len(tokens)-1]; last.Type == hclsyntax.TokenComment {
			l.tail = last.Range.Start.Byte - start
		}
	}
}

// blockBrace returns the index of the brace of a block that begins and ends on the line of these tokens, 0 if there is
// none.
func blockBrace(tokens hclsyntax.Tokens) int {
	for len(tokens) > 0 {
		last := tokens[len(tokens)-1].Type
		if last != hclsyntax.TokenNewline && last != hclsyntax.TokenComment {
			break
		}
		tokens = tokens[:len(tokens)-1]
	}
	if len(tokens) < 3 || tokens[0].Type != hclsyntax.TokenIdent || tokens[len(tokens)-1].Type != hclsyntax.TokenCBrace {
		return 0
	}
	for i, t := range tokens {
		switch t.Type {
		case hclsyntax.TokenIdent, hclsyntax.TokenOQuote, hclsyntax.TokenQuotedLit, hclsyntax.TokenCQuote:
		case hclsyntax.TokenOBrace:
			return i
		default:
			return 0
		}
	}
	return 0
}
