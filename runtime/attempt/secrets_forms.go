package attempt

import (
	"cmp"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/lang/lazyregexp"
)

// forms are the ways in which programs commonly write a value down: as it is, line by line, in JSON, in hexadecimal digits,
// and in base64 wherever it stands in what was encoded, as in an Authorization header. Longest first, so that none hides
// only a part of another. What else may be escaped, decoded finds.
func forms(value []byte) []string {
	text := string(value)
	quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(text)
	out := []string{text, quoted, hex.EncodeToString(value), strings.ToUpper(hex.EncodeToString(value))}
	for line := range strings.Lines(text) {
		out = append(out, strings.TrimRight(line, "\r\n"))
	}
	for shift := range 3 {
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			out = append(out, shifted(enc, value, shift))
		}
	}
	out = slices.DeleteFunc(out, func(s string) bool { return len(s) < minSecret })
	slices.SortFunc(out, longest)
	return slices.Compact(out)
}

// longest orders longer texts first, those of one length by their bytes.
func longest(a, b string) int { return cmp.Or(cmp.Compare(len(b), len(a)), cmp.Compare(a, b)) }

// decoders undo what programs escape in text, in one way each.
var decoders = []func(string) string{unescapeJSON, html.UnescapeString, unescapeURL}

// decoded calls f with a text as it reads when what is escaped in it is undone, until f is true.
func decoded(text string, f func(string) bool) bool {
	for _, decode := range decoders {
		if plain := decode(text); plain != text && f(plain) {
			return true
		}
	}
	return false
}

// escapeJSON finds escapes of JSON strings (RFC 8259, section 7). Several \u in a row are one, since two may make one character.
var escapeJSON = lazyregexp.New(`(?:\\u[0-9a-fA-F]{4})+|\\["\\/bfnrt]`)

// unescapeJSON reads the escapes of JSON strings, \u0041 and \n, in a text that need not be JSON.
func unescapeJSON(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	return escapeJSON().ReplaceAllStringFunc(text, func(part string) string {
		var s string
		if json.Unmarshal([]byte(`"`+part+`"`), &s) != nil {
			return part
		}
		return s
	})
}

// escapeURL finds what stands for another byte in a query.
var escapeURL = lazyregexp.New(`%[0-9a-fA-F]{2}|\+`)

// unescapeURL reads %41 and + as a URL's query has them (https://url.spec.whatwg.org/#application/x-www-form-urlencoded).
func unescapeURL(text string) string {
	if !strings.ContainsAny(text, "%+") {
		return text
	}
	return escapeURL().ReplaceAllStringFunc(text, func(part string) string {
		if part == "+" {
			return " "
		}
		b, err := hex.DecodeString(part[1:])
		if err != nil {
			return part
		}
		return string(b)
	})
}

// shifted is the part of the base64 that depends on the value alone, where so many bytes (modulo 3) stand before it.
// Six bits are a digit: of a value behind one byte, the first two digits hold bits of that byte and are left out, and so is a last
// digit that holds bits of what follows.
func shifted(enc *base64.Encoding, value []byte, before int) string {
	text := enc.EncodeToString(append(make([]byte, before), value...))
	first := (8*before + 5) / 6
	return text[first : (before+len(value))*8/6]
}
