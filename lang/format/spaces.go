package format

import "github.com/mlp-lang/mlp/lang/token"

// spaced reports whether a space stands between a token and the next one on a line. before is what precedes the token in
// its cell, EOF if nothing does; in tells that the token is the word "in".
//
// The rules are those of HCL's own formatter.
func spaced(before, this, next token.Kind, in bool) bool {
	switch {
	case next == token.Newline:
		return false
	case this == token.Dot || next == token.Dot || this == token.DoubleColon && next == token.Ident:
		return false
	case this == token.Ident && (next == token.OParen || next == token.DoubleColon):
		return false
	case next == token.Comma || next == token.Ellipsis:
		return false
	case this == token.Comma:
		return true
	case literalText(this) || this == token.OQuote || this == token.OHeredoc:
		return false
	case literalText(next) || next == token.CQuote || next == token.CHeredoc:
		return false
	case in && before == token.Ident: // for x in [y]
		return true
	case next == token.OBrack && (this == token.Ident || this == token.Number || bracket(this) < 0):
		return false
	case this == token.Bang:
		return false
	case this == token.Minus:
		return endsValue(before)
	case this == token.OBrace || next == token.CBrace:
		return this != token.OBrace || next != token.CBrace
	case sequenceStart(this):
		return next == token.OBrace
	case this == token.CBrace && next == token.SeqEnd:
		return true
	case this == token.SeqEnd && sequenceStart(next):
		return false
	}
	return bracket(this) <= 0 && bracket(next) >= 0
}

// standsAlone reports whether a token is read as it is whatever it touches.
func standsAlone(k token.Kind) bool {
	switch k {
	case token.Newline, token.OBrack, token.CBrack, token.OParen, token.CParen, token.Comma:
		return true
	}
	return false
}

// literalText reports whether a token is text of a string or heredoc, within which each blank counts.
func literalText(k token.Kind) bool { return k == token.QuotedLit || k == token.StringLit }

// sequenceStart reports whether a token is ${ or %{.
func sequenceStart(k token.Kind) bool { return k == token.Interp || k == token.Control }

// bracket is 1 for what opens a bracket, -1 for what closes one.
func bracket(k token.Kind) int { return int(brackets[k]) }

var brackets = [256]int8{
	token.OBrace: 1, token.OBrack: 1, token.OParen: 1, token.Interp: 1, token.Control: 1,
	token.CBrace: -1, token.CBrack: -1, token.CParen: -1, token.SeqEnd: -1,
}

// endsValue reports whether a minus after a token takes something from it, rather than being a sign.
func endsValue(before token.Kind) bool {
	switch before {
	case token.EOF, token.OParen, token.OBrace, token.OBrack, token.Equal, token.Colon, token.Comma, token.Question,
		token.Operator, token.Star, token.Minus, token.Bang:
		return false
	}
	return true
}
