package expr

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// catalog takes an SQL, a rule and any values.
func catalog() *schema.Catalog {
	return &schema.Catalog{Kinds: []schema.Kind{
		{Name: "x", Types: []schema.Type{{Body: schema.Body{Attrs: []schema.Attr{
			{Name: "sql", Type: schema.SQL}, {Name: "rule", Type: schema.CEL}, {Name: "v", Type: schema.Any},
		}}}}},
	}}
}

// attr parses `x "a" { … }` and returns its one argument.
func attr(t *testing.T, text string) *syntax.Attr {
	t.Helper()
	m, ds := syntax.Parse(map[string][]byte{"f": []byte(text)}, catalog())
	if len(ds) > 0 || len(m.Blocks) != 1 {
		t.Fatalf("%q: %+v", text, ds)
	}
	for _, a := range m.Blocks[0].Attrs {
		return a
	}
	t.Fatalf("%q has no argument", text)
	return nil
}

func TestText(t *testing.T) {
	cases := []struct {
		name, file, value string
		at                map[string]string // a part of the value → line:column in the file
	}{
		{"quoted", `x "a" { sql = "select é, b" }`, "select é, b", map[string]string{"select": "1:16", "é": "1:23", "b": "1:26"}},
		{"empty", `x "a" { sql = "" }`, "", map[string]string{"": "1:15"}},
		{"escapes", `x "a" { sql = "a\n\"b\"\t\\c\u00e9d\U0001F600e" }`, "a\n\"b\"\t\\cédé"[0:10] + "d😀e",
			map[string]string{"a": "1:16", "\n": "1:17", "\"b": "1:19", "b": "1:21", "c": "1:28", "é": "1:29", "d": "1:35", "😀": "1:36", "e": "1:46"}},
		{"template escapes", `x "a" { sql = "$${a} %%{b} $c % 1" }`, "${a} %{b} $c % 1", map[string]string{"${": "1:16", "a}": "1:19", "%{": "1:22", "b": "1:25", "$c": "1:28", "1": "1:33"}},
		{"parentheses", `x "a" { sql = ("b") }`, "b", map[string]string{"b": "1:17"}},
		{"heredoc", "x \"a\" {\n  sql = <<SQL\n  select é, b\n\n\tfrom x\nSQL\n}", "  select é, b\n\n\tfrom x\n", map[string]string{"select": "3:3", "b": "3:13", "\n\n": "3:14", "\tfrom": "5:1", "from": "5:2", "x": "5:7"}},
		{"indented heredoc", "x \"a\" {\n  sql = <<-SQL\n    select é\n\n      from x\n    where y\n  SQL\n}", "select é\n\n  from x\nwhere y\n",
			map[string]string{"select": "3:5", "é": "3:12", "  from": "5:5", "from": "5:7", "where": "6:5", "y": "6:11"}},
		{"tabs as indentation", "x \"a\" {\n\tsql = <<-SQL\n\t\ta\n\t\t\tb\n\tSQL\n}", "a\n\tb\n", map[string]string{"a": "3:3", "\tb": "4:3", "b": "4:4"}},
		{"blank lines do not count", "x \"a\" {\n  sql = <<-E\n    a\n \n    b\n  E\n}", "a\n \nb\n", map[string]string{"a": "3:5", " \n": "4:1", "b": "5:5"}},
		{"windows line ends", "x \"a\" {\r\n  sql = <<-E\r\n    a é\r\n      b\r\n  E\r\n}\r\n", "a é\n  b\n", map[string]string{"a": "3:5", "é": "3:7", "\n": "3:8", "b": "4:7"}},
		{"line end in quotes is meant", `x "a" { sql = "a\r\nb" }`, "a\r\nb", map[string]string{"b": "1:21"}},
		{"backslashes in a heredoc", "x \"a\" {\n  sql = <<E\n\\n $${a} %%{b\nE\n}", "\\n ${a} %{b\n", map[string]string{"\\n": "3:1", "${": "3:4", "a}": "3:7", "%{": "3:10", "b": "3:13"}},
		{"braces and quotes in a heredoc", "x \"a\" {\n  sql = <<-E\n  {\"a\": '$'}\n  E\n}", "{\"a\": '$'}\n", map[string]string{"a": "3:5", "$": "3:10"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, ds := Text(attr(t, c.file))
			if len(ds) > 0 {
				t.Fatalf("diagnostics: %+v", ds)
			}
			if got.Value != c.value {
				t.Fatalf("value %q, want %q", got.Value, c.value)
			}
			for part, want := range c.at {
				if p := got.At(strings.Index(c.value, part)); place(p) != want {
					t.Errorf("%q stands at %s, want %s", part, place(p), want)
				}
			}
		})
	}
}

func place(p source.Pos) string {
	digits := func(n int) string {
		return strings.TrimLeft(string([]byte{'0' + byte(n/100%10), '0' + byte(n/10%10), '0' + byte(n%10)}), "0")
	}
	return digits(p.Line) + ":" + digits(p.Column)
}

