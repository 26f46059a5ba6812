package syntax

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
)

// catalog is a small language with one of everything.
func catalog() *schema.Catalog {
	kinds := append(schema.CoreKinds(),
		schema.Kind{Name: "dataset", DefaultType: "sql", Types: []schema.Type{{Name: "sql", Version: 1, Body: schema.Body{
			Attrs: []schema.Attr{{Name: "from", Type: schema.RefMap, Required: true}, {Name: "sql", Type: schema.SQL}, {Name: "key", Type: schema.StringList}},
			Blocks: []schema.Block{
				{Name: "column", Labelled: true, Repeated: true, Body: schema.Body{Attrs: []schema.Attr{{Name: "type", Type: schema.String, Required: true}}}},
				{Name: "params", FreeAttrs: true},
			},
		}}}},
		schema.Kind{Name: "split", Types: []schema.Type{
			{Name: "hash", Version: 1, Body: schema.Body{Attrs: []schema.Attr{{Name: "from", Type: schema.Ref}}}},
			{Name: "time", Version: 1, Body: schema.Body{Blocks: []schema.Block{{Name: "gap", Required: true}}}},
		}},
		schema.Kind{Name: "metric", Types: []schema.Type{{Body: schema.Body{Attrs: []schema.Attr{{Name: "type", Type: schema.String}}}}}},
	)
	sort.Slice(kinds, func(i, j int) bool { return kinds[i].Name < kinds[j].Name })
	return &schema.Catalog{Kinds: kinds}
}

func parse(text string) (*Module, source.Diagnostics) {
	return Parse(map[string][]byte{"a.mlp": []byte(text)}, catalog())
}

// brief is "code line:column summary | hint" of each diagnostic.
func brief(ds source.Diagnostics) []string {
	out := []string{}
	for _, d := range ds {
		s := fmt.Sprintf("%s %d:%d %s", d.Code, d.Subject.Start.Line, d.Subject.Start.Column, d.Summary)
		if d.Hint != "" {
			s += " | " + d.Hint
		}
		out = append(out, s)
	}
	return out
}

