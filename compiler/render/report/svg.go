package report

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/compiler/render"
	doc "github.com/mlp-lang/mlp/lang/report"
)

// Sizes of a picture, in its own units; a page scales it to the room that there is. The origin is at the top left, as SVG has it: y grows
// downwards.
const (
	wide        = 340.0
	high        = 260.0
	category    = 20.0 // height of a category on the y axis
	aboveAxes   = 26.0 // with the label of y
	bareAxes    = 8.0  // without one
	belowAxes   = 44.0
	slant       = 40.0 // degrees, of categories on the x axis that have no room side by side
	slantSine   = 0.643
	slantCosine = 0.766
	letter      = 7.0 // width of a letter of the ticks, about
	longestRow  = 16  // letters of a category that are shown
	palette     = 6   // series of further numbers begin again
)

// picture is a plot being drawn. All that is drawn goes through the two axes, so that nothing lies beyond them; coordinates have one
// decimal place (place), which keeps a page of many curves small and its bytes the same on every machine.
type picture struct {
	*doc.Plot
	b     strings.Builder
	x, y  *axis
	above float64 // height of what stands above the axes
	below float64 // height of what stands below the axes
}

// svg draws a plot; id tells it from the others of a page. Screen readers say what Alt says, else the title.
//
// Classes say how things look, and the page's style sheet what that is: "g" a line of the grid, "t" a text at a tick, "l" a label of an
// axis, "s" a curve, "b" a band, "r" a bar, "p" a point, "w" a whisker, with "c0" to "c5" or "ref" for the series.
func svg(p *doc.Plot, id string) string {
	s := &picture{Plot: p, above: aboveAxes, below: belowAxes}
	if p.Y.Label == "" {
		s.above = bareAxes
	}
	if n := s.longest(); s.slanted() {
		s.below += float64(letter * float64(n) * slantSine)
	}
	height := high - belowAxes + s.below
	if n := len(p.Y.Categories); n > 0 {
		height = s.above + s.below + category*float64(max(n, 2))
	}
	s.axes(height)
	alt := p.Alt
	if alt == "" {
		alt = p.Title
	}
	fmt.Fprintf(&s.b, `<svg viewBox="0 0 %s %s" role="img" aria-labelledby="%s"><title id="%s">%s</title>`, place(wide), place(height), id, id, escape(render.Line(alt)))
	s.grid(height)
	for i := range p.Series {
		s.series(i)
	}
	s.b.WriteString("</svg>")
	return s.b.String()
}

// axes spans both axes over all series, with the ends of whiskers, bands and bars, which reach further than the points that they belong
// to. x comes after y, since it begins where the texts beside y end.
func (s *picture) axes(height float64) {
	var xs, ys []float64
	zeroX, zeroY := false, false
	for _, r := range s.Series {
		xs = append(xs, r.X...)
		ys = append(ys, r.Y...)
		if r.Mark == doc.Bars {
			zeroX, zeroY = s.sideways(), !s.sideways()
		}
		if s.sideways() {
			xs = append(append(xs, r.Low...), r.High...)
		} else {
			ys = append(append(ys, r.Low...), r.High...)
		}
		if r.Mark == doc.Bars && !s.sideways() {
			half := barWidth(r.X) / 2
			for _, x := range r.X {
				xs = append(xs, x-half, x+half)
			}
		}
	}
	// Places grow downwards in SVG, values upwards.
	s.y = newAxis(s.Y, ys, zeroY, 5, height-s.below, s.above)
	if s.sideways() { // the first category is at the top
		s.y.from, s.y.to = s.y.to, s.y.from
	}
	// The axes begin where the longest text beside y ends, estimated by its letters: a picture is made where there are no fonts to ask.
	left := 3 * letter
	for i := range s.y.ticks {
		s.y.ticks[i].text = render.Clipped(render.Line(s.y.ticks[i].text), longestRow)
		left = max(left, widthOf(s.y.ticks[i].text))
	}
	if s.slanted() { // the first category reaches to the left of its place
		left = max(left, slantCosine*widthOf(render.Clipped(render.Line(s.X.Categories[0]), longestRow)))
	}
	s.x = newAxis(s.X, xs, zeroX, 5, 10+left, wide-22)
}

