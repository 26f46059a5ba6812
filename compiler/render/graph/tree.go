package graph

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/render"
)

// Tree writes a graph as text. Each block stands once: below what it needs that is the longest way from the sources; what else it needs is named beside it. Of a block's followers the one that most hangs on goes on straight
// below it, and the others branch off before that: so long pipelines do not wander to the right.
//
//	○ source.payments
//	○ dataset.payments
//	├─○ check.payments
//	○ train.model        also needs check.payments
func Tree(w io.Writer, g *Graph, o render.Options) error {
	t := &tree{Printer: render.Printer{Options: o}, g: g, at: map[string]int{}}
	t.build()
	// The largest tree first; blocks that nothing hangs on stand at the end.
	var alone, roots []int
	for i := range g.Nodes {
		switch {
		case t.parent[i] >= 0:
		case len(t.children[i]) == 0:
			alone = append(alone, i)
		default:
			roots = append(roots, i)
		}
	}
	slices.SortStableFunc(roots, func(a, b int) int { return cmp.Compare(t.size[b], t.size[a]) })
	for _, i := range roots {
		if len(t.rows) > 0 {
			t.rows = append(t.rows, row{})
		}
		t.trunk(i, "", "")
	}
	if len(alone) > 0 && len(t.rows) > 0 {
		t.rows = append(t.rows, row{})
	}
	for _, i := range alone {
		t.add("", i)
	}
	t.print()
	_, err := io.WriteString(w, t.String())
	return err
}

// tree is a graph as lines of text. Nodes are indexes into g.Nodes.
type tree struct {
	render.Printer
	g        *Graph
	at       map[string]int // by address
	needs    [][]int        // of each node: first what flows into it
	parent   []int          // -1: none
	children [][]int
	size     []int // of what hangs on each, itself included
	rows     []row
}

// row is a line: left its place in the tree, right what is said of it.
type row struct {
	lead  string
	node  *Node
	notes []string
}

// build finds each node's parent, by the length of the longest way to it. Of needs that are equally far the first
// counts, what flows before what is only waited for. Children come in the order of the ways.
func (t *tree) build() {
	n := len(t.g.Nodes)
	t.needs, t.parent, t.children, t.size = make([][]int, n), make([]int, n), make([][]int, n), make([]int, n)
	for i, node := range t.g.Nodes {
		t.at[node.Address] = i
	}
	for _, order := range []bool{false, true} {
		for _, e := range t.g.Edges {
			if e.Order == order {
				t.needs[t.at[e.To]] = append(t.needs[t.at[e.To]], t.at[e.From])
			}
		}
	}
	order, depth := longestWays(t.needs)
	for _, i := range order {
		t.parent[i] = -1
		for _, need := range t.needs[i] {
			if p := t.parent[i]; depth[need] < depth[i] && (p < 0 || depth[need] > depth[p]) {
				t.parent[i] = need
			}
		}
		if p := t.parent[i]; p >= 0 {
			t.children[p] = append(t.children[p], i)
		}
	}
	for _, i := range slices.Backward(order) {
		t.size[i]++
		if p := t.parent[i]; p >= 0 {
			t.size[p] += t.size[i]
		}
	}
}

// longestWays orders nodes behind what they need and gives the number of steps of the longest way to each, by Kahn's
// algorithm. Nodes of cycles, which a plan does not have, come last as if nothing led to them.
func longestWays(needs [][]int) (order, depth []int) {
	n := len(needs)
	neededBy, waits := make([][]int, n), make([]int, n)
	for i, list := range needs {
		waits[i] = len(list)
		for _, need := range list {
			neededBy[need] = append(neededBy[need], i)
		}
	}
	depth = make([]int, n)
	for i := range n {
		if waits[i] == 0 {
			order = append(order, i)
		}
	}
	for k := 0; k < len(order); k++ {
		for _, i := range neededBy[order[k]] {
			depth[i] = max(depth[i], depth[order[k]]+1)
			if waits[i]--; waits[i] == 0 {
				order = append(order, i)
			}
		}
	}
	for i := range n {
		if waits[i] > 0 {
			depth[i] = 0
			order = append(order, i)
		}
	}
	return order, depth
}

// trunk writes a node, and below it straight on the follower that most hangs on, and so forth; others branch off. The
// first line is led by first, the others by rest. Where a dataset has the followers check and split, and train and evaluate
// come after split, the trunk goes on with split, and check branches off.
func (t *tree) trunk(i int, first, rest string) {
	for lead := first; i >= 0; lead = rest {
		t.add(lead, i)
		children := slices.Clone(t.children[i])
		slices.SortStableFunc(children, func(a, b int) int {
			return cmp.Or(cmp.Compare(t.size[a], t.size[b]), cmp.Compare(t.g.Nodes[a].Address, t.g.Nodes[b].Address))
		})
		i = -1
		for k, c := range children {
			if k == len(children)-1 {
				i = c
			} else {
				t.trunk(c, rest+"├─", rest+"│ ")
			}
		}
	}
}

// add writes one row. A node stands below one of those that it needs, and names the others: a graph as a tree says each edge
// once.
func (t *tree) add(lead string, i int) {
	r := row{lead: lead, node: &t.g.Nodes[i]}
	var others []string
	for _, need := range t.needs[i] {
		if need != t.parent[i] {
			others = append(others, render.Line(t.g.Nodes[need].Address))
		}
	}
	slices.Sort(others)
	if len(others) > 0 {
		r.notes = append(r.notes, "also needs "+render.Named(others))
	}
	t.rows = append(t.rows, r)
}

// print writes the rows in columns: tree, caption, notes. What is longer than a column moves the rest of its row alone.
func (t *tree) print() {
	const widest = 52
	left, middle := 0, 0
	for _, r := range t.rows {
		if r.node != nil {
			left = max(left, render.Columns(r.lead)+2+render.Columns(render.Line(r.node.Address)))
			middle = max(middle, render.Columns(render.Line(r.node.Caption)))
		}
	}
	left, middle = min(left, widest), min(middle, widest)
	for _, r := range t.rows {
		if r.node == nil {
			t.Line("")
			continue
		}
		address := render.Line(r.node.Address)
		room := strings.Repeat(" ", max(0, left-render.Columns(r.lead)-2-render.Columns(address)))
		if r.node.Focus {
			address = t.Paint(render.Bold, address)
		}
		line := t.Paint(render.Dim, r.lead) + t.bullet(r.node) + " " + address + room
		if middle > 0 {
			line += "  " + render.Pad(render.Line(r.node.Caption), middle)
		}
		if len(r.notes) > 0 {
			line += "  " + t.Paint(render.Dim, strings.Join(r.notes, "; "))
		}
		t.Line("%s", strings.TrimRight(line, " "))
	}
	if note := t.g.leftOut(); note != "" {
		t.Line("\n%s", note)
	}
}

// bullet is a block's mark, or a circle where there is no plan.
func (t *tree) bullet(n *Node) string {
	if n.Mark == NoMark {
		return "○"
	}
	return t.Paint(n.Mark.Style(), n.Mark.Sign())
}

// Style is a mark's colour on a terminal.
func (m Mark) Style() render.Style {
	switch m {
	case PassMark, ReleaseMark:
		return render.Green
	case FailMark, ErrorMark, BlockedMark, RemoveMark:
		return render.Red
	case RunMark, MayMark, OpenMark:
		return render.Yellow
	}
	return render.Dim
}
