package rule

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/google/cel-go/common"

	"github.com/mlp-lang/mlp/lang/source"
)

var (
	badToken   = regexp.MustCompile(`(?s)^token recognition error at: '(.*)'$`)
	badInput   = regexp.MustCompile(`(?s)^(?:extraneous|mismatched) input '(.*?)' expecting`)
	missing    = regexp.MustCompile(`(?s)^missing '(.*?)' at`)
	noViable   = regexp.MustCompile(`(?s)^no viable alternative at input '(.*)'$`)
	reserved   = regexp.MustCompile(`reserved identifier: (\w+)`)
	sizeLimit  = regexp.MustCompile(`code point size exceeds limit`)
	depthLimit = regexp.MustCompile(`(?i)recursion|lookahead|expression count exceeds`)
)

// syntaxError says an error of cel-go's parser in the language's words.
func (s *script) syntaxError(err *common.Error) source.Diagnostic {
	at := s.offset(err.Location)
	d := source.Diagnostic{Severity: source.Error, Code: syntaxCode, Subject: s.rangeOf(at, s.tokenEnd(at))}
	message := strings.TrimPrefix(err.Message, "Syntax error: ")
	switch {
	case strings.TrimSpace(s.text.Value) == "":
		d.Summary, d.Subject = "the rule is empty", s.text.Range
	case sizeLimit.MatchString(message):
		d.Code, d.Subject = sizeCode, s.text.Range
		d.Summary = fmt.Sprintf("the rule is longer than %d characters", maxLength)
	case depthLimit.MatchString(message):
		d.Code, d.Subject, d.Summary = sizeCode, s.text.Range, "the rule is nested too deeply"
	case reserved.MatchString(message):
		s.reservedWord(&d, reserved.FindStringSubmatch(message)[1])
	case badToken.MatchString(message):
		s.badToken(&d, at, badToken.FindStringSubmatch(message)[1])
	case badInput.MatchString(message):
		s.unexpected(&d, badInput.FindStringSubmatch(message)[1])
	case missing.MatchString(message):
		d.Summary = fmt.Sprintf("a %s is missing", missing.FindStringSubmatch(message)[1])
		if at >= len(s.runes) {
			d.Subject = s.last()
		}
	case noViable.MatchString(message):
		s.unexpected(&d, s.word(at))
	default:
		d.Summary = "the rule cannot be read: " + message
	}
	return d
}

func (s *script) word(at int) string {
	if at >= len(s.runes) {
		return "<EOF>"
	}
	return string(s.runes[at:s.tokenEnd(at)])
}

func (s *script) reservedWord(d *source.Diagnostic, word string) {
	d.Summary = fmt.Sprintf("%q is a reserved word of CEL", word)
	if word == "var" {
		d.Hint = "variables are read as variable.name"
	}
}

func (s *script) badToken(d *source.Diagnostic, at int, token string) {
	token = strings.TrimSpace(token)
	d.Summary = fmt.Sprintf("unexpected %q", token)
	switch {
	case strings.HasPrefix(token, "$"):
		d.Hint = "rules take no ${}: write variable.name or local.name"
	case strings.HasPrefix(token, "="):
		d.Hint = "equality is =="
	case strings.HasPrefix(token, "&"):
		d.Hint = "conditions are joined by &&"
	case strings.HasPrefix(token, "|"):
		d.Hint = "alternatives are joined by ||"
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

func (s *script) unexpected(d *source.Diagnostic, token string) {
	switch token {
	case "<EOF>":
		d.Summary, d.Subject = "the rule ends where a value is expected", s.last()
		return
	case "and", "AND":
		d.Hint = "conditions are joined by &&"
	case "or", "OR":
		d.Hint = "alternatives are joined by ||"
	case "not", "NOT":
		d.Hint = "negation is !"
	case "=":
		d.Hint = "equality is =="
	}
	d.Summary = fmt.Sprintf("unexpected %q", token)
}
