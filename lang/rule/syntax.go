package rule

import (
	"fmt"
	"strings"

	"github.com/google/cel-go/common"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/source"
)

// The messages of cel-go's parser, which is made by ANTLR, told apart by their words.
var (
	badToken   = lazyregexp.New(`(?s)^token recognition error at: '(.*)'$`)
	badInput   = lazyregexp.New(`(?s)^(?:extraneous|mismatched) input '(.*?)' expecting`)
	missing    = lazyregexp.New(`(?s)^missing '(.*?)' at`)
	noViable   = lazyregexp.New(`(?s)^no viable alternative at input '(.*)'$`)
	badNumber  = lazyregexp.New(`^invalid (?:int|uint|double) literal`)
	reserved   = lazyregexp.New(`reserved identifier: (\w+)`)
	sizeLimit  = lazyregexp.New(`code point size exceeds limit`)
	depthLimit = lazyregexp.New(`(?i)recursion|lookahead|expression count exceeds`)
)

// syntaxError says an error of cel-go's parser in the language's words.
func (s *script) syntaxError(err *common.Error) source.Diagnostic {
	at := s.offset(err.Location)
	d := source.Diagnostic{Severity: source.Error, Code: source.CodeRuleSyntax, Subject: s.rangeOf(at, s.tokenEnd(at))}
	message := strings.TrimPrefix(err.Message, "Syntax error: ")
	// The most telling first: limits, then words and signs of other languages (and, or, =), then what the parser itself
	// says.
	symbol, start, end := s.symbolAround(at)
	switch {
	case strings.TrimSpace(s.text.Value) == "":
		d.Summary, d.Subject = "the rule is empty", s.text.Range
	case sizeLimit().MatchString(message):
		d.Code, d.Subject = source.CodeRuleSize, s.text.Range
		d.Summary = fmt.Sprintf("the rule is longer than %d characters", maxLength)
	case depthLimit().MatchString(message):
		d.Code, d.Subject, d.Summary = source.CodeRuleSize, s.text.Range, "the rule is nested too deeply"
	case reserved().MatchString(message):
		s.reservedWord(&d, reserved().FindStringSubmatch(message)[1])
	case foreignSymbols[symbol] != "":
		d.Summary, d.Subject, d.Hint = fmt.Sprintf("unexpected %q", symbol), s.rangeOf(start, end), foreignSymbols[symbol]
	case foreignWords[s.wordBefore(at)] != "":
		s.foreignWord(&d, at)
	case badToken().MatchString(message):
		s.badToken(&d, at, badToken().FindStringSubmatch(message)[1])
	case badInput().MatchString(message):
		s.unexpected(&d, badInput().FindStringSubmatch(message)[1])
	case missing().MatchString(message):
		d.Summary = fmt.Sprintf("a %s is missing", missing().FindStringSubmatch(message)[1])
		if at >= len(s.runes) {
			d.Subject = s.last()
		}
	case noViable().MatchString(message):
		s.unexpected(&d, s.word(at))
	case badNumber().MatchString(message):
		d.Code, d.Summary = source.CodeRuleInexact, s.word(at)+" is more than a number written so can be"
		d.Detail = "Whole numbers have 64 bits; with a point or an exponent they go up to 1.7e308."
		d.Hint = "write it with an exponent: 9.3e18"
	default:
		d.Summary = "the rule cannot be read: " + message
	}
	return d
}

// word is the token at a place, or <EOF> as the parser writes it.
func (s *script) word(at int) string {
	if at >= len(s.runes) {
		return "<EOF>"
	}
	return string(s.runes[at:s.tokenEnd(at)])
}

// reservedWord words a name that CEL keeps for itself.
func (s *script) reservedWord(d *source.Diagnostic, word string) {
	d.Summary = fmt.Sprintf("%q is a reserved word of CEL", word)
	if word == "var" {
		d.Hint = "variables are read as variable.name"
	}
}

// badToken words a sign that CEL does not have, a template, and a string without an end.
func (s *script) badToken(d *source.Diagnostic, at int, token string) {
	token = strings.TrimSpace(token)
	d.Summary = fmt.Sprintf("unexpected %q", token)
	switch {
	case strings.HasPrefix(token, "$"):
		d.Hint = "rules take no ${}: write variable.name or local.name"
	case strings.HasPrefix(token, `"`) || strings.HasPrefix(token, "'"):
		_, end := s.whole()
		d.Summary, d.Subject = "this string has no end", s.rangeOf(at, end)
	}
}

