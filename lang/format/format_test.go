package format

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"

	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/token"
)

func TestFormat(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"blank", "\n\n  \n", ""},
		{"indentation and alignment", "dataset   \"a\"{\n from=[source.x]\n\tdescription   = \"d\" # why\n}", `
dataset "a" {
  from        = [source.x]
  description = "d" # why
}
`},
		{"blank lines", "\n\npipeline \"p\" {\n\n\n  owner = \"x\"\n\n\n\n  description = \"y\"\n\n}\ndataset \"a\" {\n}\n\n\n\n# about b\ndataset \"b\" {\n}\n\n\n", `
pipeline "p" {
  owner = "x"

  description = "y"
}

dataset "a" {
}

# about b
dataset "b" {
}
`},
		{"one-line blocks stay together, and apart from others",
			"metric \"auc\" {type=\"roc_auc\"}\nmetric \"recall\" { type = \"recall\" }\n\nmetric \"f\" {}\n# c\ndataset \"b\" {\n}\nprofile \"x\" { on = dataset.b }\nmetric \"y\" {}\n", `
metric "auc"    { type = "roc_auc" }
metric "recall" { type = "recall" }

metric "f" {}

# c
dataset "b" {
}

profile "x" { on = dataset.b }

metric "y" {}
`},
		{"nested one-line blocks", "source \"s\" {\n  column \"payment_id\" { type = \"varchar\" }\n  column \"é\" { type = \"double\" }\n  other {}\n\n  column \"x\" { type = \"a\" }\n  path = \"p\"\n}\n", `
source "s" {
  column "payment_id" { type = "varchar" }
  column "é"          { type = "double" }
  other               {}

  column "x" { type = "a" }
  path = "p"
}
`},
		{"comments after one-line blocks", "metric \"auc\" {type=1} # a\nmetric \"recall\" {type=22} // b\nmetric \"x\" {}\n", `
metric "auc"    { type = 1 }  # a
metric "recall" { type = 22 } // b
metric "x"      {}
`},
		{"heredocs are kept", "dataset \"a\" {\n  sql=<<-SQL\n      select   1   \n\n\n    from x\n  SQL\n\n\n  from = []\n}\n", `
dataset "a" {
  sql = <<-SQL
      select   1   ` + `

` + `
    from x
  SQL

  from = []
}
`},
		{"comments are kept", "# head   \n\n\n/* a\n\n\n   b */\nlocals {\n  # one\n\n\n  // two\n  a = 1 /* three */\n} # four\n# five\n", `
# head

/* a


   b */
locals {
  # one

  // two
  a = 1 /* three */
} # four

# five
`},
		{"values", "a=1\nbb   = 2\n# c\nc = [\n1]\nd = 1\n\n\n\ne = 2\n", `
a  = 1
bb = 2
# c
c = [
1]
d = 1

e = 2
`},
		{"lists", "locals {\n  a = [\n\n1,\n\n\n    2, # c\n\n  ]\n  b = { x = 1, y= [ 2 ] }\n}\n", `
locals {
  a = [
    1,

    2, # c
  ]
  b = { x = 1, y = [2] }
}
`},
		{"windows line ends and byte order mark", "\xef\xbb\xbflocals {\r\n  a = <<E\r\nx\r\nE\r\n}\r\n", `
locals {
  a = <<E
x
E
}
`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, ds := Format([]byte(c.in), "a.mlp")
			if len(ds) > 0 {
				t.Fatalf("diagnostics: %+v", ds)
			}
			if diff := cmp.Diff(strings.TrimPrefix(c.want, "\n"), string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			again, _ := Format(got, "a.mlp")
			if diff := cmp.Diff(string(got), string(again)); diff != "" {
				t.Errorf("formatted again -once +twice:\n%s", diff)
			}
		})
	}
}

func TestFormatBroken(t *testing.T) {
	for _, in := range []string{"dataset \"a\" {\n   from=\n", "a {{", "\xff\xfe", "x = \"", "locals { a = 1, b = 2 }", "a = /* b\n", "\n\n /* c */ a ["} {
		got, ds := Format([]byte(in), "a.mlp")
		if !ds.HasErrors() {
			t.Errorf("%q: no error", in)
		}
		if string(got) != in {
			t.Errorf("%q became %q", in, got)
		}
	}
}

// TestFormatMelted holds that a file stays as it is where tokens would be read as others if the space between them went.
func TestFormatMelted(t *testing.T) {
	in := "b = \"x\"\n\na  = x.0 .1\n"
	got, ds := Format([]byte(in), "a.mlp")
	if len(ds) != 1 || ds[0].Code != source.CodeUnformatted || string(got) != in {
		t.Errorf("got %q and %v, want the text and a warning", got, ds)
	}
}

