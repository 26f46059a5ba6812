package component

import (
	"context"
	"slices"
	"sync"
	"testing"
)

// bar is a bar of so many parts, and what it tells.
func bar(parts int) (*Bar, *[]int) {
	told := &[]int{}
	return &Bar{parts: parts, tell: func(done, total int) { *told = append(*told, done*100/total) }}, told
}

// TestBar: parts count alike, one that nobody counts is over with the next, and of work within work the outer one counts.
func TestBar(t *testing.T) {
	b, told := bar(4)
	step := Steps(b.Next(t.Context()), 2)
	step(1)
	step(1)
	step(1) // more than there are
	b.Next(t.Context())
	ctx := b.Next(t.Context())
	outer, inner := Steps(ctx, 5), Steps(ctx, 1)
	inner(1)
	outer(3)
	Steps(b.Next(t.Context()), 1)(1)
	if want := []int{12, 25, 50, 65, 75, 100}; !slices.Equal(*told, want) {
		t.Errorf("got %v, want %v", *told, want)
	}
}

// TestBarOfThreads: the same is told, whoever counts.
func TestBarOfThreads(t *testing.T) {
	b, told := bar(1)
	step := Steps(b.Next(t.Context()), 1000)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 125 {
				step(1)
			}
		})
	}
	all.Wait()
	if len(*told) != 100 || !slices.IsSorted(*told) || (*told)[99] != 100 {
		t.Errorf("got %v", *told)
	}
}

// TestNoBar: work that is no part of a bar tells nobody.
func TestNoBar(t *testing.T) {
	var none *Bar
	for _, ctx := range []context.Context{t.Context(), none.Next(t.Context())} {
		Steps(ctx, 3)(1)
	}
	b, told := bar(1)
	Steps(b.Next(t.Context()), 0)(1) // nothing to do
	if len(*told) != 0 {
		t.Errorf("got %v", *told)
	}
}
