package cli

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// brief lets memory grow to a bound before any of it is collected, for commands that end soon: up to a third of their time
// would go into that. Where more than half of the bound is in use, memory is collected as ever, so that large modules take
// no more than twice what they hold.
func brief() {
	const smallest = 4 << 20 // what Go collects at first, at 100 percent
	usual := debug.SetGCPercent(100 * briefBound / smallest)
	afterCollection(usual)
}

const briefBound = 352 << 20

// afterCollection waits for a collection by the end of something that nobody holds, and then settles when the next one is.
func afterCollection(usual int) {
	nobodys := new([16]byte)
	runtime.AddCleanup(nobodys, func(struct{}) {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		inUse := max(live[0].Value.Uint64(), 1)
		if inUse > briefBound/2 {
			debug.SetGCPercent(usual)
			return
		}
		debug.SetGCPercent(int(100 * (briefBound - inUse) / inUse))
		afterCollection(usual)
	}, struct{}{})
}
