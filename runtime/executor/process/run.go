package process

import (
	"context"
	"fmt"
	"syscall"
	"time"

	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/protocol"
)

// grace is how long a stage that was told to stop may take to do so.
const grace = 2 * time.Second

// run runs the stage in a worker, with root as its folder, and waits for it and its log. A worker that dies under its second stage
// or a later one is ErrWorker and no failure of the stage: what the earlier stages left in it may be why. Under its first stage it
// is the stage's own failure.
func (e *Executor) run(ctx context.Context, t executor.Task, root string) (executor.Result, error) {
	log := protocol.NewLog(t.Log, t.Mask)
	w, out, err := e.begin(t, root, log)
	if err != nil {
		return executor.Result{}, fmt.Errorf("starting %s: %w", t.Address, err)
	}
	limit, stop := context.WithCancel(context.Background())
	memory := watchMemory(limit, w.pid(), t.MemoryMB)
	end := w.await(ctx, t.Timeout)
	stop()
	seen := <-memory
	out.Wait()
	if t.Network {
		w.kill() // what a fetch was told is in the memory of nothing else
	} else {
		e.giveBack(w, end)
	}
	result := executor.Result{ExitCode: w.exitCode(end), Trace: w.trace(end, seen.peak)}
	switch {
	case end.cancelled:
		return executor.Result{}, context.Cause(ctx)
	case end.timedOut:
		result.TimedOut = true
		return result, nil
	case end.done == nil && w.cmd.ProcessState == nil:
		return executor.Result{}, fmt.Errorf("waiting for %s: the process was lost", t.Address)
	}
	if err := log.Err(); err != nil {
		return executor.Result{}, fmt.Errorf("writing the log of %s: %w", t.Address, err)
	}
	switch {
	case end.done != nil:
	case seen.tooMuch:
		result.OutOfMemory, result.MemoryMB = true, t.MemoryMB
	case protocol.Crashed(result.ExitCode) && w.stages > 1:
		return executor.Result{}, fmt.Errorf("%s: %w (exit code %d)", t.Address, executor.ErrWorker, result.ExitCode)
	}
	return result, nil
}

// lookEvery is the time between two looks at how much memory a stage has.
const lookEvery = 100 * time.Millisecond

// memory is what was seen of a process's memory.
type memory struct {
	peak    int64 // in bytes, when it was last looked at
	tooMuch bool  // it was killed for having more than it may
}

// watchMemory kills a stage that has more memory than it may, until ctx is done; then it tells what it saw. A process has no wall
// that memory stops at, so this comes a moment later than in a container.
func watchMemory(ctx context.Context, pid int, limitMB int64) <-chan memory {
	out := make(chan memory, 1)
	go func() {
		var seen memory
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				out <- seen
				return
			case <-tick.C:
				seen.peak = max(seen.peak, peak(pid))
				if limitMB > 0 && resident(pid) > limitMB<<20 {
					signalGroup(pid, syscall.SIGKILL)
					<-ctx.Done()
					seen.tooMuch = true
					out <- seen
					return
				}
			}
		}
	}()
	return out
}

// signalGroup signals the process group of that leader. The only way to fail is that nobody is left in it.
func signalGroup(pid int, s syscall.Signal) { _ = syscall.Kill(-pid, s) }
