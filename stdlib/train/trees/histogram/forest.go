package histogram

import (
	"context"
	"math"
	"math/rand/v2"

	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
)

// Forests.
//
// A tree of a forest is grown on rows drawn with replacement, as deep as it may, and predicts the mean target of its leaf's rows; the forest predicts the mean of its trees.
// Each split is the best of a few features that are drawn for it. See L. Breiman, "Random Forests" (2001). Of classes the target is 1 for the row's own class and 0 for others,
// so that a mean is a share and trees average probabilities, as in scikit-learn; of several classes a split is one for all of them.
//
// The best split brings down the sum of squares most, which of shares is the Gini impurity: a side with the weight W and the sums S of the targets has the score Σ S²/W, and a split
// gains the scores of both sides less the node's. Of four rows with the targets 0, 0, 1, 1 in the order of a feature the split in the middle gains 0 + 2²/2 - 2²/4 = 1.
//
// Bins and missing values are those of boosted trees. Categories are put in order once for each tree, by the mean target of the rows that it is grown on, of several classes by the
// share of each in turn, and cut like numbers: deep trees that order them anew in each node learn the few rows of rare ones by heart, and one that a node has no row of would go either
// way (M. Wright and I. König, "Splitting on categorical predictors in random forests", 2019). Of a feature with more than 255 categories a node looks only at those that it has
// rows of, and lists those of them on its lighter side: all others go to the heavier one. A deep node would else list thousands that it knows nothing of. A row
// that a tree was not grown on is out of its bag: the mean of such trees alone says how well the forest predicts rows that it has not seen.
//
// A tree has random numbers of its own, from the seed and its number, and is grown by one thread; what is added up over trees is added up in their order.

// ForestParams are those of a forest.
type ForestParams struct {
	Classes        int     // 0: the target is an amount
	Trees          int     // at least 1
	MaxDepth       int     // of leaves, the root's is 0; 0: no limit
	MinSamplesLeaf int     // different rows of a leaf at least
	MaxFeatures    int     // drawn for a split; more are tried where none of them splits
	Bootstrap      bool    // rows are drawn with replacement
	MaxSamples     float64 // share of rows drawn for each tree; 1 without Bootstrap: all
	Seed           int64
	Threads        int // the model does not depend on it
}

// ForestResult is a forest, with losses: mean log loss, or root mean squared error.
type ForestResult struct {
	Model                        *xgboost.Model
	TrainingLoss, ValidationLoss float64 // the latter NaN without validation rows
	OutOfBagLoss                 float64 // NaN where no row is out of any bag
	OutOfBag                     int     // rows that are
}

// forest is the state of a fit.
type forest struct {
	*Coded
	params  ForestParams
	outputs int     // of a row
	offset  float64 // of amounts their mean, which sums go without
}

// Forest fits a forest to a table that has all its features. validation may be nil.
func (t *Binned) Forest(ctx context.Context, validation *Coded, p ForestParams, progress func(done, total int)) (*ForestResult, error) {
	f := &forest{Coded: &t.Coded, params: p, outputs: 1}
	if p.Classes > 2 {
		f.outputs = p.Classes
	}
	if p.Classes == 0 {
		f.offset = float64(objective{kind: xgboost.SquaredError}.base(t.target, t.weight))
	}
	m := &xgboost.Model{Objective: xgboost.SquaredError, BaseScore: []float32{0}, NumFeature: len(t.bins), Attributes: map[string]string{}}
	if f.outputs > 1 {
		m.NumTarget = f.outputs
	}
	all := []*votes{newVotes(&t.Coded, f.outputs), newVotes(&t.Coded, f.outputs)}
	if validation != nil {
		all = append(all, newVotes(validation, f.outputs))
	}
	for first := 0; first < p.Trees; first += max(p.Threads, 1) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		grown := make([]*forestTree, min(max(p.Threads, 1), p.Trees-first))
		parallel(p.Threads, len(grown), func(i int) { grown[i] = f.grow(first + i) })
		for i, tree := range grown {
			all[0].add(tree, nil, p.Threads)
			if tree.drawn != nil {
				all[1].add(tree, tree.drawn, p.Threads)
			}
			if validation != nil {
				all[2].add(tree, nil, p.Threads)
			}
			f.export(m, tree)
			progress(first+i+1, p.Trees)
		}
	}
	r := &ForestResult{Model: m, ValidationLoss: math.NaN()}
	r.TrainingLoss, _ = all[0].loss(p.Classes)
	r.OutOfBagLoss, r.OutOfBag = all[1].loss(p.Classes)
	if validation != nil {
		r.ValidationLoss, _ = all[2].loss(p.Classes)
	}
	return r, nil
}

