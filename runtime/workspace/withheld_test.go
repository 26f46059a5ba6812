package workspace

import (
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

// A name that stands twice with one character between is left out both times: a line of /etc/passwd read as a header
// can have "root:root".
func TestWithheldTwice(t *testing.T) {
	w := withheld{}
	w.add([]schema.Column{{Name: "root"}})
	names := w.unknown(map[string][]byte{"pipeline.mlp": []byte("nothing of that")})
	for text, want := range map[string]string{
		"root":                "…",
		"root:root":           "…:…",
		"a root root root b":  "a … … … b",
		"root root root root": "… … … …",
		"chroot rooted":       "chroot rooted",
	} {
		if got := names.cut(text); got != want {
			t.Errorf("cut(%q) = %q, want %q", text, got, want)
		}
	}
}
