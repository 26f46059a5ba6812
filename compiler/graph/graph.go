// Package graph holds the dependencies between addresses and puts them in order.
//
// The vertices and edges are kept in dominikbraun/graph, which refuses edges between what was not added. Its own
// topological sort and cycle prevention are quadratic (a graph of 10,000 vertices takes many seconds), and each of its maps
// is made anew from all edges, so the order is computed here from lists that grow with the graph.
package graph

import (
	"container/heap"
	"errors"
	"fmt"
	"sort"

	dgraph "github.com/dominikbraun/graph"

	"github.com/mlp-lang/mlp/lang/source"
)

// Graph is a directed graph of addresses. An edge leads from what is needed to what needs it.
type Graph struct {
	g     dgraph.Graph[string, string]
	where map[[2]string]source.Range
	// needs and neededBy are the edges by their end and by their beginning, sorted unless they have grown since.
	needs, neededBy map[string][]string
	grown           bool
}

// New returns an empty graph.
func New() *Graph {
	return &Graph{g: dgraph.New(dgraph.StringHash, dgraph.Directed()), where: map[[2]string]source.Range{},
		needs: map[string][]string{}, neededBy: map[string][]string{}}
}

// Add adds an address; adding it twice is the same as once.
func (g *Graph) Add(address string) error {
	err := g.g.AddVertex(address)
	if errors.Is(err, dgraph.ErrVertexAlreadyExists) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("adding %s to the graph: %w", address, err)
	}
	g.needs[address], g.neededBy[address] = nil, nil
	return nil
}

// Connect says that `to` needs `from`, as written at where. Both must have been added.
func (g *Graph) Connect(from, to string, where source.Range) error {
	if _, known := g.where[[2]string{from, to}]; known {
		return nil
	}
	if err := g.g.AddEdge(from, to); err != nil {
		return fmt.Errorf("connecting %s to %s: %w", from, to, err)
	}
	g.where[[2]string{from, to}] = where
	g.needs[to] = append(g.needs[to], from)
	g.neededBy[from] = append(g.neededBy[from], to)
	g.grown = true
	return nil
}

// Needs returns what each address needs, sorted. It must not be changed, and is good until something is added.
func (g *Graph) Needs() map[string][]string {
	g.sort()
	return g.needs
}

// NeededBy returns by what each address is needed, sorted. It must not be changed, and is good until something is added.
func (g *Graph) NeededBy() map[string][]string {
	g.sort()
	return g.neededBy
}

func (g *Graph) sort() {
	if !g.grown {
		return
	}
	for _, lists := range []map[string][]string{g.needs, g.neededBy} {
		for _, list := range lists {
			sort.Strings(list)
		}
	}
	g.grown = false
}

// Hop is one edge of a cycle: To needs From, as written at Range.
type Hop struct {
	From, To string
	Range    source.Range
}

// CycleError says that addresses need each other. Hops begin at the smallest address of the cycle and lead back to it.
type CycleError struct{ Hops []Hop }

func (e *CycleError) Error() string {
	s := "these need each other: " + e.Hops[0].From
	for _, h := range e.Hops {
		s += " → " + h.To
	}
	return s
}

// Order returns the addresses so that each stands behind what it needs, and otherwise by name. A cycle is a *CycleError.
func (g *Graph) Order() ([]string, error) {
	needs, neededBy := g.Needs(), g.NeededBy()
	waiting := make(map[string]int, len(needs))
	ready := &addresses{}
	for a, n := range needs {
		waiting[a] = len(n)
		if len(n) == 0 {
			heap.Push(ready, a)
		}
	}
	order := make([]string, 0, len(needs))
	for ready.Len() > 0 {
		a := heap.Pop(ready).(string)
		order = append(order, a)
		for _, b := range neededBy[a] {
			if waiting[b]--; waiting[b] == 0 {
				heap.Push(ready, b)
			}
		}
	}
	if len(order) < len(needs) {
		return order, g.cycle(needs, waiting)
	}
	return order, nil
}

// cycle finds one among the addresses that still wait: whoever waits needs another that waits, so walking back from the
// smallest must meet itself.
func (g *Graph) cycle(needs map[string][]string, waiting map[string]int) error {
	start := ""
	for a, n := range waiting {
		if n > 0 && (start == "" || a < start) {
			start = a
		}
	}
	seen := map[string]int{}
	var path []string
	for a := start; ; {
		if i, ok := seen[a]; ok {
			path = path[i:]
			break
		}
		seen[a] = len(path)
		path = append(path, a)
		for _, b := range needs[a] {
			if waiting[b] > 0 {
				a = b
				break
			}
		}
	}
	return &CycleError{Hops: g.hops(path)}
}

// hops turns a path that walks from each address to what it needs into edges in the direction of flow.
func (g *Graph) hops(path []string) []Hop {
	n := len(path)
	first := 0
	for i, a := range path {
		if a < path[first] {
			first = i
		}
	}
	hops := make([]Hop, 0, n)
	for i := range n {
		from, to := path[(first-i+n)%n], path[(first-i-1+2*n)%n]
		hops = append(hops, Hop{From: from, To: to, Range: g.where[[2]string{from, to}]})
	}
	return hops
}

// addresses is a heap of addresses, smallest first.
type addresses []string

func (h addresses) Len() int           { return len(h) }
func (h addresses) Less(i, j int) bool { return h[i] < h[j] }
func (h addresses) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *addresses) Push(x any)        { *h = append(*h, x.(string)) }
func (h *addresses) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
