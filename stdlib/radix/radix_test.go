package radix

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// values are columns with ties, infinities, zeros of both signs, subnormal numbers, and neighbours.
func values(random *rand.Rand, n int) []float64 {
	few := []float64{math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), 1, math.Nextafter(1, 2), -1, 5e-324, 1e-310, -1e300, 1e300, 7, 8, -7}
	out := make([]float64, n)
	for i := range out {
		switch random.IntN(4) {
		case 0:
			out[i] = few[random.IntN(len(few))]
		case 1:
			out[i] = float64(random.IntN(40) - 20)
		default:
			out[i] = random.NormFloat64() * math.Pow(10, float64(random.IntN(40)-20))
		}
	}
	return out
}

// TestOrder holds both orders to those by comparison, which keep ties in their places.
func TestOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for n := range 300 {
		x := values(random, n)
		want := make([]int32, n)
		for i := range want {
			want[i] = int32(i)
		}
		slices.SortStableFunc(want, func(a, b int32) int { return cmp.Compare(x[a], x[b]) })
		if got := Ascending(x); !slices.Equal(got, want) {
			t.Fatalf("%v: ascending: got %v, want %v", x, got, want)
		}
		slices.Sort(want)
		slices.SortStableFunc(want, func(a, b int32) int { return cmp.Compare(x[b], x[a]) })
		if got := Descending(x); !slices.Equal(got, want) {
			t.Fatalf("%v: descending: got %v, want %v", x, got, want)
		}
	}
}

// TestKeys32 sorts columns of several lengths in one buffer.
func TestKeys32(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var b Buffer
	for range 300 {
		x := values(random, random.IntN(300))
		var want, got []float32
		for _, v := range x {
			want = append(want, float32(v))
		}
		slices.Sort(want)
		for _, k := range b.Keys32(append(x, math.NaN())) {
			got = append(got, Float32(k))
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%v: got %v, want %v", x, got, want)
		}
	}
}

// FuzzKey: keys order as numbers do, and give the number back.
func FuzzKey(f *testing.F) {
	f.Add(0.0, math.Copysign(0, -1))
	f.Add(1.5, -1.5)
	f.Add(math.Inf(-1), 5e-324)
	f.Fuzz(func(t *testing.T, a, b float64) {
		if a != a || b != b {
			return
		}
		if got, want := cmp.Compare(Key(a), Key(b)), cmp.Compare(a, b); got != want {
			t.Errorf("keys of %v and %v: got %d, want %d", a, b, got, want)
		}
		if got, want := cmp.Compare(Key32(float32(a)), Key32(float32(b))), cmp.Compare(float32(a), float32(b)); got != want {
			t.Errorf("keys of %v and %v as 32 bits: got %d, want %d", a, b, got, want)
		}
		if got := Float32(Key32(float32(a))); got != float32(a) {
			t.Errorf("the number of the key of %v: got %v", a, got)
		}
	})
}
