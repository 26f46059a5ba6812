package graph

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/layout"
	"github.com/mlp-lang/mlp/compiler/render"
)

// MostInSVG is how many nodes a picture shows; more could not be read. What is left out is said in it.
const MostInSVG = 300

// Sizes of the picture, in pixels.
const (
	nodeHeight   = 46
	nodeLeast    = 132
	labelAt      = 34   // where the words begin, behind the sign
	labelChar    = 7.25 // a character of the address, in a typewriter face of 12 pixels
	captionChar  = 6.1  // a character of the caption, 11 pixels
	margin       = 16
	headRoom     = 26 // above a band, for its name
	longestLabel = 40 // characters
	downTo       = 6  // nodes side by side, up to which the picture flows down
)

// SVG draws a graph: in layers, bands of the lifecycle one behind the other. The same graph gives the same bytes. It is
// one element that holds its own style, also for dark mode, and may stand in a page; all its class names begin with
// "mlp-".
// # How it is drawn
//
//  1. Cut to what can be read; sort by part of the lifecycle, then address, so that the picture does not depend on the order in the files.
//  2. Estimate the width of each box by its text.
//  3. Place boxes in layers (compiler/layout): downwards, or to the right where that would be wider than high.
//  4. Draw bands, then edges, those along which something changes last, then boxes, then the legend of the signs that occur.
//
// Sizes are whole pixels throughout, as fractions would be rounded one way here and another there, and the bytes would
// differ between machines.
func SVG(w io.Writer, g *Graph) error {
	g = g.Cut(MostInSVG)
	s := &svg{g: g, nodes: slices.Clone(g.Nodes)}
	slices.SortStableFunc(s.nodes, func(a, b Node) int {
		return cmp.Or(cmp.Compare(phaseIndex(a.Phase), phaseIndex(b.Phase)), cmp.Compare(a.Address, b.Address))
	})
	s.layout()
	s.write()
	_, err := io.WriteString(w, s.b.String())
	return err
}

// svg is a picture while it is drawn: nodes and edges as they are drawn, and where layout put them (d, by index). down tells
// the direction.
type svg struct {
	b      strings.Builder
	g      *Graph
	nodes  []Node
	edges  []Edge
	placed *layout.Graph
	d      *layout.Drawing
	down   bool
}

// line writes one line of the picture.
func (s *svg) line(format string, args ...any) { fmt.Fprintf(&s.b, format+"\n", args...) }

// layout places nodes and edges: from top to bottom, unless that would be too wide to read. Bands keep the parts of the
// lifecycle apart; the algorithm is that of package layout.
func (s *svg) layout() {
	index := map[string]int{}
	s.placed = &layout.Graph{}
	for i, n := range s.nodes {
		index[n.Address] = i
		s.placed.Nodes = append(s.placed.Nodes, layout.Node{Width: nodeWidth(n), Height: nodeHeight, Band: phaseIndex(n.Phase)})
	}
	for _, e := range s.g.Edges {
		from, ok := index[e.From]
		to, too := index[e.To]
		if ok && too && from != to {
			s.edges = append(s.edges, e)
			s.placed.Edges = append(s.placed.Edges, layout.Edge{From: from, To: to})
		}
	}
	s.down = true
	s.d = layout.Layered(s.placed, layout.Options{Direction: layout.Down, Gap: 22, LayerGap: 40, BandGap: 18})
	if s.d.Width > downTo*200 && s.d.Width > s.d.Height {
		s.down = false
		s.d = layout.Layered(s.placed, layout.Options{Direction: layout.Right, Gap: 14, LayerGap: 56, BandGap: 28})
	}
}

// nodeWidth is in pixels. The width of letters is an estimate (labelChar, captionChar): no font is at hand, and the page may
// use another.
func nodeWidth(n Node) int {
	label, caption := float64(render.Columns(label(n)))*labelChar, float64(render.Columns(caption(n)))*captionChar
	return max(nodeLeast, int(max(label, caption))+labelAt+14)
}

func label(n Node) string   { return short(n.Address) }
func caption(n Node) string { return short(n.Caption) }

// short is a user's string made harmless and cut to what a box holds.
func short(s string) string {
	s = render.Line(s)
	if r := []rune(s); len(r) > longestLabel {
		return string(r[:longestLabel-1]) + "…"
	}
	return s
}

// write writes the picture: bands behind edges behind nodes, the legend below.
func (s *svg) write() {
	left, top := margin, margin
	if s.down {
		left += headRoom
	} else {
		top += headRoom
	}
	width, height := s.d.Width+left+margin, s.d.Height+top+margin
	legend, legendWidth, legendHeight := s.legend(max(width, 360) - 2*margin)
	width = max(width, legendWidth+2*margin)
	s.line(`<svg xmlns="http://www.w3.org/2000/svg" class="mlp-graph" role="img" aria-label="%s" width="%d" height="%d" viewBox="0 0 %d %d">`,
		attribute(s.describe()), width, height+legendHeight, width, height+legendHeight)
	s.line("<style>%s</style>", svgStyle)
	s.line(`<rect class="mlp-ground" width="%d" height="%d"/>`, width, height+legendHeight)
	s.bands(left, top, width, height)
	s.line(`<g transform="translate(%d %d)">`, left, top)
	// Edges of what runs are drawn over the others.
	for _, hot := range []bool{false, true} {
		for i := range s.edges {
			if s.hot(i) == hot {
				s.edge(i)
			}
		}
	}
	for i := range s.nodes {
		s.node(i)
	}
	s.line("</g>")
	s.line(`<g transform="translate(%d %d)">`, margin, height+4)
	s.b.WriteString(legend)
	s.line("</g>\n</svg>")
}

