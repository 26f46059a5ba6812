package kubernetes

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestTogether: many who ask at once are answered by few lists, one at a time, and nobody by one that began before it asked.
func TestTogether(t *testing.T) {
	const askers, questions = 200, 5
	var v view
	var lists, at, busy atomic.Int64
	began := map[*glimpse]int64{}
	var mu sync.Mutex
	list := func(g *glimpse) {
		if busy.Add(1) != 1 {
			t.Error("two lists at once")
		}
		mu.Lock()
		began[g] = at.Add(1)
		mu.Unlock()
		lists.Add(1)
		time.Sleep(time.Millisecond)
		busy.Add(-1)
	}
	var all sync.WaitGroup
	for range askers {
		all.Go(func() {
			for range questions {
				asked := at.Add(1)
				g := v.join(list)
				<-g.done
				mu.Lock()
				if began[g] < asked {
					t.Errorf("asked at %d, answered by a list of %d", asked, began[g])
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if n := lists.Load(); n < questions || n > 4*questions {
		t.Errorf("%d lists for %d questions", n, askers*questions)
	}
}
