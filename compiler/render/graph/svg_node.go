package graph

import (
	"fmt"
	"html"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/render"
)

// attribute makes a user's string harmless in an attribute or a text of XML and HTML: clean line by line, then escaped.
func attribute(s string) string {
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = html.EscapeString(render.Line(lines[i]))
	}
	return strings.Join(lines, "\n")
}

// node draws a block: outline, sign, address and caption; pointing at it tells why.
// Coordinates are whole pixels of the layout; the text is placed by hand, since SVG lays out none.
func (s *svg) node(i int) {
	n, at, size := s.nodes[i], s.d.Nodes[i], s.placed.Nodes[i]
	class := "mlp-node mlp-" + n.Form.class()
	if n.Mark != NoMark {
		class += " mlp-" + string(n.Mark)
	}
	if n.Focus {
		class += " mlp-focus"
	}
	s.line(`<g class="%s" transform="translate(%d %d)">`, class, at.X, at.Y)
	if n.Title != "" {
		s.line("<title>%s</title>", attribute(n.Title))
	}
	if n.Focus {
		s.line(`<rect class="mlp-ring" x="-5" y="-5" width="%d" height="%d" rx="14"/>`, size.Width+10, size.Height+10)
	}
	s.line(`<path class="mlp-box" d="%s"/>`, n.Form.outline(size.Width, size.Height))
	x := labelAt
	if n.Mark == NoMark {
		x = (labelAt + 14) / 2 // no sign to leave room for
	} else {
		s.line(`<g transform="translate(18 23)">%s</g>`, n.Mark.drawing())
	}
	y := 20
	if n.Caption == "" {
		y = 27
	}
	s.line(`<text class="mlp-label" x="%d" y="%d">%s</text>`, x, y, attribute(label(n)))
	if n.Caption != "" {
		s.line(`<text class="mlp-caption" x="%d" y="36">%s</text>`, x, attribute(caption(n)))
	}
	s.line("</g>")
}

// class is the name of a form in class names.
func (f Form) class() string { return [...]string{"stage", "gate", "deploy", "definition"}[f] }

// outline is the path of a block's outline, w wide and h high, in SVG's path language: a gate is a hexagon, a
// deployment a capsule, a definition a sheet with a folded corner, any other a rectangle with round corners. Forms tell
// kinds apart without colours.
func (f Form) outline(w, h int) string {
	switch f {
	case GateForm:
		const cut = 12
		return fmt.Sprintf("M%d 0H%dL%d %dL%d %dH%dL0 %dz", cut, w-cut, w, h/2, w-cut, h, cut, h/2)
	case ReleaseForm:
		r := h / 2
		return fmt.Sprintf("M%d 0H%da%d %d 0 0 1 0 %dH%da%d %d 0 0 1 0 -%dz", r, w-r, r, r, h, r, r, r, h)
	case DefinitionForm:
		const fold = 10
		return fmt.Sprintf("M0 0H%dL%d %dV%dH0zM%d 0V%dH%d", w-fold, w, fold, h, w-fold, fold, w)
	}
	const r = 6
	return fmt.Sprintf("M%d 0H%da%d %d 0 0 1 %d %dV%da%d %d 0 0 1 -%d %dH%da%d %d 0 0 1 -%d -%dV%da%d %d 0 0 1 %d -%dz",
		r, w-r, r, r, r, r, h-r, r, r, r, r, r, r, r, r, r, r, r, r, r, r)
}

