package lsp

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// lexemeKind tells the words of SQL and CEL apart as far as an editor needs.
type lexemeKind int

const (
	identifier lexemeKind = iota + 1
	quotedIdentifier
	quoted // a string
	number
	comment
	mark // any other character
)

// lexeme is a word of an embedded text, with its place in the text's value, in bytes.
type lexeme struct {
	kind       lexemeKind
	text       string // of a quoted identifier: without quotes
	start, end int
}

// language is what a string is written in, as the schema of its argument says.
type language int

const (
	plainText language = iota
	sqlText
	celText
)

// lexemes takes an embedded text apart. It takes any text: what has no end, such as a string that is being typed, goes
// to the end of the text. Blanks are left out, and every other byte is in one lexeme. Neither language is parsed: of
// SQL and CEL half written, words and what stands beside them tell enough.
func lexemes(text string, lang language) []lexeme {
	var out []lexeme
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		l := lexeme{kind: mark, start: i, end: i + size}
		switch {
		case unicode.IsSpace(r):
			i += size
			continue
		case r == '_' || unicode.IsLetter(r):
			l.kind, l.end = identifier, i+run(text[i:], wordRune)
		case unicode.IsDigit(r):
			l.kind, l.end = number, i+numberLength(text[i:])
		case lang == sqlText && strings.HasPrefix(text[i:], "--"), lang == celText && strings.HasPrefix(text[i:], "//"):
			l.kind, l.end = comment, i+run(text[i:], func(r rune) bool { return r != '\n' })
		case r == '\'' || r == '"':
			l.end = i + quotedLength(text[i:], lang)
			if l.kind = quoted; r == '"' && lang == sqlText {
				l.kind = quotedIdentifier
			}
		}
		l.text = text[l.start:l.end]
		if l.kind == quotedIdentifier {
			l.text = strings.ReplaceAll(strings.Trim(l.text, `"`), `""`, `"`)
		}
		out = append(out, l)
		i = l.end
	}
	return out
}

// wordRune reports whether a rune is part of a name.
func wordRune(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// run is how many bytes at the beginning of s consist of such runes.
func run(s string, in func(rune) bool) int {
	for i, r := range s {
		if !in(r) {
			return i
		}
	}
	return len(s)
}

// numberLength takes an exponent's sign along: 1.5e-3.
func numberLength(s string) int {
	n := 0
	for n < len(s) {
		c := s[n]
		sign := (c == '-' || c == '+') && (s[n-1] == 'e' || s[n-1] == 'E')
		if c != '.' && !sign && !wordRune(rune(c)) {
			break
		}
		n++
	}
	return n
}

// quotedLength is that of the string s begins with, quotes included. A quote within is doubled in SQL and escaped in
// CEL.
func quotedLength(s string, lang language) int {
	for i := 1; i < len(s); i++ {
		switch {
		case lang == celText && s[i] == '\\':
			i++
		case s[i] != s[0]:
		case lang == sqlText && i+1 < len(s) && s[i+1] == s[0]:
			i++
		default:
			return i + 1
		}
	}
	return len(s)
}

// lexemeAt returns the index of the identifier that offset is in or at the end of, -1 if there is none.
func lexemeAt(ls []lexeme, offset int) int {
	for i, l := range ls {
		if l.start <= offset && offset <= l.end && (l.kind == identifier || l.kind == quotedIdentifier) {
			return i
		}
	}
	return -1
}

// step is one part of a path in a rule: a name, or an index.
type step struct {
	name  string // "" for an index that is no string
	index bool
	at    lexeme // the name, or the opening bracket
}

// chain is a path in a rule, evaluate.holdout.slices[s].auc, as it is written.
type chain struct {
	steps []step
	first int // the index of its first lexeme
	last  int // that of its last
}

// chains finds the paths of a rule in their order. Those within an index are found as well: a.b[c.d] has a.b[…] and
// c.d. Words that are no path, such as `in`, are chains of one step; what they lead to is asked of the types.
func chains(ls []lexeme) []chain {
	var out []chain
	for i := range ls {
		if ls[i].kind == identifier && (i == 0 || ls[i-1].text != ".") {
			out = append(out, chainFrom(ls, i))
		}
	}
	return out
}

// chainFrom reads the path that begins at lexeme i. In a call, the function's name is the last step: all of `xs.all(x,
// x > 1)`. A point at the end, behind which the user is about to type, is the path's last lexeme.
func chainFrom(ls []lexeme, i int) chain {
	c := chain{steps: []step{{name: ls[i].text, at: ls[i]}}, first: i, last: i}
	for i++; i < len(ls); i++ {
		switch {
		case ls[i].text == "." && i+1 < len(ls) && ls[i+1].kind == identifier:
			i++
			c.steps = append(c.steps, step{name: ls[i].text, at: ls[i]})
		case ls[i].text == ".":
			c.last = i
			return c
		// An index counts as a step; its name is known only if it is a string.
		case ls[i].text == "[":
			end := closing(ls, i)
			s := step{index: true, at: ls[i]}
			if end == i+2 && ls[i+1].kind == quoted {
				s.name = strings.Trim(ls[i+1].text, `"'`)
			}
			if end < 0 {
				return c
			}
			c.steps = append(c.steps, s)
			i = end
		default:
			return c
		}
		c.last = i
	}
	return c
}

// closing is the index of the bracket that closes the one at open, -1 if none does.
func closing(ls []lexeme, open int) int {
	depth := 0
	for i := open; i < len(ls); i++ {
		switch ls[i].text {
		case "[", "(", "{":
			depth++
		case "]", ")", "}":
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}