// TestPlainLineEnds holds that line ends are "\n", also those that were converted twice and those of the last line.
func TestPlainLineEnds(t *testing.T) {
	for in, want := range map[string]string{
		"a\n": "a\n", "a\r\nb\r\r\n": "a\nb\n", "a\r": "a\n", "\r\r": "\n", "a\rb\r\n\n": "a\rb\n\n", "\r\ra": "\r\ra",
	} {
		if got := string(plainLineEnds([]byte(in))); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

// TestFormatSound lays out what is sound of broken files; all else keeps its bytes.
func TestFormatSound(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"an argument", "a {\nx=1\n}\nb {\n  x = [\n}\nc {\ny=1\n}\n", "a {\n  x = 1\n}\nb {\n  x = [\n}\nc {\n  y = 1\n}\n"},
		{"a brace that is missing", "a \"b\" {\n  x=1\n\n\n# about c\nc {\nx=1\n}\n", "a \"b\" {\n  x=1\n\n\n# about c\nc {\n  x = 1\n}\n"},
		{"a string without an end", "a {\n  x=\"b\n}\nc {\nx=\"d\"\n}\n", "a {\n  x=\"b\n}\nc {\n  x = \"d\"\n}\n"},
		{"a heredoc in what is broken", "a {\n  x = ]\n  y = <<E\nc {\n   }\nE\n}\nc {\nx=1\n}\n", "a {\n  x = ]\n  y = <<E\nc {\n   }\nE\n}\nc {\n  x = 1\n}\n"},
		{"a heredoc without an end", "c {\nx=1\n}\na {\n  y=<<E\n}\nc {\nx=1\n}\n", "c {\n  x = 1\n}\na {\n  y=<<E\n}\nc {\nx=1\n}\n"},
		{"line ends", "a {\r\nx=1\r\n}\r\nb = \r\nc {\r\nx=1\r\n}\r\n", "a {\n  x = 1\n}\nb = \r\nc {\n  x = 1\n}\n"},
		{"values", "a=1\nb= = 2\nc  =3", "a = 1\nb= = 2\nc = 3\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, ds := Format([]byte(c.in), "a.mlp")
			if !ds.HasErrors() {
				t.Error("no error")
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestFormatCorpus holds that the layout of the examples is the one they are written in.
func TestFormatCorpus(t *testing.T) {
	paths, err := filepath.Glob("../../examples/*/[^.]*.mlp")
	if err != nil || len(paths) < 4 {
		t.Fatalf("got %d examples: %v", len(paths), err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, ds := Format(text, path)
		if diff := cmp.Diff(string(text), string(got)); diff != "" || len(ds) > 0 {
			t.Errorf("%s: %v -want +got:\n%s", path, ds, diff)
		}
	}
}

// FuzzFormat holds that formatting twice is formatting once, that nothing but white space moves, that the size of chunks
// does not matter, that text is taken for sound only if it is, and that spaces are as HCL's formatter has them.
func FuzzFormat(f *testing.F) {
	for _, text := range corpus(f) {
		if len(text) < 2000 {
			f.Add(string(text))
		}
	}
	f.Add("dataset \"a\" {\n from=[x]\n\n\n  sql = <<-E\n   a\n  E\n}\nmetric \"b\" { type = 1 } # c\nmetric \"cc\" {}\n")
	f.Add("locals {\n a = [\n1, # c\n2]\n /* x\n y */ b = \"${f(1)}\"\n}\n")
	f.Add("a \"b\" {\n  x = <<E\n${<<F\n y\nF\n}\nE\n}\n")
	f.Add("a {\n x = ]\n}\nb {\nx=\"\n}\nc = %{if a}\n\n\nd=1\n")
	f.Fuzz(func(t *testing.T, in string) {
		once, ds := Format([]byte(in), "a.mlp")
		if a, b := ink(in), ink(string(once)); a != b {
			t.Fatalf("%q became %q", a, b)
		}
		twice, again := Format(once, "a.mlp")
		if !bytes.Equal(once, twice) || (len(again) > 0) != (len(ds) > 0) {
			t.Fatalf("not stable:\n%q %v\n%q %v", once, ds, twice, again)
		}
		if len(ds) > 0 {
			return
		}
		checkSound(t, in)
		if text := plainLineEnds(bytes.TrimPrefix([]byte(in), []byte("\ufeff"))); !same(text, token.Scan(text), once, token.Scan(once)) {
			t.Fatalf("%q became %q, which has other tokens", in, once)
		}
		if tiny, err := inChunks(once, 1); err == nil && !bytes.Equal(tiny, once) {
			t.Fatalf("in small chunks %q, else %q", tiny, once)
		}
		if theirs := hclwrite.Format(once); !anyBrace(once) && !bytes.Equal(theirs, once) {
			t.Fatalf("HCL has %q, we have %q", theirs, once)
		}
	})
}

// ink is a text without white space and byte order mark.
func ink(s string) string {
	return strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "").Replace(strings.TrimPrefix(s, "\ufeff"))
}

// checkSound holds that a text which is taken for sound is sound for HCL, but for arguments that are set twice.
func checkSound(t *testing.T, in string) {
	t.Helper()
	_, hds := hclsyntax.ParseConfig(plainLineEnds([]byte(in)), "", hcl.InitialPos)
	for _, d := range hds {
		if d.Summary != "Attribute redefined" {
			t.Fatalf("%q is taken for sound: %v", in, d)
		}
	}
}

// anyBrace reports whether there is a block on one line, of which HCL's formatter does not align the braces.
func anyBrace(src []byte) bool {
	t := &text{src: src, tokens: token.Scan(src)}
	t.split()
	return slices.ContainsFunc(t.lines, func(l line) bool { return l.brace > 0 })
}