// drawing is a mark's sign around 0 0, 18 pixels wide: a shape of its own for each, so that colour is not needed.
func (m Mark) drawing() string {
	const (
		circle   = `<circle class="mlp-sign" r="9"/>`
		diamond  = `<path class="mlp-sign" d="M0-10.5L10.5 0L0 10.5L-10.5 0z"/>`
		square   = `<rect class="mlp-sign" x="-8" y="-8" width="16" height="16" rx="2"/>`
		octagon  = `<path class="mlp-sign" d="M-4-9.5H4L9.5-4V4L4 9.5H-4L-9.5 4V-4z"/>`
		triangle = `<path class="mlp-sign" d="M0-9.5L10.5 8.5H-10.5z"/>`
		question = `<path class="mlp-line" d="M-3-2.6a3 3 0 1 1 4.4 2.7c-1 .6-1.4 1.1-1.4 2.1M0 4.7v.9"/>`
		mark     = `<path class="mlp-line" d="M0-5V1.4M0 4.6v.6"/>`
	)
	switch m {
	case RunMark:
		return circle + `<path class="mlp-full" d="M-3-5L5.5 0L-3 5z"/>`
	case MayMark:
		return circle + question
	case OpenMark:
		return diamond + question
	case CachedMark:
		return square + `<path class="mlp-line" d="M-4-2.2H4M-4 2.2H4"/>`
	case MetadataMark:
		return square + `<path class="mlp-line" d="M0-1.2V4.4M0-4.8v.6"/>`
	case BlockedMark:
		return octagon + `<path class="mlp-line" d="M-5 0H5"/>`
	case RemoveMark:
		return square + `<path class="mlp-line" d="M-4.5 0H4.5"/>`
	case PassMark:
		return circle + `<path class="mlp-line" d="M-4.3.3L-1.3 3.5L4.4-3.2"/>`
	case FailMark:
		return octagon + `<path class="mlp-line" d="M-3.6-3.6L3.6 3.6M3.6-3.6L-3.6 3.6"/>`
	case ErrorMark:
		return triangle + `<g transform="translate(0 1.8) scale(.9)">` + mark + `</g>`
	case ReleaseMark:
		return circle + `<path class="mlp-line" d="M0 5V-4.6M-4-.8L0-4.8L4-.8"/>`
	}
	return ""
}

// legend explains the signs that occur, wrapped to a width; with it come its width and height, 0 if there is nothing to
// explain.
// Only signs that occur are explained: a picture of three cached stages has a legend of one.
func (s *svg) legend(width int) (text string, wide, high int) {
	seen := map[Mark]bool{}
	for _, n := range s.nodes {
		seen[n.Mark] = true
	}
	var b strings.Builder
	x, y := 0, 14
	// put places an item behind the last one, or on the next line where it does not fit.
	put := func(size int, item func(x, y int) string) {
		if x > 0 && x+size > width {
			x, y = 0, y+26
		}
		b.WriteString(item(x, y))
		x += size
		wide = max(wide, x)
	}
	for _, m := range marks {
		if !seen[m.mark] {
			continue
		}
		put(int(float64(render.Columns(m.word))*captionChar)+46, func(x, y int) string {
			return fmt.Sprintf("<g class=\"mlp-node mlp-%s\" transform=\"translate(%d %d)\"><g transform=\"translate(12 0)\">%s</g><text class=\"mlp-caption\" x=\"28\" y=\"4\">%s</text></g>\n",
				m.mark, x, y, m.mark.drawing(), m.word)
		})
	}
	if slices.ContainsFunc(s.edges, func(e Edge) bool { return e.Order }) {
		const word = "must succeed first"
		put(len(word)*6+54, func(x, y int) string {
			return fmt.Sprintf("<path class=\"mlp-edge mlp-order mlp-hot\" d=\"M%d %dh28\"/><text class=\"mlp-caption\" x=\"%d\" y=\"%d\">%s</text>\n", x+4, y, x+38, y+4, word)
		})
	}
	if note := s.g.leftOut(); note != "" {
		put(int(float64(render.Columns(note))*captionChar)+16, func(x, y int) string {
			return fmt.Sprintf("<text class=\"mlp-note\" x=\"%d\" y=\"%d\">%s</text>\n", x+4, y+4, attribute(note))
		})
	}
	if b.Len() == 0 {
		return "", 0, 0
	}
	return b.String(), wide, y + 26
}
