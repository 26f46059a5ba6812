package render

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// longestShown is how much of a user's string is shown, in code points; the JSON has all of it.
const longestShown = 400

// clean makes a user's string harmless in a line of text: control characters, escapes of terminals, marks that turn the
// direction of writing and characters that cannot be seen are shown as their code points; white space is one blank, so
// that no string looks like two columns; what is very long is cut, visibly. Systems that run builds take some lines that a
// program prints for commands; these are broken up. It can then neither forge nor hide anything.
func clean(s string) string {
	if harmless(s) {
		return s
	}
	s = buildCommand.ReplaceAllStringFunc(s, func(command string) string {
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
		if shown++; shown > longestShown {
			b.WriteString("… (cut)")
			break
		}
		if r == utf8.RuneError || unsafe(r) {
			b.WriteString("\\u{" + strings.ToUpper(hex(r)) + "}")
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// buildCommand is how commands to GitHub Actions, Azure Pipelines and TeamCity begin: the first at the beginning of a line,
// the others anywhere in it.
var buildCommand = regexp.MustCompile(`^\s*::|##[a-z]*\[`)

// Line makes a string of a user, or of a stage, harmless in a line of text, as plans show it.
func Line(s string) string { return clean(s) }

// Lines does so with each line of a text; how far it is indented stays.
func Lines(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		words := strings.TrimLeft(line, " \t")
		lines[i] = line[:len(line)-len(words)] + clean(words)
	}
	return strings.Join(lines, "\n")
}

// ShellWord writes a user's string as one word of a command line that is shown to be copied.
func ShellWord(s string) string {
	plain := func(r rune) bool {
		return r < 128 && (unicode.IsLetter(r) || unicode.IsDigit(r)) || strings.ContainsRune("_-./@:=,+", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 && !strings.HasPrefix(s, "-") {
		return s
	}
	return "'" + strings.ReplaceAll(clean(s), "'", `'\''`) + "'"
}

// Clean makes strings of users harmless in lines of text, as plans show them.
func Clean(list []string) []string { return cleaned(list) }

// harmless is the common case: plain ASCII without double blanks.
func harmless(s string) bool {
	if len(s) > longestShown || strings.Contains(s, "  ") || strings.Contains(s, "##") || strings.HasPrefix(s, "::") || strings.TrimSpace(s) != s {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

// unsafe are characters that cannot be seen or change how others are shown.
func unsafe(r rune) bool {
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

func hex(r rune) string {
	const digits = "0123456789abcdef"
	if r < 16 {
		return digits[r : r+1]
	}
	return hex(r/16) + digits[r%16:r%16+1]
}

// columns is how wide a string stands on a terminal, counted in code points.
func columns(s string) int { return utf8.RuneCountInString(s) }

func pad(s string, width int) string { return s + strings.Repeat(" ", max(0, width-columns(s))) }
