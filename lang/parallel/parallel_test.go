package parallel

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
)

func TestEach(t *testing.T) {
	for _, size := range []int{0, 1, 2, 15, 16, 17, 1000} {
		for _, atATime := range []int{1, 7, 16, 5000} {
			counts := make([]atomic.Int32, size)
			list := make([]int, size)
			for i := range list {
				list[i] = i
			}
			Each(list, atATime, func(i int) { counts[i].Add(1) })
			for i := range counts {
				if n := counts[i].Load(); n != 1 {
					t.Fatalf("%d of %d, %d at a time: called %d times", i, size, atATime, n)
				}
			}
		}
	}
}

// TestPanic: a panic, on whichever processor, is the caller's and tells where it was.
func TestPanic(t *testing.T) {
	for _, size := range []int{1, 100} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, "no such thing") || size > 1 && !strings.Contains(got, "parallel_test.go") {
					t.Errorf("of %d: got %.200s", size, got)
				}
			}()
			Each(make([]int, size), 1, func(int) { panic("no such thing") })
			t.Errorf("of %d: nothing happened", size)
		}()
	}
}
