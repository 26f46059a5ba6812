package histogram

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/mlp-lang/mlp/stdlib/model/xgboost"
	"github.com/mlp-lang/mlp/stdlib/radix"
)

func TestFewValuesHaveABinEach(t *testing.T) {
	b, _ := newBinned([]float64{3, 1, math.NaN(), 1, 2, 3}, 0, new(radix.Buffer))
	if want := []float32{1.5, 2.5, math.MaxFloat32}; !slices.Equal(b.cuts, want) {
		t.Errorf("cuts %v, want %v", b.cuts, want)
	}
	got := b.encode([]float64{-9, 1, 1.5, 2.4, 2.5, 99, math.NaN()}, nil)
	if want := []uint8{0, 0, 1, 1, 2, 2, 3}; !slices.Equal(got, want) {
		t.Errorf("bins %v, want %v", got, want)
	}
}

func TestManyValuesAreCutAtQuantiles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	column := make([]float64, 100_000)
	for i := range column {
		column[i] = math.Exp(3 * r.NormFloat64())
		if i%4 == 0 {
			column[i] = 0 // a quarter of the rows in one value
		}
	}
	b, _ := newBinned(column, 0, new(radix.Buffer))
	if b.count > maxBins || b.count < maxBins*9/10 {
		t.Fatalf("%d bins", b.count)
	}
	rows := make([]int, b.count)
	for _, bin := range b.encode(column, nil) {
		rows[bin]++
	}
	for bin, n := range rows[1:] {
		if want := 75_000 / (maxBins - 1); n < want*8/10 || n > want*12/10 {
			t.Errorf("bin %d has %d rows, about %d wanted", bin+1, n, want)
		}
	}
}

// A value is left of a cut in float32 exactly if its bin is: what training sees is what scoring sees.
func TestBinsAndThresholdsAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	var column []float64
	for range 5000 {
		column = append(column, 1+r.Float64()*1e-6, r.NormFloat64()*1e20, float64(r.IntN(50)), r.NormFloat64(), -r.Float64()*1e-30)
	}
	b, _ := newBinned(column, 0, new(radix.Buffer))
	if !slices.IsSorted(b.cuts) {
		t.Fatal("the cuts are not in order")
	}
	// Neighbours of the cuts, and numbers of either sign beside zero.
	for _, cut := range b.cuts {
		column = append(column, float64(cut), float64(math.Nextafter32(cut, -1)), float64(math.Nextafter32(cut, 1)))
	}
	column = append(column, 0, math.Copysign(0, -1), 1e-45, -1e-45, math.MaxFloat32, -math.MaxFloat32)
	bins := b.encode(column, nil)
	for r, x := range column {
		bin := int(bins[r])
		for i, cut := range b.cuts {
			if (float32(x) < cut) != (bin <= i) && !(i == b.count-1 && bin == i) {
				t.Fatalf("%v is in bin %d, and cut %d is %v", x, bin, i, cut)
			}
		}
	}
}

func TestBetween(t *testing.T) {
	next := math.Nextafter32(1, 2)
	tests := []struct{ a, b, want float32 }{
		{1, 2, 1.5}, {1, next, next}, {-math.MaxFloat32, math.MaxFloat32, 0}, {3e38, math.MaxFloat32, 3.2014117e38},
	}
	for _, tt := range tests {
		if got := between(tt.a, tt.b); got != tt.want {
			t.Errorf("between %v and %v: got %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestCategoriesAreTheirOwnBins(t *testing.T) {
	b, _ := newBinned(nil, 3, new(radix.Buffer))
	got := b.encode([]float64{0, 2, 3, -1, math.NaN()}, nil)
	if want := []uint8{0, 2, 3, 3, 3}; !slices.Equal(got, want) {
		t.Errorf("bins %v, want %v", got, want)
	}
}

// TestFeaturesComeInAnyPortions: the bins and codes of a table are the same however many of its features are added at once, and on however many
// threads; and so are those of other rows.
func TestFeaturesComeInAnyPortions(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	d := mixedFor(xgboost.Logistic)
	for i := range 4 {
		d.Columns, d.Levels = append(d.Columns, d.Columns[i]), append(d.Levels, d.Levels[i])
	}
	other := strange(d)
	want, err := Bin(d, 1)
	if err != nil {
		t.Fatal(err)
	}
	wantOther := want.Other(other.Target, nil)
	other.Levels = d.Levels
	wantOther.Add(other.columns(0, len(other.Columns)), 1)
	for range 20 {
		got, err := New(len(d.Columns), d.Target, d.Weight)
		if err != nil {
			t.Fatal(err)
		}
		for from := 0; from < len(d.Columns); {
			to := from + 1 + random.IntN(len(d.Columns)-from)
			if err := got.Add(d.columns(from, to), 1+random.IntN(3)); err != nil {
				t.Fatal(err)
			}
			from = to
		}
		gotOther := got.Other(other.Target, nil)
		for f := range other.Columns {
			gotOther.Add(other.columns(f, f+1), 1)
		}
		if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(gotOther, wantOther) {
			t.Fatal("the tables differ")
		}
	}
}
