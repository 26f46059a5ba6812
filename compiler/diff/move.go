package diff

import (
	"cmp"
	"slices"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/lang/schema"
)

// comparison is two plans with their blocks paired.
type comparison struct {
	before, after        *plan.Plan
	catalog              *schema.Catalog       // nil: no defaults are known
	oldNodes, newNodes   map[string]*plan.Node // without those that are removed already
	oldGates, newGates   map[string]*plan.Gate
	oldRel, newRel       map[string]*plan.Release
	oldBlocks, newBlocks map[string]Block  // all of them, but helper stages
	oldOf, newOf         map[string]string // partners, by address in the other plan
}

// newComparison indexes two plans and pairs nothing yet (pair).
func newComparison(before, after *plan.Plan) *comparison {
	c := &comparison{before: before, after: after, oldOf: map[string]string{}, newOf: map[string]string{}}
	c.oldNodes, c.oldGates, c.oldRel, c.oldBlocks = index(before)
	c.newNodes, c.newGates, c.newRel, c.newBlocks = index(after)
	return c
}

// index is a plan by address. Stages and releases that the plan only removes are left out: they are no part of the module.
func index(p *plan.Plan) (map[string]*plan.Node, map[string]*plan.Gate, map[string]*plan.Release, map[string]Block) {
	nodes, gates, releases, blocks := map[string]*plan.Node{}, map[string]*plan.Gate{}, map[string]*plan.Release{}, map[string]Block{}
	for _, n := range p.Nodes {
		if n.Verdict != plan.Remove {
			nodes[n.Address] = n
			if !n.Derived() {
				blocks[n.Address] = Block{n.Address, n.Kind, n.Type, n.Range}
			}
		}
	}
	for _, g := range p.Gates {
		gates[g.Address] = g
		blocks[g.Address] = Block{g.Address, "gate", "", g.Range}
	}
	for _, r := range p.Releases {
		if r.Action != plan.RemoveRelease {
			releases[r.Address] = r
			blocks[r.Address] = Block{r.Address, "deploy", r.Type, r.Range}
		}
	}
	return nodes, gates, releases, blocks
}

// pair finds the partners: blocks of the same address, then those that are declared to be moved, then those that look
// moved. Those are found in the order of dependence, so
// that what rests on moved blocks is compared with their new names.
func (c *comparison) pair() {
	for address := range c.newBlocks {
		if _, ok := c.oldBlocks[address]; ok {
			c.join(address, address)
		}
	}
	for _, m := range c.after.Moves { // as the files say
		_, gone := c.oldBlocks[m.From]
		_, there := c.newBlocks[m.To]
		if gone && there && c.newOf[m.From] == "" && c.oldOf[m.To] == "" {
			c.join(m.From, m.To)
		}
	}
	for _, strict := range []bool{true, false} { // first those that are the same by all that is known
		gone := map[string][]string{}
		for _, address := range sortedKeys(c.oldBlocks) {
			key := key(c.oldNodes[address], c.oldGates[address], c.oldBlocks[address], strict)
			if _, ok := c.newOf[address]; !ok && key != "" {
				gone[key] = append(gone[key], address)
			}
		}
		for _, address := range c.inOrder() {
			if _, ok := c.oldOf[address]; ok {
				continue
			}
			key := key(c.newNodes[address], c.newGates[address], c.newBlocks[address], strict)
			i := slices.IndexFunc(gone[key], func(old string) bool { return c.same(old, address, strict) })
			if i >= 0 {
				c.join(gone[key][i], address)
				gone[key] = slices.Delete(gone[key], i, i+1)
			}
		}
	}
}

// key is what blocks that mean the same have in common; empty if nothing can tell.
func key(n *plan.Node, g *plan.Gate, b Block, strict bool) string {
	switch {
	case n != nil && strict && n.Fingerprint == "":
		return ""
	case n != nil && strict:
		return b.Kind + string(n.Fingerprint)
	case n != nil:
		return b.Kind + string(n.Definition)
	case g != nil:
		return b.Kind + string(g.Definition)
	}
	return b.Kind
}

// join makes two blocks partners. Neither may have one.
func (c *comparison) join(old, now string) { c.oldOf[now], c.newOf[old] = old, now }

// inOrder are the addresses of the new plan, each behind what it needs as far as stages go.
func (c *comparison) inOrder() []string {
	depth := depths(c.newNodes)
	out := sortedKeys(c.newBlocks)
	rank := func(address string) int {
		if n := c.newNodes[address]; n != nil {
			return depth[address]
		}
		return len(depth) + 1
	}
	slices.SortStableFunc(out, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	return out
}

// same reports whether a block that is gone and one that is new mean the same. Where results are known, they tell.
func (c *comparison) same(old, now string, strict bool) bool {
	if a, b := c.oldNodes[old], c.newNodes[now]; a != nil && b != nil {
		if strict {
			return a.Fingerprint != "" && a.Fingerprint == b.Fingerprint
		}
		return a.Definition != "" && a.Definition == b.Definition && len(c.wiring(a, b)) == 0 && contentOf(a) == contentOf(b)
	}
	if a, b := c.oldGates[old], c.newGates[now]; a != nil && b != nil {
		return a.Definition != "" && a.Definition == b.Definition
	}
	if a, b := c.oldRel[old], c.newRel[now]; a != nil && b != nil {
		return len(c.releaseFields(a, b)) == 0
	}
	return false
}

// contentOf is the content of what a stage reads from outside.
func contentOf(n *plan.Node) string {
	s := ""
	for _, in := range n.Inputs {
		if in.From == "" {
			s += in.Port + "=" + string(in.Digest) + ";"
		}
	}
	return s
}

// oldName and newName translate an address into the other plan; a derived stage has the name of its block.
func (c *comparison) oldName(address string) string { return translate(c.oldOf, address) }
func (c *comparison) newName(address string) string { return translate(c.newOf, address) }

// translate is an address, or one of a stage derived of it, under the name that a move gives it: evaluate.a@champion is
// evaluate.b@champion with evaluate.a moved to evaluate.b.
func translate(to map[string]string, a string) string {
	if other, ok := to[address.Block(a)]; ok {
		return address.At(a, other)
	}
	return a
}

// moves are the partners whose addresses differ, by the old one, be they declared or found.
func (c *comparison) moves() []Move {
	var out []Move
	for _, old := range sortedKeys(c.newOf) {
		if now := c.newOf[old]; now != old {
			out = append(out, Move{From: old, To: now})
		}
	}
	return out
}
