package engine

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/executor"
)

// room is what the stages that run have together: so many at once, and, of those on this machine, its memory and processors as far as blocks say what they
// take. Stages enter in the order of their weights, the heaviest first: one that does not fit holds up those behind it, or a large one would wait for
// as long as there are small ones. One that asks for more than there is enters alone.
type room struct {
	mu      sync.Mutex
	whole   share // what there is; 0 of memory or processors: not known, and not counted
	taken   share
	waiting []*guest // in the order in which they enter
}

// share is a part of a room.
type share struct {
	stages   int
	memoryMB int64
	cpus     float64
}

// guest is a stage that waits.
type guest struct {
	share
	weight  int64
	address string
	entered chan struct{}
}

// newRoom is one for so many stages, with what the machine of the executors has.
func newRoom(ctx context.Context, stages int, all []executor.Executor) *room {
	r := &room{whole: share{stages: stages}}
	for _, ex := range all {
		if m, ok := ex.(executor.OnMachine); ok {
			r.whole.memoryMB, r.whole.cpus = m.Machine(ctx)
			break
		}
	}
	return r
}

// enter waits until there is room for a stage, and returns what gives it back.
func (r *room) enter(ctx context.Context, s share, weight int64, address string) (leave func(), err error) {
	g := &guest{share: r.within(s), weight: weight, address: address, entered: make(chan struct{})}
	r.mu.Lock()
	at, _ := slices.BinarySearchFunc(r.waiting, g, func(a, b *guest) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.address, b.address))
	})
	r.waiting = slices.Insert(r.waiting, at, g)
	r.admit()
	r.mu.Unlock()
	leave = sync.OnceFunc(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.taken = r.taken.plus(g.share, -1)
		r.admit()
	})
	select {
	case <-g.entered:
		return leave, nil
	case <-ctx.Done():
	}
	r.mu.Lock()
	if i := slices.Index(r.waiting, g); i >= 0 {
		r.waiting = slices.Delete(r.waiting, i, i+1)
		r.admit()
		r.mu.Unlock()
		return nil, ctx.Err()
	}
	r.mu.Unlock()
	leave() // it had just entered
	return nil, ctx.Err()
}

// admit lets in those that wait, as far as there is room. The caller holds the lock.
func (r *room) admit() {
	for len(r.waiting) > 0 {
		g, then := r.waiting[0], r.taken.plus(r.waiting[0].share, 1)
		if then.stages > r.whole.stages || r.whole.memoryMB > 0 && then.memoryMB > r.whole.memoryMB || r.whole.cpus > 0 && then.cpus > r.whole.cpus {
			return
		}
		r.taken, r.waiting = then, r.waiting[1:]
		close(g.entered)
	}
}

// within is a share that is no more than the whole.
func (r *room) within(s share) share {
	if r.whole.memoryMB > 0 {
		s.memoryMB = min(s.memoryMB, r.whole.memoryMB)
	}
	if r.whole.cpus > 0 {
		s.cpus = min(s.cpus, r.whole.cpus)
	}
	return s
}

func (s share) plus(o share, times int) share {
	return share{s.stages + times*o.stages, s.memoryMB + int64(times)*o.memoryMB, s.cpus + float64(times)*o.cpus}
}

// shareOf is what a stage takes with a limit of memory, in MiB: all of its replicas together. On a cluster that is for the cluster to say.
func shareOf(n *plan.Node, memoryMB int64, ex executor.Executor) share {
	if _, here := ex.(executor.OnMachine); !here {
		return share{stages: 1}
	}
	times := 1
	if n.Container != nil {
		times = max(1, n.Container.Replicas)
	}
	return share{stages: 1, memoryMB: int64(times) * memoryMB, cpus: float64(times) * n.CPUs}
}
