package format

import (
	"bytes"
	"strings"

	"github.com/mlp-lang/mlp/lang/token"
)

// reader reports whether tokens are what HCL's grammar asks for. Where it says yes HCL's parser says yes, in a tenth of the
// time; of what is rare, such as numbers that HCL might refuse and \u escapes, it says no, and HCL is asked.
//
// It is a parser by recursive descent that keeps nothing: each method reads one form of the grammar from the next token on and reports
// whether the form was there. After a false the place is of no use, and the whole answer is no.
//
// Line ends count in some places and not in others, so most methods are told: lines is true where an end of line ends an expression, as at
// the top of a block, and false within brackets. `a = 1 +` with 2 on the next line is refused, `a = (1 +` with `2)` is read.
type reader struct {
	src       []byte
	tokens    []token.Token
	i         int // the next token
	depth     int // of expressions and blocks within each other
	operators int // of the argument that is being read
}

// Limits well within those of package syntax, which knows what to say beyond them.
const (
	readerDepth     = 240
	readerOperators = 1000
)

// peek moves to the next token that counts and returns its kind. With lines, line ends count.
func (r *reader) peek(lines bool) token.Kind {
	for ; r.i < len(r.tokens); r.i++ {
		switch t := r.tokens[r.i]; t.Kind {
		case token.Comment:
			if lines && r.src[t.End-1] == '\n' {
				return token.Newline
			}
		case token.Newline:
			if lines {
				return token.Newline
			}
		default:
			return t.Kind
		}
	}
	return token.EOF
}

// take moves past the next token if it is of kind k, and else past nothing but what does not count. The end of the text can be taken
// any number of times.
func (r *reader) take(k token.Kind, lines bool) bool {
	if r.peek(lines) != k {
		return false
	}
	if k != token.EOF {
		r.i++
	}
	return true
}

// takeWord moves past the next token if it is this word; line ends do not count.
func (r *reader) takeWord(w string) bool {
	if r.peek(false) != token.Ident {
		return false
	}
	t := r.tokens[r.i]
	if string(r.src[t.Start:t.End]) != w {
		return false
	}
	r.i++
	return true
}

// body reads arguments and blocks up to the token end, which is taken.
func (r *reader) body(end token.Kind) bool {
	for {
		switch {
		case r.take(end, true):
			return true
		case r.take(token.Newline, true):
		case !r.item() || r.peek(true) != token.EOF && !r.take(token.Newline, true):
			return false
		}
	}
}

// item reads an argument or a block, without the end of its line: `a = 1`, `b "x" y { … }`. Labels are words or strings without sequences.
func (r *reader) item() bool {
	r.operators = 0
	if !r.take(token.Ident, true) {
		return false
	}
	if r.take(token.Equal, true) {
		return r.expression(true)
	}
	for {
		switch r.peek(true) {
		case token.Ident:
			r.i++
		case token.OQuote:
			r.i++
			if r.peek(true) == token.QuotedLit && !r.literal() || !r.take(token.CQuote, true) {
				return false
			}
		case token.OBrace:
			r.i++
			return r.nested(r.block)
		default:
			return false
		}
	}
}

// nested reads with f one level deeper.
func (r *reader) nested(f func() bool) bool {
	r.depth++
	ok := r.depth <= readerDepth && f()
	r.depth--
	return ok
}

// block reads what follows the opening brace of a block: a body, or one argument on the same line.
func (r *reader) block() bool {
	switch r.peek(true) {
	case token.Newline, token.CBrace:
		return r.body(token.CBrace)
	}
	return r.take(token.Ident, true) && r.take(token.Equal, true) && r.expression(true) && r.take(token.CBrace, true)
}

