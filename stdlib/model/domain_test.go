package model

import (
	"math"
	"testing"
)

func TestInDomain(t *testing.T) {
	for x, want := range map[float64]bool{0: true, math.MaxFloat32: true, -math.MaxFloat32: true, 1e-300: true, 1e300: false, -3.5e38: false} {
		if InDomain(x) != want {
			t.Errorf("%g: got %t, want %t", x, !want, want)
		}
	}
	if !InDomain(math.NaN()) || InDomain(math.Inf(1)) || InDomain(math.Inf(-1)) {
		t.Error("what is missing is in the domain, what is infinite is not")
	}
}
