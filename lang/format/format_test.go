package format

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
	for _, in := range []string{"dataset \"a\" {\n   from=\n", "a {{", "\xff\xfe", "x = \"", "locals { a = 1, b = 2 }"} {
		got, ds := Format([]byte(in), "a.mlp")
		if !ds.HasErrors() {
			t.Errorf("%q: no error", in)
		}
		if string(got) != in {
			t.Errorf("%q became %q", in, got)
		}
	}
}

// FuzzFormat holds that formatting twice is formatting once, and that nothing but white space moves.
func FuzzFormat(f *testing.F) {
	f.Add("dataset \"a\" {\n from=[x]\n\n\n  sql = <<-E\n   a\n  E\n}\nmetric \"b\" { type = 1 } # c\nmetric \"cc\" {}\n")
	f.Add("locals {\n a = [\n1, # c\n2]\n /* x\n y */ b = \"${f(1)}\"\n}\n")
	f.Add("a \"b\" {\n  x = <<E\n${<<F\n y\nF\n}\nE\n}\n")
	f.Fuzz(func(t *testing.T, in string) {
		once, ds := Format([]byte(in), "a.mlp")
		if len(ds) > 0 {
			if string(once) != in {
				t.Fatalf("a broken file was changed to %q", once)
			}
			return
		}
		twice, ds := Format(once, "a.mlp")
		if len(ds) > 0 {
			t.Fatalf("the result %q has errors: %v", once, ds)
		}
		if !bytes.Equal(once, twice) {
			t.Fatalf("not stable:\n%q\n%q", once, twice)
		}
	})
}
