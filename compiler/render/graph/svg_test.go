package graph

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/lang/schema"
)

var updateGraphs = flag.Bool("update-graphs", false, "write the golden files of graphs anew")

// goldenGraph compares with a file of testdata.
func goldenGraph(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *updateGraphs {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is not what the code makes (go test -update-graphs writes it):\n%s", path, diff)
	}
}

// changed is a plan in which everything occurs.
func changed() *plan.Plan {
	node := func(address string, phase schema.Phase, v plan.Verdict, from ...string) *plan.Node {
		kind, _, _ := strings.Cut(address, ".")
		n := &plan.Node{Address: address, Kind: kind, Type: kind, Phase: phase, Verdict: v}
		for _, f := range from {
			n.Inputs = append(n.Inputs, plan.Input{Port: "data", From: f})
		}
		return n
	}
	train := node("train.model", schema.Development, plan.Run, "split.holdout")
	train.Type, train.After = "gradient_boosting", []string{"check.payments"}
	train.Causes = []plan.Cause{{Kind: plan.ConfigCause, Path: "params.trees", Before: json.RawMessage("300"), After: json.RawMessage("400")}}
	return &plan.Plan{
		Nodes: []*plan.Node{
			node("source.payments", schema.Design, plan.Cached), node("dataset.payments", schema.Design, plan.Metadata, "source.payments"),
			node("check.payments", schema.Design, plan.Cached, "dataset.payments"), node("source.old", "", plan.Remove),
			node("split.holdout", schema.Development, plan.Cached, "dataset.payments"), train,
			node("evaluate.holdout", schema.Development, plan.MayRun, "train.model", "split.holdout"),
			node("train.other", schema.Development, plan.Blocked, "split.holdout"),
			node("deploy.batch", schema.Operations, plan.MayRun, "train.model", "dataset.payments"),
		},
		Gates: []*plan.Gate{
			{Address: "gate.release", Verdict: plan.Open, After: []string{"check.payments"},
				Rules: plan.Rules{Figures: []plan.FigureSource{{Path: "evaluate.holdout", Node: "evaluate.holdout"}},
					Rules: []plan.Rule{{Name: "good", Verdict: plan.Open}, {Name: "enough", Verdict: plan.Pass}}}},
			{Address: "gate.other", Verdict: plan.Fail, Rules: plan.Rules{Rules: []plan.Rule{{Name: "never", Verdict: plan.Fail}}}},
		},
		Releases: []*plan.Release{
			{Address: "deploy.scorer", Type: "http", Action: plan.ChangeRelease, Gate: "gate.release", Model: plan.Input{From: "train.model"}},
			{Address: "deploy.batch", Type: "batch", Action: plan.MayRelease, Gate: "gate.release", Model: plan.Input{From: "train.model"}},
		},
	}
}

// wellFormed reads a picture as XML, and fails if it holds anything but drawing.
func wellFormed(t *testing.T, picture string) {
	t.Helper()
	dec := xml.NewDecoder(strings.NewReader(picture))
	allowed := map[string]bool{"svg": true, "style": true, "g": true, "path": true, "rect": true, "circle": true, "text": true, "title": true}
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("the picture is no XML: %v", err)
		}
		if start, ok := token.(xml.StartElement); ok {
			if !allowed[start.Name.Local] {
				t.Errorf("the picture holds a <%s>", start.Name.Local)
			}
			for _, a := range start.Attr {
				if strings.HasPrefix(a.Name.Local, "on") || strings.Contains(a.Name.Local, "href") {
					t.Errorf("<%s> has %s=%q", start.Name.Local, a.Name.Local, a.Value)
				}
			}
		}
	}
}

func svgOf(t *testing.T, g *Graph) string {
	t.Helper()
	var b bytes.Buffer
	if err := SVG(&b, g); err != nil {
		t.Fatal(err)
	}
	wellFormed(t, b.String())
	return b.String()
}

func TestSVGOfPlan(t *testing.T) { goldenGraph(t, "changed.svg", svgOf(t, OfPlan(changed()))) }

// Every mark has a sign of its own, so that colour is not needed to tell them apart.
func TestMarksAreToldApartByShape(t *testing.T) {
	seen := map[string]Mark{}
	for _, m := range marks {
		d := m.mark.drawing()
		if other, ok := seen[d]; ok || d == "" {
			t.Errorf("%s is drawn as %s", m.mark, other)
		}
		seen[d] = m.mark
		if !strings.Contains(svgStyle, ".mlp-"+string(m.mark)+" ") {
			t.Errorf("%s has no style", m.mark)
		}
	}
}

const hostile = "a\"'><script>alert(1)</script>]]>\x1b[31m\u202egpj.exe & `x` ${y} --> \x00 </title>"