func TestParse(t *testing.T) {
	m, ds := Parse(map[string][]byte{
		"b.mlp": []byte("\xef\xbb\xbfmetric \"auc\" { type = \"é\" }\n"),
		"a.mlp": []byte("split \"hash\" \"s\" {\n  from    = dataset.d\n  timeout = \"1h\"\n}\ndataset d {\n  from = []\n  column \"x\" { type = \"a\" }\n  params {\n    depth = 3\n  }\n}\nlocals { a = 1 }\n"),
	}, catalog())
	if len(ds) > 0 {
		t.Fatal(brief(ds))
	}
	var got []string
	for _, b := range m.Blocks {
		got = append(got, fmt.Sprintf("%s|%s|%s|%s %d:%d-%d:%d", b.Address, b.Kind, b.Type, b.Name, b.Header.Start.Line, b.Header.Start.Column, b.Header.End.Line, b.Header.End.Column))
		for _, a := range b.Sorted() {
			got = append(got, fmt.Sprintf(" %s %t %d:%d", a.Name, a.Spec != nil, a.Range.Start.Line, a.Range.Start.Column))
		}
		for _, n := range b.Blocks {
			got = append(got, fmt.Sprintf(" %s %q %d", n.Kind, n.Name, len(n.Attrs)))
		}
	}
	want := []string{
		"split.s|split|hash|s 1:1-1:17", " from true 2:13", " timeout true 3:13",
		"dataset.d|dataset|sql|d 5:1-5:10", " from true 6:10", ` column "x" 1`, ` params "" 1`,
		"|locals|| 12:1-12:7", " a false 12:14",
		"metric.auc|metric||auc 1:1-1:13", " type true 1:23",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if m.Incomplete || len(m.Invalid) > 0 {
		t.Errorf("incomplete %t, invalid %v", m.Incomplete, m.Invalid)
	}
}

func TestParseErrors(t *testing.T) {
	cases := []struct {
		name, text string
		want       []string
	}{
		{"unknown kind", `datset "a" {}`, []string{`MLP1101 1:1 there is no kind of block "datset" | did you mean "dataset"?`}},
		{"nested kind outside", "column \"a\" {\n}", []string{`MLP1101 1:1 there is no kind of block "column" | column is a block inside of dataset`}},
		{"unknown type", `split "hsh" "a" {}`, []string{`MLP1102 1:7 split has no type "hsh" | did you mean "hash"?`}},
		{"missing type", `split "a" {}`, []string{`MLP1103 1:7 this split has no type | write the type before the name: split "…" "a"`}},
		{"missing name", `split "hash" {}`, []string{`MLP1103 1:7 this split has no name | write split "hash" "name"`}},
		{"no labels", `metric {}`, []string{`MLP1103 1:1 this metric has no name | write metric "name" { … }`}},
		{"too many labels", `metric "a" "b" {}`, []string{`MLP1103 1:12 this metric has too many labels | write metric "name" { … }`}},
		{"three labels", `split "hash" "b" "c" {}`, []string{`MLP1103 1:18 this split has too many labels | write split "type" "name" { … }`}},
		{"label on locals", `locals "x" {}`, []string{`MLP1103 1:8 locals takes no name | write locals { … }`}},
		{"invalid name", `metric "My-Auc" {}`, []string{`MLP1104 1:8 "My-Auc" is no valid name | "my_auc" would do`}},
		{"empty name", `metric "" {}`, []string{`MLP1104 1:8 "" is no valid name`}},
		{"name reserved by SQL", `variable "select" {}`, []string{`MLP1104 1:10 "select" is a reserved word of SQL | "select_" would do`}},
		{"key twice", "metric \"a\" {\n  type = { a = 1, b = { c = 1, \"c\" = 2 }, a = 3 }[0]\n}", []string{`MLP1118 2:32 the key "c" stands twice in one object | keep one of them`, `MLP1118 2:43 the key "a" stands twice in one object | keep one of them`}},
		{"name reserved by CEL", `metric "loop" {}`, []string{`MLP1104 1:8 "loop" is a reserved word of CEL | "loop_" would do`}},
		{"duplicate address", "metric \"a\" {}\nmetric \"a\" {}", []string{`MLP1105 2:1 there are two blocks metric.a`}},
		{"duplicate across types", "split \"hash\" \"a\" {}\nsplit \"time\" \"a\" {\n  gap {}\n}", []string{`MLP1105 2:1 there are two blocks split.a`}},
		{"unknown attribute", "dataset \"a\" {\n  from = []\n  sqll = \"x\"\n}", []string{`MLP1106 3:3 dataset.a has no argument "sqll" | did you mean "sql"?`}},
		{"unknown stage attribute", "dataset \"a\" {\n  from = []\n  time_out = \"x\"\n}", []string{`MLP1106 3:3 dataset.a has no argument "time_out" | did you mean "timeout"?`}},
		{"unknown block", "dataset \"a\" {\n  from = []\n  colum \"x\" {}\n}", []string{`MLP1107 3:3 dataset.a has no block "colum" | did you mean "column"?`}},
		{"kind inside of a block", "dataset \"a\" {\n  from = []\n  metric \"x\" {}\n}", []string{`MLP1107 3:3 dataset.a has no block "metric" | metric stands outside of other blocks: is a closing brace missing above?`}},
		{"missing attribute", `dataset "a" {}`, []string{`MLP1108 1:1 dataset.a lacks its argument "from" | add from = …`}},
		{"missing block", `split "time" "a" {}`, []string{`MLP1109 1:1 split.a lacks a block "gap" | add gap { … }`}},
		{"repeated block", "dataset \"a\" {\n  from = []\n  params {}\n  params {}\n}", []string{`MLP1110 4:3 dataset.a has more than one block "params"`}},
		{"duplicate label", "dataset \"a\" {\n  from = []\n  column \"x\" { type = \"a\" }\n  column \"x\" { type = \"b\" }\n}", []string{`MLP1111 4:3 dataset.a has two blocks column "x" | give one of them another label`}},
		{"block with equals sign", "dataset \"a\" {\n  from   = []\n  params = { a = 1 }\n  column = {}\n}", []string{
			`MLP1112 3:3 params is a block, not an argument | write params { … } without =`,
			`MLP1112 4:3 column is a block, not an argument | write column "name" { … } without =`}},
		{"argument as a block", "dataset \"a\" {\n  from {}\n}", []string{`MLP1113 2:3 from is an argument, not a block | write from = …`}},
		{"missing nested label", "dataset \"a\" {\n  from = []\n  column { type = \"a\" }\n}", []string{`MLP1116 3:3 this column has no label | write column "name" { … }`}},
		{"unexpected nested label", "dataset \"a\" {\n  from = []\n  params \"x\" {}\n}", []string{`MLP1117 3:10 params takes no label | write params { … }`}},
		{"argument outside", "metric = 1\nx = 2", []string{
			`MLP1114 1:1 "metric" is set outside of all blocks | write metric { … } without =`,
			`MLP1114 2:1 "x" is set outside of all blocks | values for the whole module go into a locals block`}},
		{"two arguments on one line", "dataset \"a\" { from = [], key = [] }\nmetric \"m\" { typ = 1 }", []string{
			`MLP1007 1:24 invalid single-argument block definition | give each argument a line of its own`,
			`MLP1106 2:14 metric.m has no argument "typ" | did you mean "type"?`}},
		{"nested block on one line", "dataset \"a\" { params { } }\n", []string{`MLP1007 1:15 argument definition required | give each argument and nested block a line of its own`}},
		{"equals sign after a block's name", "metric \"m\" = {\n}\n", []string{`MLP1011 1:12 invalid block definition | leave the = out`}},
		{"set twice", "metric \"m\" {\n  type = \"a\"\n  type = \"b\"\n}", []string{`MLP1009 3:3 attribute redefined`}},
		{"directive in SQL", "dataset \"a\" {\n  from = []\n  sql = <<-E\n    select '%{x}'\n  E\n}\n", []string{`MLP1005 4:15 invalid template control keyword | ` + templateHint}},
		{"every file and block is looked at", "metric \"a\" {\n  type = \n}\nmetric \"b\" {\n  typ = 1\n}\nmetric \"c\" {\n  type = [\n}\nmetric \"d\" { tpe = 1 }\n", []string{
			"MLP1004 2:10 invalid expression",
			`MLP1106 5:3 metric.b has no argument "typ" | did you mean "type"?`,
			"MLP1004 9:1 invalid expression",
			`MLP1106 10:14 metric.d has no argument "tpe" | did you mean "type"?`}},
		{"invalid UTF-8", "metric \"a\" {\n  type = \"\xff\"\n}", []string{"MLP1001 2:11 a.mlp is not valid UTF-8 | save the file as UTF-8"}},
		{"UTF-16", "\xff\xfem\x00e\x00", []string{"MLP1001 1:1 a.mlp is not valid UTF-8 | save the file as UTF-8"}},
		{"NUL", "metric \"a\x00\" {}", []string{"MLP1001 1:10 a.mlp holds a NUL | take it out, or save the file as UTF-8 text"}},
		{"deep nesting", "locals {\n  a = " + strings.Repeat("[", 1<<17), []string{"MLP1006 2:256 the text is nested too deeply | split it up with locals"}},
		{"endless operators", "locals {\n  a = " + strings.Repeat("!", 1<<17) + "true\n}", []string{"MLP1006 2:5007 the text is nested too deeply | split it up with locals"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m, ds := parse(c.text)
			if diff := cmp.Diff(c.want, brief(ds)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if m == nil {
				t.Error("the module is nil")
			}
		})
	}
}

func TestDuplicateShowsBoth(t *testing.T) {
	_, ds := Parse(map[string][]byte{"a.mlp": []byte("metric \"x\" {}"), "b.mlp": []byte("\nmetric \"x\" {}")}, catalog())
	if len(ds) != 1 || len(ds[0].Related) != 1 {
		t.Fatalf("got %+v", ds)
	}
	if got, want := ds[0].Subject.File+" "+ds[0].Related[0].Range.File, "b.mlp a.mlp"; got != want {
		t.Errorf("shown in %s, want %s", got, want)
	}
}

func TestBrokenBlocksAreRemembered(t *testing.T) {
	m, _ := parse("metric \"a\" {\n  type = \n}\nmetric \"b\" {}\nmetric \"No\" {}\nsplit \"x\" \"y\" {}\n")
	if want := map[string]bool{"metric.a": true, "metric.No": true, "split.y": true}; !cmp.Equal(m.Invalid, want) {
		t.Errorf("invalid %v, want %v", m.Invalid, want)
	}
	if !m.Incomplete || len(m.Blocks) != 1 || m.Blocks[0].Address != "metric.b" {
		t.Errorf("incomplete %t, blocks %v", m.Incomplete, m.Blocks)
	}
}

func TestReadDir(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want ...string) map[string][]byte {
		t.Helper()
		files, ds := ReadDir(dir)
		got := []string{}
		for _, d := range ds {
			got = append(got, d.Code+" "+strings.ReplaceAll(d.Summary, dir, "DIR")+" | "+d.Hint)
		}
		if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		return files
	}
	check("MLP1003 there is no .mlp file in DIR | ")
	write("main.hcl", "")
	check("MLP1003 there is no .mlp file in DIR | rename main.hcl to main.mlp")
	write("b.mlp", "\xef\xbb\xbfx")
	write(".hidden.mlp", "\xff")
	write("c.mlp", "ok\n\xff")
	if err := os.Mkdir(filepath.Join(dir, "sub.mlp"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "dangling.mlp")); err != nil {
		t.Fatal(err)
	}
	files := check("MLP1001 c.mlp is not valid UTF-8 | save the file as UTF-8", "MLP1010 dangling.mlp cannot be read | ")
	if len(files) != 1 || string(files["b.mlp"]) != "x" {
		t.Errorf("files %q", files)
	}
	dir = filepath.Join(dir, "missing")
	check("MLP1010 the module's folder cannot be read | ")
}

func TestReadDirTooLarge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.mlp")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(MaxFileSize + 5); err != nil { // a hole: nothing is written
		t.Fatal(err)
	}
	files, ds := ReadDir(filepath.Dir(path))
	if got, want := brief(ds), "MLP1002 0:0 a.mlp is larger than 16 MB | keep data in files of its own and name them in a source block"; len(got) != 1 || got[0] != want {
		t.Errorf("got %v, want %s", got, want)
	}
	if len(files) != 0 {
		t.Error("the file was taken")
	}
}

