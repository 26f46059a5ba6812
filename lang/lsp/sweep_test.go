package lsp

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write the golden files")

// TestSweep asks each question at every place of some files, and holds the answers: a file of testdata is a module (*.mlp), and
// behind it, by question, the answers at the stretches of the text where there is one. -update writes them.
func TestSweep(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("got %v, %v; want files to ask about", paths, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			isModule := func(f txtar.File) bool { return strings.HasSuffix(f.Name, ".mlp") }
			last := slices.IndexFunc(archive.Files, func(f txtar.File) bool { return !isModule(f) })
			if last < 0 {
				last = len(archive.Files)
			}
			s := newSweep(t, archive.Files[:last])
			got := &txtar.Archive{Comment: archive.Comment, Files: archive.Files[:last:last]}
			for _, q := range questions {
				if text := s.ask(q); text != "" {
					got.Files = append(got.Files, txtar.File{Name: q.name, Data: []byte(text)})
				}
			}
			if *update {
				if err := os.WriteFile(path, txtar.Format(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			for i, f := range got.Files {
				if i >= len(archive.Files) || archive.Files[i].Name != f.Name || !bytes.Equal(archive.Files[i].Data, f.Data) {
					t.Fatalf("%s: %s differs; run with -update and look at the change. Got:\n%s", path, f.Name, f.Data)
				}
			}
			if len(got.Files) != len(archive.Files) {
				t.Errorf("%s has more answers than the server", path)
			}
		})
	}
}

// sweep is an editor with the files of a module open.
type sweep struct {
	t     *testing.T
	s     *server
	m     *module
	names []string
}

func newSweep(t *testing.T, files []txtar.File) *sweep {
	s := &server{cat: vocabulary(), modules: map[string]*module{}, snippet: true, ctx: t.Context(), opts: Options{Compiler: known{}}}
	w := &sweep{t: t, s: s, m: s.module("/none")}
	for _, f := range files {
		w.m.open[f.Name] = &document{uri: "file:///none/" + f.Name, name: f.Name, text: newText(string(f.Data)), cat: s.cat}
		w.names = append(w.names, f.Name)
	}
	w.m.learn(known{}.Analyse(context.Background(), "", nil))
	return w
}

// question is one that editors ask. Its answer is a text; "" where there is none.
type question struct {
	name   string
	answer func(w *sweep, r *request) string
	once   bool // of a file, and not of a place
}

var questions = []question{
	{name: "hover", answer: hoverText},
	{name: "completion", answer: completionText},
	{name: "definition", answer: func(w *sweep, r *request) string { return w.places(r.definition()) }},
	{name: "references", answer: func(w *sweep, r *request) string {
		r.params.Context.IncludeDeclaration = true
		all := w.places(r.references())
		r.params.Context.IncludeDeclaration = false
		return strings.TrimSpace(all + " | " + w.places(r.references()))
	}},
	{name: "rename", answer: renameText},
	{name: "signature", answer: func(w *sweep, r *request) string {
		h := r.signatureHelp()
		if h == nil {
			return ""
		}
		return fmt.Sprintf("%s %d", h.Signatures[0].Label, h.ActiveParameter)
	}},
	{name: "symbols", once: true, answer: func(w *sweep, r *request) string { return symbolsText(r, r.documentSymbols(), "") }},
	{name: "tokens", once: true, answer: tokensText},
	{name: "folding", once: true, answer: func(w *sweep, r *request) string {
		var out []string
		for _, f := range r.foldingRanges() {
			out = append(out, strings.TrimSpace(fmt.Sprintf("%d-%d %s", f.StartLine+1, f.EndLine+1, f.Kind)))
		}
		return strings.Join(out, ", ")
	}},
}

// ask asks a question at all places of all files. Neighbouring places with one answer are a stretch.
func (w *sweep) ask(q question) string {
	var out strings.Builder
	for _, name := range w.names {
		d := w.m.open[name]
		request := func(at int) *request {
			r := &request{s: w.s, module: w.m, doc: d, offset: at, params: documentParams{NewName: "other"}}
			return r
		}
		if q.once {
			if text := q.answer(w, request(0)); text != "" {
				fmt.Fprintf(&out, "%s\n%s\n", name, strings.TrimRight(text, "\n"))
			}
			continue
		}
		from, before := 0, ""
		tell := func(to int) {
			if before != "" && before != "|" {
				fmt.Fprintf(&out, "%s:%s %q %s\n", name, w.span(d.text.span(from, to)), d.text.src[from:to], before)
			}
		}
		last := 0
		for at := 0; at <= len(d.text.src); at++ {
			if at < len(d.text.src) && !utf8.RuneStart(d.text.src[at]) {
				continue
			}
			if text := q.answer(w, request(at)); text != before {
				tell(last)
				from, before = at, text
			}
			last = at
		}
		tell(last)
	}
	return out.String()
}

func (w *sweep) span(s span) string {
	from := fmt.Sprintf("%d:%d", s.Start.Line+1, s.Start.Character)
	if s.Start == s.End {
		return from
	}
	if s.Start.Line == s.End.Line {
		return fmt.Sprintf("%s-%d", from, s.End.Character)
	}
	return fmt.Sprintf("%s-%d:%d", from, s.End.Line+1, s.End.Character)
}

func (w *sweep) places(list []location) string {
	var out []string
	for _, l := range list {
		out = append(out, strings.TrimPrefix(l.URI, "file:///none/")+":"+w.span(l.Range))
	}
	return strings.Join(out, " ")
}

// inLine is a text of several lines in one.
func inLine(s string) string { return strings.ReplaceAll(strings.TrimSpace(s), "\n", " ⏎ ") }

func hoverText(w *sweep, r *request) string {
	h := r.hover()
	if h == nil {
		return ""
	}
	return w.span(h.Range) + ": " + inLine(h.Contents.Value)
}

// completionText are the labels as editors sort them, those of one stretch behind it. What else is told of proposals is held once for
// each, by TestProposals.
func completionText(w *sweep, r *request) string {
	items := r.completion().Items
	slices.SortStableFunc(items, func(a, b completionItem) int {
		return cmp.Or(strings.Compare(cmp.Or(a.SortText, a.Label), cmp.Or(b.SortText, b.Label)), strings.Compare(a.Label, b.Label))
	})
	var out []string
	for _, i := range items {
		out = append(out, i.Label)
	}
	if len(items) == 0 {
		return ""
	}
	at := ""
	if start := items[0].TextEdit.Range.Start; start != r.doc.text.position(r.offset) {
		at = "from " + w.span(span{start, start}) + " "
	}
	return at + strings.Join(out, ", ")
}

func renameText(w *sweep, r *request) string {
	place, err := r.prepareRename()
	changed, failed := r.rename()
	if err != nil || failed != nil {
		if (err == nil) != (failed == nil) {
			return fmt.Sprintf("prepared: %v, done: %v", err, failed)
		}
		return ""
	}
	p := place.(renamePlace)
	out := []string{w.span(p.Range) + " " + p.Placeholder + ":"}
	changes := changed.(workspaceEdit).Changes
	for _, uri := range slices.Sorted(maps.Keys(changes)) {
		for _, e := range changes[uri] {
			out = append(out, fmt.Sprintf("%s:%s=%q", strings.TrimPrefix(uri, "file:///none/"), w.span(e.Range), e.NewText))
		}
	}
	return strings.Join(out, " ")
}

func symbolsText(r *request, list []documentSymbol, indent string) string {
	out, w := "", &sweep{}
	for _, s := range list {
		out += fmt.Sprintf("%s%s (%s) %d %s, %s\n", indent+"  ", s.Name, s.Detail, s.Kind, w.span(s.Range), w.span(s.SelectionRange)) + symbolsText(r, s.Children, indent+"  ")
	}
	return out
}

// tokensText are the words of a file with their kinds, a line for each of the file's.
func tokensText(w *sweep, r *request) string {
	var out strings.Builder
	line, column := 0, 0
	data := r.semanticTokens().Data
	for i := 0; i+4 < len(data); i += 5 {
		if data[i] > 0 || i == 0 {
			line, column = line+int(data[i]), 0
			fmt.Fprintf(&out, "\n  %d:", line+1)
		}
		column += int(data[i+1])
		from, to := r.doc.text.offset(position{line, column}), r.doc.text.offset(position{line, column + int(data[i+2])})
		fmt.Fprintf(&out, " %s=%s", r.doc.text.src[from:to], tokenTypes[data[i+3]])
		if data[i+4] == declaration {
			out.WriteString("!")
		}
	}
	return strings.TrimPrefix(out.String(), "\n")
}

// TestProposals holds what is told of each proposal besides its name, wherever it is made, and what accepting it puts in.
func TestProposals(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/module.txtar")
	if err != nil {
		t.Fatal(err)
	}
	w, plain := newSweep(t, archive.Files[:2]), newSweep(t, archive.Files[:2])
	plain.s.snippet = false
	seen := map[string]bool{}
	for _, name := range w.names {
		d := w.m.open[name]
		for at := range d.text.src {
			if at > 0 && wordRune(rune(d.text.src[at])) && wordRune(rune(d.text.src[at-1])) {
				continue // within a word other proposals are not made
			}
			for _, i := range (&request{s: plain.s, module: plain.m, doc: plain.m.open[name], offset: at}).completion().Items {
				if i.InsertTextFormat != 0 || strings.ContainsAny(i.TextEdit.NewText, "$\n") {
					t.Errorf("without snippets %s gives %+v", i.Label, i)
				}
			}
			for _, i := range (&request{s: w.s, module: w.m, doc: d, offset: at}).completion().Items {
				doc := ""
				if i.Documentation != nil {
					doc = inLine(i.Documentation.Value)
				}
				seen[fmt.Sprintf("%s: kind %d, %q, format %d, puts in %q, filtered by %q, sorted by %q: %s", i.Label, i.Kind, i.Detail, i.InsertTextFormat, i.TextEdit.NewText, i.FilterText, i.SortText, doc)] = true
			}
		}
	}
	got := strings.Join(slices.Sorted(maps.Keys(seen)), "\n") + "\n"
	if *update {
		if err := os.WriteFile("testdata/proposals.golden", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/proposals.golden")
	if err != nil || string(want) != got {
		t.Errorf("testdata/proposals.golden differs (%v); run with -update and look at the change. Got:\n%s", err, got)
	}
}
