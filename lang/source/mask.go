package source

import (
	"bytes"
	"maps"
	"strings"
	"unicode/utf8"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
)

// credentials match what stands for a user and password in an address, and parameters of addresses that are
// credentials: https://user:secret@host/, ?token=secret. What is named otherwise is not found; sensitive variables are
// hidden by their place (Hide).
var credentials = lazyregexp.New(`://([^/\s@"'?#]+)@|(?i:[?&][a-z_]*(?:token|password|secret|key)=)([^&\s"']+)`)

// Hide returns the files with an asterisk for each character of the ranges; blanks and line ends stay, so that lines and columns are
// the same. The result is for showing only, since the number of bytes may differ.
func Hide(files map[string][]byte, hidden []Range) map[string][]byte {
	if len(hidden) == 0 {
		return files
	}
	out := maps.Clone(files)
	for name, text := range files {
		var inside []bool
		for _, r := range hidden {
			// A range of another text of that name hides nothing: it would hide the wrong bytes.
			if r.File != name || r.End.Byte > len(text) {
				continue
			}
			if inside == nil {
				inside = make([]bool, len(text))
			}
			for i := r.Start.Byte; i < r.End.Byte; i++ {
				inside[i] = true
			}
		}
		if inside != nil {
			out[name] = starred(text, inside)
		}
	}
	return out
}

// starred is a text with asterisks for the code points that are inside.
func starred(text []byte, inside []bool) []byte {
	var out []byte
	for i := 0; i < len(text); {
		_, n := utf8.DecodeRune(text[i:])
		if inside[i] && !strings.ContainsRune(" \t\r\n", rune(text[i])) {
			out = append(out, '*')
		} else {
			out = append(out, text[i:i+n]...)
		}
		i += n
	}
	return out
}

// Masked replaces credentials in addresses by asterisks, for texts that others read. Render and Plain do so too.
func Masked(s string) string { return string(masked([]byte(s))) }

// masked replaces credentials in addresses by asterisks, as many as they have characters, so that places stay right. The
// user git, which opens nothing, is left.
func masked(text []byte) []byte {
	found := credentials().FindAllSubmatchIndex(text, -1)
	if found == nil {
		return text
	}
	var out []byte
	last := 0
	for _, m := range found {
		from, to := m[2], m[3]
		if from < 0 {
			from, to = m[4], m[5]
		}
		out = append(out, text[last:from]...)
		if hidden := text[from:to]; string(hidden) == "git" {
			out = append(out, hidden...)
		} else {
			out = append(out, bytes.Repeat([]byte("*"), utf8.RuneCount(hidden))...)
		}
		last = to
	}
	return append(out, text[last:]...)
}
