package process

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/protocol"
)

// grace is how long a stage that was told to stop may take to do so.
const grace = 2 * time.Second

// tail is how long the end of the log may come after the end of the process: a child that the stage left behind
// could hold the pipe open.
const tail = time.Second

// run runs the stage's process in root and waits for it and its log.
func (e *Executor) run(ctx context.Context, t executor.Task, root string) (executor.Result, error) {
	cmd := e.command(t, root)
	log := protocol.NewLog(t.Log, t.Mask)
	stdout, stderr := log.Stream(), log.Stream()
	cmd.Stdout, cmd.Stderr = stdout, stderr

	done := make(chan error, 1)
	started := make(chan error, 1)
	own := peak(os.Getpid())
	go supervise(cmd, started, done)
	if err := <-started; err != nil {
		return executor.Result{}, fmt.Errorf("starting %s: %w", t.Address, err)
	}
	limit, stop := context.WithCancel(context.Background())
	memory := watchMemory(limit, cmd.Process.Pid, t.MemoryMB)
	timedOut, cancelled := await(ctx, t.Timeout, cmd.Process.Pid, done)
	stop()
	seen := <-memory
	trace := traceOf(cmd, own, seen.peak)
	stdout.Close()
	stderr.Close()
	switch {
	case cancelled:
		return executor.Result{}, context.Cause(ctx)
	case timedOut:
		return executor.Result{ExitCode: exitCode(cmd), TimedOut: true, Trace: trace}, nil
	case cmd.ProcessState == nil:
		return executor.Result{}, fmt.Errorf("waiting for %s: the process was lost", t.Address)
	}
	if err := log.Err(); err != nil {
		return executor.Result{}, fmt.Errorf("writing the log of %s: %w", t.Address, err)
	}
	if seen.tooMuch {
		return executor.Result{ExitCode: exitCode(cmd), OutOfMemory: true, MemoryMB: t.MemoryMB, Trace: trace}, nil
	}
	return executor.Result{ExitCode: exitCode(cmd), Trace: trace}, nil
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

func (e *Executor) command(t executor.Task, root string) *exec.Cmd {
	cmd := exec.Command(e.self, "stage", "--root", root)
	cmd.Dir = root
	cmd.Env = protocol.Environment(t.Spec, protocol.Settings{
		Root: root, Home: filepath.Join(root, "home"), Path: "/usr/local/bin:/usr/bin:/bin", CPUs: t.CPUs, MemoryMB: t.MemoryMB, Extra: e.env,
	})
	cmd.WaitDelay = tail
	cmd.SysProcAttr = attributes()
	return cmd
}

// supervise starts and waits for cmd on one thread of its own: the kernel sends Pdeathsig when the thread that started
// the process ends, not when the program does, so that thread must live as long as the process.
func supervise(cmd *exec.Cmd, started, done chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Start()
	started <- err
	if err == nil {
		done <- cmd.Wait()
	}
}

// await waits for the process to end, and ends it, with all of its group, when its time is up or ctx is done.
func await(ctx context.Context, timeout time.Duration, pid int, done <-chan error) (timedOut, cancelled bool) {
	var alarm <-chan time.Time
	if timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-done:
		signalGroup(pid, syscall.SIGKILL) // children that outlived it
		return false, false
	case <-alarm:
		timedOut = true
	case <-ctx.Done():
		cancelled = true
	}
	signalGroup(pid, syscall.SIGTERM)
	select {
	case <-done:
		signalGroup(pid, syscall.SIGKILL)
	case <-time.After(grace):
		signalGroup(pid, syscall.SIGKILL)
		<-done
	}
	return timedOut, cancelled
}

// signalGroup signals the process group of that leader. The only way to fail is that nobody is left in it.
func signalGroup(pid int, s syscall.Signal) { _ = syscall.Kill(-pid, s) }

// exitCode is 128 and the signal's number for a process that a signal ended, as shells have it.
func exitCode(cmd *exec.Cmd) int {
	if cmd.ProcessState == nil {
		return -1
	}
	if ws, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return cmd.ProcessState.ExitCode()
}