// expression reads a value. With lines, it ends with the line unless a bracket is open. What follows the colon of a conditional is read by
// the loop, so that a chain of them, `a ? 1 : b ? 2 : 3`, goes no deeper with each.
func (r *reader) expression(lines bool) bool {
	return r.nested(func() bool {
		for {
			if !r.operands(lines) {
				return false
			}
			if !r.take(token.Question, lines) {
				return true
			}
			if r.operators++; r.operators > readerOperators || !r.expression(lines) || !r.take(token.Colon, lines) {
				return false
			}
		}
	})
}

// operands reads one operand or several with operators between them. Which binds closer does not matter here: all orders are grammar.
func (r *reader) operands(lines bool) bool {
	for {
		for r.take(token.Minus, lines) || r.take(token.Bang, lines) {
			if r.operators++; r.operators > readerOperators {
				return false
			}
		}
		if !r.term(lines) || !r.traversals(lines) {
			return false
		}
		switch r.peek(lines) {
		case token.Operator, token.Minus, token.Star:
			r.i++
			if r.operators++; r.operators > readerOperators {
				return false
			}
		default:
			return true
		}
	}
}

// term reads one operand. lines says that a line end ends the expression, as it does outside of brackets.
func (r *reader) term(lines bool) bool {
	kind := r.peek(lines)
	if kind == token.EOF {
		return false
	}
	r.i++
	switch kind {
	case token.OParen:
		return r.expression(false) && r.take(token.CParen, false)
	case token.Number:
		return r.number(true)
	case token.Ident:
		if next := r.peek(lines); next == token.OParen || next == token.DoubleColon {
			return r.call(lines)
		}
		return true
	case token.OQuote:
		return r.template(token.CQuote)
	case token.OHeredoc:
		return r.template(token.CHeredoc)
	case token.OBrack:
		return r.tuple()
	case token.OBrace:
		return r.object()
	}
	return false
}

// traversals reads what follows a term: attributes, indices and splats.
func (r *reader) traversals(lines bool) bool {
	splat := false // within .*, where no other may follow
	for {
		switch r.peek(lines) {
		case token.Dot:
			r.i++
			switch {
			case r.take(token.Ident, lines):
			case r.take(token.Number, lines):
				if !r.number(false) {
					return false
				}
			case !splat && r.take(token.Star, lines):
				splat = true
			default:
				return false
			}
		case token.OBrack:
			r.i++
			splat = false
			if r.take(token.Star, lines) {
				if !r.take(token.CBrack, lines) {
					return false
				}
			} else if !r.expression(false) || !r.take(token.CBrack, false) {
				return false
			}
		default:
			return true
		}
	}
}

// call reads a call whose name was read.
func (r *reader) call(lines bool) bool {
	for r.take(token.DoubleColon, lines) {
		if !r.take(token.Ident, lines) {
			return false
		}
	}
	if !r.take(token.OParen, lines) {
		return false
	}
	for !r.take(token.CParen, false) {
		if !r.expression(false) {
			return false
		}
		if r.take(token.Ellipsis, false) {
			return r.take(token.CParen, false)
		}
		if r.peek(false) != token.CParen && !r.take(token.Comma, false) {
			return false
		}
	}
	return true
}

// tuple reads a list whose bracket was read, or a list made by a for expression: `1, 2]`, `for x in y : x]`. A comma may end the list.
func (r *reader) tuple() bool {
	if r.takeWord("for") {
		return r.loop(token.CBrack)
	}
	for !r.take(token.CBrack, false) {
		if !r.expression(false) || r.peek(false) != token.CBrack && !r.take(token.Comma, false) {
			return false
		}
	}
	return true
}

// object reads an object whose brace was read, or one made by a for expression. Line ends part members as commas do, and = and : mean the
// same.
func (r *reader) object() bool {
	if r.takeWord("for") {
		return r.loop(token.CBrace)
	}
	for !r.take(token.CBrace, true) {
		if r.take(token.Newline, true) {
			continue
		}
		if !r.expression(true) || !r.take(token.Equal, true) && !r.take(token.Colon, true) || !r.expression(true) {
			return false
		}
		if r.peek(true) != token.CBrace && !r.take(token.Comma, true) && !r.take(token.Newline, true) {
			return false
		}
	}
	return true
}