// last is the rule's last character.
func (s *script) last() source.Range {
	_, end := s.whole()
	return s.rangeOf(max(0, end-1), end)
}

// unexpected words a token that does not fit where it stands, or the end of the rule.
func (s *script) unexpected(d *source.Diagnostic, token string) {
	switch token {
	case "<EOF>":
		d.Summary, d.Subject = "the rule ends where a value is expected", s.last()
		if _, end := s.whole(); end > 0 && s.runes[end-1] == '%' {
			d.Hint = foreignSymbols["%"]
		}
		return
	default:
		d.Hint = foreignWords[strings.ToLower(token)]
	}
	d.Summary = fmt.Sprintf("unexpected %q", token)
}

// foreignSymbols are operators and signs of other languages, or half of one of CEL's, with what is meant.
var foreignSymbols = map[string]string{
	"=": "equality is ==", "===": "equality is ==", "=>": "at least is >=", "≥": "at least is >=", "=<": "at most is <=", "≤": "at most is <=",
	"<>": "unequal is !=", "!==": "unequal is !=", "=!": "unequal is !=", "≠": "unequal is !=", "&": "conditions are joined by &&",
	"|": "alternatives are joined by ||", "**": "there is no power: write x * x", "%": "shares are fractions: 10 % is 0.1",
	";": "a rule is one condition, without a semicolon", ",": "numbers have no separators: 1,000 is 1000",
}

// foreignWords are those of other languages, in small letters.
var foreignWords = map[string]string{
	"and": "conditions are joined by &&", "or": "alternatives are joined by ||", "not": "negation is !", "is": "equality is ==",
	"if": "write condition ? a : b", "between": "write x >= low && x <= high", "like": "write text.matches(pattern)",
}

// foreignFunctions are those of other languages, in small letters.
var foreignFunctions = map[string]string{
	"int": "every number is a double already", "uint": "every number is a double already", "double": "every number is a double already",
	"float": "every number is a double already", "bool": "compare the value: x == 1", "string": "strings and numbers are told apart, and not turned into each other",
	"len": "write size(…)", "length": "write size(…)", "count": "write size(…); of those for which something holds: size(xs.filter(x, x > 0.5))",
	"avg": "write mean(…)", "average": "write mean(…)", "median": "write quantile(…, 0.5)", "percentile": "write quantile(…, 0.9): shares, not percent",
	"any": "write exists", "some": "write exists", "every": "write all", "defined": "write has(…)", "isnull": "write !has(…)", "is_null": "write !has(…)",
	"isnan": "write !has(…): a figure that is NaN is not there", "is_nan": "write !has(…): a figure that is NaN is not there", "coalesce": "write has(a.b) ? a.b : 0",
	"round": "compare with a margin: abs(x - 0.8) < 0.005", "pow": "write x * x", "sqrt": "compare the square: x * x", "if": "write condition ? a : b",
	"lower": "strings are compared as they stand", "upper": "strings are compared as they stand", "regexp_matches": "write text.matches(pattern)",
	"now": "rules do not know the time", "timestamp": "rules do not know the time", "range": "rules go over figures: xs.all(x, x > 0.5)",
}

// symbolAround is the run of signs at a code point, without white space; "" where there is none.
func (s *script) symbolAround(at int) (symbol string, start, end int) {
	sign := func(i int) bool {
		return i >= 0 && i < len(s.runes) && strings.ContainsRune("=<>!&|*≥≤≠%;,", s.runes[i])
	}
	if !sign(at) {
		return "", at, at
	}
	for start = at; sign(start - 1); start-- {
	}
	for end = at; sign(end); end++ {
	}
	return string(s.runes[start:end]), start, end
}

// wordBefore is the word before the one at a code point, in small letters.
func (s *script) wordBefore(at int) string {
	return strings.ToLower(strings.TrimSpace(string(s.runes[s.nameBefore(at):at])))
}

// foreignWord words a word of another language, before the place where the parser gave up.
func (s *script) foreignWord(d *source.Diagnostic, at int) {
	start := s.nameBefore(at)
	word := strings.TrimSpace(string(s.runes[start:at]))
	d.Summary, d.Subject, d.Hint = fmt.Sprintf("unexpected %q", word), s.rangeOf(start, start+len(word)), foreignWords[strings.ToLower(word)]
}
