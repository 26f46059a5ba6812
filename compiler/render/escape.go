package render

import (
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
)

// CodeSpan writes a user's string, cut to a width, as a code span of Markdown, in a cell of a table or elsewhere: nothing in it
// is markup, a mention or a link. The fence is longer than any run of backticks inside; a bar would end the cell, so it is escaped, or shown as its
// code point where a backslash before it could undo that.
func CodeSpan(s string, width int) string {
	s = Clipped(Line(s), width)
	if s == "" {
		return ""
	}
	if strings.Contains(s, `\`) {
		s = strings.ReplaceAll(s, "|", `\u{7C}`)
	} else {
		s = strings.ReplaceAll(s, "|", `\|`)
	}
	return fenced(s)
}

// CodeText is CodeSpan where no cell of a table is: a bar stays as it is.
func CodeText(s string, width int) string { return fenced(Clipped(Line(s), width)) }

// fenced puts a text between more backticks than it holds in a row, and blanks where it begins or ends with one, which
// Markdown drops again (CommonMark 0.31, 6.1).
func fenced(s string) string {
	fence, run := 1, 0
	for _, r := range s {
		if run++; r != '`' {
			run = 0
		}
		fence = max(fence, run+1)
	}
	ticks := strings.Repeat("`", fence)
	if strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return ticks + s + ticks
}

// Phrase writes a sentence of ours that names what users wrote: as it is where it cannot be taken for markup, else as
// a code span.
func Phrase(s string, width int) string {
	if plainPhrase(s) {
		return Clipped(s, width)
	}
	return CodeSpan(s, width)
}

// roles of derived stages, which sentences of ours name.
var roles = []schema.Role{schema.ChampionRole, schema.PredictRole, schema.FetchRole, schema.TrialRole, schema.SampleRole}

// plainPhrase reports whether no Markdown, HTML, mention, link, emoji or number of an issue can hide in a text.
func plainPhrase(s string) bool {
	for _, word := range strings.Split(s, " ") {
		word = strings.TrimRight(word, ",.;:")
		for of, role := address.Of(word); slices.Contains(roles, schema.Role(address.Role(role))); of, role = address.Of(word) {
			word = of
		}
		if strings.IndexFunc(word, func(r rune) bool { return !plainRune(r) }) >= 0 || strings.HasPrefix(strings.ToLower(word), "www.") {
			return false
		}
	}
	return true
}

// plainRune reports whether a character means nothing in Markdown.
func plainRune(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return true
	}
	return strings.ContainsRune(".,;()?%/·→…", r)
}
