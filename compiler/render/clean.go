package render

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean makes a user's string harmless in a line of text: control characters, escapes of terminals and marks that turn
// the direction of writing are shown as their code points, so that they can neither forge nor hide anything.
func clean(s string) string {
	if strings.IndexFunc(s, unsafe) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\n' || r == '\t':
			b.WriteByte(' ')
		case r == utf8.RuneError || unsafe(r):
			b.WriteString("\\u{" + strings.ToUpper(hex(r)) + "}")
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unsafe(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
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
