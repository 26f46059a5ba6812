package layout

import (
	"cmp"
	"slices"
)

// draw turns ranks and positions into points.
func (l *layers) draw() *Drawing {
	d := &Drawing{Nodes: make([]Point, len(l.g.Nodes)), Edges: make([][]Point, len(l.edges))}
	l.shift()
	from, to := l.along()
	d.Bands = l.bands(from, to)
	for v, n := range l.g.Nodes {
		r := l.rank[v]
		thick := l.thick(n)
		l.point(&d.Nodes[v], l.item[v].x/unit-l.item[v].width/2, from[r]+(to[r]-from[r]-thick)/2)
		d.Width = max(d.Width, d.Nodes[v].X+n.Width)
		d.Height = max(d.Height, d.Nodes[v].Y+n.Height)
	}
	// Edges that were turned to break cycles are drawn the way that they lead.
	out, in := l.ports()
	for i, e := range l.edges {
		d.Edges[i] = l.route(i, e, from, to, out[i], in[i])
		if e != l.g.Edges[i] {
			slices.Reverse(d.Edges[i])
		}
		for _, p := range d.Edges[i] {
			d.Width, d.Height = max(d.Width, p.X+1), max(d.Height, p.Y+1)
		}
	}
	return d
}

// shift moves all to begin at 0 across the flow.
func (l *layers) shift() {
	least := l.item[0].x - l.item[0].width*unit/2
	for _, it := range l.item {
		least = min(least, it.x-it.width*unit/2)
	}
	for i := range l.item {
		l.item[i].x -= least
	}
}

// along says where each layer begins and ends along the flow.
func (l *layers) along() (from, to []int) {
	thick, band := make([]int, len(l.layer)), make([]int, len(l.layer))
	for v, n := range l.g.Nodes {
		r := l.rank[v]
		thick[r] = max(thick[r], l.thick(n))
		band[r] = l.band[v]
	}
	at := 0
	for r := range l.layer {
		if r > 0 {
			at += l.o.LayerGap
			if band[r] != band[r-1] {
				at += l.o.BandGap
			}
		}
		from, to = append(from, at), append(to, at+thick[r])
		at += thick[r]
	}
	return from, to
}

// thick is the extent of a node across the layers.
func (l *layers) thick(n Node) int {
	if l.o.Direction == Right {
		return n.Width
	}
	return n.Height
}

// bands are the extents of the bands across the layers; each holds whole layers, so they do not overlap.
func (l *layers) bands(from, to []int) []Band {
	var out []Band
	for v := range l.g.Nodes {
		out = append(out, Band{l.band[v], from[l.rank[v]], to[l.rank[v]]})
	}
	slices.SortFunc(out, func(a, b Band) int { return cmp.Or(cmp.Compare(a.Band, b.Band), cmp.Compare(a.From, b.From)) })
	joined := out[:1]
	for _, b := range out[1:] {
		if last := &joined[len(joined)-1]; last.Band == b.Band {
			last.To = max(last.To, b.To)
		} else {
			joined = append(joined, b)
		}
	}
	return joined
}

// point sets a point given across and along the flow.
func (l *layers) point(p *Point, across, along int) {
	p.X, p.Y = across, along
	if l.o.Direction == Right {
		p.X, p.Y = along, across
	}
}

// ports are the places across the flow where edges leave and enter their nodes: side by side in the order of where they
// lead, so that they do not cross at the node.
func (l *layers) ports() (out, in []int) {
	out, in = make([]int, len(l.edges)), make([]int, len(l.edges))
	leaving, entering := make([][]int, len(l.g.Nodes)), make([][]int, len(l.g.Nodes))
	for i, e := range l.edges {
		leaving[e.From] = append(leaving[e.From], i)
		entering[e.To] = append(entering[e.To], i)
	}
	for v := range l.g.Nodes {
		l.spread(v, leaving[v], out, func(i int) int { return l.item[l.passes(i)[1]].x })
		l.spread(v, entering[v], in, func(i int) int { c := l.passes(i); return l.item[c[len(c)-2]].x })
	}
	return out, in
}

// passes are the items that an edge passes, or its ends.
func (l *layers) passes(i int) []int {
	if c := l.chain[i]; c != nil {
		return c
	}
	return []int{l.edges[i].From, l.edges[i].To}
}

// widest is how far apart two edges at one side of a node are, in pixels, if there is room.
const widest = 14

// spread gives the edges at one side of a node places of their own, in the order of where they lead: at most widest apart
// and on the middle two thirds of the side.
func (l *layers) spread(v int, edges, at []int, toward func(edge int) int) {
	slices.SortStableFunc(edges, func(a, b int) int { return cmp.Compare(toward(a), toward(b)) })
	room := l.item[v].width * unit * 2 / 3
	step := 0
	if len(edges) > 1 {
		step = min(widest*unit, room/(len(edges)-1))
	}
	for k, i := range edges {
		at[i] = l.item[v].x + (2*k-len(edges)+1)*step/2
	}
}

// route leads an edge from its first node through the layers to its last: a pair of points for each.
func (l *layers) route(i int, e Edge, from, to []int, out, in int) []Point {
	if e.From == e.To {
		return nil
	}
	chain := l.passes(i)
	points := make([]Point, 2*len(chain))
	for k, v := range chain {
		first, last := &points[2*k], &points[2*k+1]
		it := &l.item[v]
		begin, end := from[it.rank], to[it.rank]
		switch {
		case k == 0:
			l.point(first, out/unit, l.edgeOf(v, begin, end, true))
			l.point(last, out/unit, end)
		case k == len(chain)-1:
			l.point(first, in/unit, begin)
			l.point(last, in/unit, l.edgeOf(v, begin, end, false))
		default:
			l.point(first, it.x/unit, begin)
			l.point(last, it.x/unit, end)
		}
	}
	return points
}

// edgeOf is where a node's box ends or begins along the flow; it stands in the middle of its layer.
func (l *layers) edgeOf(v, begin, end int, behind bool) int {
	thick := l.thick(l.g.Nodes[v])
	start := begin + (end-begin-thick)/2
	if behind {
		return start + thick
	}
	return start
}
