package kmeans

import (
	"encoding/json"
	"math"
	"os"
	"reflect"
	"slices"
	"testing"
)

// TestAgainstScikitLearn: of many starts the best is the one that its KMeans finds, with its inertia, centres and silhouette; it is the same on any number of threads.
func TestAgainstScikitLearn(t *testing.T) {
	raw, err := os.ReadFile("testdata/kmeans.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Rows  [][]float64
		Cases []struct {
			K                   int
			Inertia, Silhouette float64
			Centers             [][]float64
			Sizes               []int
		}
	}
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	points := slices.Concat(want.Rows...)
	all := make([]int, len(want.Rows))
	for i := range all {
		all[i] = i
	}
	for _, tt := range want.Cases {
		var first *Result
		for _, threads := range []int{1, 2, 8} {
			r, err := Fit(t.Context(), points, 2, Params{Clusters: tt.K, Starts: 50, Seed: 1, Threads: threads})
			if err != nil {
				t.Fatal(err)
			}
			if first == nil {
				first = r
			}
			if !reflect.DeepEqual(r, first) {
				t.Errorf("%d clusters: on %d threads they are others", tt.K, threads)
			}
			silhouette, err := Silhouette(t.Context(), points, 2, r.Cluster, all, threads)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(r.Inertia-tt.Inertia) > 1e-9 || math.Abs(silhouette-tt.Silhouette) > 1e-9 || !slices.Equal(r.Rows, tt.Sizes) || !r.Converged {
				t.Errorf("%d clusters: inertia %.12g, silhouette %.12g, rows %v; want %+v", tt.K, r.Inertia, silhouette, r.Rows, tt)
			}
			centers := slices.Clone(r.Centers)
			slices.SortFunc(centers, slices.Compare[[]float64])
			for c := range centers {
				for j := range centers[c] {
					if math.Abs(centers[c][j]-tt.Centers[c][j]) > 1e-9 {
						t.Errorf("%d clusters: centre %v, want %v", tt.K, centers[c], tt.Centers[c])
					}
				}
			}
			for i, row := range want.Rows {
				if c, _ := r.Nearest(row); c != r.Cluster[i] {
					t.Fatalf("row %d is in cluster %d, and nearest to %d", i, r.Cluster[i], c)
				}
			}
		}
	}
}

// TestOrderAndDistance: the largest cluster is the first, and a distance is to its centre.
func TestOrderAndDistance(t *testing.T) {
	r, err := Fit(t.Context(), []float64{10, 0, 1, 12, 2}, 1, Params{Clusters: 2, Starts: 3})
	if err != nil {
		t.Fatal(err)
	}
	if c, d := r.Nearest([]float64{3}); c != 0 || d != 2 || !slices.Equal(r.Rows, []int{3, 2}) || r.Inertia != 4 {
		t.Errorf("got cluster %d at %g, rows %v, inertia %g", c, d, r.Rows, r.Inertia)
	}
}

func TestTooFewPoints(t *testing.T) {
	for name, points := range map[string][]float64{"fewer points than clusters": {1, 2}, "fewer different points": {1, 1, 1, 2, 2}} {
		if _, err := Fit(t.Context(), points, 1, Params{Clusters: 3, Starts: 1}); err == nil {
			t.Errorf("%s: three clusters are found", name)
		}
	}
	if x, err := Silhouette(t.Context(), []float64{1, 2}, 1, []int{0, 0}, []int{0, 1}, 1); err != nil || x == x {
		t.Errorf("the silhouette of one cluster is %g, %v", x, err)
	}
}

// TestClusterThatLosesItsPoints: it gets another one, so that no centre is the mean of none.
func TestClusterThatLosesItsPoints(t *testing.T) {
	f := &fit{points: []float64{0, 1, 2, 9}, width: 1, rows: 4, far: []float64{1, 0, 1, 64}}
	r := &Result{Model: Model{Centers: [][]float64{{1}, {50}}}, Cluster: []int{0, 0, 0, 0}, Rows: []int{4, 0}}
	f.center(r)
	if !reflect.DeepEqual(r.Centers, [][]float64{{1}, {9}}) || !slices.Equal(r.Rows, []int{3, 1}) {
		t.Errorf("got %+v", r)
	}
}
