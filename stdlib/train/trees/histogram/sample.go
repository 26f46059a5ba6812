package histogram

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
)

// parallel calls f for 0 to tasks-1 on at most so many threads. Tasks must not see each other's results.
func parallel(threads, tasks int, f func(task int)) {
	if threads <= 1 || tasks <= 1 {
		for i := range tasks {
			f(i)
		}
		return
	}
	var next atomic.Int64
	work := func() {
		for i := next.Add(1) - 1; i < int64(tasks); i = next.Add(1) - 1 {
			f(int(i))
		}
	}
	var others sync.WaitGroup
	for range min(threads, tasks) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
}

// sampleRows draws each row with probability share, by a hash of seed, round and row. Nil means all rows.
func sampleRows(rows int, share float64, seed int64, round int) []int32 {
	if share >= 1 {
		return nil
	}
	limit := uint64(share * (1 << 53))
	start := mix(mix(uint64(seed)) + uint64(round))
	out := make([]int32, 0, int(float64(rows)*share)+1)
	for r := range rows {
		if mix(start+uint64(r))>>11 < limit {
			out = append(out, int32(r))
		}
	}
	if len(out) == 0 {
		out = append(out, int32(start%uint64(rows)))
	}
	return out
}

// mix is the finaliser of splitmix64 (G. Steele et al., "Fast Splittable Pseudorandom Number Generators", 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// sampleFeatures draws the features for one tree, at least one, ascending.
func sampleFeatures(features int, share float64, seed int64, tree int) []int32 {
	all := make([]int32, features)
	for f := range all {
		all[f] = int32(f)
	}
	if share >= 1 {
		return all
	}
	return drawOf(all, share, uint64(seed), uint64(tree))
}

// drawOf draws a share of some features, at least one, ascending. It changes their order.
func drawOf(some []int32, share float64, seed, of uint64) []int32 {
	random := rand.New(rand.NewPCG(seed, of))
	random.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
	drawn := some[:max(1, int(math.Round(float64(len(some))*share)))]
	slices.Sort(drawn)
	return drawn
}

// draw is what is drawn for the levels and nodes of one tree: of the tree's features some for each level, of these some for each node. What a level or a node gets
// depends on the seed, the tree and its number alone.
type draw struct {
	params   *Params
	tree     int
	features []int32
	count    int       // of all features
	levels   [][]int32 // those drawn so far, by depth
}

// on reports whether anything is drawn below trees.
func (d *draw) on() bool { return sampled(d.params.LevelSample) || sampled(d.params.NodeSample) }

func sampled(share float64) bool { return share > 0 && share < 1 }

// node draws the features that may split a node.
func (d *draw) node(id int32, depth int) []int32 {
	for len(d.levels) <= depth {
		d.levels = append(d.levels, d.some(d.features, d.params.LevelSample, 2*uint64(len(d.levels))))
	}
	return d.some(d.levels[depth], d.params.NodeSample, 2*uint64(id)+1)
}

// some draws a share of features, without changing their order. of tells draws of a tree apart.
func (d *draw) some(features []int32, share float64, of uint64) []int32 {
	if !sampled(share) {
		return features
	}
	return drawOf(slices.Clone(features), share, uint64(d.params.Seed), mix(mix(uint64(d.tree))+of))
}

// limit notes the features that may split a node, where not all of the tree's may.
func (g *grower) limit(id int32) {
	n := &g.tree.nodes[id]
	if !g.drawn.on() && n.used == nil {
		return
	}
	may := make([]bool, g.drawn.count)
	for _, f := range g.drawn.node(id, n.depth) {
		may[f] = g.params.interact(n.used, f)
	}
	g.may[id] = may
}

// maySplit reports whether a node may be split on a feature of the tree.
func (g *grower) maySplit(id, feature int32) bool {
	may, limited := g.may[id]
	return !limited || may[feature]
}

// interact reports whether a feature may split below those used: if it is one of them, or if a group has it and all of them. A feature in no group stands alone on its
// paths, as in XGBoost.
func (p *Params) interact(used []int32, feature int32) bool {
	if len(used) == 0 || slices.Contains(used, feature) {
		return true
	}
	return slices.ContainsFunc(p.Interactions, func(group []int32) bool {
		return slices.Contains(group, feature) && !slices.ContainsFunc(used, func(f int32) bool { return !slices.Contains(group, f) })
	})
}
