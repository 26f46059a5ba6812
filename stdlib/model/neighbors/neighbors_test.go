package neighbors

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/stdlib/model/linear"
)

func value(feature int) linear.Input {
	return linear.Input{Feature: feature, Kind: linear.Value, Scale: 1}
}

// TestTreeFindsWhatComparingWithAllFinds: also among points on a grid, most of which are as far away as others.
func TestTreeFindsWhatComparingWithAllFinds(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, width := range []int{1, 2, 5, 12} {
		for _, steps := range []float64{2, 7, 1e9} {
			for _, metric := range []Metric{Euclidean, Manhattan} {
				const rows = 700
				points := make([]float64, rows*width)
				for i := range points {
					points[i] = math.Floor(random.Float64()*steps) / steps * 3
				}
				tree := grow(points, rows, width, metric)
				for _, k := range []int{1, 6, 90, rows} {
					s := tree.search(k)
					for q := range 30 {
						at, without := slices.Clone(points[q*width:(q+1)*width]), noRow
						if q%2 == 0 {
							without = q
						} else {
							at[0] += 0.1
						}
						var want []neighbor
						for r := range rows {
							n := neighbor{row: int32(r)}
							for j, x := range points[r*width : (r+1)*width] {
								n.far += (&search{tree: tree}).term(x - at[j])
							}
							if r != without {
								want = append(want, n)
							}
						}
						slices.SortFunc(want, closer)
						if got := s.nearest(at, without); !slices.Equal(got, want[:min(k, len(want))]) {
							t.Fatalf("width %d, steps %g, %s, k %d, row %d: got %v, want %v", width, steps, metric, k, q, got, want[:min(k, len(want))])
						}
					}
				}
			}
		}
	}
}

func three() Rows {
	nan := math.NaN()
	return Rows{K: 2, Weights: Uniform, Metric: Euclidean, Classes: 3, Inputs: []linear.Input{value(0), {Feature: 1, Kind: linear.Level, Level: 1}},
		Columns: [][]float64{{0, 1, 4, 9.25}, {0, 1, 1, nan}}, Own: map[int][]float64{1: {0, 0.5, 1, 0.25}}, Target: []float64{0, 2, 2, 1}, Votes: []float64{1, 3, 1, 1}}
}

func TestEncodeAndDecode(t *testing.T) {
	m, err := New(three())
	if err != nil {
		t.Fatal(err)
	}
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(data, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	again, err := got.Encode()
	if err != nil || string(again) != string(data) {
		t.Errorf("written again it is %s, was %s (%v)", again, data, err)
	}
	columns := [][]float64{{0, 5}, {0, 1}}
	want := [][]float64{{0.25, 0}, {0, 0}, {0.75, 1}}
	for _, m := range []*Model{m, got} {
		for _, threads := range []int{1, 8} {
			scores, err := m.Predict(context.Background(), columns, 2, threads)
			if err != nil || !cmp.Equal(scores, want) {
				t.Errorf("got %v, want %v (%v)", scores, want, err)
			}
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	m, err := New(three())
	if err != nil {
		t.Fatal(err)
	}
	data, err := m.Encode()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, old, with, want string }{
		{"no JSON", `{`, ``, "reading a model of neighbours"},
		{"another format", `"format":1`, `"format":2`, "format 2"},
		{"more neighbours than rows", `"k":2`, `"k":5`, "5 neighbours of 4 rows"},
		{"other weights", `"uniform"`, `"gaussian"`, `unknown weights "gaussian"`},
		{"another metric", `"euclidean"`, `"cosine"`, `unknown metric "cosine"`},
		{"a column too short", `[0,1,4,9.25]`, `[0,1,4]`, "column 0 has 3 rows of 4"},
		{"a column too many", `[[0,1,4,9.25],`, `[[0,1,4,9.25],[0,1,4,9.25],`, "3 columns"},
		{"a class too many", `"target":[0,2,2,1]`, `"target":[0,3,2,1]`, "the target 3 of 3 classes"},
		{"half a class", `"target":[0,2,2,1]`, `"target":[0,1.5,2,1]`, "the target 1.5 of 3 classes"},
		{"no target", `"target":[0,2,2,1]`, `"target":[0,null,2,1]`, "the target NaN"},
		{"words", `"target":[0,2,2,1]`, `"target":[0,"a",2,1]`, "is no number"},
		{"a vote of none", `"votes":[1,3,1,1]`, `"votes":[1,0,1,1]`, "the vote 0"},
		{"a vote too few", `"votes":[1,3,1,1]`, `"votes":[1,3,1]`, "3 votes of 4 rows"},
		{"an encoding of no input", `"own":{"1"`, `"own":{"2"`, "input 2 of 2"},
		{"an input of no feature", `"feature":1`, `"feature":2`, "of feature 2 of 2"},
	} {
		spoilt := strings.Replace(string(data), tt.old, tt.with, 1)
		if spoilt == string(data) {
			t.Fatalf("%s: %q is not in %s", tt.name, tt.old, data)
		}
		if _, err := Decode([]byte(spoilt), 2, 3); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestWithoutInputs: where every feature is constant all rows are as near, and the first ones are taken.
func TestWithoutInputs(t *testing.T) {
	m, err := New(Rows{K: 2, Weights: Distance, Metric: Manhattan, Columns: [][]float64{{7, 7, 7}}, Target: []float64{1, 2, 6}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Predict(context.Background(), [][]float64{{3}}, 1, 1)
	if err != nil || got[0][0] != 1.5 {
		t.Errorf("got %v (%v), want 1.5", got, err)
	}
}

func BenchmarkPredict(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 2))
	rows := Rows{K: 5, Weights: Uniform, Metric: Euclidean, Target: make([]float64, 100_000)}
	for f := range 8 {
		c := make([]float64, len(rows.Target))
		for r := range c {
			c[r] = random.NormFloat64()
		}
		rows.Columns, rows.Inputs = append(rows.Columns, c), append(rows.Inputs, value(f))
	}
	m, err := New(rows)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := m.Predict(context.Background(), rows.Columns, 1000, 1); err != nil {
			b.Fatal(err)
		}
	}
}
