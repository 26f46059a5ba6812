package layout

import "slices"

// layers is a graph with a rank for every node. Edges that skip ranks are cut into pieces between dummies, which are
// items like nodes; so pieces lead from each rank to the next.
type layers struct {
	g     *Graph
	o     Options
	edges []Edge // the graph's in the direction of the ranks
	rank  []int  // of nodes
	band  []int  // of nodes: at least their own
	item  []item // nodes first, then dummies
	layer [][]int
	chain [][]int // the items that an edge passes, ends included; nil where it was not cut
}

// item stands in one layer. Its neighbours are in the layers before and behind.
type item struct {
	rank, pos  int // pos is the place in the layer
	before     []int
	behind     []int
	dummy      bool
	width      int // across the flow
	x          int // the middle, across the flow, in units
	want, hold int // where pull would have x, and the weight of that
}

// dummies is how many points an average edge may be bent at.
const dummies = 40

// newLayers gives each node its layer, in five steps: an order in which cycles are broken; the longest way from a root;
// nodes that hang on one neighbour are drawn up to it; empty layers go; edges over several layers are cut into pieces of
// one.
func newLayers(g *Graph, o Options) *layers {
	l := &layers{g: g, o: o, rank: make([]int, len(g.Nodes)), band: make([]int, len(g.Nodes))}
	order := l.topological()
	need, needed := neighbours(len(g.Nodes), l.edges)
	l.ranks(order, need)
	l.tighten(order, need, needed)
	l.compact()
	l.cut()
	return l
}

// topological orders the nodes, each behind what it needs, and turns the edges of cycles. Where all that is left is in cycles, the first node
// by its number is taken, and edges that lead back to it are turned: a -> b -> a becomes a -> b twice. The order is that of the graph's
// nodes as far as edges leave it open, so that the same graph has the same picture.
func (l *layers) topological() []int {
	n := len(l.g.Nodes)
	var edges []Edge
	for _, e := range l.g.Edges {
		if e.From != e.To {
			edges = append(edges, e)
		}
	}
	_, needed := neighbours(n, edges)
	waits := make([]int, n)
	for _, e := range edges {
		waits[e.To]++
	}
	place := make([]int, n)
	order := make([]int, 0, n)
	take := func(v int) {
		place[v], waits[v] = len(order), -1
		order = append(order, v)
	}
	for v := range n {
		if waits[v] == 0 {
			take(v)
		}
	}
	for i, next := 0, 0; len(order) < n; i++ {
		if i == len(order) { // all that is left is in cycles, or behind them
			for waits[next] < 0 {
				next++
			}
			take(next)
		}
		for _, w := range needed[order[i]] {
			if waits[w]--; waits[w] == 0 {
				take(w)
			}
		}
	}
	for _, e := range l.g.Edges {
		if place[e.From] > place[e.To] {
			e.From, e.To = e.To, e.From
		}
		l.edges = append(l.edges, e)
	}
	return order
}

// neighbours lists, of each node, what it needs and by what it is needed.
func neighbours(n int, edges []Edge) (need, needed [][]int) {
	need, needed = make([][]int, n), make([][]int, n)
	for _, e := range edges {
		if e.From != e.To {
			need[e.To] = append(need[e.To], e.From)
			needed[e.From] = append(needed[e.From], e.To)
		}
	}
	return need, needed
}

// ranks puts each node one behind the last of what it needs, and behind all of lower bands.
func (l *layers) ranks(order []int, need [][]int) {
	// A node is in the band of what it needs, if that is further along: an edge never leads back into an earlier phase.
	var bands []int
	for _, v := range order {
		l.band[v] = l.g.Nodes[v].Band
		for _, u := range need[v] {
			l.band[v] = max(l.band[v], l.band[u])
		}
		bands = append(bands, l.band[v])
	}
	slices.Sort(bands)
	byBand := map[int][]int{}
	for _, v := range order {
		byBand[l.band[v]] = append(byBand[l.band[v]], v)
	}
	base := 0
	for _, b := range slices.Compact(bands) {
		next := base
		for _, v := range byBand[b] {
			l.rank[v] = base
			for _, u := range need[v] {
				l.rank[v] = max(l.rank[v], l.rank[u]+1)
			}
			next = max(next, l.rank[v]+1)
		}
		base = next
	}
}

// tighten moves nodes that few edges lead to towards those that need them, within their band, which shortens edges.
func (l *layers) tighten(order []int, need, needed [][]int) {
	last := map[int]int{}
	for v, b := range l.band {
		last[b] = max(last[b], l.rank[v])
	}
	for i := len(order) - 1; i >= 0; i-- {
		v := order[i]
		if len(needed[v]) == 0 || len(needed[v]) < len(need[v]) {
			continue
		}
		to := last[l.band[v]]
		for _, w := range needed[v] {
			to = min(to, l.rank[w]-1)
		}
		l.rank[v] = max(l.rank[v], to)
	}
}

// compact leaves no rank without nodes: tighten may have drawn the only node of one to its neighbour.
func (l *layers) compact() {
	used := slices.Clone(l.rank)
	slices.Sort(used)
	used = slices.Compact(used)
	to := map[int]int{}
	for i, r := range used {
		to[r] = i
	}
	for v, r := range l.rank {
		l.rank[v] = to[r]
	}
	l.layer = make([][]int, len(used))
}

// cut makes the items: the nodes, and dummies where edges pass a rank. Short edges are cut first.
func (l *layers) cut() {
	for v, n := range l.g.Nodes {
		width := n.Width
		if l.o.Direction == Right {
			width = n.Height
		}
		l.add(item{rank: l.rank[v], width: width})
	}
	span := func(i int) int { return l.rank[l.edges[i].To] - l.rank[l.edges[i].From] }
	bySpan := make([]int, len(l.edges))
	for i := range bySpan {
		bySpan[i] = i
	}
	slices.SortStableFunc(bySpan, func(a, b int) int { return span(a) - span(b) })
	l.chain = make([][]int, len(l.edges))
	left := dummies * (len(l.edges) + 1)
	for _, i := range bySpan {
		if e := l.edges[i]; e.From != e.To && span(i) <= left {
			left -= span(i)
			l.chain[i] = l.pieces(e)
		}
	}
}

// pieces are the items that an edge runs through: its two nodes, and a dummy on each layer in between, which the ordering of
// layers treats like a node. So lines bend around nodes.
func (l *layers) pieces(e Edge) []int {
	chain := []int{e.From}
	for r := l.rank[e.From] + 1; r <= l.rank[e.To]; r++ {
		next := e.To
		if r < l.rank[e.To] {
			next = l.add(item{rank: r, dummy: true, width: 1})
		}
		last := chain[len(chain)-1]
		l.item[last].behind = append(l.item[last].behind, next)
		l.item[next].before = append(l.item[next].before, last)
		chain = append(chain, next)
	}
	return chain
}

// add puts an item behind the others of its layer, and returns its number.
func (l *layers) add(it item) int {
	it.pos = len(l.layer[it.rank])
	l.item = append(l.item, it)
	l.layer[it.rank] = append(l.layer[it.rank], len(l.item)-1)
	return len(l.item) - 1
}
