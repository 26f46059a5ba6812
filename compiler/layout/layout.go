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

// A worked example: a split s, a trainer m and an evaluation e, with the edges s→m, s→e and m→e.
//
// Ranks. The nodes are ordered topologically; an edge that closes a cycle is turned for the layout and turned back in the
// drawing. Then each node's rank is the longest path to it: s 0, m 1, e 2. All nodes of a lower band have lower ranks than
// those of a higher one. Nodes with at least as many edges out as in are moved
// as near to their readers as they can go, which shortens edges. Ranks that are left empty are removed.
//
// Dummies. The edge s→e passes rank 1 and is cut there, by a dummy d, one pixel wide: s→d→e. From here on each piece of an edge
// leads from one rank to the next. The number of dummies is limited (dummies); the shortest edges are cut first, and the
// longest are drawn straight where the limit is used up.
//
// Order. Layer 1 holds m and d, in some order. The first one is that of a depth-first walk, which puts what hangs together
// side by side. Sweeps go down and up through the layers: each item takes the median of the places of its neighbours in the
// layer before, and two items side by side are swapped where that saves crossings. Sweeps may make things worse, so the
// order with the fewest crossings seen is kept. Crossings between two layers are inversions, counted in O(n log n) with a
// Fenwick tree: of the edges a→y and b→x with a before b and x before y, there is one.
//
// Places across the flow. Each item wants to stand at the mean of its neighbours, weighted so that pieces between dummies
// pull most and long edges come out straight. Two items that both want place 0 and must be 100 apart get -50 and 50: the
// wanted places less the distances are 0 and -100, which is out of order, so that both are pooled at their mean, -50, and
// the distances are added again. That is isotonic regression by pooling adjacent violators, and exact for least squares
// (settle, place.go). Places are in 1/64 of a pixel.
//
// Routes. An edge has a pair of points in each layer that it passes, where it enters and where it leaves. Edges that leave
// one side of a node are spread over that side, in the order of where they lead, so that they do not cross at the node.

// Node is a box to be placed. Sizes are in pixels.
type Node struct {
	Width, Height int
	// Band groups nodes along the flow: all of a lower band stand before all of a higher one. A node that needs one of a
	// higher band joins that.
	Band int
}

// Edge leads from one node to another, by index into Graph.Nodes. Edges may repeat; one from a node to itself is not drawn.
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

// Layered draws a graph. Boxes do not overlap; Drawing.Nodes and Drawing.Edges have the order of the graph's, and edges go from From to
// To also where they were turned for the layout. The points of an edge from a node to itself are nil. g is not changed.
func Layered(g *Graph, o Options) *Drawing {
	if len(g.Nodes) == 0 {
		return &Drawing{}
	}
	l := newLayers(g, o)
	l.order()
	l.place()
	return l.draw()
}