// FuzzParse holds that any text is parsed or told to be wrong, at places that are in it, the same twice.
func FuzzParse(f *testing.F) {
	f.Add("metric \"a\" {\n  type = \n}\nmetric \"b\" { typ = 1 }\n")
	f.Add("dataset \"a\" {\n  from = { x = source.y }\n  sql = <<-E\n    ${a}\n  E\n  column \"x\" {}\n}\n")
	f.Add("split \"time\" \"s\" { gap {} }\nlocals { a = [for x in y : x] }\n")
	f.Add("locals {\n  x = lower(") // its range ends at byte 0
	f.Fuzz(func(t *testing.T, text string) {
		m, ds := parse(text)
		again, same := parse(text)
		if !cmp.Equal(ds, same) || len(m.Blocks) != len(again.Blocks) {
			t.Fatalf("not the same twice: %v, %v", ds, same)
		}
		lines := source.NewLines(m.Files["a.mlp"])
		for _, d := range ds {
			if d.Code == "" || d.Summary == "" || d.Severity == 0 {
				t.Fatalf("incomplete: %+v", d)
			}
			if d.Subject.End.Byte < d.Subject.Start.Byte {
				t.Fatalf("%q ends before it starts: %+v", d.Summary, d.Subject)
			}
			for _, p := range []source.Pos{d.Subject.Start, d.Subject.End} {
				if p.Line > 0 && lines.Pos(p.Byte) != p {
					t.Fatalf("%q: no such place: %+v", d.Summary, p)
				}
			}
		}
	})
}
