// Package parallel does the same to many things on all processors.
package parallel

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Each calls f once for each element of a list, as Range does: in no order, possibly at the same time. Results go to places of their own,
// such as fields of *T, so that they do not depend on the order:
//
//	parallel.Each(questions, 16, func(q *question) { q.ask(ctx, library) })
func Each[T any](list []T, atATime int, f func(T)) {
	Range(len(list), atATime, func(i int) { f(list[i]) })
}

// Range calls f for 0 to n-1 and returns when that is done. Several at a time go to one processor, since handing over costs
// something too; f is not called concurrently where all go at once. A panic of f is the caller's panic, so that it is
// recovered where those of the caller are.
func Range(n, atATime int, f func(i int)) {
	workers := min(runtime.GOMAXPROCS(0), (n+atATime-1)/atATime)
	if workers <= 1 {
		for i := range n {
			f(i)
		}
		return
	}
	var (
		group  sync.WaitGroup
		taken  atomic.Int64
		failed atomic.Pointer[string]
	)
	work := func() {
		defer func() {
			if r := recover(); r != nil {
				text := fmt.Sprintf("%v\n%s", r, debug.Stack())
				failed.CompareAndSwap(nil, &text)
			}
		}()
		for failed.Load() == nil {
			end := int(taken.Add(int64(atATime)))
			start := end - atATime
			if start >= n {
				return
			}
			for i := start; i < min(end, n); i++ {
				f(i)
			}
		}
	}
	for range workers {
		group.Go(work)
	}
	group.Wait()
	if text := failed.Load(); text != nil {
		panic(*text)
	}
}
