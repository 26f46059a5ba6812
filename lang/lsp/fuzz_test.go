package lsp

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzRequests holds that every text and place gets an answer to every question, within the text.
func FuzzRequests(f *testing.F) {
	f.Add("source \"csv\" \"s\" {}\ndataset \"d\" {\n  from = [source.s]\n  sql  = <<-SQL\n    select p.amount from s as p -- all\n  SQL\n  slice \"x\" { where = \"amount > '🙂'\" }\n}\n", 80)
	f.Add("gate \"g\" { assert = \"evaluate.x.slices.all(s, evaluate.x.slices[s].auc > 0.8) && evaluate.x.metrics.\n", 30)
	f.Add("gate \"g\" {\n  assert = \"evaluate.x.slices['", 36)
	f.Add("locals {\n  a = [\ndataset \"d\" {\r\n  from = { x = source.", 40)
	f.Add("dataset \"d\" { limit = \"auc <= 1\", key = [\"", 35)
	f.Add("locals {\n  a = \"x\"\n}\n", 17)
	f.Add("\ufeffdataset \"\\ud800\" \"${dataset.d}\" {", 9)
	f.Fuzz(func(t *testing.T, src string, at int) {
		if !utf8.ValidString(src) || len(src) > 2000 {
			return
		}
		s := &server{cat: vocabulary(), modules: map[string]*module{}, snippet: true, ctx: t.Context(), opts: Options{Compiler: known{}}}
		m := s.module("untitled:x")
		m.learn(known{}.Analyse(t.Context(), "", nil))
		d := &document{uri: "untitled:x", name: "untitled.mlp", text: newText(src), cat: s.cat}
		m.open[d.name] = d
		if at %= len(src) + 1; at < 0 {
			at = -at
		}
		r := &request{s: s, module: m, doc: d, query: "a", params: documentParams{NewName: "other"}}
		r.offset = d.text.offset(d.text.position(at))
		if back := d.text.offset(d.text.position(r.offset)); back != r.offset {
			t.Fatalf("offset %d comes back as %d", r.offset, back)
		}
		for method, ask := range requests {
			answer, err := ask(r)
			if err != nil {
				continue // refused
			}
			if _, err := json.Marshal(answer); err != nil {
				t.Fatalf("%s: %v", method, err)
			}
		}
		for _, i := range r.completion().Items {
			if e := i.TextEdit.Range; d.text.offset(e.Start) > r.offset || e.Start.Line != e.End.Line && !strings.Contains(src, "\r") {
				t.Fatalf("completing %q replaces %v, at offset %d", i.Label, e, r.offset)
			}
		}
	})
}

func TestPositions(t *testing.T) {
	const src = "a🙂é\r\n\r\nb\rc\n"
	tests := []struct {
		offset int
		want   position
	}{
		{0, position{0, 0}}, {1, position{0, 1}}, {5, position{0, 3}}, {7, position{0, 4}}, {9, position{1, 0}},
		{11, position{2, 0}}, {12, position{2, 1}}, {13, position{3, 0}}, {15, position{4, 0}}, {99, position{4, 0}},
	}
	text := newText(src)
	for _, tt := range tests {
		if got := text.position(tt.offset); got != tt.want {
			t.Errorf("offset %d: got %v, want %v", tt.offset, got, tt.want)
		}
		if got, want := text.offset(tt.want), min(tt.offset, len(src)); got != want {
			t.Errorf("position %v: got %d, want %d", tt.want, got, want)
		}
	}
	if got, want := text.offset(position{0, 99}), 7; got != want {
		t.Errorf("behind the end of a line: got %d, want %d", got, want)
	}
	marked := newText("\ufeffab")
	if got, want := marked.position(1), (position{0, 2}); got != want {
		t.Errorf("behind a byte order mark: got %v, want %v", got, want)
	}
	if got, err := marked.change(&span{position{0, 1}, position{0, 2}}, "x"); err != nil || got.full() != "\ufeffxb" {
		t.Errorf("an edit behind a byte order mark gives %q, %v", got.full(), err)
	}
}