func TestSVGOfHostileStrings(t *testing.T) {
	p := changed()
	for _, n := range p.Nodes {
		n.Type, n.Description = hostile, hostile
	}
	p.Nodes[0].Address = hostile
	p.Nodes[1].Inputs[0].From = hostile
	p.Gates[0].Rules.Rules[0].Name = hostile
	got := svgOf(t, OfPlan(p))
	for _, bad := range []string{"<script", "\x1b", "\u202e", "\x00", "</title>]"} {
		if strings.Contains(got, bad) {
			t.Errorf("the picture holds %q", bad)
		}
	}
}

func TestSVGOfHugePlanIsCut(t *testing.T) {
	p := &plan.Plan{}
	for i := range 10_000 {
		n := &plan.Node{Address: fmt.Sprintf("dataset.d%05d", i), Kind: "dataset", Phase: schema.Design, Verdict: plan.Cached}
		if i == 9_000 {
			n.Verdict = plan.Run
		}
		if i > 0 {
			n.Inputs = []plan.Input{{Port: "a", From: fmt.Sprintf("dataset.d%05d", i-1)}, {Port: "b", From: fmt.Sprintf("dataset.d%05d", i/2)}}
		}
		p.Nodes = append(p.Nodes, n)
	}
	got := svgOf(t, OfPlan(p))
	for _, want := range []string{"9700 more cached blocks are not shown", ">dataset.d09000<", ">dataset.d08999<", ">dataset.d09001<"} {
		if !strings.Contains(got, want) {
			t.Errorf("the picture lacks %q", want)
		}
	}
}

func TestFocus(t *testing.T) {
	g, ok := OfPlan(changed()).Focus("evaluate.holdout")
	if !ok {
		t.Fatal("there is no evaluate.holdout")
	}
	var got []string
	for _, n := range g.Nodes {
		got = append(got, n.Address)
	}
	want := []string{"check.payments", "dataset.payments", "deploy.batch", "deploy.scorer", "evaluate.holdout", "gate.release",
		"source.payments", "split.holdout", "train.model"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, ok := OfPlan(changed()).Focus("evaluate.holdouts"); ok {
		t.Error("got a focus on what is not there")
	}
}

func TestTouched(t *testing.T) {
	g := OfPlan(changed()).Touched()
	for _, n := range g.Nodes {
		if n.Address == "source.payments" {
			return // feeds what has changed
		}
	}
	t.Error("the neighbour of what changed is missing")
}

func TestTree(t *testing.T) {
	var b bytes.Buffer
	if err := Tree(&b, OfPlan(changed()), render.Options{}); err != nil {
		t.Fatal(err)
	}
	goldenGraph(t, "changed.txt", b.String())
}

func TestDot(t *testing.T) {
	var b bytes.Buffer
	if err := Dot(&b, OfPlan(changed())); err != nil {
		t.Fatal(err)
	}
	goldenGraph(t, "changed.dot", b.String())
}

func TestMermaid(t *testing.T) {
	var b bytes.Buffer
	if err := Mermaid(&b, OfPlan(changed())); err != nil {
		t.Fatal(err)
	}
	goldenGraph(t, "changed.mmd", b.String())
}

// A user's string can neither leave its place in a line nor add one.
func TestHostileStringsInTextForms(t *testing.T) {
	p := changed()
	p.Nodes[5].Type = "x\"]\n  evil --> n0\x1b[2J`|\\"
	p.Nodes[6].Address = "a\\\" -> \"b\nc\u202e"
	tree := func(w io.Writer, g *Graph) error { return Tree(w, g, render.Options{}) }
	for name, form := range map[string]func(io.Writer, *Graph) error{"tree": tree, "dot": Dot, "mermaid": Mermaid} {
		var b bytes.Buffer
		if err := form(&b, OfPlan(p)); err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"\x1b", "\u202e", "\n  evil", "\nc", `"x"]`, "`", "|"} {
			if strings.Contains(b.String(), bad) && (name == "mermaid" || len(bad) > 1) {
				t.Errorf("%s holds %q:\n%s", name, bad, b.String())
			}
		}
	}
}

// A chain of 10,000 with a leaf at each link: neither the width nor the time of the tree grows with its length.
func TestTreeOfChain(t *testing.T) {
	g := &Graph{}
	for i := range 10_000 {
		a := fmt.Sprintf("dataset.d%05d", i)
		g.Nodes = append(g.Nodes, Node{Address: a}, Node{Address: a + "x"})
		g.Edges = append(g.Edges, Edge{From: a, To: a + "x"})
		if i > 0 {
			g.Edges = append(g.Edges, Edge{From: fmt.Sprintf("dataset.d%05d", i-1), To: a})
		}
	}
	var b bytes.Buffer
	if err := Tree(&b, g, render.Options{}); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if render.Columns(line) > 40 {
			t.Fatalf("a line of %d columns: %s", render.Columns(line), line)
		}
	}
	if got, want := strings.Count(b.String(), "\n"), 20_000; got != want {
		t.Errorf("got %d lines, want %d", got, want)
	}
}