// forestTree is a tree with the means of its nodes' rows, [node*outputs + output].
type forestTree struct {
	tree
	means  []float64
	sums   []float64 // likewise, of the targets less the offset
	weight []float64 // of the node's rows
	drawn  []int32   // how often each row was; nil: all once
}

// side of a split, or a node: what its rows sum up to.
type side struct {
	rows   int
	weight float64
	sums   []float64 // by output
}

func (s *side) add(o *side) {
	s.rows += o.rows
	s.weight += o.weight
	for k := range s.sums {
		s.sums[k] += o.sums[k]
	}
}

// less is s without o, into out.
func (s *side) less(o, out *side) {
	out.rows, out.weight = s.rows-o.rows, s.weight-o.weight
	for k := range s.sums {
		out.sums[k] = s.sums[k] - o.sums[k]
	}
}

func (s *side) score() float64 {
	total := 0.0
	for _, x := range s.sums {
		total += float64(x * x)
	}
	return total / s.weight
}

func (s *side) clear() {
	s.rows, s.weight = 0, 0
	clear(s.sums)
}

// forestGrower grows one tree.
type forestGrower struct {
	*forest
	random      *rand.Rand
	out         *forestTree
	rows, spare []int32
	hist        []side    // by bin of the feature at hand
	present     []int32   // of a wide feature, the bins that have rows; others of hist are clear
	left, right side      // of the split at hand
	known       side      // scratch
	weights     []float64 // of rows in the tree
	features    []int32
	orders      [][][]int32 // of categories, by feature and output; nil until asked for
	ranks       [][][]int32 // of wide features, the place of each category in these
	least       float64     // what a split gains at least: less is rounding
}

func (f *forest) grow(number int) *forestTree {
	g := &forestGrower{forest: f, random: rand.New(rand.NewPCG(uint64(f.params.Seed), mix(uint64(number)))), out: &forestTree{}}
	g.draw()
	g.spare = make([]int32, len(g.rows))
	bins := 0
	for i := range f.bins {
		bins = max(bins, f.bins[i].count+1)
	}
	sums := make([]float64, (bins+3)*f.outputs)
	next := func() side {
		s := side{sums: sums[:f.outputs:f.outputs]}
		sums = sums[f.outputs:]
		return s
	}
	g.hist = make([]side, bins)
	for b := range g.hist {
		g.hist[b] = next()
	}
	g.left, g.right, g.known = next(), next(), next()
	g.features, g.orders, g.ranks = make([]int32, len(f.bins)), make([][][]int32, len(f.bins)), make([][][]int32, len(f.bins))
	for i := range g.features {
		g.features[i] = int32(i)
	}
	g.addNode(node{parent: -1, rows: span{0, len(g.rows)}})
	for id := 0; id < len(g.out.nodes); id++ {
		g.split(int32(id))
	}
	return g.out
}

// draw takes the rows of the tree, ascending.
func (g *forestGrower) draw() {
	n := len(g.target)
	g.weights = make([]float64, n)
	want := max(1, int(math.Round(g.params.MaxSamples*float64(n))))
	if g.params.Bootstrap {
		g.out.drawn = make([]int32, n)
		for range want {
			g.out.drawn[g.random.IntN(n)]++
		}
	} else if want < n {
		g.out.drawn = make([]int32, n)
		for _, r := range g.random.Perm(n)[:want] {
			g.out.drawn[r] = 1
		}
	}
	for r := range n {
		w := weightOf(g.weight, r)
		if g.out.drawn != nil {
			w *= float64(g.out.drawn[r])
		}
		if g.weights[r] = w; w > 0 {
			g.rows = append(g.rows, int32(r))
		}
	}
}

// put adds a row to a side.
func (g *forestGrower) put(s *side, r int32) {
	w := g.weights[r]
	s.rows++
	s.weight += w
	if y := g.target[r]; g.outputs > 1 {
		s.sums[int(y)] += w
	} else {
		s.sums[0] += float64(w * (y - g.offset))
	}
}

// addNode adds a node, with the means of its rows.
func (g *forestGrower) addNode(n node) int32 {
	g.known.clear()
	for _, r := range g.rows[n.rows.start:n.rows.end] {
		g.put(&g.known, r)
	}
	g.out.nodes, g.out.weight = append(g.out.nodes, n), append(g.out.weight, g.known.weight)
	g.out.sums = append(g.out.sums, g.known.sums...)
	for _, x := range g.known.sums {
		mean := g.offset
		if g.known.weight > 0 {
			mean += x / g.known.weight
		}
		g.out.means = append(g.out.means, mean)
	}
	return int32(len(g.out.nodes) - 1)
}

