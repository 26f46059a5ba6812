package lsp

import (
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/rule"
)

// signatureHelp says how the function is called that the position is in the brackets of: one of expressions, or in a rule
// one of rules. Nil where there is none.
func (r *request) signatureHelp() *signatureHelp {
	p := r.place()
	if p.attr == nil {
		return nil
	}
	if p.string != nil && p.string.lang != plainText {
		if p.string.lang != celText {
			return nil
		}
		return ruleSignature(p.string)
	}
	name, argument := calledAt(p.attr.tokens, r.offset)
	for _, f := range expr.Functions() {
		if f.Name == name {
			return newSignature(f.Form, f.Doc, argument)
		}
	}
	return nil
}

// calledAt is the function whose brackets an offset is in, and the number of the argument there, from 0; "" if it is in
// no call. In `max(1, min(2, |` it is min, 1. Brackets of a list within an argument do not count: `max([1, 2|` is max,
// 0.
// A function must be named right before the bracket; (1 + 2) belongs to the call around it.
func calledAt(tokens []hclsyntax.Token, offset int) (name string, argument int) {
	type bracket struct {
		name     string
		argument int
	}
	// A stack of the brackets that are open at the offset, each with the number of commas directly in it.
	var open []bracket
	for i, t := range tokens {
		if t.Range.End.Byte > offset {
			break
		}
		switch t.Type {
		case hclsyntax.TokenOParen, hclsyntax.TokenOBrack, hclsyntax.TokenOBrace, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			b := bracket{}
			if t.Type == hclsyntax.TokenOParen && i > 0 && tokens[i-1].Type == hclsyntax.TokenIdent {
				b.name = string(tokens[i-1].Bytes)
			}
			open = append(open, b)
		case hclsyntax.TokenCParen, hclsyntax.TokenCBrack, hclsyntax.TokenCBrace, hclsyntax.TokenTemplateSeqEnd:
			open = open[:max(0, len(open)-1)]
		case hclsyntax.TokenComma:
			if len(open) > 0 {
				open[len(open)-1].argument++
			}
		}
	}
	for i := len(open) - 1; i >= 0; i-- {
		if open[i].name != "" {
			return open[i].name, open[i].argument
		}
	}
	return "", 0
}

// ruleSignature is calledAt for the text of a rule, and nil where the brackets are of no function that rules have.
func ruleSignature(s *embedded) *signatureHelp {
	type bracket struct {
		name     string
		argument int
	}
	var open []bracket
	for i, l := range s.lexemes {
		if l.end > s.offset {
			break
		}
		switch l.text {
		case "(", "[", "{":
			b := bracket{}
			if l.text == "(" && i > 0 {
				b.name = s.lexemes[i-1].text
			}
			open = append(open, b)
		case ")", "]", "}":
			open = open[:max(0, len(open)-1)]
		case ",":
			if len(open) > 0 {
				open[len(open)-1].argument++
			}
		}
	}
	for i := len(open) - 1; i >= 0; i-- {
		for _, f := range rule.Functions() {
			if f.Name == open[i].name {
				return newSignature(f.Form, f.Doc, open[i].argument)
			}
		}
	}
	return nil
}

// newSignature marks the parameter that an argument is for: the last one if it takes any number.
func newSignature(form, doc string, argument int) *signatureHelp {
	s := signature{Label: form, Documentation: markdown(doc), Parameters: []parameter{}}
	_, rest, _ := strings.Cut(form, "(")
	rest, _, _ = strings.Cut(rest, ")")
	for p := range strings.SplitSeq(rest, ",") {
		if p = strings.TrimSpace(p); p != "" {
			s.Parameters = append(s.Parameters, parameter{Label: p})
		}
	}
	if n := len(s.Parameters); n > 0 && argument >= n && strings.HasSuffix(s.Parameters[n-1].Label, "…") {
		argument = n - 1
	}
	return &signatureHelp{Signatures: []signature{s}, ActiveParameter: argument}
}
