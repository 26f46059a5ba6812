package rule

import (
	"strings"
	"unicode"

	"github.com/google/cel-go/common"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/operators"

	"github.com/mlp-lang/mlp/lang/source"
)

// script is a rule's text with its positions. Three ways to count meet here: cel-go counts code points, source.Text
// counts bytes of the value, and ranges are bytes of the file, where escapes and indentation make a difference. In the
// rule of
//
//	assert = "evaluate.e.tier == \"größe\" && x"
//
// the x is code point 30 of the value, byte 32 of the value, and byte 45 of the line, all counted from 0.
type script struct {
	text  source.Text
	runes []rune
	bytes []int // byte offset of each rune, and of the end
	info  *ast.SourceInfo
}

// newScript indexes a text by runes, in which cel-go counts, and by bytes, in which our ranges do.
func newScript(t source.Text) *script {
	s := &script{text: t}
	for i, r := range t.Value {
		s.runes = append(s.runes, r)
		s.bytes = append(s.bytes, i)
	}
	s.bytes = append(s.bytes, len(t.Value))
	return s
}

// rangeOf is the place in the file of the code points from start to end. An empty range is widened to one.
func (s *script) rangeOf(start, end int) source.Range {
	return s.text.Sub(s.stretch(start, end))
}

// stretch is where the code points from start to end stand in the text, in bytes; at least one of them.
func (s *script) stretch(start, end int) (from, to int) {
	last := len(s.runes)
	start = max(0, min(start, last))
	end = max(start, min(end, last))
	if start == end && start < last {
		end++
	}
	return s.bytes[start], s.bytes[end]
}

// offset of a location of cel-go, in code points: lines from 1, columns in code points from 0. A location behind the
// text gives its end.
func (s *script) offset(l common.Location) int {
	line, col := l.Line(), l.Column()
	at := 0
	for ; line > 1 && at < len(s.runes); at++ {
		if s.runes[at] == '\n' {
			line--
		}
	}
	return max(0, min(at+max(col, 0), len(s.runes)))
}

// at is where cel-go places a node: its own first token for names and literals, the operator, dot or bracket for others.
func (s *script) at(e ast.Expr) int {
	o, _ := s.info.GetOffsetRange(e.ID())
	return int(o.Start)
}

// source is the text of a node as it was written, with white space as single blanks, for messages.
func (s *script) source(e ast.Expr) string {
	start, end := s.balanced(s.span(e))
	return strings.Join(strings.Fields(string(s.runes[start:max(start, min(end, len(s.runes)))])), " ")
}

// balanced widens a stretch to the parentheses that it cuts through: span leaves out those around operands.
func (s *script) balanced(start, end int) (int, int) {
	open, lacking := 0, 0
	for i := start; i < end && i < len(s.runes); i = s.next(i) {
		switch s.runes[i] {
		case '(':
			open++
		case ')':
			if open--; open < 0 {
				open, lacking = 0, lacking+1
			}
		}
	}
	for ; lacking > 0 && start > 0; lacking-- {
		for start--; start > 0 && s.runes[start] != '('; start-- {
		}
	}
	for ; open > 0 && end < len(s.runes); open-- {
		for end = s.skip(end); end < len(s.runes) && s.runes[end] != ')'; end = s.next(end) {
		}
		end = min(end+1, len(s.runes))
	}
	return start, end
}

// next is the start of what follows the token, or the white space, at i.
func (s *script) next(i int) int {
	if next := s.skip(i); next > i {
		return next
	}
	return s.tokenEnd(i)
}

// span is the stretch of code points that a node takes; parentheses around it are left out. cel-go notes one place of
// each node, not its extent, so the rest is read from the text.
func (s *script) span(e ast.Expr) (start, end int) {
	at := s.at(e)
	switch e.Kind() {
	case ast.SelectKind:
		start, _ = s.span(e.AsSelect().Operand())
		return start, s.tokenEnd(s.skip(at + 1))
	case ast.CallKind:
		return s.callSpan(e.AsCall(), at)
	case ast.ListKind:
		return at, s.closing(at, ']')
	case ast.MapKind, ast.StructKind:
		return at, s.closing(at, '}')
	}
	return at, s.tokenEnd(at)
}

