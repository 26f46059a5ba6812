// Package heap says when Go collects garbage in a process of mlp's own.
package heap

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// Brief is Room for commands that end soon: up to a third of their time would go into collections.
func Brief() { Room(352 << 20) }

// Room lets memory grow to bound, in bytes, before any garbage is collected. Where more than half of the bound is in use, memory is collected
// as ever, so that large modules take no more than twice what they hold. GOGC in the environment then counts again.
func Room(bound uint64) {
	const smallest = 4 << 20 // what Go collects at first, at 100 percent
	usual := debug.SetGCPercent(int(100 * bound / smallest))
	afterCollection(bound, usual)
}

// afterCollection waits for a collection, by the end of an object that nobody holds, and then settles when the next one
// is: GC percent is relative to what is live, and so has to be set anew after each collection to mean an absolute
// bound. With 88 MB live of 352 MB the percentage is 300. usual is the percentage to go back to.
func afterCollection(bound uint64, usual int) {
	nobodys := new([16]byte)
	runtime.AddCleanup(nobodys, func(struct{}) {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		inUse := max(live[0].Value.Uint64(), 1)
		if inUse > bound/2 {
			debug.SetGCPercent(usual)
			return
		}
		debug.SetGCPercent(int(100 * (bound - inUse) / inUse))
		afterCollection(bound, usual)
	}, struct{}{})
}
