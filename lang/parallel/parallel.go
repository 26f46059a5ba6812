// Package parallel does the same to many things on all processors.
package parallel

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Each calls f for all of a list and returns when that is done. Several at a time go to one processor, since handing over
// costs something too; f is not called concurrently where all go at once. A panic of f is the caller's panic, so that it is
// recovered where those of the caller are.
func Each[T any](list []T, atATime int, f func(T)) {
	workers := min(runtime.GOMAXPROCS(0), (len(list)+atATime-1)/atATime)
	if workers <= 1 {
		for _, x := range list {
			f(x)
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
			if start >= len(list) {
				return
			}
			for _, x := range list[start:min(end, len(list))] {
				f(x)
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
