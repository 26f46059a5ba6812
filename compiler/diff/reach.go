package diff

import (
	"slices"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// mostSteps bounds how far causes are followed, all together: with thousands of them each reaching thousands of blocks
// the list would help nobody.
const mostSteps = 300_000

// reach works out for each cause which blocks have another result because of it.
func (c *comparison) reach(changed []Changed, roots map[string]bool) {
	// Only stages that come out otherwise are followed: a change that a stage absorbs reaches nobody.
	affected := c.affected(roots)
	next := map[string][]string{}
	link := func(from, to string) { next[from] = append(next[from], to) }
	for _, n := range c.after.Nodes {
		for _, in := range n.Inputs {
			if in.From != "" && affected[n.Address] {
				link(in.From, n.Address)
			}
		}
	}
	for _, g := range c.after.Gates {
		for _, f := range g.Rules.Figures {
			link(f.Node, g.Address)
		}
	}
	for _, r := range c.after.Releases {
		link(r.Model.From, r.Address)
	}
	steps := 0
	for i := range changed {
		switch {
		case !changed[i].Rebuilds():
		case steps > mostSteps:
			changed[i].Unfollowed = true
		default:
			changed[i].Reaches = follow(changed[i].Address, next, &steps)
		}
	}
}

// follow lists all that an address leads to, sorted, itself left out.
func follow(address string, next map[string][]string, steps *int) []string {
	seen := map[string]bool{address: true}
	var out []string
	for queue := []string{address}; len(queue) > 0; queue = queue[1:] {
		for _, a := range next[queue[0]] {
			*steps++
			if !seen[a] {
				seen[a] = true
				out = append(out, a)
				queue = append(queue, a)
			}
		}
	}
	slices.Sort(out)
	return out
}

// affected are the stages with another result, as far as is known: where both fingerprints are, they tell; otherwise
// what flows in does.
func (c *comparison) affected(roots map[string]bool) map[string]bool {
	out := map[string]bool{}
	depth := depths(c.newNodes)
	order := sortedKeys(c.newNodes)
	slices.SortStableFunc(order, func(a, b string) int { return depth[a] - depth[b] })
	for _, address := range order {
		n := c.newNodes[address]
		old := c.oldNodes[c.oldName(address)]
		switch {
		case roots[address] || old == nil || old.Definition != n.Definition:
			out[address] = true
		case old.Fingerprint != "" && n.Fingerprint != "":
			out[address] = old.Fingerprint != n.Fingerprint
		default:
			out[address] = slices.ContainsFunc(n.Inputs, func(in plan.Input) bool { return out[in.From] })
		}
	}
	return out
}

// depths is the length of the longest way to each stage.
func depths(nodes map[string]*plan.Node) map[string]int {
	waits, next, depth := map[string]int{}, map[string][]string{}, map[string]int{}
	// Stages are taken off in the order of their needs (Kahn 1962), so that each depth is final when it is read.
	var queue []string
	for _, address := range sortedKeys(nodes) {
		for _, in := range nodes[address].Inputs {
			if nodes[in.From] != nil {
				waits[address]++
				next[in.From] = append(next[in.From], address)
			}
		}
		if waits[address] == 0 {
			queue = append(queue, address)
		}
	}
	for ; len(queue) > 0; queue = queue[1:] {
		for _, a := range next[queue[0]] {
			depth[a] = max(depth[a], depth[queue[0]]+1)
			if waits[a]--; waits[a] == 0 {
				queue = append(queue, a)
			}
		}
	}
	return depth
}