// widthOf is about as wide as a text of the ticks is in the wider fonts of systems, of 13 units: "man" is nearly as wide as "filial".
func widthOf(text string) float64 {
	width := 0.0
	for _, r := range text {
		switch {
		case strings.ContainsRune("mwMW@%", r):
			width += 1.8 * letter
		case strings.ContainsRune("iljtfrI.,:;'|!()[]- ", r):
			width += 0.7 * letter
		default:
			width += 1.2 * letter
		}
	}
	return width
}

// sideways reports whether categories go down the y axis: bars and whiskers then go along x.
func (s *picture) sideways() bool { return len(s.Y.Categories) > 0 }

// longest is how many letters the longest category of the x axis has, as it is shown.
func (s *picture) longest() int {
	n := 0
	for _, name := range s.X.Categories {
		n = max(n, min(len([]rune(render.Line(name))), longestRow))
	}
	return n
}

// slanted reports whether the categories of the x axis would run into each other side by side.
func (s *picture) slanted() bool {
	const beside = 50 // what stands left and right of the axis, about
	return letter*float64(s.longest()+1) > (wide-beside)/float64(max(len(s.X.Categories), 1))
}

// grid draws lines at the ticks, and what they are.
func (s *picture) grid(height float64) {
	bottom := height - s.below
	for _, t := range s.x.ticks {
		x := place(s.x.at(t.value))
		anchor := `text-anchor="middle"`
		if s.slanted() {
			anchor = fmt.Sprintf(`text-anchor="end" transform="rotate(-%s %s %s)"`, place(slant), x, place(bottom+16))
		}
		fmt.Fprintf(&s.b, `<path class="g" d="M%s %sV%s"/><text class="t" x="%s" y="%s" %s>%s</text>`,
			x, place(s.above), place(bottom), x, place(bottom+16), anchor, escape(render.Clipped(render.Line(t.text), longestRow)))
	}
	for _, t := range s.y.ticks {
		y := s.y.at(t.value)
		fmt.Fprintf(&s.b, `<path class="g" d="M%s %sH%s"/><text class="t" x="%s" y="%s" text-anchor="end">%s</text>`,
			place(s.x.from), place(y), place(s.x.to), place(s.x.from-5), place(y+4), escape(t.text))
	}
	fmt.Fprintf(&s.b, `<text class="l" x="4" y="15">%s</text>`, escape(render.Line(s.Y.Label)))
	fmt.Fprintf(&s.b, `<text class="l" x="%s" y="%s" text-anchor="end">%s</text>`, place(s.x.to), place(height-8), escape(render.Line(s.X.Label)))
}

// series draws one of them, later ones over those before. A series without points leaves nothing.
func (s *picture) series(i int) {
	r := &s.Series[i]
	class := seriesClass(s.Plot, i)
	switch r.Mark {
	case doc.Line, doc.Step:
		if len(r.X) > 0 {
			fmt.Fprintf(&s.b, `<path class="s %s" d="%s"/>`, class, s.path(r))
		}
	case doc.Band:
		if len(r.X) > 0 {
			fmt.Fprintf(&s.b, `<path class="b %s" d="%s"/>`, class, s.band(r))
		}
	case doc.Bars:
		s.bars(r, class)
	case doc.Points:
		s.points(r, class)
	}
}

// seriesClass is the class of CSS that says how a series looks. References, such as the diagonal of a ROC curve, have one of their own,
// and no number: the first series that is none is "c0" wherever it stands.
func seriesClass(p *doc.Plot, i int) string {
	if p.Series[i].Dim {
		for k := range p.Series {
			if k != i && p.Series[k].Name == p.Series[i].Name {
				return "ref n" // one of many, which are drawn thinner
			}
		}
		return "ref"
	}
	number := 0
	for _, s := range p.Series[:i] {
		if !s.Dim {
			number++
		}
	}
	return "c" + strconv.Itoa(number%palette)
}

// path joins the points of a series. A step is level first, as a share is that changes at a threshold.
func (s *picture) path(r *doc.Series) string {
	var b strings.Builder
	for i := range r.X {
		x, y := place(s.x.at(r.X[i])), place(s.y.at(r.Y[i]))
		switch {
		case i == 0:
			b.WriteString("M" + x + " " + y)
		case r.Mark == doc.Step:
			b.WriteString("H" + x + "V" + y)
		default:
			b.WriteString("L" + x + " " + y)
		}
	}
	return b.String()
}

