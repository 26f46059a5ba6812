package review

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	marktext "github.com/yuin/goldmark/text"
	"golang.org/x/net/html"
	"gonum.org/v1/gonum/graph/formats/dot"
	dotast "gonum.org/v1/gonum/graph/formats/dot/ast"

	"github.com/mlp-lang/mlp/compiler/diff"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/graph"
)

// structured are the forms that a plan has, and what is left of each when all words are taken out of it, as a parser of
// that form sees it.
var structured = map[string]struct {
	write     func(io.Writer, string) error
	structure func(*testing.T, []byte) []string
}{
	"text":             {ofPlan(Text), linesOf},
	"markdown":         {ofPlan(Markdown), markdownStructure},
	"html":             {ofPlan(HTML), htmlStructure},
	"svg":              {ofGraph(graph.SVG), xmlStructure},
	"dot":              {ofGraph(graph.Dot), dotStructure},
	"mermaid":          {ofGraph(graph.Mermaid), linesOf},
	"tree":             {ofGraph(func(w io.Writer, g *graph.Graph) error { return graph.Tree(w, g, render.Options{}) }), linesOf},
	"explain":          {explained, linesOf},
	"diff":             {func(w io.Writer, s string) error { return Diff(w, poisonedDiff(s), render.Options{}) }, linesOf},
	"diff in markdown": {func(w io.Writer, s string) error { return DiffMarkdown(w, poisonedDiff(s)) }, markdownStructure},
}

func ofPlan(write func(io.Writer, *plan.Plan, render.Options) error) func(io.Writer, string) error {
	return func(w io.Writer, s string) error { return write(w, poisoned(s), render.Options{All: true}) }
}

func ofGraph(write func(io.Writer, *graph.Graph) error) func(io.Writer, string) error {
	return func(w io.Writer, s string) error { return write(w, graph.OfPlan(poisoned(s))) }
}

func explained(w io.Writer, s string) error {
	p := poisoned(s)
	n := p.Nodes[1]
	n.Config, n.Container = rawOf(map[string]string{"sql": s, "where": s}), &plan.Container{Command: []string{s}}
	n.Inputs = []plan.Input{{Port: "data", From: s, FromPort: s}, {Port: "files", External: &plan.External{Root: s}}, plan.Outside(plan.ImagePort, s, s)}
	recorded := &plan.State{Nodes: map[string]plan.NodeState{n.Address: {Kind: s, Type: s, Engine: s, Config: rawOf(map[string]string{"sql": s + s}),
		Inputs: map[string]plan.Digest{"data": "d"}, Wiring: map[string]string{"data": s}}}}
	for _, address := range []string{n.Address, p.Gates[0].Address, p.Releases[0].Address} {
		if found, err := Explain(w, p, recorded, address, "", render.Options{}); err != nil || !found {
			return fmt.Errorf("explaining %q: found %v, %w", address, found, err)
		}
	}
	return nil
}

// poisonedDiff is a comparison in which every string that a user can write, names of git revisions too, is the given one.
func poisonedDiff(s string) *diff.Diff {
	v := rawOf(strings.ToValidUTF8(s, "?"))
	fields := []diff.Field{{Path: s, Before: v, After: v, Category: plan.Breaking}}
	return &diff.Diff{Pipeline: s, Before: diff.Side{Name: s, Commit: s}, After: diff.Side{Name: s, Commit: s}, Variables: fields,
		Added: []diff.Block{{Address: s, Kind: s, Type: s}}, Removed: []diff.Block{{Address: s}}, Moved: []diff.Move{{From: s, To: s}},
		Changed:  []diff.Changed{{Address: s, Fields: fields, Reaches: []string{s}}},
		Gates:    []diff.Gate{{Address: s, Before: plan.Fail, After: plan.Pass, Verdicts: []diff.Verdict{{Rule: s, Before: plan.Open, After: plan.Fail}}}},
		Releases: []diff.Release{{Address: s, Before: plan.NoRelease, After: plan.ChangeRelease, Fields: fields}},
		Runs:     diff.Runs{After: []string{s}, Before: []string{s}}}
}

// TestHostileStructure holds each form of a plan full of hostile strings to the structure of one full of harmless ones:
// nothing is added, taken away or turned into something else.
func TestHostileStructure(t *testing.T) {
	for form, f := range structured {
		shape := func(t *testing.T, s string) []string {
			var b bytes.Buffer
			if err := f.write(&b, s); err != nil {
				t.Fatal(err)
			}
			visible(t, b.String())
			for line := range strings.Lines(b.String()) {
				if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") || strings.Contains(line, "##vso[") {
					t.Errorf("a command to a build: %s", line)
				}
			}
			return f.structure(t, b.Bytes())
		}
		t.Run(form, func(t *testing.T) {
			want := shape(t, "harmless")
			if len(want) < 10 {
				t.Fatalf("got no structure to compare with: %q", want)
			}
			for name, s := range poisons {
				t.Run(name, func(t *testing.T) {
					got := shape(t, s[:min(len(s), 10_000)]) // a plan of megabytes says no more
					if name == "nothing" || name == "blank" || strings.HasPrefix(name, "very") {
						return // an empty cell has no code span; what is very long is cut
					}
					if d := cmp.Diff(want, got); d != "" {
						t.Errorf("the structure differs from that of a harmless plan:\n%s", d)
					}
				})
			}
		})
	}
}

