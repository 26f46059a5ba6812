// Package kmeans parts points into clusters around their means.
//
// A start draws a first centre among the points, and each further one with a chance in proportion to the squared distance from the nearest centre so far, the best of
// a few such draws (greedy k-means++, Arthur and Vassilvitskii 2007; 2 + ln k draws as in scikit-learn). Then points go to the nearest centre and centres to the mean of their
// points, by turns, until no point moves or after 300 turns (Lloyd 1982). Of several starts the one with the least inertia, the sum of squared distances, is kept, the first of equal ones. A cluster
// that has lost all of its points gets the one that is farthest from its centre.
//
// Clusters are ordered by how many points they have, the largest first, of equal ones by their centres, so that a cluster has the same number whichever point it was begun with. Of centres that are
// equally near the first one counts. Sums are taken by blocks of points that are added in their order, so that no result depends on the number of threads.
package kmeans

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"golang.org/x/sync/errgroup"
)

// mostTurns is after how many turns a start ends.
const mostTurns = 300

// Params of a fit.
type Params struct {
	Clusters, Starts int
	Seed             int64
	Threads          int
}

// Model is the centres of clusters.
type Model struct {
	Centers [][]float64 `json:"centers"`
}

// Result is a model with what came of the points that it was fitted on.
type Result struct {
	Model
	Cluster   []int // by point
	Rows      []int // by cluster
	Inertia   float64
	Turns     int
	Converged bool
}

// Nearest is the cluster of a point, and how far its centre is.
func (m *Model) Nearest(point []float64) (cluster int, distance float64) {
	best := math.Inf(1)
	for c, center := range m.Centers {
		if d := squared(point, center, best); d < best {
			cluster, best = c, d
		}
	}
	return cluster, math.Sqrt(best)
}

// squared is the squared distance of two points, or more than most where it is more.
func squared(a, b []float64, most float64) float64 {
	d := 0.0
	for j, x := range a {
		if d += float64((x - b[j]) * (x - b[j])); d > most {
			break
		}
	}
	return d
}

// Validate checks centres that were read, of points of so many numbers.
func (m *Model) Validate(width int) error {
	if len(m.Centers) == 0 {
		return fmt.Errorf("there are no clusters")
	}
	for i, c := range m.Centers {
		if len(c) != width {
			return fmt.Errorf("cluster %d has a centre of %d numbers, and points have %d", i, len(c), width)
		}
	}
	return nil
}

// Fit finds clusters of points, width numbers each. There must be as many different points as clusters.
func Fit(ctx context.Context, points []float64, width int, p Params) (*Result, error) {
	if width == 0 || len(points)/width < p.Clusters {
		return nil, fmt.Errorf("%d clusters of %d points", p.Clusters, len(points)/max(width, 1))
	}
	var best *Result
	for start := range p.Starts {
		f := &fit{points: points, width: width, rows: len(points) / width, threads: p.Threads, random: rand.New(rand.NewPCG(uint64(p.Seed), uint64(start)))}
		r, err := f.run(ctx, p.Clusters)
		if err != nil {
			return nil, err
		}
		if best == nil || r.Inertia < best.Inertia {
			best = r
		}
	}
	best.order()
	return best, nil
}

// fit is one start.
type fit struct {
	points      []float64
	width, rows int
	threads     int
	random      *rand.Rand
	far         []float64 // by point: the squared distance from its centre
}

func (f *fit) point(r int) []float64 { return f.points[r*f.width : (r+1)*f.width] }

// run is the turns of a start.
func (f *fit) run(ctx context.Context, clusters int) (*Result, error) {
	f.far = make([]float64, f.rows)
	out := &Result{Cluster: make([]int, f.rows), Rows: make([]int, clusters)}
	var err error
	if out.Centers, err = f.begin(clusters); err != nil {
		return nil, err
	}
	for r := range out.Cluster {
		out.Cluster[r] = -1
	}
	for out.Turns = 0; out.Turns < mostTurns && !out.Converged; out.Turns++ {
		moved, err := f.assign(ctx, out)
		if err != nil {
			return nil, err
		}
		if out.Converged = !moved; moved {
			f.center(out)
		}
	}
	if !out.Converged { // centres have moved since
		if _, err := f.assign(ctx, out); err != nil {
			return nil, err
		}
	}
	for _, d := range f.far {
		out.Inertia += d
	}
	return out, nil
}

