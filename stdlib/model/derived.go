package model

import (
	"context"
	"fmt"
	"strconv"

	"golang.org/x/sync/errgroup"

	"github.com/mlp-lang/mlp/stdlib/model/isolation"
	"github.com/mlp-lang/mlp/stdlib/model/kmeans"
	"github.com/mlp-lang/mlp/stdlib/model/linear"
)

// Derived are inputs that are made of several features together by what was fitted to them on the training rows, without their target: how far a row is apart
// from others, or which cluster of rows it is nearest to. One of the two is there.
type Derived struct {
	Name            string            `json:"name"`
	Points          []linear.Input    `json:"inputs"` // what a row's point is made of, of the features that the model reads
	IsolationForest *isolation.Forest `json:"isolation_forest,omitempty"`
	KMeans          *kmeans.Model     `json:"k_means,omitempty"`
}

// Features are the inputs that are derived: of an isolation forest its score; of clusters the nearest one, "1" the largest, and the distance to its centre.
func (d *Derived) Features() []Feature {
	if d.KMeans == nil {
		return []Feature{{Name: d.Name, Type: "double"}}
	}
	nearest := Feature{Name: d.Name, Type: "varchar"}
	for c := range d.KMeans.Centers {
		nearest.Levels = append(nearest.Levels, strconv.Itoa(c+1))
	}
	return []Feature{nearest, {Name: DistanceOf(d.Name), Type: "double"}}
}

// DistanceOf is the input that has the distance to the centre of the nearest cluster.
func DistanceOf(name string) string { return name + ":distance" }

// Point puts a row's point into one that has a number for each of the inputs that it is made of.
func (d *Derived) Point(columns [][]float64, row int, into []float64) {
	for j := range d.Points {
		in := &d.Points[j]
		into[j] = in.At(columns[in.Feature][row])
	}
}

// blockRows is how many rows a task derives inputs of.
const blockRows = 1024

// Columns are the inputs that are derived of features, by input and row.
func (d *Derived) Columns(ctx context.Context, columns [][]float64, rows, threads int) ([][]float64, error) {
	out := make([][]float64, len(d.Features()))
	for i := range out {
		out[i] = make([]float64, rows)
	}
	work, ctx := errgroup.WithContext(ctx)
	work.SetLimit(max(threads, 1))
	for start := 0; start < rows; start += blockRows {
		work.Go(func() error {
			point := make([]float64, len(d.Points))
			for r := start; r < min(start+blockRows, rows); r++ {
				d.Point(columns, r, point)
				if d.KMeans == nil {
					out[0][r] = d.IsolationForest.Score(point)
					continue
				}
				cluster, distance := d.KMeans.Nearest(point)
				out[0][r], out[1][r] = float64(cluster), distance
			}
			return ctx.Err()
		})
	}
	return out, work.Wait()
}

// operations are the most that a row takes.
func (d *Derived) operations() int {
	if d.KMeans != nil {
		return len(d.KMeans.Centers) * len(d.Points)
	}
	return d.IsolationForest.Depth()
}

// validate checks what was read, of a model that reads so many features, and makes it ready.
func (d *Derived) validate(features int) error {
	if d.Name == "" || (d.IsolationForest == nil) == (d.KMeans == nil) {
		return fmt.Errorf("%q is derived by nothing, or by two things", d.Name)
	}
	for j := range d.Points {
		if err := d.Points[j].Validate(features); err != nil {
			return fmt.Errorf("%q: input %d %w", d.Name, j, err)
		}
	}
	if d.KMeans != nil {
		return d.KMeans.Validate(len(d.Points))
	}
	return d.IsolationForest.Read(len(d.Points))
}
