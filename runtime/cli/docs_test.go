package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/stdlib"
)

func docsOf(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	a := &app{out: &out, err: &out, in: strings.NewReader("")}
	cmd := a.root()
	cmd.SetArgs(append([]string{"docs"}, args...))
	err := cmd.Execute()
	return out.String(), err
}

// TestDocsHoldAll looks for every kind, type, attribute, nested block, port and function in both forms of the reference.
func TestDocsHoldAll(t *testing.T) {
	markdown, err := docsOf(t)
	if err != nil {
		t.Fatal(err)
	}
	html, err := docsOf(t, "--format", "html")
	if err != nil {
		t.Fatal(err)
	}
	name := func(s string) {
		t.Helper()
		if !strings.Contains(markdown, "`"+s) || !strings.Contains(html, "<code>"+s) {
			t.Errorf("the reference has no `%s`", s)
		}
	}
	var body func(b *schema.Body)
	body = func(b *schema.Body) {
		for i := range b.Attrs {
			name(b.Attrs[i].Name)
		}
		for i := range b.Blocks {
			body(&b.Blocks[i].Body)
		}
	}
	for _, k := range stdlib.Catalog().Kinds {
		if !strings.Contains(markdown, "\n## "+k.Name+"\n") || !strings.Contains(html, `<h2 id="`+k.Name+`">`) {
			t.Errorf("the reference has no heading %s", k.Name)
		}
		for i := range k.Types {
			body(&k.Types[i].Body)
			for _, p := range k.Types[i].Out {
				name(p.Name)
			}
		}
	}
	for _, f := range expr.Functions() {
		name(f.Name + "(")
	}
	for _, f := range rule.Functions() {
		name(f.Form)
	}
	if strings.Contains(html, "<script") || strings.Contains(html, "src=") || strings.Contains(html, "{{") {
		t.Error("the page has a script, a request or a gap in it")
	}
}

func TestDocsOfAKind(t *testing.T) {
	got, err := docsOf(t, "split")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(got, "# Kind split\n") || !strings.Contains(got, `### split "time"`) || strings.Contains(got, "## train") {
		t.Errorf("got not the reference of split alone:\n%.300s", got)
	}
}

func TestDocsToAFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	got, err := docsOf(t, "--format", "html", "--out", dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(dir, "reference.html")}
	for _, k := range stdlib.Catalog().Kinds {
		want = append(want, filepath.Join(dir, k.Name+".html"))
	}
	if got != strings.Join(want, "\n")+"\n" {
		t.Errorf("got %s, want %s", got, want)
	}
	for _, path := range want {
		if text, err := os.ReadFile(path); err != nil || !bytes.HasPrefix(text, []byte("<!doctype html>")) {
			t.Errorf("%s: got %.20q, %v; want a page", path, text, err)
		}
	}
}

func TestDocsRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		args []string
		want string
	}{
		{[]string{"trian"}, `there is no kind of block "trian"`},
		{[]string{"--format", "pdf"}, "--format pdf is not known"},
		{[]string{"train", "split"}, "wrong number of arguments"},
		{[]string{"--out", file}, "making the folder"},
	}
	for _, tt := range tests {
		if _, err := docsOf(t, tt.args...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("docs %v: got %v, want %s", tt.args, err, tt.want)
		}
	}
}