// callSpan is where a call stands, from its first operand to its closing bracket. at is the place that cel-go gives for it:
// of an operator its sign, of a function its bracket.
func (s *script) callSpan(c ast.CallExpr, at int) (start, end int) {
	args := c.Args()
	switch {
	case c.IsMemberFunction():
		start, _ = s.span(c.Target())
		return start, s.closing(at, ')')
	case c.FunctionName() == operators.Index && len(args) == 2:
		start, _ = s.span(args[0])
		return start, s.closing(at, ']')
	case (c.FunctionName() == operators.LogicalNot || c.FunctionName() == operators.Negate) && len(args) == 1:
		_, end = s.span(args[0])
		return at, end
	case identifier(c.FunctionName()):
		return s.nameBefore(at), s.closing(at, ')')
	case len(args) > 1:
		start, _ = s.span(args[0])
		_, end = s.span(args[len(args)-1])
		return start, end
	}
	return at, at + 1
}

// nameBefore is the start of the function's name before its parenthesis.
func (s *script) nameBefore(paren int) int {
	i := min(paren, len(s.runes))
	for i > 0 && unicode.IsSpace(s.runes[i-1]) {
		i--
	}
	for i > 0 && wordRune(s.runes[i-1]) {
		i--
	}
	return i
}

// closing is the place after the bracket that closes the one at open.
func (s *script) closing(open int, closer rune) int {
	depth := 0
	for i := open; i < len(s.runes); {
		switch r := s.runes[i]; {
		case r == '(' || r == '[' || r == '{':
			depth++
		case r == ')' || r == ']' || r == '}':
			if depth--; depth <= 0 && r == closer {
				return i + 1
			}
		}
		i = s.next(i)
	}
	return len(s.runes)
}

// skip passes over white space and comments, from i to the next token or the end.
func (s *script) skip(i int) int {
	for i < len(s.runes) {
		switch {
		case unicode.IsSpace(s.runes[i]):
			i++
		case s.runes[i] == '/' && i+1 < len(s.runes) && s.runes[i+1] == '/':
			for i < len(s.runes) && s.runes[i] != '\n' {
				i++
			}
		default:
			return i
		}
	}
	return i
}

// tokenEnd is the end of the name, number or string at i; of anything else it is the next code point. A sign in front
// of a number belongs to it, and so does a prefix of a string (r"…").
func (s *script) tokenEnd(i int) int {
	if i >= len(s.runes) {
		return len(s.runes)
	}
	start := i
	if s.runes[i] == '-' {
		i = s.skip(i + 1)
	}
	number := i < len(s.runes) && (unicode.IsDigit(s.runes[i]) || s.runes[i] == '.' && i+1 < len(s.runes) && unicode.IsDigit(s.runes[i+1]))
	for i < len(s.runes) && (wordRune(s.runes[i]) || number && s.numberRune(i)) {
		i++
	}
	if i < len(s.runes) && (s.runes[i] == '"' || s.runes[i] == '\'') && i-start <= 2 {
		raw := strings.ContainsAny(string(s.runes[start:i]), "rR")
		return s.stringEnd(i, raw)
	}
	return max(i, start+1)
}

// numberRune reports whether a rune that is no digit goes on with a number: a point, or the sign of an exponent.
func (s *script) numberRune(i int) bool {
	if s.runes[i] == '.' {
		return true
	}
	return (s.runes[i] == '-' || s.runes[i] == '+') && (s.runes[i-1] == 'e' || s.runes[i-1] == 'E')
}

// stringEnd is behind the end of a string that begins at i, with one or three quotes; raw ones have no escapes.
func (s *script) stringEnd(i int, raw bool) int {
	quote, n := s.runes[i], 1
	if i+2 < len(s.runes) && s.runes[i+1] == quote && s.runes[i+2] == quote {
		n = 3
	}
	for i += n; i < len(s.runes); i++ {
		if s.runes[i] == '\\' && !raw {
			i++
			continue
		}
		if s.runes[i] == quote && (n == 1 || i+2 < len(s.runes) && s.runes[i+1] == quote && s.runes[i+2] == quote) {
			return i + n
		}
	}
	return len(s.runes)
}

func wordRune(r rune) bool {
	return r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
}