// split parts a node by the best split of features that are drawn; of max_features that do not part it, further ones are tried.
func (g *forestGrower) split(id int32) {
	n := &g.out.nodes[id]
	if n.rows.end-n.rows.start < 2*max(g.params.MinSamplesLeaf, 1) || g.params.MaxDepth > 0 && n.depth >= g.params.MaxDepth {
		return
	}
	whole := side{n.rows.end - n.rows.start, g.out.weight[id], g.out.sums[int(id)*g.outputs:][:g.outputs]}
	parent := whole.score()
	g.least = 1e-12 * parent
	best := split{}
	for tried := 0; tried < len(g.features) && (tried < g.params.MaxFeatures || best.gain == 0); tried++ {
		at := tried + g.random.IntN(len(g.features)-tried)
		g.features[tried], g.features[at] = g.features[at], g.features[tried]
		if s := g.best(g.features[tried], n.rows, &whole, parent); s.gain > best.gain {
			best = s
		}
	}
	if best.gain > 0 {
		g.part(id, best)
	}
}

// part makes the two children of a node.
func (g *forestGrower) part(id int32, s split) {
	n := g.out.nodes[id]
	words, lane := g.codes.of(s.feature)
	left, right := n.rows.start, 0
	for _, r := range g.rows[n.rows.start:n.rows.end] {
		if s.goesLeft(lane.bin(words[r])) {
			g.rows[left] = r
			left++
		} else {
			g.spare[right] = r
			right++
		}
	}
	copy(g.rows[left:], g.spare[:right])
	l := g.addNode(node{parent: id, depth: n.depth + 1, rows: span{n.rows.start, left}})
	r := g.addNode(node{parent: id, depth: n.depth + 1, rows: span{left, n.rows.end}})
	g.out.nodes[id].left, g.out.nodes[id].right, g.out.nodes[id].split = l, r, s
}

// export adds a tree to the model: of several classes one for each, alike but for the leaves.
func (f *forest) export(m *xgboost.Model, t *forestTree) {
	for k := range f.outputs {
		out := xgboost.Tree{Nodes: make([]xgboost.Node, len(t.nodes))}
		for i := range t.nodes {
			n := &t.nodes[i]
			value := float32(t.means[i*f.outputs+k] / float64(f.params.Trees))
			d := xgboost.Node{Left: xgboost.NoChild, Right: xgboost.NoChild, Parent: n.parent, Value: value, Weight: value, Hessian: float32(t.weight[i])}
			if !n.leaf() {
				d.Left, d.Right, d.Feature = n.left, n.right, n.split.feature
				d.Gain, d.DefaultLeft = float32(n.split.gain), n.split.defaultLeft
				n.split.export(&d, &f.bins[n.split.feature])
			}
			out.Nodes[i] = d
		}
		m.Trees, m.TreeClass = append(m.Trees, out), append(m.TreeClass, int32(k))
	}
}

// votes are what trees say of the rows of a table.
type votes struct {
	*Coded
	outputs int
	sums    []float64 // [row*outputs + output]
	trees   []int32   // how many say anything of a row
}

func newVotes(t *Coded, outputs int) *votes {
	n := len(t.target)
	return &votes{Coded: t, outputs: outputs, sums: make([]float64, n*outputs), trees: make([]int32, n)}
}

// add adds what a tree says of the rows that were not drawn; nil: of all.
func (v *votes) add(t *forestTree, drawn []int32, threads int) {
	n := len(v.target)
	parallel(threads, (n+blockRows-1)/blockRows, func(b int) {
		for r := b * blockRows; r < min((b+1)*blockRows, n); r++ {
			if drawn != nil && drawn[r] > 0 {
				continue
			}
			leaf := int(t.leafOf(&v.codes, r))
			v.trees[r]++
			for k := range v.outputs {
				v.sums[r*v.outputs+k] += t.means[leaf*v.outputs+k]
			}
		}
	})
}

// loss is that of the means, over the rows that any tree says something of, and how many these are; NaN of none.
func (v *votes) loss(classes int) (float64, int) {
	var total, weight float64
	rows := 0
	for r, y := range v.target {
		if v.trees[r] == 0 {
			continue
		}
		rows++
		w := weightOf(v.weight, r)
		weight += w
		mean := v.sums[r*v.outputs] / float64(v.trees[r])
		switch {
		case classes == 0:
			total += float64(w * (mean - y) * (mean - y))
			continue
		case classes > 2:
			mean = v.sums[r*v.outputs+int(y)] / float64(v.trees[r])
		case y == 0:
			mean = 1 - mean
		}
		total -= float64(w * math.Log(max(mean, smallest)))
	}
	if classes == 0 {
		return math.Sqrt(total / weight), rows
	}
	return total / weight, rows
}
