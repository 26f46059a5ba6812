package graph

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/mlp-lang/mlp/compiler/render"
)

// MostInMermaid is how many nodes a Mermaid graph shows: GitHub draws no more than 500 edges, and shows an error in
// place of a larger picture.
const MostInMermaid = 120

// Mermaid writes a graph as GitHub and GitLab draw it in Markdown (https://mermaid.js.org/syntax/flowchart.html), without
// the fence around it. Colours are of the outline only, so that it reads on a dark ground too.
// The subgraphs are the parts of the lifecycle. What is left out stands as a node without outline, since a flowchart has
// no caption.
func Mermaid(w io.Writer, g *Graph) error {
	g = g.Cut(MostInMermaid)
	var b strings.Builder
	b.WriteString("flowchart TB\n")
	// Nodes have numbers for names: addresses have characters that mean something to Mermaid.
	id := make(map[string]string, len(g.Nodes))
	for i, n := range g.Nodes {
		id[n.Address] = fmt.Sprintf("n%d", i)
	}
	used := map[Mark][]string{}
	for i, phase := range lifecycle {
		nodes := g.of(phase)
		if len(nodes) == 0 {
			continue
		}
		if phase != "" {
			fmt.Fprintf(&b, "  subgraph p%d [\"%s\"]\n", i, mermaidText(string(phase)))
		}
		for _, n := range nodes {
			shape := mermaidShapes[n.Form]
			fmt.Fprintf(&b, "    %s%s\"%s\"%s\n", id[n.Address], shape[0], mermaidLabel(n), shape[1])
			used[n.Mark] = append(used[n.Mark], id[n.Address])
		}
		if phase != "" {
			b.WriteString("  end\n")
		}
	}
	for _, e := range g.Edges {
		arrow := "-->"
		if e.Order {
			arrow = "-.->"
		}
		fmt.Fprintf(&b, "  %s %s %s\n", id[e.From], arrow, id[e.To])
	}
	if note := g.leftOut(); note != "" {
		fmt.Fprintf(&b, "  left[\"%s\"]:::left\n  classDef left stroke:none,fill:none\n", mermaidText(note))
	}
	for _, m := range marks {
		if list := used[m.mark]; len(list) > 0 {
			fmt.Fprintf(&b, "  classDef %s stroke:%s,stroke-width:%s\n  class %s %s\n", m.mark, m.mark.line(), m.mark.pen(), strings.Join(list, ","), m.mark)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// mermaidShapes are the brackets that Mermaid draws a form by: {{…}} is a hexagon.
var mermaidShapes = [...][2]string{StageForm: {"[", "]"}, GateForm: {"{{", "}}"}, ReleaseForm: {"([", "])"}, DefinitionForm: {">", "]"}}

// pen is the width and the dashes of an outline: a mark is told by its pen as well as by its colour.
func (m Mark) pen() string {
	switch m {
	case MayMark, OpenMark:
		return "2px,stroke-dasharray:6 4"
	case CachedMark:
		return "1px"
	case MetadataMark, RemoveMark:
		return "2px,stroke-dasharray:2 3"
	}
	return "3px"
}

// mermaidLabel is sign, address and caption.
func mermaidLabel(n Node) string {
	text := mermaidText(short(n.Address))
	if n.Mark != NoMark {
		text = mermaidText(n.Mark.Sign()) + " " + text
	}
	if n.Caption != "" {
		text += "<br/>" + mermaidText(short(n.Caption))
	}
	return text
}

// mermaidText writes what could mean something to Mermaid, Markdown or HTML by its code: #91; for an opening bracket.
// Mermaid has no escape for quotes or brackets within a label but such codes.
func mermaidText(s string) string {
	var b strings.Builder
	for _, r := range render.Line(s) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" ._@·,…✓✗»", r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	return b.String()
}
