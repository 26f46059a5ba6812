package lsp

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/source"
)

// ask makes a request about a text, with the compiler's diagnostics of it. The offset is where the text has "|".
func ask(t *testing.T, src string, diags ...source.Diagnostic) *request {
	t.Helper()
	at := max(0, strings.Index(src, "|"))
	src = strings.Replace(src, "|", "", 1)
	s := &server{cat: vocabulary(), modules: map[string]*module{}, ctx: t.Context(), opts: Options{Compiler: known{}}}
	m := s.module("untitled:x")
	m.learn(&Analysis{Diagnostics: diags, Blocks: map[string]*Block{}, Values: map[string]string{}})
	d := &document{uri: "untitled:x", name: "untitled.mlp", text: newText(src), cat: s.cat}
	m.open[d.name] = d
	return &request{s: s, module: m, doc: d, offset: at, params: documentParams{Range: d.text.span(0, len(src))}}
}

// within is the stretch of a text that has these words.
func within(src, words string) source.Range {
	at := strings.Index(src, words)
	return source.Range{File: "untitled.mlp", Start: source.Pos{Byte: at}, End: source.Pos{Byte: at + len(words)}}
}

// applied are a text's edits, the last first.
func applied(t *testing.T, src string, edits []textEdit) string {
	t.Helper()
	at := newText(src)
	slices.SortFunc(edits, func(a, b textEdit) int { return at.offset(b.Range.Start) - at.offset(a.Range.Start) })
	for _, e := range edits {
		next, err := at.change(&e.Range, e.NewText)
		if err != nil {
			t.Fatal(err)
		}
		at = next
	}
	return at.src
}

func TestCodeActions(t *testing.T) {
	fixes := func(r *request) []codeAction {
		return slices.DeleteFunc(r.codeActions(), func(a codeAction) bool { return a.Kind != "quickfix" })
	}
	const dataset = "dataset \"d\" {\n  from = [source.s]\n}\n"
	cases := []struct {
		src, at, code, summary, hint string
		want                         string // the text after the first action; "" where none is offered
	}{
		{"dataset \"d\" {\n  form = [source.s]\n}\n", "form", "MLP1106", `dataset.d has no argument "form"`, `did you mean "from"?`, dataset},
		{"dataset \"d\" {\n  from = [source.t]\n}\n", "source.t", "MLP1201", `there is no source "t"`, `did you mean source.s?`, dataset},
		{"dataset \"d\" {\n  from = [soruce.s]\n}\n", "soruce.s", "MLP1205", `there is no "soruce" here`, `did you mean "source"?`, dataset},
		{"dataset \"d\" {\n  from = [source.s.s]\n}\n", "source.s.s", "MLP1202", `source.s has no port "s"`, `did you mean "table"?`, ""}, // which of the two?
		{dataset, "source.s", "MLP1201", `there is no source "t"`, `did you mean source.u?`, ""},                                          // the text has changed since
		{dataset, "source.s", "MLP1201", `there is no source "s"`, `Declare it.`, ""},
		{"dataset \"d\" {\n}\n", `dataset "d"`, "MLP1108", `dataset.d lacks its argument "from"`, "add from = …", "dataset \"d\" {\n  from = \n}\n"},
		{"dataset \"d\" {}\n", `dataset "d"`, "MLP1108", `dataset.d lacks its argument "from"`, "add from = …", "dataset \"d\" {\n  from = \n}\n"},
		{dataset, `dataset "d"`, "MLP1108", `dataset.d lacks its argument "from"`, "add from = …", ""},
	}
	for _, c := range cases {
		d := source.Diagnostic{Severity: source.Error, Code: c.code, Summary: c.summary, Hint: c.hint, Subject: within(c.src, c.at)}
		actions := fixes(ask(t, c.src, d))
		if c.want == "" {
			if len(actions) != 0 {
				t.Errorf("%s: got %+v", c.summary, actions)
			}
			continue
		}
		if len(actions) != 1 {
			t.Errorf("%s: got %d actions", c.summary, len(actions))
			continue
		}
		if got := applied(t, c.src, actions[0].Edit.Changes["untitled:x"]); got != c.want {
			t.Errorf("%s: %s gives %q, want %q", c.summary, actions[0].Title, got, c.want)
		}
	}
	// A diagnostic elsewhere offers nothing here.
	r := ask(t, "\n\n"+dataset, source.Diagnostic{Severity: source.Error, Summary: `there is no "from"`, Hint: `did you mean "form"?`, Subject: within("\n\n"+dataset, "from")})
	r.params.Range = span{}
	if got := fixes(r); len(got) != 0 {
		t.Errorf("elsewhere: got %+v", got)
	}
	laid := ask(t, "dataset \"d\" {\nfrom=[source.s]\n}\n").codeActions()
	if len(laid) != 1 || applied(t, "dataset \"d\" {\nfrom=[source.s]\n}\n", laid[0].Edit.Changes["untitled:x"]) != dataset {
		t.Errorf("layout: got %+v", laid)
	}
}

func TestFoldingRanges(t *testing.T) {
	const src = `# one
# two

# three
dataset "d" {
  from = [
    source.s,
  ]
  sql = <<-SQL
    select 1
  SQL
  slice "x" {
    where = "a"
  }
}
gate "g" { assert = "x" }
dataset "open" {
  key = [
`
	var got []string
	for _, f := range ask(t, src).foldingRanges() {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%d-%d %s", f.StartLine, f.EndLine, f.Kind)))
	}
	want := []string{"4-13", "5-6", "8-9", "11-12", "16-18", "0-1 comment"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestSignatureHelp(t *testing.T) {
	cases := map[string]string{ // what stands, and the signature with the number of the parameter
		`locals { a = join(|", ", ["x"]) }`:              "join(separator, lists…) 0",
		`locals { a = join(", ", ["x", "y|"]) }`:         "join(separator, lists…) 1",
		`locals { a = join(", ", ["x"], ["y"], |) }`:     "join(separator, lists…) 1",
		"locals {\n  a = lower(upper(|\n}\n":             "upper(str) 0",
		`locals { a = "x ${lower(|"Y")}" }`:              "lower(str) 0",
		`locals { a = lower("X")| }`:                     "",
		`locals { a = nothing(|) }`:                      "",
		`gate "g" { assert = "max(1, 2|) > quantile([1]`: "max",
		`gate "g" { assert = "size([1, 2]) > |1" }`:      "",
		`dataset "d" { sql = "select count(|" }`:         "",
		`dataset "d" { from = [|] }`:                     "",
		`|`:                                              "",
	}
	for src, want := range cases {
		h, got := ask(t, src).signatureHelp(), ""
		if h != nil {
			got = fmt.Sprintf("%s %d", h.Signatures[0].Label, h.ActiveParameter)
		}
		if !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s: got %q, want %q", src, got, want)
		}
	}
}