// linesOf is how far each line is indented, in steps, and whether it is empty.
func linesOf(_ *testing.T, text []byte) []string {
	var out []string
	for line := range strings.Lines(string(text)) {
		words := strings.TrimLeft(line, " ")
		out = append(out, fmt.Sprintf("%d %v", min(len(line)-len(words), 4), strings.TrimSpace(words) == ""))
	}
	return out
}

// markdownStructure is the tree that CommonMark with GitHub's extensions has. Text and code spans count the same: which of
// them it is depends on whether the words are plain.
func markdownStructure(t *testing.T, source []byte) []string {
	t.Helper()
	tree := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(marktext.NewReader(source))
	var out []string
	err := ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		depth := 0
		for p := n.Parent(); p != nil; p = p.Parent() {
			depth++
		}
		switch n := n.(type) {
		case *ast.Text, *ast.String:
		case *ast.CodeSpan:
			return ast.WalkSkipChildren, nil
		case *ast.RawHTML:
			out = append(out, fmt.Sprintf("%d RawHTML %s", depth, n.Segments.Value(source)))
		case *ast.HTMLBlock:
			out = append(out, fmt.Sprintf("%d HTML %s", depth, markerName.ReplaceAll(n.Lines().Value(source), nil)))
		case *ast.FencedCodeBlock:
			out = append(out, fmt.Sprintf("%d Fenced %s", depth, n.Language(source)))
		default:
			out = append(out, fmt.Sprintf("%d %s", depth, n.Kind()))
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// markerName is the pipeline's name in the marker, in which only letters, digits, _ and . are left.
var markerName = regexp.MustCompile(`[A-Za-z0-9_.-]*/[A-Za-z0-9_.-]* -->`)

// htmlStructure is the tree that browsers see, with all attributes but those that say where a line of the picture runs.
func htmlStructure(t *testing.T, page []byte) []string {
	t.Helper()
	tree, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for n := range tree.Descendants() {
		if n.Type == html.CommentNode {
			out = append(out, "a comment")
		}
		if n.Type != html.ElementNode {
			continue
		}
		depth := 0
		for p := n.Parent; p != nil; p = p.Parent {
			depth++
		}
		line := fmt.Sprintf("%d %s", depth, n.Data)
		for _, a := range n.Attr {
			if drawnAt[a.Key] {
				continue
			}
			line += fmt.Sprintf(" %s=%q", a.Key, a.Val)
		}
		out = append(out, line)
	}
	slices.Sort(out) // how the picture is laid out depends on how long names are
	return out
}

// drawnAt are attributes that say where something is drawn.
var drawnAt = map[string]bool{"d": true, "x": true, "y": true, "width": true, "height": true, "viewBox": true, "viewbox": true, "transform": true, "text-anchor": true, "aria-label": true}

func xmlStructure(t *testing.T, picture []byte) []string {
	t.Helper()
	var out []string
	dec := xml.NewDecoder(bytes.NewReader(picture))
	for {
		token, err := dec.Token()
		if err == io.EOF {
			slices.Sort(out)
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			line := token.Name.Local
			for _, a := range token.Attr {
				if !drawnAt[a.Name.Local] {
					line += fmt.Sprintf(" %s=%q", a.Name.Local, a.Value)
				}
			}
			out = append(out, line)
		case xml.Comment, xml.Directive, xml.ProcInst:
			out = append(out, fmt.Sprintf("%T", token))
		}
	}
}

// dotStructure is what Graphviz is told, less names and labels.
func dotStructure(t *testing.T, text []byte) []string {
	t.Helper()
	file, err := dot.ParseBytes(text)
	if err != nil {
		t.Fatalf("Graphviz cannot read it: %v\n%s", err, text)
	}
	var out []string
	var walk func([]dotast.Stmt)
	walk = func(all []dotast.Stmt) {
		for _, s := range all {
			line := fmt.Sprintf("%T", s)
			switch s := s.(type) {
			case *dotast.NodeStmt:
				for _, a := range s.Attrs {
					line += " " + a.Key
				}
			case *dotast.EdgeStmt:
				for _, a := range s.Attrs {
					line += " " + a.Key
				}
			case *dotast.Attr:
				line += " " + s.Key
			case *dotast.Subgraph:
				walk(s.Stmts)
			}
			out = append(out, line)
		}
	}
	for _, g := range file.Graphs {
		out = append(out, "graph")
		walk(g.Stmts)
	}
	slices.Sort(out)
	return out
}
