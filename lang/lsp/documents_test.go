package lsp

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/lang/syntax"
)

// TestSplit: a document's address in folder and name, and back.
func TestSplit(t *testing.T) {
	for _, c := range []struct{ uri, dir, name string }{
		{"file:///home/a/fraud/train.mlp", "/home/a/fraud", "train.mlp"},
		{"file:///home/a%20b/x.mlp", "/home/a b", "x.mlp"},
		{"file:///c:/fraud/train.mlp", "c:/fraud", "train.mlp"},
		{"file:///cd/train.mlp", "/cd", "train.mlp"},
		{"file:///a", "/", "a"},
		{"file:///home/a/x.mlptest", "/home/a/x.mlptest", "x.mlptest"},
		{"untitled:Untitled-1", "untitled:Untitled-1", "untitled.mlp"},
		{"file://%zz", "file://%zz", "untitled.mlp"},
	} {
		dir, name := split(c.uri)
		if dir != c.dir || name != c.name {
			t.Errorf("%s: got %s and %s, want %s and %s", c.uri, dir, name, c.dir, c.name)
		}
		if back := newModule(dir, vocabulary()).uri(name); strings.HasPrefix(c.uri, "file:///") && back != c.uri {
			t.Errorf("%s comes back as %s", c.uri, back)
		}
	}
	m := newModule("/home/a", vocabulary())
	m.open["x.mlp"] = &document{uri: "file:///home/A/x.mlp"}
	if got := m.uri("x.mlp"); got != "file:///home/A/x.mlp" {
		t.Errorf("a file that is open is %s, want it as the editor calls it", got)
	}
	if newModule("/a/x.mlptest", vocabulary()).cat.Kind("test") == nil || newModule("/a", vocabulary()).cat.Kind("test") != nil {
		t.Error("kinds of blocks are those of the file's sort")
	}
}

// TestRefresh: files of the folder are as on disk, those that are open as in the editor.
func TestRefresh(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m := newModule(dir, vocabulary())
	check := func(what string, want ...string) {
		t.Helper()
		var got []string
		for _, tree := range m.trees() {
			got = append(got, tree.name+": "+tree.text.src)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: -want +got:\n%s", what, d)
		}
		if got := files(m.texts()); len(got) != len(want) {
			t.Errorf("%s: the compiler gets %d files, want %d", what, len(got), len(want))
		}
	}
	check("an empty folder")
	write("b.mlp", "metric \"b\" {}")
	write("a.mlp", "metric \"a\" {}")
	write(".hidden.mlp", "x")
	write("a.txt", "x")
	write("a.mlptest", "x")
	if err := os.Mkdir(filepath.Join(dir, "folder.mlp"), 0o700); err != nil {
		t.Fatal(err)
	}
	write("large.mlp", "")
	if err := os.Truncate(filepath.Join(dir, "large.mlp"), syntax.MaxFileSize+1); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("none", filepath.Join(dir, "dangling.mlp")); err != nil {
		t.Fatal(err)
	}
	check("files", `a.mlp: metric "a" {}`, `b.mlp: metric "b" {}`)
	tree := m.disk["a.mlp"].tree
	check("nothing changed", `a.mlp: metric "a" {}`, `b.mlp: metric "b" {}`)
	if m.disk["a.mlp"].tree != tree {
		t.Error("a file that did not change was read again")
	}
	write("a.mlp", `metric "c" {}`)
	if err := os.Chtimes(filepath.Join(dir, "a.mlp"), time.Time{}, time.Unix(5, 0)); err != nil {
		t.Fatal(err)
	}
	write("b.mlp", `metric "longer" {}`)
	at := m.disk["b.mlp"].changed
	if err := os.Chtimes(filepath.Join(dir, "b.mlp"), time.Time{}, at); err != nil {
		t.Fatal(err)
	}
	check("of another time or another size", `a.mlp: metric "c" {}`, `b.mlp: metric "longer" {}`)
	m.open["b.mlp"] = &document{name: "b.mlp", text: newText("open"), cat: m.cat}
	check("open", `a.mlp: metric "c" {}`, `b.mlp: open`)
	if m.disk["b.mlp"] != nil {
		t.Error("a file that is open is still kept as on disk")
	}
	delete(m.open, "b.mlp")
	if err := os.Remove(filepath.Join(dir, "a.mlp")); err != nil {
		t.Fatal(err)
	}
	check("closed, and one removed", `b.mlp: metric "longer" {}`)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	check("without the folder")
}

