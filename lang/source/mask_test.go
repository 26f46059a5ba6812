package source

import (
	"strings"
	"testing"
)

func TestMasked(t *testing.T) {
	for in, want := range map[string]string{
		`source = "git::https://ann:pässword@example.com/x.git"`: `source = "git::https://************@example.com/x.git"`,
		`https://ghp_token@github.com/x`:                         `https://*********@github.com/x`,
		`ssh://git@example.com/x.git//a?ref=v1`:                  `ssh://git@example.com/x.git//a?ref=v1`,
		`https://e.com/x?ref=v1&sshkey=YWJj&access_token=t0"`:    `https://e.com/x?ref=v1&sshkey=****&access_token=**"`,
		`https://e.com/a b@c`:                                    `https://e.com/a b@c`,
		`no address: key=value`:                                  `no address: key=value`,
	} {
		if got := string(masked([]byte(in))); got != want {
			t.Errorf("masked(%q)\n got %q\nwant %q", in, got, want)
		}
	}
}

// TestRenderMasks: neither the lines shown nor the words around them have credentials, and the caret stays in its place.
func TestRenderMasks(t *testing.T) {
	text := "module \"m\" {\n  source = \"git::https://ann:hunter22@example.com/x.git\" + 1\n}\n"
	at := Range{File: "a.mlp", Start: Pos{Line: 2, Column: 58, Byte: 70}, End: Pos{Line: 2, Column: 59, Byte: 71}}
	d := Diagnostic{Severity: Error, Summary: "https://ann:hunter22@example.com", Detail: "see https://hunter22@example.com", Subject: at}
	var out strings.Builder
	if err := Render(&out, Diagnostics{d}, map[string][]byte{"a.mlp": []byte(text)}, Options{}); err != nil {
		t.Fatal(err)
	}
	want := "Error: https://************@example.com\n  a.mlp:2:58\n   2 |   source = \"git::https://************@example.com/x.git\" + 1\n" +
		"     |                                                          ^\n  see https://********@example.com\n"
	if got := out.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
