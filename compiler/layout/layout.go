// Package layout places the nodes of a directed graph in layers, so that edges flow one way and cross little.
//
// It follows Sugiyama's method (Sugiyama, Tagawa, Toda: Methods for Visual Understanding of Hierarchical System
// Structures, 1981) in four steps, each in a file of its own: every node gets a rank (rank.go); each rank's nodes get
// an order with few crossings, by medians (order.go); they are moved towards their neighbours without overlapping
// (place.go); edges are routed through the gaps between nodes (route.go).
//
// All arithmetic is on integers and nothing depends on map order, so that the same graph gives the same drawing on every
// machine. Time and memory grow with nodes and edges: edges over very many ranks are drawn straight once the points to
// bend them at are used up.
package layout

// Node is a box to be placed. Sizes are in pixels.
type Node struct {
	Width, Height int
	// Band groups nodes along the flow: all of a lower band stand before all of a higher one. A node that needs one of a
	// higher band joins that.
	Band int
}

// Edge leads from one node to another, by index.
type Edge struct{ From, To int }

// Graph is what is to be drawn. Cycles do no harm: some edges then lead back.
type Graph struct {
	Nodes []Node
	Edges []Edge
}

// Direction is where edges flow.
type Direction int

const (
	Down  Direction = iota // from top to bottom
	Right                  // from left to right
)

// Options of a drawing. Distances are in pixels.
type Options struct {
	Direction Direction
	Gap       int // between nodes side by side
	LayerGap  int // between layers
	BandGap   int // between bands, beside LayerGap
}

// Point of a drawing, from the top left.
type Point struct{ X, Y int }

// Drawing is a graph in the plane.
type Drawing struct {
	Width, Height int
	Nodes         []Point   // top left corners
	Edges         [][]Point // pairs of points joined by straight lines; from pair to pair the line bends
	Bands         []Band    // in the order of the flow
}

// Band is where one band begins and ends along the flow.
type Band struct{ Band, From, To int }

// Layered draws a graph.
func Layered(g *Graph, o Options) *Drawing {
	if len(g.Nodes) == 0 {
		return &Drawing{}
	}
	l := newLayers(g, o)
	l.order()
	l.place()
	return l.draw()
}
