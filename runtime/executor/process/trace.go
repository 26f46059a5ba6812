package process

import (
	"os"
	"runtime"
	"syscall"
	"time"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// trace is where a stage ran and what it took. Seen is the most memory that was seen while it ran, in bytes. Of the first stage of a
// worker that ended with it, the kernel tells the peak, but above that of this process only, which it hands on to whoever is started.
// CPU time is that of this stage alone: what the worker's earlier stages took is taken off.
func (w *worker) trace(e end, seen int64) executor.Trace {
	t := executor.Trace{Platform: runtime.GOOS + "/" + runtime.GOARCH, PeakMemory: seen}
	t.Node, _ = os.Hostname()
	if e.done != nil {
		t.CPU, t.PeakMemory = time.Duration(e.done.CPUMicros)*time.Microsecond, max(seen, e.done.Peak)
		return t
	}
	state := w.cmd.ProcessState
	if state == nil {
		return t
	}
	t.CPU = state.UserTime() + state.SystemTime() - w.cpu
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok && w.stages == 1 {
		if end := int64(usage.Maxrss) * maxrssUnit; end > peak(os.Getpid()) {
			t.PeakMemory = max(seen, end)
		}
	}
	return t
}
