package review

import (
	"bytes"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	marktext "github.com/yuin/goldmark/text"

	"github.com/mlp-lang/mlp/compiler/diff"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
)

// rewritten is a plan by which a query and a script within a command are edited.
func rewritten(query, script string) *plan.Plan {
	p := fraud()
	p.Changes = []plan.Change{
		{Cause: plan.Cause{Kind: plan.ConfigCause, Path: "sql", Before: rawOf("select\n  card,\n  amount\nfrom payments\nwhere amount > 0\n"), After: rawOf(query)},
			Address: "dataset.payments", Category: plan.Rebuild, Range: at(20), Runs: []string{"dataset.payments"}},
		{Cause: plan.Cause{Kind: plan.ConfigCause, Path: "command", Before: rawOf([]string{"sh", "-c", "set -e\npython train.py --epochs 3\n"}), After: rawOf([]string{"sh", "-c", script, "train"})},
			Address: "train.model", Category: plan.Rebuild, Range: at(121), Runs: []string{"train.model"}},
		{Cause: plan.Cause{Kind: plan.ConfigCause, Path: "params.trees", Before: raw("300"), After: raw("400")}, Address: "train.model",
			Category: plan.Rebuild, Range: at(130), Runs: []string{"train.model"}},
	}
	return p
}

func rewrittenDiff(p *plan.Plan) *diff.Diff {
	d := &diff.Diff{Pipeline: "fraud", Before: diff.Side{Name: "main"}, After: diff.Side{Name: "branch"}}
	for _, c := range p.Changes {
		d.Changed = append(d.Changed, diff.Changed{Address: c.Address, Range: c.Range, Fields: []diff.Field{{Path: c.Cause.Path, Before: c.Cause.Before, After: c.Cause.After}}})
	}
	return d
}

// TestEditedTexts shows the lines that differ of a query, and of a script within a command.
func TestEditedTexts(t *testing.T) {
	p := rewritten("select\n  card,\n  amount\nfrom payments\nwhere amount > 10\n", "set -e\npython train.py --epochs 5\n")
	for form, write := range forms {
		golden(t, "lines"+form, rendered(t, write, p, render.Options{}))
	}
	var text, markdown bytes.Buffer
	if err := Diff(&text, rewrittenDiff(p), render.Options{}); err != nil {
		t.Fatal(err)
	}
	if err := DiffMarkdown(&markdown, rewrittenDiff(p)); err != nil {
		t.Fatal(err)
	}
	golden(t, "lines.diff.txt", text.Bytes())
	golden(t, "lines.diff.md", markdown.Bytes())
}

// TestHostileLines: lines of edited texts stay in their block: they are indented in the text, in the fence in Markdown, and characters
// in HTML.
func TestHostileLines(t *testing.T) {
	for name, s := range poisons {
		s = strings.ToValidUTF8(s[:min(len(s), 10_000)], "?")
		p := rewritten("select\n"+s+"\n", "set -e\n"+s+"\nend")
		text := string(rendered(t, Text, p, render.Options{}))
		visible(t, text)
		_, why, _ := strings.Cut(text, "\nWhy\n")
		why, _, _ = strings.Cut(why, "\n\n")
		for line := range strings.Lines(why) {
			if !strings.HasPrefix(line, "  1  ") && !strings.HasPrefix(line, "  2  ") && !strings.HasPrefix(line, "     ") {
				t.Errorf("%s: a line of its own: %q", name, line)
			}
		}
		var b bytes.Buffer
		if err := DiffMarkdown(&b, rewrittenDiff(p)); err != nil {
			t.Fatal(err)
		}
		for form, source := range map[string][]byte{"plan": rendered(t, Markdown, p, render.Options{}), "diff": b.Bytes()} {
			visible(t, string(source))
			tree := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(marktext.NewReader(source))
			fences := 0
			err := ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
				switch n := n.(type) {
				case *ast.FencedCodeBlock:
					if entering && string(n.Language(source)) == "diff" {
						fences++
					}
				case *ast.Image, *ast.Link, *ast.AutoLink:
					t.Errorf("%s: %s holds a %s", name, form, n.Kind())
				}
				return ast.WalkContinue, nil
			})
			if err != nil || fences != 2 {
				t.Errorf("%s: %s has %d blocks of lines, want 2 (%v)", name, form, fences, err)
			}
		}
		if page := string(rendered(t, HTML, p, render.Options{})); strings.Contains(page, "<script") || strings.Contains(page, "<img") {
			t.Errorf("%s: markup in the page", name)
		}
	}
}

// A text that was written anew is cut in every form, and Markdown keeps its limit.
func TestLongTextsAreCut(t *testing.T) {
	p := rewritten(strings.Repeat("select a_column_with_a_name\n", 5000), strings.Repeat("python step.py\n", 5000))
	if got := string(rendered(t, Text, p, render.Options{})); strings.Count(got, "\n") > 100 || !strings.Contains(got, "more lines") {
		t.Errorf("the text has %d lines", strings.Count(got, "\n"))
	}
	if got := rendered(t, Markdown, p, render.Options{}); len(got) > MostMarkdown/10 {
		t.Errorf("Markdown has %d bytes", len(got))
	}
	if got := rendered(t, Text, p, render.Options{All: true}); bytes.Count(got, []byte("\n")) < 10_000 {
		t.Errorf("with all, the text has %d lines", bytes.Count(got, []byte("\n")))
	}
}
