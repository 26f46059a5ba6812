package layout

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// random makes an acyclic graph of n nodes in three bands, each node needing a few of those before it.
func random(seed uint64, n int) *Graph {
	r := rand.New(rand.NewPCG(seed, 1))
	g := &Graph{}
	for i := range n {
		g.Nodes = append(g.Nodes, Node{Width: 80 + r.IntN(120), Height: 30 + r.IntN(20), Band: r.IntN(3)})
		for range r.IntN(3) {
			if i > 0 {
				g.Edges = append(g.Edges, Edge{From: i - 1 - r.IntN(min(i, 12)), To: i})
			}
		}
	}
	return g
}

var options = Options{Gap: 20, LayerGap: 40, BandGap: 10}

func TestNothingOverlapsAndEdgesFlow(t *testing.T) {
	for seed := range uint64(40) {
		for _, dir := range []Direction{Down, Right} {
			o := options
			o.Direction = dir
			g := random(seed, 60)
			d := Layered(g, o)
			checkBoxes(t, g, d)
			checkFlow(t, g, d, dir)
		}
	}
}

func checkBoxes(t *testing.T, g *Graph, d *Drawing) {
	t.Helper()
	for i, a := range g.Nodes {
		p := d.Nodes[i]
		if p.X < 0 || p.Y < 0 || p.X+a.Width > d.Width || p.Y+a.Height > d.Height {
			t.Fatalf("node %d at %v lies outside of %dx%d", i, p, d.Width, d.Height)
		}
		for j, b := range g.Nodes[:i] {
			q := d.Nodes[j]
			if p.X < q.X+b.Width && q.X < p.X+a.Width && p.Y < q.Y+b.Height && q.Y < p.Y+a.Height {
				t.Fatalf("nodes %d and %d overlap: %v %v", i, j, p, q)
			}
		}
	}
}

func checkFlow(t *testing.T, g *Graph, d *Drawing, dir Direction) {
	t.Helper()
	along := func(p Point) int {
		if dir == Right {
			return p.X
		}
		return p.Y
	}
	for i, e := range g.Edges {
		if along(d.Nodes[e.From]) >= along(d.Nodes[e.To]) {
			t.Fatalf("edge %v leads against the flow", e)
		}
		points := d.Edges[i]
		if len(points) < 4 || !slices.IsSortedFunc(points, func(a, b Point) int { return along(a) - along(b) }) {
			t.Fatalf("edge %v turns back: %v", e, points)
		}
	}
	for i, b := range d.Bands[1:] {
		if b.From < d.Bands[i].To+40 {
			t.Fatalf("bands overlap: %v", d.Bands)
		}
	}
}

// A node of a lower band that needs one of a higher band stands in that.
func TestBands(t *testing.T) {
	g := &Graph{Nodes: []Node{{Width: 9, Height: 9}, {Width: 9, Height: 9, Band: 1}, {Width: 9, Height: 9}, {Width: 9, Height: 9}},
		Edges: []Edge{{0, 1}, {1, 2}}}
	d := Layered(g, options)
	if got, want := []int{d.Nodes[0].Y, d.Nodes[3].Y}, []int{0, 0}; !slices.Equal(got, want) {
		t.Errorf("band 0 begins at %v, want %v", got, want)
	}
	if d.Nodes[2].Y <= d.Nodes[1].Y || len(d.Bands) != 2 {
		t.Errorf("got %v and bands %v", d.Nodes, d.Bands)
	}
}

func TestFewCrossings(t *testing.T) {
	// Two layers whose straight arrangement crosses nothing, given in the order that crosses most.
	g := &Graph{}
	for range 12 {
		g.Nodes = append(g.Nodes, Node{Width: 10, Height: 10})
	}
	for i := range 6 {
		g.Edges = append(g.Edges, Edge{i, 11 - i})
	}
	l := newLayers(g, options)
	l.order()
	if got := l.crossings(); got != 0 {
		t.Errorf("got %d crossings, want 0", got)
	}
	l.place()
	d := l.draw()
	for i, e := range d.Edges {
		if e[0].X != e[len(e)-1].X {
			t.Errorf("edge %d is not straight: %v", i, e)
		}
	}
}

// A long edge past a chain is bent no more than twice.
func TestLongEdgesAreStraight(t *testing.T) {
	g := &Graph{}
	for i := range 8 {
		g.Nodes = append(g.Nodes, Node{Width: 60 + 20*(i%3), Height: 20})
		if i > 0 {
			g.Edges = append(g.Edges, Edge{i - 1, i})
		}
	}
	g.Edges = append(g.Edges, Edge{0, 7})
	d := Layered(g, options)
	long := d.Edges[len(d.Edges)-1]
	for _, p := range long[2 : len(long)-2] {
		if p.X != long[2].X {
			t.Fatalf("the long edge wavers: %v", long)
		}
	}
}

func TestCyclesAndLoops(t *testing.T) {
	g := &Graph{Nodes: make([]Node, 4), Edges: []Edge{{0, 1}, {1, 2}, {2, 0}, {3, 3}, {2, 3}}}
	for i := range g.Nodes {
		g.Nodes[i] = Node{Width: 10, Height: 10}
	}
	d := Layered(g, options)
	checkBoxes(t, g, d)
	if got := d.Edges[2]; got[0].Y < got[len(got)-1].Y {
		t.Errorf("the edge that closes the cycle leads back, got %v", got)
	}
	if Layered(&Graph{}, options).Width != 0 {
		t.Error("an empty graph has a size")
	}
}

func TestSameGraphSameDrawing(t *testing.T) {
	a, b := Layered(random(7, 200), options), Layered(random(7, 200), options)
	if !slices.Equal(a.Nodes, b.Nodes) || !slices.EqualFunc(a.Edges, b.Edges, slices.Equal[[]Point]) {
		t.Error("two drawings of one graph differ")
	}
}

// Ten thousand nodes, wide, deep and layered: in seconds. A quadratic step would take minutes.
func TestLarge(t *testing.T) {
	const n = 10_000
	box := Node{Width: 100, Height: 20}
	chain, star, fan := &Graph{}, &Graph{}, random(3, n)
	for i := range n {
		chain.Nodes, star.Nodes = append(chain.Nodes, box), append(star.Nodes, box)
		if i > 0 {
			chain.Edges = append(chain.Edges, Edge{i - 1, i}, Edge{0, i})
			star.Edges = append(star.Edges, Edge{0, i})
		}
	}
	for _, g := range []*Graph{chain, star, fan} {
		Layered(g, options)
	}
}