// band goes along the upper bound and back along the lower one.
func (s *picture) band(r *doc.Series) string {
	var b strings.Builder
	for i := range r.X {
		command := "L"
		if i == 0 {
			command = "M"
		}
		b.WriteString(command + place(s.x.at(r.X[i])) + " " + place(s.y.at(r.High[i])))
	}
	for i := range slices.Backward(r.X) {
		b.WriteString("L" + place(s.x.at(r.X[i])) + " " + place(s.y.at(r.Low[i])))
	}
	return b.String() + "Z"
}

// barWidth is the least distance between two bars, in values: that of the bins of a histogram.
func barWidth(xs []float64) float64 {
	sorted := slices.Sorted(slices.Values(xs))
	width := math.Inf(1)
	for i := 1; i < len(sorted); i++ {
		if d := sorted[i] - sorted[i-1]; d > 0 {
			width = min(width, d)
		}
	}
	if math.IsInf(width, 1) {
		return 1
	}
	return width
}

// bars stand on 0, from which their length is read; sideways they begin there. Bars of two series lie over each other and can be seen through.
func (s *picture) bars(r *doc.Series, class string) {
	if s.sideways() {
		for i := range r.X {
			from, to := s.x.at(0), s.x.at(r.X[i])
			s.bar(class, min(from, to), s.y.at(r.Y[i])-category*0.35, math.Abs(to-from), category*0.7, s.told(r, i))
		}
		return
	}
	width := barWidth(r.X)
	for i := range r.X {
		from, to := s.x.at(r.X[i]-width/2), s.x.at(r.X[i]+width/2)
		zero, top := s.y.at(0), s.y.at(r.Y[i])
		s.bar(class, from+0.5, min(zero, top), max(to-from-1, 0.5), math.Abs(top-zero), s.told(r, i))
	}
}

// bar is one rectangle, with what a browser says under the pointer.
func (s *picture) bar(class string, x, y, width, height float64, title string) {
	fmt.Fprintf(&s.b, `<rect class="r %s" x="%s" y="%s" width="%s" height="%s"><title>%s</title></rect>`, class, place(x), place(y), place(width), place(height), escape(title))
}

// points are circles, with whiskers first so that circles lie on top.
func (s *picture) points(r *doc.Series, class string) {
	for i := range r.X {
		x, y := s.x.at(r.X[i]), s.y.at(r.Y[i])
		if len(r.Low) > 0 {
			d := fmt.Sprintf("M%s %sV%s", place(x), place(s.y.at(r.Low[i])), place(s.y.at(r.High[i])))
			if s.sideways() {
				d = fmt.Sprintf("M%s %sH%s", place(s.x.at(r.Low[i])), place(y), place(s.x.at(r.High[i])))
			}
			fmt.Fprintf(&s.b, `<path class="w %s" d="%s"/>`, class, d)
		}
		fmt.Fprintf(&s.b, `<circle class="p %s" cx="%s" cy="%s" r="3.5"><title>%s</title></circle>`, class, place(x), place(y), escape(s.told(r, i)))
	}
}

// told is what a browser says of a point or bar under the pointer: "north: 84.1 % (80.2 % to 87.5 %)", the place before the value, also
// where the picture lies on its side and the value is x.
func (s *picture) told(r *doc.Series, i int) string {
	name := func(a doc.Axis, x float64) string {
		if k := int(x); float64(k) == x && k >= 0 && k < len(a.Categories) {
			return render.Line(a.Categories[k])
		}
		if a.Share {
			return number(x, doc.Share)
		}
		return significant(x, 4)
	}
	at, value, axis := name(s.X, r.X[i]), name(s.Y, r.Y[i]), s.Y
	if s.sideways() {
		at, value, axis = value, at, s.X
	}
	text := at + ": " + value
	if len(r.Low) > 0 {
		text += fmt.Sprintf(" (%s to %s)", name(axis, r.Low[i]), name(axis, r.High[i]))
	}
	return text
}

// place writes a coordinate with one decimal place, and whole numbers without: "12.5", "12", and "0" for what rounds to minus zero.
func place(x float64) string {
	s := strconv.FormatFloat(x, 'f', 1, 64)
	s = strings.TrimSuffix(s, ".0")
	if s == "-0" {
		return "0"
	}
	return s
}

// escape makes a text one of XML, in an element or an attribute.
func escape(s string) string { return html.EscapeString(s) }
