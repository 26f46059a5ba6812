package source

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// between returns the range of the first place of part in text.
func between(file, text, part string) Range {
	i := strings.Index(text, part)
	l := NewLines([]byte(text))
	return Range{File: file, Start: l.Pos(i), End: l.Pos(i + len(part))}
}

func TestRender(t *testing.T) {
	const file = "train \"x\" \"m\" {\n\tdata = split.holdout\n  naïve = \"日本\" + wrong\n}\n"
	long := strings.Repeat("a", 200) + " here " + strings.Repeat("b", 200)
	many := "a = [\n  1,\n  2,\n\n  3,\n  4,\n]\n"
	cases := []struct {
		name, text string
		d          Diagnostic
		want       string
	}{
		{"whole", file, Diagnostic{
			Severity: Error, Code: "MLP1215", Summary: "split.holdout does not say which", Detail: "It has ports.", Hint: "add one",
			Subject: between("a.mlp", file, "split.holdout"), Context: between("a.mlp", file, "train"),
			Related: []Related{{Message: "declared here", Range: between("a.mlp", file, "\"x\"")}},
		}, `
Error: split.holdout does not say which [MLP1215]
  a.mlp:2:9
   1 | train "x" "m" {
   2 |     data = split.holdout
     |            ^^^^^^^^^^^^^
  It has ports.
  hint: add one
  a.mlp:1:7: declared here
   1 | train "x" "m" {
     |       ^^^
`},
		{"code points", file, Diagnostic{Severity: Warning, Summary: "w", Subject: between("a.mlp", file, "wrong")}, `
Warning: w
  a.mlp:3:18
   3 |   naïve = "日本" + wrong
     |                  ^^^^^
`},
		{"empty range at the end of a line", file, Diagnostic{Severity: Error, Summary: "e", Subject: Range{File: "a.mlp",
			Start: Pos{Line: 1, Column: 16, Byte: 15}, End: Pos{Line: 1, Column: 16, Byte: 15}}}, `
Error: e
  a.mlp:1:16
   1 | train "x" "m" {
     |                ^
`},
		{"long line", long, Diagnostic{Severity: Error, Summary: "e", Subject: between("a.mlp", long, "here")}, `
Error: e
  a.mlp:1:202
   1 | …` + strings.Repeat("a", 38) + ` here ` + strings.Repeat("b", 74) + `…
     | ` + strings.Repeat(" ", 40) + `^^^^
`},
		{"many lines", many, Diagnostic{Severity: Error, Summary: "e", Subject: between("a.mlp", many, strings.TrimSpace(many[4:]))}, `
Error: e
  a.mlp:1:5
   1 | a = [
     |     ^
   2 |   1,
     |   ^^
   3 |   2,
     |   ^^
    ...
   7 | ]
     | ^
`},
		{"no such file", "", Diagnostic{Severity: Error, Summary: "e", Subject: Range{File: "b.mlp", Start: Pos{Line: 3, Column: 4}}}, `
Error: e
  b.mlp:3:4
`},
		{"no place", "", Diagnostic{Severity: Error, Summary: "e", Detail: strings.Repeat("word ", 30)}, `
Error: e
  word word word word word word word word word word word word word word word word word word word word
  word word word word word word word word word word
`},
		{"file as a whole", "x", Diagnostic{Severity: Error, Summary: "e", Subject: Range{File: "a.mlp"}}, `
Error: e
  a.mlp
`},
		{"control characters", "a\x1b[31mb", Diagnostic{Severity: Error, Summary: "e\x1b[0m", Subject: Range{File: "a.mlp", Start: Pos{1, 1, 0}, End: Pos{1, 2, 1}}}, `
Error: e�[0m
  a.mlp:1:1
   1 | a�[31mb
     | ^
`},
		{"carriage returns", "a = 1\r\nb = 2\r\n", Diagnostic{Severity: Error, Summary: "e", Subject: between("a.mlp", "a = 1\r\nb = 2\r\n", "2")}, `
Error: e
  a.mlp:2:5
   2 | b = 2
     |     ^
`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			if err := Render(&b, Diagnostics{c.d}, map[string][]byte{"a.mlp": []byte(c.text)}, Options{}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimPrefix(c.want, "\n"), b.String()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestRenderColor(t *testing.T) {
	var b strings.Builder
	ds := Diagnostics{{Severity: Error, Summary: "e", Subject: Range{File: "a", Start: Pos{1, 1, 0}, End: Pos{1, 2, 1}}}, {Severity: Warning, Summary: "w"}}
	if err := Render(&b, ds, map[string][]byte{"a": []byte("x")}, Options{Color: true}); err != nil {
		t.Fatal(err)
	}
	want := "\x1b[1;31mError:\x1b[0m \x1b[1me\x1b[0m\n  \x1b[34ma:1:1\x1b[0m\n  \x1b[34m 1 |\x1b[0m x\n  \x1b[34m   |\x1b[0m \x1b[1;31m^\x1b[0m\n" +
		"\n\x1b[1;33mWarning:\x1b[0m \x1b[1mw\x1b[0m\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// FuzzRender holds that any range over any text can be shown.
func FuzzRender(f *testing.F) {
	f.Add("a = 1\nb\t= \"é\"\n", 2, 1, 3, 4)
	f.Add("", 1, 1, 1, 1)
	f.Fuzz(func(t *testing.T, text string, line, column, endLine, endColumn int) {
		at := Range{File: "a", Start: Pos{Line: line, Column: column}, End: Pos{Line: endLine, Column: endColumn}}
		var b strings.Builder
		err := Render(&b, Diagnostics{{Severity: Error, Summary: "e", Subject: at, Context: at}}, map[string][]byte{"a": []byte(text)}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsAny(b.String(), "\x1b\r\x00") {
			t.Errorf("control characters got through: %q", b.String())
		}
	})
}

// TestPlain: what other programs show is as harmless as what is rendered, and the summary stays one line.
func TestPlain(t *testing.T) {
	got := Plain(Diagnostic{Summary: "a\n::error::b \x1b[2J", Detail: "https://me:secret@host/x\n::error::c\u202E", Hint: "##[group]d"})
	want := "a ::error::b \uFFFD[2J\nhttps://*********@host/x\n\uFFFD:error::c\uFFFD\n#\uFFFD[group]d"
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
