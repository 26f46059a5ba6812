package table

import (
	"math"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
)

// What a stage may have of memory is shared by the engine, which keeps to its part (memoryMB), and by Go, whose collector lets what is not used
// any more grow to as much as what is. Without a limit of its own the heap of a stage that holds 200 MB has 400 before anything is freed, and
// the stage is ended, though it needs half of what it may have. So the heap has a soft limit, near which it is collected more often: what
// the engine leaves, or half of all where that is more, while a session is open; else two thirds.

// heap is what Go's collector was told last.
var heap struct {
	sync.Mutex
	sessions int
	limit    int64 // in bytes; 0: none
}

// besideHeapMB is what a process has besides the engine and Go's heap.
const besideHeapMB = 48

// heapShared is called where a session begins (1) and where it has ended (-1).
func heapShared(sessions int) {
	heap.Lock()
	defer heap.Unlock()
	heap.sessions += sessions
	limit := heapLimit(heap.sessions > 0)
	if limit == heap.limit {
		return
	}
	heap.limit = limit
	if limit == 0 {
		limit = math.MaxInt64
	}
	debug.SetMemoryLimit(limit)
}

// heapLimit is how much Go may use of the memory of the stage, in bytes, beside an engine or without; 0: as much as there is.
func heapLimit(beside bool) int64 {
	limit := StageMB()
	if limit == 0 {
		return 0
	}
	if !beside {
		return limit * 2 / 3 << 20 // an engine that is kept does not give everything back
	}
	return max(limit-memoryMB()-besideHeapMB, limit/2) << 20
}

// StageMB is how much memory the stage may have in all, in MiB; 0: that is not said.
func StageMB() int64 {
	limit, err := strconv.ParseInt(os.Getenv("MLP_MEMORY_MB"), 10, 64)
	if err != nil {
		return 0
	}
	return max(limit, 0)
}
