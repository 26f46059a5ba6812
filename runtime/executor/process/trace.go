package process

import (
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// traceOf is where a process that has ended ran, and what it took. The kernel hands the peak of whoever starts a process, own, on to
// it; so what it says of the end counts only above that, and else what was seen while the process ran. Both are in bytes.
func traceOf(cmd *exec.Cmd, own, seen int64) executor.Trace {
	t := executor.Trace{Platform: runtime.GOOS + "/" + runtime.GOARCH, PeakMemory: seen}
	t.Node, _ = os.Hostname()
	if cmd.ProcessState == nil {
		return t
	}
	t.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		if end := int64(usage.Maxrss) * maxrssUnit; end > own {
			t.PeakMemory = max(seen, end)
		}
	}
	return t
}
