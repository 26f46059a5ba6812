package metric

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/lang/schema"
)

func random(n int, seed uint64) *Data {
	r := rand.New(rand.NewPCG(seed, 1))
	d := &Data{Task: schema.Binary, Classes: 2}
	for range n {
		y := 0.0
		if r.Float64() < 0.3 {
			y = 1
		}
		p := 1 / (1 + math.Exp(-(2*y - 1 + r.NormFloat64())))
		d.Actual, d.Score = append(d.Actual, y), append(d.Score, p)
		d.Predicted = append(d.Predicted, math.Round(p))
	}
	return d
}

func metrics(t testing.TB, names ...string) []*Metric {
	var out []*Metric
	for _, n := range names {
		out = append(out, metric(t, n))
	}
	return out
}

func sample(t testing.TB, d *Data) *Sample {
	t.Helper()
	s, err := NewSample(d)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func intervals(t *testing.T, b Bootstrap, ms []*Metric, s *Sample, clusters []int32, count int) []Interval {
	t.Helper()
	out, err := b.Intervals(t.Context(), ms, s, clusters, count)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestCancelled must not draw what nobody waits for.
func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	drawn := 0
	err := Bootstrap{Resamples: 1000, Threads: 1}.Each(ctx, []float64{1, 1}, nil, 0, func(int, []float64) {
		if drawn++; drawn == 3 {
			cancel()
		}
	})
	if drawn != 3 || err == nil {
		t.Errorf("drew %d resamples, error %v", drawn, err)
	}
}

func TestIntervalsDoNotDependOnThreads(t *testing.T) {
	s := sample(t, random(400, 3))
	ms := metrics(t, "roc_auc", "recall", "log_loss", "average_precision", "matthews_corrcoef")
	b := Bootstrap{Resamples: 200, Confidence: 0.95, Seed: 7, Threads: 1}
	one := intervals(t, b, ms, s, nil, 0)
	b.Threads = 3
	three := intervals(t, b, ms, s, nil, 0)
	b.Seed = 8
	other := intervals(t, b, ms, s, nil, 0)
	for i, m := range ms {
		if one[i] != three[i] {
			t.Errorf("%s: got %v on one thread, %v on three", m.Name, one[i], three[i])
		}
		if drawn := m.Type == "log_loss" || m.Type == "average_precision"; drawn && one[i] == other[i] {
			t.Errorf("%s: another seed gave the same interval %v", m.Name, one[i])
		}
		if x, _ := m.On(s, s.Weights()); x < one[i].Low || x > one[i].High {
			t.Errorf("%s: %v is outside of its interval %v", m.Name, x, one[i])
		}
	}
}

// TestMedianOfResample compares with the median of the rows written out as often as they were drawn.
func TestMedianOfResample(t *testing.T) {
	d := &Data{Task: schema.Regression, Actual: []float64{0, 0, 0, 0, 0}, Predicted: []float64{5, 1, 4, 2, 3}}
	s := sample(t, d)
	for _, tc := range []struct {
		w    []float64
		want float64
	}{
		{[]float64{1, 1, 1, 1, 1}, 3},
		{[]float64{0, 1, 1, 1, 1}, 2.5},
		{[]float64{2, 2, 0, 0, 0}, 3},
		{[]float64{1, 3, 0, 0, 1}, 1},
	} {
		if got, _ := metric(t, "median_absolute_error").On(s, tc.w); got != tc.want {
			t.Errorf("weights %v: got %v, want %v", tc.w, got, tc.want)
		}
	}
}

// TestCoverage simulates: an interval of 95 % must hold the true accuracy in about 95 % of experiments. Rows come in
// clusters of ten that are right or wrong together, so drawing rows instead of clusters must fall far short.
func TestClusteredCoverage(t *testing.T) {
	const experiments, clusters, size = 400, 60, 10
	truth := 0.5 + 0.3*0.5 // a cluster is right with chance 0.5 or 0.8, half each
	held, naive := 0, 0
	r := rand.New(rand.NewPCG(11, 12))
	ms := metrics(t, "accuracy")
	for e := range experiments {
		d := &Data{Task: schema.Binary, Classes: 2}
		var of []int32
		for c := range clusters {
			right := 0.5 + 0.3*float64(r.IntN(2))
			common := r.Float64() < right
			for range size {
				x := 0.0
				if common && r.Float64() < 0.95 || !common && r.Float64() < 0.05 {
					x = 1
				}
				d.Actual, d.Predicted, of = append(d.Actual, 1), append(d.Predicted, x), append(of, int32(c))
			}
		}
		s := sample(t, d)
		b := Bootstrap{Resamples: 200, Confidence: 0.95, Seed: int64(e), Threads: 2}
		// P(right) = 0.65*0.95 + 0.35*0.05
		want := truth*0.95 + (1-truth)*0.05
		if i := intervals(t, b, ms, s, of, clusters)[0]; i.Low <= want && want <= i.High {
			held++
		}
		if i := intervals(t, b, ms, s, nil, 0)[0]; i.Low <= want && want <= i.High {
			naive++
		}
	}
	got := float64(held) / experiments
	if got < 0.91 || got > 0.98 {
		t.Errorf("clustered intervals of 95 %% held the truth in %.3f of %d experiments", got, experiments)
	}
	if n := float64(naive) / experiments; n > 0.7 {
		t.Errorf("intervals by row held it in %.3f: the simulation shows nothing about clusters", n)
	}
}

// TestPairedCoverage compares two models on the same rows; their difference is truly 0.05.
func TestPairedCoverage(t *testing.T) {
	const experiments, rows = 300, 400
	held, excludesZero := 0, 0
	r := rand.New(rand.NewPCG(5, 6))
	for e := range experiments {
		before, after := &Data{Task: schema.Binary, Classes: 2}, &Data{Task: schema.Binary, Classes: 2}
		for range rows {
			u := r.Float64()
			x, y := 0.0, 0.0
			if u < 0.80 {
				x = 1
			}
			if u < 0.85 {
				y = 1
			}
			before.Actual, before.Predicted = append(before.Actual, 1), append(before.Predicted, x)
			after.Actual, after.Predicted = append(after.Actual, 1), append(after.Predicted, y)
		}
		b := Bootstrap{Resamples: 200, Confidence: 0.95, Seed: int64(e), Threads: 2}
		deltas, err := b.Deltas(t.Context(), metrics(t, "accuracy"), sample(t, before), sample(t, after), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		i := deltas[0]
		if i.Low <= 0.05 && 0.05 <= i.High {
			held++
		}
		if i.Low > 0 {
			excludesZero++
		}
	}
	if got := float64(held) / experiments; got < 0.91 || got > 0.985 {
		t.Errorf("paired intervals held the truth in %.3f", got)
	}
	// Unpaired, a difference of 0.05 on 400 rows would be seen about half the time.
	if got := float64(excludesZero) / experiments; got < 0.95 {
		t.Errorf("the difference was seen in only %.3f of the experiments: not paired", got)
	}
}

func TestReplicated(t *testing.T) {
	nan := math.NaN()
	b := Bootstrap{Confidence: 0.95}
	for _, tc := range []struct {
		in   []float64
		want string
	}{
		{[]float64{1, 2, 3}, ""},
		{[]float64{nan, nan, 1}, "undefined in 2 of 3 resamples"},
		{nil, "undefined in 0 of 0"},
		{[]float64{1, 1, 1}, "all resamples give the same"},
		{[]float64{1, 1, 1, 1, 1, 1, 9}, "few rows make most of it"},
	} {
		if got := b.Replicated(2, tc.in, 50); !strings.Contains(got.Undefined, tc.want) || (tc.want == "") != (got.Undefined == "") {
			t.Errorf("%v: got %+v, want %q", tc.in, got, tc.want)
		}
	}
}

func TestQuantile(t *testing.T) {
	xs := []float64{1, 2, 3, 4}
	for q, want := range map[float64]float64{0: 1, 1: 4, 0.5: 2.5, 0.25: 1.75, 0.9: 3.7} {
		if got := Quantile(xs, q); math.Abs(got-want) > 1e-12 {
			t.Errorf("quantile %v: got %v, want %v", q, got, want)
		}
	}
}
