package syntax

import "bytes"

// surelyShallow tells that a text is not nested more deeply than the limits allow. It reads the most common part of the syntax and nothing else: no
// interpolation, no comment of several lines. What it does not understand it leaves to the lexer, which is ten times slower.
func surelyShallow(text []byte, most limits) bool {
	s := &shallow{text: text}
	for s.at < len(text) {
		if !s.next() || s.depth >= most.depth || s.operators > most.operators {
			return false
		}
	}
	return true
}

// shallow is a text being read, outside of strings and comments.
type shallow struct {
	text             []byte
	at               int
	depth, operators int
}

// next takes a character, or a string or comment as a whole; false if it is none that is understood.
func (s *shallow) next() bool {
	c := s.text[s.at]
	s.at++
	switch c {
	case '{', '[', '(':
		s.depth++
	case '}', ']', ')':
		s.depth = max(s.depth-1, 0)
	case '"':
		return s.quoted()
	case '#':
		s.toLineEnd()
	case '/':
		switch s.peek() {
		case '/':
			s.toLineEnd()
		case '*':
			return false
		}
	case '<':
		if s.peek() == '<' {
			s.at++
			return s.heredoc()
		}
	case '?', '!', '-', ':':
		s.operators++
	case ',':
		s.operators = 0
	case '=':
		if s.peek() == ' ' && s.at > 1 && s.text[s.at-2] == ' ' { // no part of another operator
			s.operators = 0
		}
	}
	return true
}

// peek is the next character, 0 at the end.
func (s *shallow) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

func (s *shallow) toLineEnd() {
	end := bytes.IndexByte(s.text[s.at:], '\n')
	if end < 0 {
		end = len(s.text) - s.at
	}
	s.at += end
}

// quoted goes over a string that ends on its line and has nothing to be evaluated in it.
func (s *shallow) quoted() bool {
	for s.at < len(s.text) {
		c := s.text[s.at]
		s.at++
		switch {
		case c == '"':
			return true
		case c == '\\' && s.peek() != '\n':
			s.at++
		case c == '\n' || c == '\\' || (c == '$' || c == '%') && s.peek() == '{':
			return false
		}
	}
	return false
}

// heredoc goes over a text of several lines that has nothing to be evaluated in it.
func (s *shallow) heredoc() bool {
	header, rest, _ := bytes.Cut(s.text[s.at:], []byte("\n"))
	name := bytes.TrimPrefix(bytes.TrimSuffix(header, []byte("\r")), []byte("-"))
	if len(name) == 0 || len(bytes.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")) > 0 {
		return false
	}
	s.at += len(header) + 1
	for len(rest) > 0 {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		s.at += len(line) + 1
		if bytes.Equal(bytes.TrimSpace(line), name) {
			s.at = min(s.at, len(s.text))
			return true
		}
		if bytes.Contains(line, []byte("${")) || bytes.Contains(line, []byte("%{")) {
			return false
		}
		rest = after
	}
	return false
}
