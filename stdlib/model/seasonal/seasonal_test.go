package seasonal

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// example is the one of the package's comment, of a series with the key 2.
func example() *Model {
	return &Model{Season: 7, Mean: 4, Series: []Series{{Key: []float64{2}, Mean: 5.75,
		Times: []int64{1, 2, 3, 4, 5, 6, 7, 8}, Values: []float64{5, 6, 7, 8, 9, 3, 2, 6}}}}
}

func TestPredict(t *testing.T) {
	data, err := example().Encode()
	if err != nil {
		t.Fatal(err)
	}
	m, err := Decode(data, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	nan := math.NaN()
	tests := []struct{ key, step, want float64 }{
		{2, 8, 5}, {2, 9, 6}, {2, 15, 6}, {2, 22, 6}, {2, 16, 6}, {2, 4, 5.75}, {2, -6, 5.75}, {2, nan, 5.75}, {3, 8, 4}, {nan, 8, 4}, {2, 8.5, nan},
	}
	columns := make([][]float64, 2)
	var want []float64
	for _, tt := range tests {
		columns[0], columns[1], want = append(columns[0], tt.key), append(columns[1], tt.step), append(want, tt.want)
	}
	got, err := m.Predict(context.Background(), columns, len(tests), 1)
	if err != nil {
		t.Fatal(err)
	}
	same := cmp.Comparer(func(a, b float64) bool { return a == b || a != a && b != b })
	if diff := cmp.Diff([][]float64{want}, got, same); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A forecast is what a look at all observations finds: of those a whole number of seasons before, the last.
func TestPredictIsTheLastOfTheSamePlace(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	for range 50 {
		m := &Model{Season: 1 + r.Int64N(9), Mean: -1, Series: []Series{{Key: []float64{}, Mean: -2}}}
		s := &m.Series[0]
		for step := int64(-30); step < 30; step++ {
			if r.IntN(3) > 0 {
				s.Times, s.Values = append(s.Times, step), append(s.Values, r.Float64())
			}
		}
		for step := int64(-40); step < 60; step++ {
			want := s.Mean
			for i, at := range s.Times {
				if at < step && (step-at)%m.Season == 0 {
					want = s.Values[i]
				}
			}
			got, err := m.Predict(context.Background(), [][]float64{{float64(step)}}, 1, 1)
			if err != nil || got[0][0] != want {
				t.Fatalf("season %d, step %d: %v (%v), want %g", m.Season, step, got, err, want)
			}
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	tests := []struct{ data, want string }{
		{`{"format":1`, "reading a seasonal model"},
		{`{"format":2,"season":7}`, "format 2"},
		{`{"format":1,"season":0}`, "season of 0"},
		{`{"format":1,"season":7,"series":[{"key":[],"times":[1],"values":[1]}]}`, "series 0 has 0 keys"},
		{`{"format":1,"season":7,"series":[{"key":[1],"times":[1],"values":[]}]}`, "0 values"},
		{`{"format":1,"season":7,"series":[{"key":[1],"times":[2,2],"values":[1,1]}]}`, "do not ascend"},
	}
	for _, tt := range tests {
		if _, err := Decode([]byte(tt.data), 2, 1); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.data, err, tt.want)
		}
	}
}
