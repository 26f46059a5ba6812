package render

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
)

// LongestShown is how much of a user's string is shown, in code points; the JSON has all of it.
const LongestShown = 400

// Line makes a user's string harmless in a line of text: control characters, escapes of terminals, marks that turn the
// direction of writing and characters that cannot be seen are shown as their code points; white space is one blank, so
// that no string looks like two columns; what is very long is cut, visibly. Systems that run builds take some lines
// that a program prints for commands; these are broken up. The string can then neither forge nor hide anything:
//
//	"a\x1b[2Jb"      a\u{1B}[2Jb
//	"  a\n  b "      a b
//	"::error::x"     \u{3A}:error::x
func Line(s string) string {
	if harmless(s) {
		return s
	}
	s = buildCommand().ReplaceAllStringFunc(s, func(command string) string {
		at := len(command) - len(strings.TrimLeftFunc(command, unicode.IsSpace))
		return command[:at] + "\\u{" + strings.ToUpper(hex(rune(command[at]))) + "}" + command[at+1:]
	})
	var b strings.Builder
	shown, blank := 0, false
	for _, r := range s {
		if r == '\n' || r == '\t' || r == '\r' || r == ' ' {
			blank = b.Len() > 0
			continue
		}
		if blank {
			b.WriteByte(' ')
			blank = false
		}
		if shown++; shown > LongestShown {
			b.WriteString("… (cut)")
			break
		}
		if r == utf8.RuneError || Hidden(r) {
			b.WriteString("\\u{" + strings.ToUpper(hex(r)) + "}")
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// buildCommand is how commands to GitHub Actions, Azure Pipelines and TeamCity begin: the first at the beginning of a line,
// the others anywhere in it.
var buildCommand = lazyregexp.New(`^\s*::|##[a-z]*\[`)

// Lines does what Line does with each line of a text; how far it is indented stays. Line feeds at the end are dropped.
func Lines(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		words := strings.TrimLeft(line, " \t")
		lines[i] = line[:len(line)-len(words)] + Line(words)
	}
	return strings.Join(lines, "\n")
}

// ShellWord writes a user's string as one word of a POSIX shell's command line that is shown to be copied: train.model
// as it is, train.model["eu"] in single quotes. A word that would be taken for a flag is quoted too.
func ShellWord(s string) string {
	plain := func(r rune) bool {
		return r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r)) || strings.ContainsRune("_-./@:=,+", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 && !strings.HasPrefix(s, "-") {
		return s
	}
	return "'" + strings.ReplaceAll(Line(s), "'", `'\''`) + "'"
}

// Clean makes strings of users harmless in lines of text, as plans show them.
func Clean(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = Line(s)
	}
	return out
}

// harmless reports whether a text needs no cleaning, which is the common case: plain ASCII without double blanks.
func harmless(s string) bool {
	if len(s) > LongestShown || strings.Contains(s, "  ") || strings.Contains(s, "##") || strings.HasPrefix(s, "::") || strings.TrimSpace(s) != s {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

// Hidden reports whether a character cannot be seen or changes how others are shown. The blank itself can be seen.
func Hidden(r rune) bool {
	switch {
	case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs):
		return true
	case unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return true
	case unicode.Is(unicode.Zs, r) && r != ' ':
		return true
	}
	return r == '\u2800' // a braille cell without dots
}

// hex is a number in hexadecimal digits, without leading zeros.
func hex(r rune) string {
	const digits = "0123456789abcdef"
	if r < 16 {
		return digits[r : r+1]
	}
	return hex(r/16) + digits[r%16:r%16+1]
}