// begin draws the first centres.
func (f *fit) begin(clusters int) ([][]float64, error) {
	first := f.random.IntN(f.rows)
	centers := [][]float64{slices.Clone(f.point(first))}
	for r := range f.far {
		f.far[r] = squared(f.point(r), centers[0], math.Inf(1))
	}
	draws := 2 + int(math.Log(float64(clusters)))
	trial, best := make([]float64, f.rows), make([]float64, f.rows)
	for len(centers) < clusters {
		total := 0.0
		for _, d := range f.far {
			total += d
		}
		if !(total > 0) {
			return nil, fmt.Errorf("there are %d different points and no more, for %d clusters", len(centers), clusters)
		}
		least, chosen := math.Inf(1), -1
		for range draws {
			at, sum := f.drawn(f.random.Float64()*total), 0.0
			for r := range trial {
				trial[r] = min(f.far[r], squared(f.point(r), f.point(at), f.far[r]))
				sum += trial[r]
			}
			if sum < least {
				least, chosen = sum, at
				best, trial = trial, best
			}
		}
		f.far, best = best, f.far
		centers = append(centers, slices.Clone(f.point(chosen)))
	}
	return centers, nil
}

// drawn is the point at which the distances before it and its own pass a sum; never one that is a centre.
func (f *fit) drawn(sum float64) int {
	last := 0
	for r, d := range f.far {
		if d > 0 {
			if last = r; sum < d {
				return r
			}
			sum -= d
		}
	}
	return last
}

// blockRows is how many points a task takes.
const blockRows = 4096

// assign sends points to the nearest centres, and reports whether any of them moved.
func (f *fit) assign(ctx context.Context, out *Result) (moved bool, err error) {
	blocks := (f.rows + blockRows - 1) / blockRows
	moves := make([]bool, blocks)
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(max(f.threads, 1))
	for b := range blocks {
		work.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			for r := b * blockRows; r < min((b+1)*blockRows, f.rows); r++ {
				c, _ := out.Nearest(f.point(r))
				f.far[r] = squared(f.point(r), out.Centers[c], math.Inf(1))
				moves[b] = moves[b] || c != out.Cluster[r]
				out.Cluster[r] = c
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return false, err
	}
	clear(out.Rows)
	for _, c := range out.Cluster {
		out.Rows[c]++
	}
	return slices.Contains(moves, true), nil
}

// center moves centres to the means of their points. A cluster without any gets the farthest point of a cluster that has others.
func (f *fit) center(out *Result) {
	for c, n := range out.Rows {
		if n > 0 {
			continue
		}
		farthest := -1
		for r, d := range f.far {
			if out.Rows[out.Cluster[r]] > 1 && (farthest < 0 || d > f.far[farthest]) {
				farthest = r
			}
		}
		out.Rows[out.Cluster[farthest]]--
		out.Cluster[farthest], out.Rows[c], f.far[farthest] = c, 1, 0
	}
	for _, center := range out.Centers {
		clear(center)
	}
	for r, c := range out.Cluster {
		for j, x := range f.point(r) {
			out.Centers[c][j] += x
		}
	}
	for c, center := range out.Centers {
		for j := range center {
			center[j] /= float64(out.Rows[c])
		}
	}
}

// order puts clusters into their order.
func (r *Result) order() {
	at := make([]int, len(r.Centers))
	for c := range at {
		at[c] = c
	}
	slices.SortFunc(at, func(a, b int) int {
		return cmp.Or(cmp.Compare(r.Rows[b], r.Rows[a]), slices.Compare(r.Centers[a], r.Centers[b]))
	})
	place := make([]int, len(at))
	centers, rows := make([][]float64, len(at)), make([]int, len(at))
	for to, from := range at {
		place[from], centers[to], rows[to] = to, r.Centers[from], r.Rows[from]
	}
	for i, c := range r.Cluster {
		r.Cluster[i] = place[c]
	}
	r.Centers, r.Rows = centers, rows
}

// Silhouette is the mean over some points of (b - a) / max(a, b), where a is a point's mean distance to others of its cluster among them, and b the least mean distance to those
// of another cluster (Rousseeuw 1987); a point alone in its cluster adds 0. NaN where there are fewer than two clusters among them.
func Silhouette(ctx context.Context, points []float64, width int, cluster, some []int, threads int) (float64, error) {
	sizes := map[int]int{}
	most := 0
	for _, r := range some {
		sizes[cluster[r]]++
		most = max(most, cluster[r]+1)
	}
	if len(sizes) < 2 {
		return math.NaN(), nil
	}
	each := make([]float64, len(some))
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(max(threads, 1))
	for i, r := range some {
		work.Go(func() error {
			sums, own := make([]float64, most), cluster[r]
			for _, o := range some {
				sums[cluster[o]] += math.Sqrt(squared(points[r*width:(r+1)*width], points[o*width:(o+1)*width], math.Inf(1)))
			}
			if sizes[own] == 1 {
				return ctx.Err()
			}
			a, b := sums[own]/float64(sizes[own]-1), math.Inf(1)
			for c, sum := range sums {
				if n := sizes[c]; c != own && n > 0 {
					b = min(b, sum/float64(n))
				}
			}
			if m := max(a, b); m > 0 {
				each[i] = (b - a) / m
			}
			return ctx.Err()
		})
	}
	if err := work.Wait(); err != nil {
		return 0, err
	}
	total := 0.0
	for _, x := range each {
		total += x
	}
	return total / float64(len(some)), nil
}