// TestLearn: what an analysis cannot tell of a block stays as it was before.
func TestLearn(t *testing.T) {
	m := newModule("/none", vocabulary())
	out := map[string]schema.Shape{"table": {Type: schema.TablePort}}
	figures, env := schema.Object(nil), schema.Object(map[string]*schema.FigureType{"x": schema.Double})
	m.learn(&Analysis{Blocks: map[string]*Block{"a.b": {Out: out, Figures: figures, Env: env}, "a.c": {Env: env}}})
	m.learn(&Analysis{Blocks: map[string]*Block{"a.b": {}}})
	if b := m.block("a.b"); len(b.Out) != 1 || b.Figures != figures || b.Env != env {
		t.Errorf("got %+v, want what was known before", b)
	}
	if m.block("a.c") == nil {
		t.Error("a block that is not named is not known any more")
	}
	other, otherEnv := schema.Object(map[string]*schema.FigureType{"y": schema.Double}), schema.Object(nil)
	m.learn(&Analysis{Blocks: map[string]*Block{"a.b": {Out: map[string]schema.Shape{"model": {}}, Figures: other, Env: otherEnv}, "check.a": {Env: figures}, "gate.z": {Env: env}, "gate.b": {Env: otherEnv}}})
	if b := m.block("a.b"); b.Out["model"] != (schema.Shape{}) || len(b.Out) != 1 || b.Figures != other || b.Env != otherEnv {
		t.Errorf("got %+v, want what is known now", b)
	}
	tree := newTree("x.mlp", newText("gate \"new\" {}\ncheck \"new\" {}\ngate \"z\" {}"), vocabulary())
	delete(m.known, "a.b")
	delete(m.known, "a.c")
	if m.env(tree.blocks[0]) != otherEnv || m.env(tree.blocks[1]) != nil || m.env(tree.blocks[2]) != env {
		t.Error("a new gate sees what the first other one sees, a new check nothing, and each its own")
	}
	for _, a := range []string{"train.m[eu]", "train.m[de]", "train.m2[aa]"} {
		m.known[a] = &Block{Figures: schema.Object(map[string]*schema.FigureType{a: schema.Double})}
	}
	if b := m.block("train.m"); b == nil || b.Figures.Fields["train.m[de]"] == nil {
		t.Errorf("got %+v, want the first instance", b)
	}
}

// TestMessages: diagnostics go to the files that they are about, those of other files to one of these, and a file that has none any more
// is told so once.
func TestMessages(t *testing.T) {
	m := newModule("/m", vocabulary())
	at := func(file string) source.Range {
		return source.Range{File: file, Start: source.Pos{Line: 2, Column: 1, Byte: 3}, End: source.Pos{Line: 2, Column: 3, Byte: 5}}
	}
	texts := map[string]*text{"a.mlp": newText("é\nxyz"), "b.mlp": newText("é\nxyz")}
	told := func(ds source.Diagnostics, texts map[string]*text, versions map[string]int) []string {
		var out []string
		for _, p := range m.messages(ds, texts, versions) {
			version := "-"
			if p.Version != nil {
				version = fmt.Sprint(*p.Version)
			}
			out = append(out, strings.TrimPrefix(p.URI, "file:///m/")+" "+version)
			for _, d := range p.Diagnostics {
				text := fmt.Sprintf("  %v %d %s %s", d.Range, d.Severity, d.Code, inLine(d.Message))
				for _, r := range d.Related {
					text += fmt.Sprintf(" (%s %v %s)", strings.TrimPrefix(r.Location.URI, "file:///m/"), r.Location.Range, r.Message)
				}
				out = append(out, text)
			}
		}
		return out
	}
	for _, c := range []struct {
		what     string
		ds       source.Diagnostics
		texts    map[string]*text
		versions map[string]int
		want     []string
	}{
		{"of an open file, and one that is not", source.Diagnostics{
			{Severity: source.Error, Code: "MLP1", Summary: "s", Detail: "d", Hint: "h", Subject: at("a.mlp"), Related: []source.Related{{Message: "here", Range: at("b.mlp")}, {Message: "not", Range: at("c.mlp")}}},
			{Severity: source.Warning, Code: "MLP2", Summary: "w", Subject: at("b.mlp")}}, texts, map[string]int{"a.mlp": 7},
			[]string{"a.mlp 7", "  {{1 0} {1 2}} 1 MLP1 s ⏎ d ⏎ hint: h (b.mlp {{1 0} {1 2}} here)", "b.mlp -", "  {{1 0} {1 2}} 2 MLP2 w"}},
		{"of a file elsewhere, and of none", source.Diagnostics{{Summary: "s", Subject: at("other/c.mlp")}, {Summary: "none"}}, texts, map[string]int{"b.mlp": 1, "c.mlp": 2},
			[]string{"a.mlp -", "b.mlp 1", "  {{0 0} {0 0}} 1  other/c.mlp:2: s", "  {{0 0} {0 0}} 1  none", "c.mlp 2"}},
		{"none any more", nil, texts, map[string]int{"c.mlp": 3}, []string{"b.mlp -", "c.mlp 3"}},
		{"told once", nil, texts, nil, nil},
		{"nothing is open", source.Diagnostics{{Summary: "none"}}, texts, nil, []string{"a.mlp -", "  {{0 0} {0 0}} 1  none"}},
		{"there is no file", source.Diagnostics{{Summary: "none"}}, nil, nil, []string{"a.mlp -"}},
		{"nor before", source.Diagnostics{{Summary: "none"}}, nil, nil, nil},
	} {
		if d := cmp.Diff(c.want, told(c.ds, c.texts, c.versions)); d != "" {
			t.Errorf("%s: -want +got:\n%s", c.what, d)
		}
	}
}

