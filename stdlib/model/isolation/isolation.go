// Package isolation holds isolation forests: how easily a point is told apart from others.
//
// A tree is grown on a few rows drawn without replacement. Each node parts its rows by a random input, among those that differ there, at a random place between its
// least and its greatest value, down to one row or to as many splits as a balanced tree has. A row far from others is alone after few splits. With c(n) the mean number of
// splits of an unsuccessful search in a binary tree of n rows,
//
//	c(n) = 2(ln(n-1) + γ) - 2(n-1)/n,  c(2) = 1,  c(1) = 0
//
// a row's path in a tree is the splits to its leaf and c of the leaf's rows, and the score of a row is 2^(-(mean path) / c(rows of a tree)): near 1 for rows that are
// apart, 0.5 and less for others (Liu, Ting and Zhou 2008). scikit-learn's IsolationForest has its negative as score_samples; its draws are others.
//
// In JSON a tree is a text, its nodes from the root on with what is below each behind it, the left side first: "0<3.25 =1 1<0.5 =2 =3" sends rows whose input 0 is at
// most 3.25 to a leaf with the path 1, and others on to input 1.
package isolation

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"
)

// Params of a forest.
type Params struct {
	Trees, Samples int
	Seed           int64
	Threads        int
}

// Forest scores points.
type Forest struct {
	Samples int      `json:"samples"` // rows that each tree was grown on
	Texts   []string `json:"trees"`
	trees   []tree
}

// tree has nodes in the order of its text.
type tree []node

// node is a leaf where right is 0.
type node struct {
	at    float64 // what goes left at most; of a leaf the path
	input int32
	right int32
}

// euler is γ.
const euler = 0.57721566490153286060651209008240243

// mean is c(n).
func mean(n int) float64 {
	switch {
	case n < 2:
		return 0
	case n == 2:
		return 1
	}
	return 2*(math.Log(float64(n-1))+euler) - 2*float64(n-1)/float64(n)
}

// Fit grows a forest on points, width numbers each, at least two. The result does not depend on the number of threads: each tree draws by its own number.
func Fit(ctx context.Context, points []float64, width int, p Params) (*Forest, error) {
	rows := 0
	if width > 0 {
		rows = len(points) / width
	}
	if rows < 2 {
		return nil, fmt.Errorf("%d rows of %d inputs are too few to tell apart", rows, width)
	}
	f := &Forest{Samples: min(p.Samples, rows), trees: make([]tree, p.Trees), Texts: make([]string, p.Trees)}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(max(p.Threads, 1))
	for i := range f.trees {
		work.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			g := grower{points: points, width: width, random: rand.New(rand.NewPCG(uint64(p.Seed), uint64(i)))}
			g.part(g.draw(rows, f.Samples), bits.Len(uint(f.Samples-1)), 0)
			f.trees[i], f.Texts[i] = g.out, g.out.text()
			return nil
		})
	}
	return f, work.Wait()
}

// grower grows one tree.
type grower struct {
	points []float64
	width  int
	random *rand.Rand
	out    tree
}

// draw draws rows without replacement (Floyd's algorithm).
func (g *grower) draw(rows, count int) []int {
	seen, out := map[int]bool{}, make([]int, 0, count)
	for last := rows - count; last < rows; last++ {
		r := g.random.IntN(last + 1)
		if seen[r] {
			r = last
		}
		seen[r] = true
		out = append(out, r)
	}
	return out
}

// part makes the node of some rows, whose order it changes, and those below.
func (g *grower) part(rows []int, most, depth int) {
	at := len(g.out)
	g.out = append(g.out, node{at: float64(depth) + mean(len(rows))})
	if depth >= most || len(rows) < 2 {
		return
	}
	input, low, high := g.choose(rows)
	if !(low < high) {
		return
	}
	place := low + float64(g.random.Float64()*(high-low))
	if place >= high { // by rounding
		place = low
	}
	left := 0
	for i, r := range rows {
		if g.points[r*g.width+input] <= place {
			rows[i], rows[left] = rows[left], rows[i]
			left++
		}
	}
	g.out[at].at, g.out[at].input = place, int32(input)
	g.part(rows[:left], most, depth+1)
	g.out[at].right = int32(len(g.out))
	g.part(rows[left:], most, depth+1)
}