func TestTextErrors(t *testing.T) {
	cases := []struct{ file, code, at, hint string }{
		{`x "a" { sql = "a ${variable.b} c" }`, source.CodeInterpolation, "1:20", "write $b, and give it to the query: params { b = variable.b }"},
		{`x "a" { rule = "a > ${variable.b}" }`, source.CodeInterpolation, "1:23", "write variable.b: rules see"},
		{`x "a" { sql = "${variable.b}" }`, source.CodeInterpolation, "1:18", "write $b, and give it"},
		{"x \"a\" {\n  sql = <<-E\n    a %{ if true }b%{ endif }\n  E\n}", source.CodeInterpolation, "3:", "write $${"},
		{`x "a" { sql = "from ${source.b}" }`, source.CodeInterpolation, "1:23", "a query names its tables: write b"},
		{`x "a" { sql = "a${0}" }`, source.CodeInterpolation, "1:19", "write $${"},
		{`x "a" { sql = local.query }`, source.CodeNotLiteral, "1:15", ""},
		{`x "a" { sql = 7 }`, source.CodeNotLiteral, "1:15", ""},
		{`x "a" { rule = format("%s", "a") }`, source.CodeNotLiteral, "1:16", ""},
	}
	for _, c := range cases {
		_, ds := Text(attr(t, c.file))
		if len(ds) != 1 {
			t.Errorf("%s: %d diagnostics", c.file, len(ds))
			continue
		}
		d := ds[0]
		if d.Code != c.code || !strings.HasPrefix(place(d.Subject.Start), c.at) || !strings.HasPrefix(d.Hint, c.hint) {
			t.Errorf("%s: got %s at %s, hint %q; want %s at %s, hint %q", c.file, d.Code, place(d.Subject.Start), d.Hint, c.code, c.at, c.hint)
		}
	}
}

// FuzzText holds that a text has the value that HCL gives it, but for line ends, and that each byte of it that is
// written as itself stands where the text says.
func FuzzText(f *testing.F) {
	for _, s := range []string{`"a"`, `"\u00e9$${x}%%{"`, "<<-E\n    a\n  b\n\n   \n  E", "<<E\r\na\r\n  é\r\nE", `("x")`, "<<-E\n\t a$\n\t$${\n  E", "<<E\nE"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, literal string) {
		file := "x \"a\" {\n  v = " + literal + "\n}\n"
		m, ds := syntax.Parse(map[string][]byte{"f": []byte(file)}, catalog())
		if len(ds) > 0 || len(m.Blocks) != 1 || len(m.Blocks[0].Attrs) != 1 {
			return
		}
		a := m.Blocks[0].Attrs["v"]
		text, ds := Text(a)
		if len(ds) > 0 {
			return
		}
		v, hds := a.Expr.Value(nil)
		if hds.HasErrors() || v.Type() != cty.String {
			t.Fatalf("%q is a text and no string: %v", literal, hds)
		}
		if got, want := cty.StringVal(unify(text.Value)).AsString(), cty.StringVal(unify(v.AsString())).AsString(); got != want {
			t.Fatalf("%q: got %q, want %q", literal, got, want)
		}
		checkPlaces(t, file, text)
	})
}

func unify(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// checkPlaces compares each code point with what stands in the file at its place.
func checkPlaces(t *testing.T, file string, text source.Text) {
	t.Helper()
	lines := source.NewLines([]byte(file))
	for i, r := range text.Value {
		p := text.At(i)
		if want := lines.Pos(p.Byte); p != want {
			t.Fatalf("%q: offset %d is at %+v, which is %+v", file, i, p, want)
		}
		written, _ := utf8.DecodeRuneInString(file[p.Byte:])
		if written != r && written != '\\' && written != '$' && written != '%' && written != '\r' && r != '{' {
			t.Fatalf("%q: offset %d is %q, in the file %q", file, i, r, written)
		}
	}
}

// Of text that it cannot read the HCL parser has ranges that end before they begin, or beyond the text: what they have of the text is taken, and
// each place of it is in the text.
func TestTextAtOfBrokenRanges(t *testing.T) {
	for _, text := range []string{"", `"`, `"a`, `"a\`, "\"a${b", "<<E", "<<-E\n  a\n", "<<E\na\nE", "\"a\"\r\n", `x = "é"`} {
		f := syntax.NewFile("f", []byte(text))
		for start := 0; start <= len(text)+2; start++ {
			for end := 0; end <= len(text)+2; end++ {
				got := TextAt(f, source.Range{File: "f", Start: source.Pos{Byte: start}, End: source.Pos{Byte: end}})
				if end <= start && got.Value != "" {
					t.Errorf("%q from %d to %d is %q", text, start, end, got.Value)
				}
				for i := range got.Value {
					if at := got.At(i).Byte; at < 0 || at >= len(text) {
						t.Errorf("%q from %d to %d: byte %d of %q stands at %d", text, start, end, i, got.Value, at)
					}
				}
			}
		}
	}
}