// TestWorkspaceSymbols: blocks of all modules by the letters of their addresses, in their order.
func TestWorkspaceSymbols(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "x.mlp"), []byte("train \"linear\" \"model\" {}\nlocals {\n  most = 1\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &server{cat: vocabulary(), modules: map[string]*module{}, folders: []string{folder}}
	m := s.module("/a")
	m.open["a.mlp"] = &document{uri: "file:///a/a.mlp", name: "a.mlp", text: newText("variable \"tmo\" {}\nmetric \"m\" {}\n"), cat: s.cat}
	for query, want := range map[string]string{
		"":      "variable.tmo 13 a, metric.m 5 a, train.model 5 W, local.most 13 W",
		"TMO":   "variable.tmo 13 a, train.model 5 W",
		"model": "train.model 5 W",
		"mx":    "",
		"lmos":  "local.most 13 W",
	} {
		var got []string
		for _, i := range (&request{s: s, query: query}).workspaceSymbols() {
			got = append(got, fmt.Sprintf("%s %d %s", i.Name, i.Kind, strings.Replace(i.ContainerName, filepath.Base(folder), "W", 1)))
		}
		text := strings.Join(got, ", ")
		if sorted(text) != sorted(want) {
			t.Errorf("%q: got %s, want %s", query, text, want)
		}
	}
}

// TestFormatting: one edit from the first line that changes to the last.
func TestFormatting(t *testing.T) {
	for src, want := range map[string]string{
		"metric \"m\" { type = \"a\" }\n":                                    "[]",
		"locals {\n  a = 1\n}\n\nlocals {\n b = 2\n}\n\nlocals {\n c=3\n}\n": `[{{{5 0} {10 0}} "  b = 2\n}\n\nlocals {\n  c = 3\n"}]`,
		"locals {\n a = 1\n}\n":                                              `[{{{1 0} {2 0}} "  a = 1\n"}]`,
		"locals {\n  a = 1\n}\n\n\n\nlocals {}\n":                            `[{{{4 0} {6 0}} ""}]`,
		"locals {\n a=\n}\n":                                                 "[]",
		"locals {}":                                                          `[{{{0 0} {0 9}} "locals {}\n"}]`,
	} {
		var out []string
		for _, e := range ask(t, src).formatting() {
			out = append(out, fmt.Sprintf("{%v %q}", e.Range, e.NewText))
		}
		if got := "[" + strings.Join(out, " ") + "]"; got != want {
			t.Errorf("%q: got %s, want %s", src, got, want)
		}
	}
}

