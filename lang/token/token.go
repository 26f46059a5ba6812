// Package token splits the text of a file into tokens, as HCL's own scanner does but many times faster.
//
// For text without lexical errors the tokens are HCL's, apart from three liberties: literal text that HCL gives in
// pieces is one token, operators that bind two values are of one kind, and no token says in which line it is. After
// the first error they serve to find where text is sound again: a string ends where its line ends.
//
// Brackets are not matched here, with one exception: text within quotes and heredocs is another language than that
// between them, and ${ … } in it is HCL again, so the scanner keeps a stack of what it is within. In
//
//	"a ${ { b = "c" }["b"] } d"
//
// the stack grows to a string, a sequence in it, and a string in that; the inner braces are counted, so that the last
// closing one is known to end the sequence. The tokens are
//
//	OQuote QuotedLit Interp OBrace Ident Equal OQuote QuotedLit CQuote CBrace OBrack … SeqEnd QuotedLit CQuote
//
// Scanning takes time in the length of the text, whatever the text is, and a stack as deep as its quotes are nested.
package token

import (
	"bytes"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Kind of a token. The zero value stands for the end of the text.
type Kind uint8

const (
	EOF Kind = iota
	Ident
	Number
	QuotedLit // text in quotes, with its escapes
	StringLit // text of a heredoc, up to the end of a line
	OQuote
	CQuote
	OHeredoc // <<NAME with its line end
	CHeredoc // the closing NAME with the blanks around it, without its line end
	OBrace
	CBrace
	OBrack
	CBrack
	OParen
	CParen
	Interp  // ${ or ${~
	Control // %{ or %{~
	SeqEnd  // } or ~} of one of these
	Comment // of one line with its line end, or /* … */
	Newline
	Dot
	Comma
	Ellipsis
	Colon
	DoubleColon
	Equal
	FatArrow
	Question
	Bang
	Minus
	Star
	Operator // any other that stands between two values
	Invalid  // what can stand nowhere; a line end in a string
	Unclosed // what has no end: a comment, with all that follows; at the end of the text, a string, heredoc or sequence
)

// Token is a stretch of the text, text[Start:End]. Blanks between tokens belong to none. Offsets take 32 bits, so that
// a token takes 12 bytes: a file of 16 MB has some millions of them.
type Token struct {
	Kind       Kind
	Start, End int32
}

// Scan returns all tokens of a text, which is valid UTF-8 of less than 2 GB, without one for the end. They come in
// order and do not overlap.
func Scan(text []byte) []Token { return Append(make([]Token, 0, len(text)/4+16), text) }

// Append appends the tokens of a text to others.
func Append(tokens []Token, text []byte) []Token {
	for s := NewScanner(text); ; {
		t := s.Next()
		if t.Kind == EOF {
			return tokens
		}
		tokens = append(tokens, t)
	}
}

// Scanner gives one token after the other. It refers to the text, which must not be changed meanwhile; it is not safe
// for concurrent use.
type Scanner struct {
	text  []byte
	pos   int
	stack []frame
	ready Token // to be given next, if it has a kind
}

// frame is what the scanner is within: a string, a heredoc or a template sequence.
type frame struct {
	kind   Kind   // OQuote, OHeredoc or Interp
	marker []byte // of a heredoc
	inLine bool   // of a heredoc: the line has begun
	braces int    // of a sequence: how many are open
}

// NewScanner returns a scanner of a text, which is valid UTF-8.
func NewScanner(text []byte) *Scanner { return &Scanner{text: text} }

// Pos is where the next token is looked for: the end of the last one, but for blanks.
func (s *Scanner) Pos() int { return s.pos }

// Next returns the next token; at the end of the text one of kind EOF, as often as it is asked.
func (s *Scanner) Next() Token {
	if t := s.ready; t.Kind != EOF {
		s.ready = Token{}
		return t
	}
	t := s.next()
	if t.Kind == EOF && len(s.stack) > 0 {
		s.stack = nil
		return s.token(Unclosed, 0)
	}
	return t
}

// next is Next without the tokens that are ready.
func (s *Scanner) next() Token {
	if n := len(s.stack); n > 0 {
		switch f := &s.stack[n-1]; f.kind {
		case OQuote:
			return s.quoted()
		case OHeredoc:
			return s.heredoc(f)
		}
	}
	return s.plain()
}

// token takes the next n bytes as a token.
func (s *Scanner) token(k Kind, n int) Token {
	start := s.pos
	s.pos += n
	return Token{k, int32(start), int32(s.pos)}
}

// push begins a frame within the present one.
func (s *Scanner) push(f frame) { s.stack = append(s.stack, f) }

// pop ends the present frame.
func (s *Scanner) pop() { s.stack = s.stack[:len(s.stack)-1] }

// at returns the byte n places on, 0 beyond the end.
func (s *Scanner) at(n int) byte {
	if s.pos+n < len(s.text) {
		return s.text[s.pos+n]
	}
	return 0
}

// quoted scans within a string. A line end there is Invalid and empty: the string ends before it, and what follows is
// scanned as HCL again, so that one missing quote costs one line.
func (s *Scanner) quoted() Token {
	n := s.literal(true)
	if n > 0 {
		return s.token(QuotedLit, n)
	}
	switch c := s.at(0); {
	case s.pos >= len(s.text):
		return Token{}
	case c == '"':
		s.pop()
		return s.token(CQuote, 1)
	case c == '$' || c == '%':
		return s.sequence()
	case c == '\\':
		return s.token(Invalid, 1)
	}
	s.pop()
	return s.token(Invalid, 0) // a line end
}

// literal returns how many bytes from here on are literal text of a string or of a line of a heredoc.
func (s *Scanner) literal(quoted bool) int {
	rest := s.text[s.pos:]
	for i := 0; i < len(rest); {
		switch c := rest[i]; {
		case c == '\n' || quoted && c == '"' || c == '\r' && (quoted || i+1 == len(rest) || rest[i+1] != '\n'):
			return i
		case quoted && c == '\\':
			if i+1 == len(rest) || rest[i+1] == '\n' || rest[i+1] == '\r' {
				return i
			}
			i += 2 // a longer rune goes on as text
		case c == '$' || c == '%':
			switch {
			case i+1 < len(rest) && rest[i+1] == '{':
				return i
			case i+2 < len(rest) && rest[i+1] == c && rest[i+2] == '{':
				i += 3
			default:
				i++
			}
		default:
			i++
		}
	}
	return len(rest)
}

// sequence begins a template sequence, ${ or %{, whose end is a brace that is not opened within it.
func (s *Scanner) sequence() Token {
	kind, n := Interp, 2
	if s.at(0) == '%' {
		kind = Control
	}
	if s.at(2) == '~' {
		n = 3
	}
	s.push(frame{kind: Interp})
	return s.token(kind, n)
}

// heredoc scans within a heredoc.
func (s *Scanner) heredoc(f *frame) Token {
	if s.pos >= len(s.text) {
		return Token{}
	}
	n := s.literal(false)
	if c := s.at(n); c != '\n' {
		f.inLine = true
		switch {
		case n > 0:
			return s.token(StringLit, n)
		case c == '\r':
			return s.token(Invalid, 1)
		}
		return s.sequence()
	}
	// The marker ends the heredoc where it stands alone on a line, whatever blanks are before it.
	line := s.text[s.pos : s.pos+n]
	if !f.inLine && bytes.Equal(bytes.TrimSpace(line), f.marker) {
		s.pop()
		end := len(bytes.TrimSuffix(line, []byte("\r")))
		closing := s.token(CHeredoc, end)
		s.ready = s.token(Newline, n+1-end)
		return closing
	}
	f.inLine = false
	return s.token(StringLit, n+1)
}

// comment scans a comment that begins here.
func (s *Scanner) comment() Token {
	rest := s.text[s.pos:]
	if rest[0] == '/' && rest[1] == '*' {
		if n := bytes.Index(rest[2:], []byte("*/")); n >= 0 {
			return s.token(Comment, n+4)
		}
		return s.token(Unclosed, len(rest))
	}
	if n := bytes.IndexByte(rest, '\n'); n >= 0 {
		return s.token(Comment, n+1)
	}
	return s.token(Comment, len(rest))
}

// number returns the length of the number that begins here. A point counts only with digits behind it: of "1.." the
// number is 1.
func (s *Scanner) number() int {
	rest := s.text[s.pos:]
	end := 1
	for i := 1; i < len(rest); {
		switch c := rest[i]; {
		case digit(c):
			i++
			end = i
		case c == '.':
			i++
		case c|0x20 == 'e' && i+1 < len(rest) && digit(rest[i+1]):
			i += 2
			end = i
		case c|0x20 == 'e' && i+2 < len(rest) && (rest[i+1] == '+' || rest[i+1] == '-') && digit(rest[i+2]):
			i += 3
			end = i
		default:
			return end
		}
	}
	return end
}

// digit reports whether a byte is a decimal digit of ASCII.
func digit(c byte) bool { return '0' <= c && c <= '9' }

// letter reports whether a byte begins an identifier in ASCII.
func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' }

// ident returns the length of the identifier that begins here, 0 if none does: letters of Unicode, digits and dashes,
// as HCL has them (Unicode Standard Annex 31).
func (s *Scanner) ident() int {
	rest := s.text[s.pos:]
	i := 0
	for i < len(rest) {
		c := rest[i]
		if letter(c) || i > 0 && (digit(c) || c == '-') {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			break
		}
		r, n := utf8.DecodeRune(rest[i:])
		if word := string(r); i > 0 && !hclsyntax.ValidIdentifier("a"+word) || i == 0 && !hclsyntax.ValidIdentifier(word) {
			break
		}
		i += n
	}
	return i
}