// choose draws an input among those that differ between rows, and returns its least and greatest value; these are the same where none does.
func (g *grower) choose(rows []int) (input int, low, high float64) {
	for _, j := range g.random.Perm(g.width) {
		low, high = math.Inf(1), math.Inf(-1)
		for _, r := range rows {
			x := g.points[r*g.width+j]
			low, high = min(low, x), max(high, x)
		}
		if low < high {
			return j, low, high
		}
	}
	return 0, 0, 0
}

// Score is that of a point.
func (f *Forest) Score(point []float64) float64 {
	total := 0.0
	for _, t := range f.trees {
		at := int32(0)
		for t[at].right != 0 {
			if n := &t[at]; point[n.input] <= n.at {
				at++
			} else {
				at = n.right
			}
		}
		total += t[at].at
	}
	return math.Exp2(-total / float64(len(f.trees)) / mean(f.Samples))
}

// Depth is how many comparisons a point takes at most.
func (f *Forest) Depth() int { return len(f.trees) * bits.Len(uint(f.Samples-1)) }

// text writes a tree.
func (t tree) text() string {
	var b []byte
	for i, n := range t {
		if i > 0 {
			b = append(b, ' ')
		}
		if n.right != 0 {
			b = strconv.AppendInt(b, int64(n.input), 10)
			b = append(b, '<')
		} else {
			b = append(b, '=')
		}
		b = strconv.AppendFloat(b, n.at, 'g', -1, 64)
	}
	return string(b)
}

// Read makes the trees of their texts, and checks that they take points of so many numbers. A forest that was read from JSON scores once it has been called.
func (f *Forest) Read(width int) error {
	if len(f.Texts) == 0 || f.Samples < 2 {
		return fmt.Errorf("an isolation forest of %d trees on %d rows each", len(f.Texts), f.Samples)
	}
	f.trees = make([]tree, len(f.Texts))
	for i, text := range f.Texts {
		words := strings.Split(text, " ")
		rest, err := f.trees[i].read(words, width, 0)
		if err == nil && len(rest) > 0 {
			err = errors.New("nodes behind its end")
		}
		if err != nil {
			return fmt.Errorf("tree %d of an isolation forest: %w", i, err)
		}
	}
	return nil
}

// deepest bounds a tree that is read: it was grown on at most 2^63 rows.
const deepest = 64

// read reads a node and those below, and returns the words behind them.
func (t *tree) read(words []string, width, depth int) (rest []string, err error) {
	if len(words) == 0 || depth > deepest {
		return nil, errors.New("it has no end")
	}
	input, place, split := strings.Cut(words[0], "<")
	if !split {
		if input, place, split = strings.Cut(words[0], "="); !split || input != "" {
			return nil, fmt.Errorf("%.20q is no node", words[0])
		}
		split = false
	}
	x, err := strconv.ParseFloat(place, 64)
	if err != nil || math.IsNaN(x) || math.IsInf(x, 0) {
		return nil, fmt.Errorf("%.20q is no node", words[0])
	}
	at := len(*t)
	*t = append(*t, node{at: x})
	if !split {
		return words[1:], nil
	}
	j, err := strconv.Atoi(input)
	if err != nil || j < 0 || j >= width {
		return nil, fmt.Errorf("%.20q is of no input of %d", words[0], width)
	}
	(*t)[at].input = int32(j)
	if rest, err = t.read(words[1:], width, depth+1); err != nil {
		return nil, err
	}
	(*t)[at].right = int32(len(*t))
	return t.read(rest, width, depth+1)
}