// loop reads a for expression after its first word, with the bracket end.
func (r *reader) loop(end token.Kind) bool {
	if !r.loopHead() || !r.take(token.Colon, false) || !r.expression(false) {
		return false
	}
	if end == token.CBrace {
		if !r.take(token.FatArrow, false) || !r.expression(false) {
			return false
		}
		r.take(token.Ellipsis, false)
	}
	if r.takeWord("if") && !r.expression(false) {
		return false
	}
	return r.take(end, false)
}

// loopHead reads what follows "for", up to the collection.
func (r *reader) loopHead() bool {
	return r.take(token.Ident, false) && (!r.take(token.Comma, false) || r.take(token.Ident, false)) && r.takeWord("in") && r.expression(false)
}

// template reads a string or heredoc whose opening token was read: literal text, ${ }, and %{ } whose ifs and fors have to be ended in the
// order in which they were opened.
func (r *reader) template(end token.Kind) bool {
	open := "" // directives that wait for their end, by their first letter
	for {
		switch k := r.peek(true); k {
		case token.QuotedLit, token.StringLit:
			if !r.literal() {
				return false
			}
		case token.Interp:
			r.i++
			if !r.expression(false) || !r.take(token.SeqEnd, false) {
				return false
			}
		case token.Control:
			r.i++
			if !r.directive(&open) || !r.take(token.SeqEnd, false) {
				return false
			}
		default:
			return k == end && open == "" && r.take(k, true)
		}
	}
}

// directive reads what stands in %{ }. open has a letter for each directive around, the innermost last: "i" of an if, "e" of one whose else
// was read, so that a second else is refused, "f" of a for.
func (r *reader) directive(open *string) bool {
	outer := strings.TrimSuffix(*open, (*open)[max(len(*open)-1, 0):])
	inner := (*open)[len(outer):]
	switch {
	case r.takeWord("if"):
		*open += "i"
		return r.expression(false)
	case r.takeWord("for"):
		*open += "f"
		return r.loopHead()
	case inner == "i" && r.takeWord("else"):
		*open = outer + "e"
		return true
	case (inner == "i" || inner == "e") && r.takeWord("endif"), inner == "f" && r.takeWord("endfor"):
		*open = outer
		return true
	}
	return false
}

// literal reads literal text and reports whether its escapes are among the usual ones.
func (r *reader) literal() bool {
	t := r.tokens[r.i]
	r.i++
	if t.Kind == token.StringLit {
		return true
	}
	text := r.src[t.Start:t.End]
	for {
		n := bytes.IndexByte(text, '\\')
		if n < 0 {
			return true
		}
		if n+1 == len(text) || bytes.IndexByte([]byte(`nrt"\`), text[n+1]) < 0 {
			return false
		}
		text = text[n+2:]
	}
}

// number reports whether the number that was just read is digits, with a fraction and a small exponent if those may be.
func (r *reader) number(whole bool) bool {
	t := r.tokens[r.i-1]
	text := r.src[t.Start:t.End]
	text = bytes.TrimLeft(text, "0123456789")
	if len(text) == 0 || !whole {
		return len(text) == 0
	}
	if text[0] == '.' {
		fraction := bytes.TrimLeft(text[1:], "0123456789")
		if len(fraction) == len(text)-1 {
			return false
		}
		text = fraction
	}
	if len(text) == 0 {
		return true
	}
	// At most three digits: HCL's parser computes the power, and a large one takes for ever.
	exponent := bytes.TrimLeft(text[1:], "+-")
	return text[0]|0x20 == 'e' && len(exponent) <= 4 && len(exponent) >= len(text)-2 && len(bytes.TrimLeft(exponent, "0123456789")) == 0
}
