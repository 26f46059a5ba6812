package engine

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/executor"
)

// machine is an executor on one of so much memory.
type machine struct {
	executor.Executor
	memoryMB int64
	cpus     float64
}

func (m machine) Machine(context.Context) (int64, float64) { return m.memoryMB, m.cpus }

// waits until so many stages wait for room.
func (r *room) waits(t *testing.T, n int) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		r.mu.Lock()
		now := len(r.waiting)
		r.mu.Unlock()
		if now == n {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d wait, want %d", now, n)
		}
	}
}

// TestRoom: stages enter by their weights, whatever order they came in, no more than fit; one too large for the machine enters alone, and one that is given up holds up
// nobody.
func TestRoom(t *testing.T) {
	ctx := t.Context()
	ex := machine{memoryMB: 1000, cpus: 2}
	r := newRoom(ctx, 10, []executor.Executor{ex})
	leave, err := r.enter(ctx, share{1, 900, 1}, 0, "first")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var order []string
	most := share{}
	stages := []struct {
		address string
		share   share
		weight  int64
	}{
		{"e", share{1, 400, 1}, 1}, {"b", share{1, 5000, 9}, 8}, {"d", share{1, 400, 1}, 3}, {"a", share{1, 400, 1}, 9}, {"c", share{1, 400, 1}, 3},
	}
	var all sync.WaitGroup
	for i, s := range stages {
		all.Go(func() {
			leave, err := r.enter(ctx, s.share, s.weight, s.address)
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			order = append(order, s.address)
			mu.Unlock()
			r.mu.Lock()
			most.memoryMB, most.cpus = max(most.memoryMB, r.taken.memoryMB), max(most.cpus, r.taken.cpus)
			r.mu.Unlock()
			time.Sleep(20 * time.Millisecond)
			leave()
			leave()
		})
		r.waits(t, i+1)
	}
	given, cancel := context.WithCancel(ctx)
	gone := make(chan error, 1)
	go func() {
		_, err := r.enter(given, share{1, 1000, 2}, 100, "given up")
		gone <- err
	}()
	r.waits(t, len(stages)+1)
	cancel()
	if err := <-gone; err == nil {
		t.Error("one that was given up has entered")
	}
	leave()
	all.Wait()
	if slices.Sort(order[2:4]); !slices.Equal(order, []string{"a", "b", "c", "d", "e"}) { // c and d enter at once
		t.Errorf("got %v", order)
	}
	if most.memoryMB > 1000 || most.cpus > 2 || r.taken != (share{}) {
		t.Errorf("got at most %+v, and %+v in the end", most, r.taken)
	}
}

// TestShare: replicas take what each of them takes; a cluster sees to its own.
func TestShare(t *testing.T) {
	n := &plan.Node{CPUs: 2, Container: &plan.Container{Replicas: 4}}
	if got, want := shareOf(n, 512, machine{}), (share{1, 2048, 8}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got, want := shareOf(n, 512, nil), (share{stages: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
