package token

import (
	"bytes"
	"unicode/utf8"
)

// plain scans outside of literal text: blanks are passed over, and the first byte decides which token begins. Bytes
// beyond ASCII begin an identifier or are Invalid.
func (s *Scanner) plain() Token {
	for s.pos < len(s.text) && (s.text[s.pos] == ' ' || s.text[s.pos] == '\t') {
		s.pos++
	}
	if s.pos >= len(s.text) {
		return Token{}
	}
	c := s.text[s.pos]
	switch {
	case letter(c):
		return s.token(Ident, s.ident())
	case digit(c):
		return s.token(Number, s.number())
	case c >= utf8.RuneSelf:
		if n := s.ident(); n > 0 {
			return s.token(Ident, n)
		}
		_, n := utf8.DecodeRune(s.text[s.pos:])
		return s.token(Invalid, n)
	}
	switch c {
	case '\n':
		return s.token(Newline, 1)
	case '\r':
		if s.at(1) == '\n' {
			return s.token(Newline, 2)
		}
		return s.token(Invalid, 1)
	case '"':
		s.push(frame{kind: OQuote})
		return s.token(OQuote, 1)
	case '#':
		return s.comment()
	case '{', '}', '~':
		return s.brace(c)
	}
	return s.punctuation(c)
}

// brace scans { } and ~}, which may end a template sequence. In "${ { a = 1 } }" the first closing brace ends the object, since one was
// opened within the sequence, and the second ends the sequence.
func (s *Scanner) brace(c byte) Token {
	// f is the string or sequence around, which a brace ends only where none was opened within it.
	var f *frame
	if n := len(s.stack); n > 0 {
		f = &s.stack[n-1]
	}
	n := 1
	switch {
	case c == '{':
		if f != nil {
			f.braces++
		}
		return s.token(OBrace, 1)
	case c == '~' && s.at(1) != '}':
		return s.token(Invalid, 1)
	case c == '~':
		n = 2
	}
	switch {
	case f != nil && f.braces == 0:
		s.pop()
		return s.token(SeqEnd, n)
	case f != nil:
		f.braces--
	}
	if c == '~' {
		return s.token(SeqEnd, n)
	}
	return s.token(CBrace, n)
}

// punctuation scans all other tokens; c is the byte here. Of several that begin alike the longest is taken: "..." before ".", "==" before
// "=". Bytes that begin no token, such as ; and @, are Invalid, each for itself.
func (s *Scanner) punctuation(c byte) Token {
	next := s.at(1)
	switch c {
	case '[':
		return s.token(OBrack, 1)
	case ']':
		return s.token(CBrack, 1)
	case '(':
		return s.token(OParen, 1)
	case ')':
		return s.token(CParen, 1)
	case ',':
		return s.token(Comma, 1)
	case '?':
		return s.token(Question, 1)
	case '-':
		return s.token(Minus, 1)
	case '*':
		return s.token(Star, 1)
	case '+', '%':
		return s.token(Operator, 1)
	case '.':
		if next == '.' && s.at(2) == '.' {
			return s.token(Ellipsis, 3)
		}
		return s.token(Dot, 1)
	case '/':
		if next == '/' || next == '*' {
			return s.comment()
		}
		return s.token(Operator, 1)
	case '=':
		return s.either(next == '=', Operator, next == '>', FatArrow, Equal)
	case '!':
		return s.either(next == '=', Operator, false, EOF, Bang)
	case ':':
		return s.either(next == ':', DoubleColon, false, EOF, Colon)
	case '>':
		return s.either(next == '=', Operator, false, EOF, Operator)
	case '<':
		if n := s.heredocStart(); n > 0 {
			return s.token(OHeredoc, n)
		}
		return s.either(next == '=', Operator, false, EOF, Operator)
	case '&', '|':
		return s.either(next == c, Operator, false, EOF, Invalid)
	}
	return s.token(Invalid, 1)
}

// either scans one of two tokens of two bytes, or else one of a single byte.
func (s *Scanner) either(is bool, k Kind, isOther bool, other, single Kind) Token {
	switch {
	case is:
		return s.token(k, 2)
	case isOther:
		return s.token(other, 2)
	}
	return s.token(single, 1)
}

// heredocStart returns the length of the heredoc's introduction that begins here, with its line end, and goes into the
// heredoc; 0 if none begins. Where there is more on the line than the name, as in `<<EOT x`, HCL reads two signs of comparison, and
// so does the scanner.
func (s *Scanner) heredocStart() int {
	if s.at(1) != '<' {
		return 0
	}
	begin := 2
	if s.at(2) == '-' {
		begin = 3
	}
	// The introduction is <<NAME or <<-NAME, and nothing behind it on the line.
	inner := Scanner{text: s.text, pos: min(s.pos+begin, len(s.text))}
	n := inner.ident()
	end := inner.pos + n
	if n == 0 {
		return 0
	}
	marker := s.text[inner.pos:end]
	if bytes.HasPrefix(s.text[end:], []byte("\r\n")) {
		end++
	}
	if end >= len(s.text) || s.text[end] != '\n' {
		return 0
	}
	s.push(frame{kind: OHeredoc, marker: marker})
	return end + 1 - s.pos
}
