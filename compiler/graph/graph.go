// Package graph holds the dependencies between addresses and puts them in order.
//
// The graph is dominikbraun/graph's: the library makes sure that a vertex or an edge is added once and that both ends of an edge are there,
// and has the errors for that. Its store is replaced by one of this package, because its own builds its maps anew from all edges. Order,
// cycles with their hops, and who needs whom are computed here, because the library's topological sort and cycle prevention are
// quadratic: a graph of 10,000 vertices takes many seconds.
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
// It is made once, while a module is checked, and read by the planner, the engine and pictures: of the edges source.s →
// dataset.d → train.m the order is just that, and train.m needs dataset.d. Addresses without an edge between them come
// in the order of their names, so that the order of a module is the same on every machine.
type Graph struct {
	*store
	g dgraph.Graph[string, string]
}

// store keeps the edges by both ends, sorted unless they have grown since.
type store struct {
	dgraph.Store[string, string] // nil: what is not defined below is not called
	needs, neededBy              map[string][]string
	where                        map[[2]string]source.Range // by from and to
	grown                        bool
}

// New returns an empty graph.
func New() *Graph {
	s := &store{needs: map[string][]string{}, neededBy: map[string][]string{}, where: map[[2]string]source.Range{}}
	return &Graph{store: s, g: dgraph.NewWithStore(dgraph.StringHash, s, dgraph.Directed())}
}

// Add adds an address; adding it twice is the same as once.
func (g *Graph) Add(address string) error {
	if err := g.g.AddVertex(address); err != nil && !errors.Is(err, dgraph.ErrVertexAlreadyExists) {
		return fmt.Errorf("adding %s to the graph: %w", address, err)
	}
	return nil
}

// Connect says that `to` needs `from`, as written at where; of several places the first counts. Both must have been added.
func (g *Graph) Connect(from, to string, where source.Range) error {
	err := g.g.AddEdge(from, to)
	if errors.Is(err, dgraph.ErrEdgeAlreadyExists) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("connecting %s to %s: %w", from, to, err)
	}
	g.where[[2]string{from, to}] = where
	return nil
}

func (s *store) AddVertex(a, _ string, _ dgraph.VertexProperties) error {
	if _, known := s.needs[a]; known {
		return dgraph.ErrVertexAlreadyExists
	}
	s.needs[a], s.neededBy[a] = nil, nil
	return nil
}

func (s *store) Vertex(a string) (string, dgraph.VertexProperties, error) {
	if _, known := s.needs[a]; !known {
		return "", dgraph.VertexProperties{}, dgraph.ErrVertexNotFound
	}
	return a, dgraph.VertexProperties{}, nil
}

func (s *store) AddEdge(from, to string, _ dgraph.Edge[string]) error {
	s.needs[to] = append(s.needs[to], from)
	s.neededBy[from] = append(s.neededBy[from], to)
	s.where[[2]string{from, to}] = source.Range{}
	s.grown = true
	return nil
}

func (s *store) Edge(from, to string) (dgraph.Edge[string], error) {
	if _, known := s.where[[2]string{from, to}]; !known {
		return dgraph.Edge[string]{}, dgraph.ErrEdgeNotFound
	}
	return dgraph.Edge[string]{Source: from, Target: to}, nil
}

// Needs returns what each address needs, sorted. It must not be changed, and is good until something is added.
func (g *Graph) Needs() map[string][]string {
	g.sort()
	return g.needs
}

// NeededBy returns, for each address, the addresses that need it, sorted. The map must not be changed, and is valid until the graph is.
func (g *Graph) NeededBy() map[string][]string {
	g.sort()
	return g.neededBy
}

// sort puts the lists of neighbours in order when they are read, and not with each edge: a module of 10,000 blocks is
// connected first and read after.
func (s *store) sort() {
	if !s.grown {
		return
	}
	for _, lists := range []map[string][]string{s.needs, s.neededBy} {
		for _, list := range lists {
			sort.Strings(list)
		}
	}
	s.grown = false
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
