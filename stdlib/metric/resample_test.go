package metric

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

// tabled are rows of a task with ties among scores, values and errors; of several classes the last is one that the model does not know,
// and that has no row.
func tabled(task schema.Task, n int, weights bool, seed uint64) *Data {
	r := rand.New(rand.NewPCG(seed, 9))
	d := &Data{Task: task}
	for range n {
		switch task {
		case schema.Regression:
			y := math.Round(4*r.NormFloat64()) / 2
			d.Actual, d.Predicted = append(d.Actual, y+8), append(d.Predicted, y+8+math.Round(3*r.NormFloat64())/4)
		case schema.Binary:
			y := float64(r.IntN(2))
			p := math.Round(20/(1+math.Exp(-(2*y-1+r.NormFloat64())))) / 20
			d.Classes, d.Actual, d.Score, d.Predicted = 2, append(d.Actual, y), append(d.Score, p), append(d.Predicted, math.Round(p))
		default:
			d.Classes = 4
			y := r.IntN(3)
			d.Actual, d.Predicted = append(d.Actual, float64(y)), append(d.Predicted, float64(r.IntN(3)))
			if d.Scores == nil {
				d.Scores = make([][]float64, 3)
			}
			for c := range d.Scores {
				d.Scores[c] = append(d.Scores[c], float64(1+r.IntN(8))/12)
			}
		}
		if weights {
			d.Weight = append(d.Weight, float64(r.IntN(5))/3)
		}
	}
	return d
}

// measures are all metrics that a task has, each average by itself.
func measures(t *testing.T, task schema.Task) []*Metric {
	var out []*Metric
	for _, name := range Names() {
		for _, average := range slices.Concat([]string{""}, find(name).averages) {
			m := metric(t, name)
			m.Average, m.Name = average, name+" "+average
			if m.Fits(task) == nil {
				out = append(out, m)
			}
		}
	}
	return out
}

// written are the rows of a resample as they were drawn, each as often, without a weight for how often.
func written(d *Data, drawn []float64) *Data {
	var rows []int32
	for i, n := range drawn {
		for range int(n) {
			rows = append(rows, int32(i))
		}
	}
	return (&Sample{Data: d}).part(rows).Data
}

// TestResampleIsOfRows compares every metric on the weights of a resample with the metric from nothing on the rows that were drawn.
func TestResampleIsOfRows(t *testing.T) {
	compared := 0
	for _, task := range []schema.Task{schema.Binary, schema.Multiclass, schema.Regression} {
		for _, weights := range []bool{false, true} {
			for seed := range uint64(4) {
				d := tabled(task, 30+40*int(seed), weights, seed)
				s, clusters := sample(t, d), make([]int32, len(d.Actual))
				for i := range clusters {
					clusters[i] = int32(i % 17)
				}
				for _, of := range [][]int32{nil, clusters} {
					b := Bootstrap{Resamples: 6, Seed: int64(seed), Threads: 2}
					err := b.Each(t.Context(), s.Weights(), of, 17, func(resample int, w []float64) {
						rows := written(d, b.Counts(resample, len(w), of, 17))
						for _, m := range measures(t, task) {
							got, why := m.On(s, w)
							want, undefined := m.Value(rows)
							if why != undefined || why == "" && !(math.Abs(got-want) <= 1e-12*max(1, math.Abs(want))) {
								t.Errorf("%s of %s, resample %d: got %v %q, of the rows themselves %v %q", m.Name, task, resample, got, why, want, undefined)
							}
						}
					})
					if err != nil {
						t.Fatal(err)
					}
					compared += b.Resamples * len(measures(t, task))
				}
			}
		}
	}
	if compared < 5000 {
		t.Errorf("only %d figures were compared", compared)
	}
}

// TestResamplesOnManyThreads: intervals, those of differences and those of groups are the same to the last bit on 1, 2 and 8 threads.
func TestResamplesOnManyThreads(t *testing.T) {
	for _, task := range []schema.Task{schema.Binary, schema.Multiclass, schema.Regression} {
		d, e := tabled(task, 300, true, 1), tabled(task, 300, true, 2)
		e.Actual, e.Weight = d.Actual, d.Weight
		if task == schema.Regression {
			d.Weight, e.Weight = nil, nil // the median takes none
		}
		before, after, ms := sample(t, d), sample(t, e), measures(t, task)
		group, clusters := make([]int32, 300), make([]int32, 300)
		for i := range group {
			group[i], clusters[i] = int32(i%3), int32(i/2)
		}
		parts := grouped(t, before, group, 3, 1, ms...)
		all := func(threads int) (out []Interval) {
			b, ctx := Bootstrap{Resamples: 100, Confidence: 0.9, Seed: 3, Threads: threads}, context.Background()
			for _, of := range [][]int32{nil, clusters} {
				one, err := b.Intervals(ctx, ms, before, of, 150)
				if err != nil {
					t.Fatal(err)
				}
				two, err := b.Deltas(ctx, ms, before, after, of, 150)
				if err != nil {
					t.Fatal(err)
				}
				f, err := b.Fairness(ctx, Comparisons(task, ms), parts, of, 150)
				if err != nil {
					t.Fatal(err)
				}
				out = slices.Concat(out, one, two, f.Comparisons, slices.Concat(f.ToOverall...))
			}
			return out
		}
		one := all(1)
		defined := 0
		for _, i := range one {
			if i.Undefined == "" {
				defined++
			}
		}
		if defined < len(one)/2 {
			t.Errorf("%s: %d of %d intervals are defined", task, defined, len(one))
		}
		for _, threads := range []int{2, 8} {
			// By bits: NaN is not equal to itself.
			if !slices.EqualFunc(one, all(threads), func(a, b Interval) bool {
				return math.Float64bits(a.Low) == math.Float64bits(b.Low) && math.Float64bits(a.High) == math.Float64bits(b.High) && a.Undefined == b.Undefined
			}) {
				t.Errorf("%s: intervals differ on %d threads", task, threads)
			}
		}
	}
}
