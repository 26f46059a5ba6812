package source

import (
	"bytes"
	"regexp"
	"unicode/utf8"
)

// credentials match what stands for a user and password in an address, and parameters of addresses that are credentials.
var credentials = regexp.MustCompile(`://([^/\s@"'?#]+)@|(?i:[?&][a-z_]*(?:token|password|secret|key)=)([^&\s"']+)`)

// masked replaces credentials in addresses by asterisks, as many as they have characters, so that places stay right. The
// user git, which opens nothing, is left.
func masked(text []byte) []byte {
	found := credentials.FindAllSubmatchIndex(text, -1)
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
