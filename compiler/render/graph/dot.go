package graph

import (
	"fmt"
	"io"
	"strings"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/lang/schema"
)

// Dot writes a graph for Graphviz (https://graphviz.org/doc/info/lang.html), all of it: Graphviz lays out what is
// given.
func Dot(w io.Writer, g *Graph) error {
	var b strings.Builder
	b.WriteString("digraph pipeline {\n  rankdir = TB\n  node [shape = box, style = \"rounded,filled\", fillcolor = white, fontname = \"Helvetica\"]\n")
	for i, phase := range lifecycle {
		nodes := g.of(phase)
		if len(nodes) == 0 {
			continue
		}
		indent := "  "
		if phase != "" {
			fmt.Fprintf(&b, "  subgraph cluster_%d {\n    label = %s\n    color = gray\n", i, dotQuote(string(phase)))
			indent = "    "
		}
		for _, n := range nodes {
			fmt.Fprintf(&b, "%s%s [label = %s%s]\n", indent, dotQuote(n.Address), dotLabel(n), dotStyle(n))
		}
		if phase != "" {
			b.WriteString("  }\n")
		}
	}
	for _, e := range g.Edges {
		style := ""
		if e.Order {
			style = " [style = dashed]"
		}
		fmt.Fprintf(&b, "  %s -> %s%s\n", dotQuote(e.From), dotQuote(e.To), style)
	}
	if note := g.leftOut(); note != "" {
		fmt.Fprintf(&b, "  label = %s\n", dotQuote(note))
	}
	b.WriteString("}\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// of are the nodes of a part of the lifecycle, in the graph's order. A node of a phase that is not known is of the
// first one.
func (g *Graph) of(phase schema.Phase) []Node {
	var out []Node
	for _, n := range g.Nodes {
		if lifecycle[phaseIndex(n.Phase)] == phase {
			out = append(out, n)
		}
	}
	return out
}

// dotQuote is a string of DOT: of escapes in it only \" means the same everywhere, so backslashes are doubled.
func dotQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(render.Line(s)) + `"`
}

// dotLabel has the caption on a line of its own.
func dotLabel(n Node) string {
	label := render.Line(n.Address)
	if n.Mark != NoMark {
		label = n.Mark.Sign() + " " + label
	}
	quoted := dotQuote(label)
	if n.Caption == "" {
		return quoted
	}
	return quoted[:len(quoted)-1] + `\n` + dotQuote(n.Caption)[1:]
}

// dotStyle are the attributes of a node in the DOT language (https://graphviz.org/doc/info/attrs.html). What is dashed may
// be: it may run, or is open.
func dotStyle(n Node) string {
	shape := [...]string{"", ", shape = hexagon", ", shape = ellipse", ", shape = note"}[n.Form]
	if n.Focus {
		shape += ", penwidth = 3"
	}
	fill := n.Mark.fill()
	if fill == "" {
		return shape
	}
	style := `"rounded,filled"`
	if n.Form != StageForm {
		style = "filled"
	}
	if n.Mark == MayMark || n.Mark == OpenMark {
		style = strings.Replace(strings.Trim(style, `"`), "filled", "filled,dashed", 1)
		style = `"` + style + `"`
	}
	return fmt.Sprintf(`%s, style = %s, fillcolor = "%s", color = "%s"`, shape, style, fill, n.Mark.line())
}

// fill is the ground of a mark's box, on white; line its outline. "" for no mark.
func (m Mark) fill() string {
	switch m {
	case RunMark:
		return "#e6f2fb"
	case ReleaseMark:
		return "#f8ebf6"
	case MayMark, OpenMark:
		return "#fff7e0"
	case PassMark:
		return "#e5f6f0"
	case FailMark, ErrorMark, BlockedMark, RemoveMark:
		return "#fdeee6"
	case CachedMark, MetadataMark:
		return "#ffffff"
	}
	return ""
}

// line is the colour of an outline, as in the picture's style (svg_style.go): of Okabe and Ito's palette, which those tell apart who do
// not see red or green.
func (m Mark) line() string {
	switch m {
	case RunMark:
		return "#0969a8"
	case ReleaseMark:
		return "#8a3b84"
	case MayMark, OpenMark:
		return "#946200"
	case PassMark:
		return "#00785a"
	case FailMark, ErrorMark, BlockedMark, RemoveMark:
		return "#b23c00"
	}
	return "#8c959f"
}