// TestRenameRefuses: what is no name, what cannot be one, and what would break the module.
func TestRenameRefuses(t *testing.T) {
	const src = "locals {\n  a| = 1\n  b = local.a\n}\nmetric \"m\" {}\nmetric \"n\" {}\n"
	for name, want := range map[string]string{
		"a":         "map[]",
		"b":         "There is a local.b already.",
		"B":         `"B" is no valid name`,
		"select":    `"select" is no valid name`,
		"forbidden": "Renaming local.a to forbidden would break the module: untitled.mlp:3: forbidden",
		"c":         "map[untitled:x:[{{{1 2} {1 3}} c} {{{2 12} {2 13}} c}]]",
	} {
		r := ask(t, src)
		r.params.NewName = name
		edit, err := r.rename()
		got := ""
		if err == nil {
			got = fmt.Sprint(edit.(workspaceEdit).Changes)
		} else {
			got = err.Error()
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
	r := ask(t, "# forbidden already\nlocals {\n  a| = 1\n}\n")
	if r.params.NewName = "forbidden"; true {
		if _, err := r.rename(); err != nil {
			t.Errorf("the mistake was there before, and yet: %v", err)
		}
	}
	for _, nowhere := range []string{"locals {\n  a = 1|0\n}\n", "me|tric \"m\" {}\n", "|"} {
		r := ask(t, nowhere)
		r.params.NewName = "other"
		if _, err := r.rename(); err == nil || !strings.Contains(err.Error(), "There is no name") {
			t.Errorf("%q: got %v", nowhere, err)
		}
	}
}

// TestRenameOfTables: a query goes on calling its table as it did, wherever the name in it is one; words in strings and comments are none.
func TestRenameOfTables(t *testing.T) {
	for _, tc := range []struct{ from, sql, want string }{
		{"[source.s]", "select * from s", "{ s = source.other }"},
		{"[source.s]", "select * from S", "{ s = source.other }"},
		{"[source.s]", `select * from \"s\"`, "{ s = source.other }"},
		{"[source.s]", "select 's' as name", "[source.other]"},
		{"[source.s]", "select 1 -- s", "[source.other]"},
		{"[source.s]", "select ss from t", "[source.other]"},
		{"{ s = source.s }", "select * from s", "{ s = source.other }"},
	} {
		src := "source \"csv\" \"s|\" {}\ndataset \"d\" {\n  from = " + tc.from + "\n  sql  = \"" + tc.sql + "\"\n}\n"
		r := ask(t, src)
		r.params.NewName = "other"
		got, err := r.rename()
		if err != nil {
			t.Errorf("%s: %v", tc.sql, err)
			continue
		}
		text := applied(t, strings.Replace(src, "|", "", 1), got.(workspaceEdit).Changes["untitled:x"])
		want := "source \"csv\" \"other\" {}\ndataset \"d\" {\n  from = " + tc.want + "\n  sql  = \"" + tc.sql + "\"\n}\n"
		if text != want {
			t.Errorf("%s of %s: got\n%s", tc.sql, tc.from, text)
		}
	}
}

// TestHoverOnNames: a word that is a table and a column is what its place makes it.
func TestHoverOnNames(t *testing.T) {
	const table, column = "**amount**\n\n", "`amount.amount`: double"
	for _, tc := range []struct{ sql, want string }{
		{"select am|ount from amount", column},
		{"select amount from am|ount", table},
		{"select 1 from s join am|ount on true", table},
		{"am|ount", column},
		{"select amount.am|ount from amount", column},
		{"select am|ount.at from amount", table},
	} {
		r := ask(t, "source \"csv\" \"s\" {}\ndataset \"d\" {\n  from = { amount = source.s }\n  sql  = \""+tc.sql+"\"\n}\n")
		r.module.learn(known{}.Analyse(t.Context(), "", nil))
		if got := r.sqlDoc(r.place()); !strings.HasPrefix(got, tc.want) {
			t.Errorf("%s: got %q, want %q", tc.sql, got, tc.want)
		}
	}
}

// TestHoverOnInstances: what is told of a block in a rule is told of the words that name it, and its port, but of no key.
func TestHoverOnInstances(t *testing.T) {
	for rule, want := range map[string]string{
		"evalu|ate.x.metrics.auc > 0":      "evaluate.x.metrics",
		"evaluate.|x['a'].metrics.auc > 0": "evaluate.x",
		"evalu|ate.x > 0":                  "evaluate.x",
		"evalu|ate > 0":                    "",
	} {
		src := "evaluate \"x\" {}\ngate \"g\" {\n  assert = \"" + rule + "\"\n}\n"
		r := ask(t, src)
		_, at := r.useDoc(r.place())
		if got := strings.Replace(src, "|", "", 1)[at.start:at.end]; got != want {
			t.Errorf("%s: got %q, want %q", rule, got, want)
		}
	}
}

func sorted(list string) string {
	parts := strings.Split(list, ", ")
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