// describe is the picture in words, for those who cannot see it.
// Screen readers read it in place of the picture: "Graph of 12 blocks; runs: 3, nothing to do: 9."
func (s *svg) describe() string {
	counts := map[Mark]int{}
	for _, n := range s.nodes {
		counts[n.Mark]++
	}
	var parts []string
	for _, m := range marks {
		if counts[m.mark] > 0 {
			parts = append(parts, fmt.Sprintf("%s: %d", m.word, counts[m.mark]))
		}
	}
	text := fmt.Sprintf("Graph of %d blocks", len(s.nodes))
	if len(parts) > 0 {
		text += "; " + strings.Join(parts, ", ")
	}
	return text + "."
}

// bandName is the name of a part of the lifecycle. What has left the module belongs to none, and is called so.
func (s *svg) bandName(band int) string {
	names := []string{"Design", "Development", "Operations"}
	if band < len(names) {
		return names[band]
	}
	for _, n := range s.nodes {
		if phaseIndex(n.Phase) == band && n.Mark != RemoveMark {
			return ""
		}
	}
	return "Removed"
}

// bands draws a ground and a name for each part of the lifecycle, if there is more than one.
func (s *svg) bands(left, top, width, height int) {
	if len(s.d.Bands) < 2 {
		return
	}
	for i, b := range s.d.Bands {
		const pad = 14
		from, to := b.From-pad, b.To+pad
		class := "mlp-band"
		if i%2 == 1 {
			class += " mlp-odd"
		}
		if s.down {
			s.line(`<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="8"/>`, class, margin/2, top+from, width-margin, to-from)
			s.line(`<text class="mlp-phase" transform="translate(%d %d) rotate(-90)" text-anchor="middle">%s</text>`,
				margin/2+16, top+(from+to)/2, s.bandName(b.Band))
		} else {
			s.line(`<rect class="%s" x="%d" y="%d" width="%d" height="%d" rx="8"/>`, class, left+from, margin/2, to-from, height-margin/2)
			s.line(`<text class="mlp-phase" x="%d" y="%d">%s</text>`, left+from+12, margin/2+18, s.bandName(b.Band))
		}
	}
}

// hot reports whether something would change along an edge: at both of its ends.
// A gate that passes is no change, nor is a description: the edge to what runs behind them stays quiet, so that the
// thick lines are the way of the change.
func (s *svg) hot(i int) bool {
	p := s.placed.Edges[i]
	from, to := s.nodes[p.From].Mark, s.nodes[p.To].Mark
	return !from.quiet() && from != MetadataMark && from != PassMark && !to.quiet()
}

// edge draws a line with an arrow's head, bent from layer to layer by cubic curves. An edge without points is not
// drawn.
func (s *svg) edge(i int) {
	points := s.d.Edges[i]
	if len(points) < 2 {
		return
	}
	class := "mlp-edge"
	if s.hot(i) {
		class += " mlp-hot"
	}
	if s.edges[i].Order {
		class += " mlp-order"
	}
	var path strings.Builder
	last := points[len(points)-1]
	tip := last
	// The line ends where the head begins. Points come in pairs, one for each layer: straight within a layer, bent between
	// two.
	const head = 7
	if s.down {
		last.Y -= head
	} else {
		last.X -= head
	}
	fmt.Fprintf(&path, "M%d %d", points[0].X, points[0].Y)
	for k := 1; k < len(points); k++ {
		a, b := points[k-1], points[k]
		if k == len(points)-1 {
			b = last
		}
		switch {
		case a == b:
		case k%2 == 1, a.X == b.X || a.Y == b.Y:
			fmt.Fprintf(&path, "L%d %d", b.X, b.Y)
		case s.down:
			mid := (a.Y + b.Y) / 2
			fmt.Fprintf(&path, "C%d %d %d %d %d %d", a.X, mid, b.X, mid, b.X, b.Y)
		default:
			mid := (a.X + b.X) / 2
			fmt.Fprintf(&path, "C%d %d %d %d %d %d", mid, a.Y, mid, b.Y, b.X, b.Y)
		}
	}
	s.line(`<path class="%s" d="%s"/>`, class, path.String())
	s.line(`<path class="%s mlp-head" d="%s"/>`, class, s.head(tip, head))
}

// head is an arrow's head as a path, its tip at the point and size pixels long.
func (s *svg) head(tip layout.Point, size int) string {
	if s.down {
		return fmt.Sprintf("M%d %dl-4 -%dh8z", tip.X, tip.Y, size)
	}
	return fmt.Sprintf("M%d %dl-%d -4v8z", tip.X, tip.Y, size)
}
