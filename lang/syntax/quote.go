package syntax

import (
	"fmt"
	"strings"
	"unicode"
)

// Quote writes a text as a string of the language, in which nothing is a template: `a "b" ${c}` as "a \"b\" $${c}". Characters
// that cannot be printed stand as \uXXXX; what is not valid UTF-8 is written as U+FFFD, for no string of the language can hold
// other bytes.
func Quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	runes := []rune(s)
	for i, r := range runes {
		switch {
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case (r == '$' || r == '%') && i+1 < len(runes) && runes[i+1] == '{':
			b.WriteRune(r)
			b.WriteRune(r)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(escapedRune(r))
		}
	}
	b.WriteByte('"')
	return b.String()
}

// escapedRune is a rune as an escape of HCL: four digits, or eight beyond U+FFFF.
func escapedRune(r rune) string {
	if r < 0x10000 {
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}
