package graph

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/mlp-lang/mlp/compiler/render"
)

// counted writes "2 of 5 rules".
func counted(n, all int, one, many string) string {
	return fmt.Sprintf("%d of %d %s", n, all, render.Plural(all, one, many))
}

// Focus is the part of a graph that an address rests on and that rests on it. False if there is no such node. What is
// left out is not counted: whoever asks for a part knows that there is more. g is not changed.
// Of a diamond a → b → d, a → c → d the focus on b is a, b and d: c is neither above nor below it. Edges between what is
// kept are kept, also those that do not pass through the address.
func (g *Graph) Focus(address string) (*Graph, bool) {
	if !slices.ContainsFunc(g.Nodes, func(n Node) bool { return n.Address == address }) {
		return nil, false
	}
	keep := map[string]bool{address: true}
	g.reach(address, keep, func(e Edge) (string, string) { return e.From, e.To })
	g.reach(address, keep, func(e Edge) (string, string) { return e.To, e.From })
	out := g.only(keep)
	out.Left, out.What = 0, ""
	for i := range out.Nodes {
		out.Nodes[i].Focus = out.Nodes[i].Address == address
	}
	return out, true
}

// reach adds all that can be come to in one direction, breadth first; ends turns an edge about. Cycles do no harm.
func (g *Graph) reach(address string, keep map[string]bool, ends func(Edge) (from, to string)) {
	next := map[string][]string{}
	for _, e := range g.Edges {
		from, to := ends(e)
		next[from] = append(next[from], to)
	}
	seen := map[string]bool{address: true}
	for queue := []string{address}; len(queue) > 0; queue = queue[1:] {
		for _, a := range next[queue[0]] {
			if !seen[a] {
				seen[a], keep[a] = true, true
				queue = append(queue, a)
			}
		}
	}
}

// only is the graph of some nodes and the edges between them.
func (g *Graph) only(keep map[string]bool) *Graph {
	out := &Graph{Left: g.Left, What: g.What}
	for _, n := range g.Nodes {
		if keep[n.Address] {
			out.Nodes = append(out.Nodes, n)
		}
	}
	out.Left += len(g.Nodes) - len(out.Nodes)
	for _, e := range g.Edges {
		if keep[e.From] && keep[e.To] {
			out.Edges = append(out.Edges, e)
		}
	}
	return out
}

// Cut leaves at most so many nodes: first what is in focus, then what asks for attention, then its neighbours, then the
// rest, by address within each. A graph that is small enough is returned itself.
// Ranks are given once, so that only neighbours of what asks for attention come before the rest, and not theirs. What is
// left out is counted on the picture, with the word "cached" where all of it is: nobody may take a part for the whole.
func (g *Graph) Cut(most int) *Graph {
	if len(g.Nodes) <= most {
		return g
	}
	// By rank: -3 in focus, -2 what fails or goes live, -1 what runs, gates and releases, 0 their neighbours, 1 the rest.
	rank := map[string]int{}
	for _, n := range g.Nodes {
		switch {
		case n.Focus:
			rank[n.Address] = -3
		case n.Mark == FailMark || n.Mark == ErrorMark || n.Mark == BlockedMark || n.Mark == RemoveMark || n.Mark == ReleaseMark:
			rank[n.Address] = -2
		case !n.Mark.quiet() || n.Form == GateForm || n.Form == ReleaseForm:
			rank[n.Address] = -1
		default:
			rank[n.Address] = 1
		}
	}
	for _, e := range g.Edges {
		from, to := rank[e.From], rank[e.To]
		if from == 1 && to < 0 {
			rank[e.From] = 0
		}
		if to == 1 && from < 0 {
			rank[e.To] = 0
		}
	}
	nodes := slices.Clone(g.Nodes)
	slices.SortStableFunc(nodes, func(a, b Node) int {
		return cmp.Or(cmp.Compare(rank[a.Address], rank[b.Address]), cmp.Compare(a.Address, b.Address))
	})
	keep := map[string]bool{}
	for _, n := range nodes[:most] {
		keep[n.Address] = true
	}
	out := g.only(keep)
	if rank[nodes[most].Address] >= 0 && !slices.ContainsFunc(nodes[most:], func(n Node) bool { return n.Mark != CachedMark }) {
		out.What = "cached"
	}
	return out
}

// Touched is what a plan would do something to, and its direct neighbours: enough to see what a change is about, in a
// plan of thousands of stages as well.
// Where nothing would happen at all, nothing is touched, and the graph is empty.
func (g *Graph) Touched() *Graph {
	keep := map[string]bool{}
	for _, n := range g.Nodes {
		if !n.Mark.quiet() || n.Focus {
			keep[n.Address] = true
		}
	}
	// Neighbours of neighbours are left out, hence the copy.
	touched := map[string]bool{}
	for a := range keep {
		touched[a] = true
	}
	for _, e := range g.Edges {
		if touched[e.From] || touched[e.To] {
			keep[e.From], keep[e.To] = true, true
		}
	}
	out := g.only(keep)
	if out.Left > g.Left {
		out.What = "cached"
	}
	return out
}

// leftOut says what is missing in a picture; empty if nothing is.
func (g *Graph) leftOut() string {
	if g.Left == 0 {
		return ""
	}
	what := ""
	if g.What != "" {
		what = g.What + " "
	}
	return fmt.Sprintf("%d more %s%s not shown", g.Left, what, render.Plural(g.Left, "block is", "blocks are"))
}
