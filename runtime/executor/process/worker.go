package process

import (
	"context"
	"errors"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/protocol"
	"github.com/mlp-lang/mlp/runtime/scratch"
)

// Workers that stay.
//
// To start a process and open what components need takes longer than a small stage's work, so a worker takes one stage after another.
// A worker is the program `mlp worker`, in a process group of its own, with a socket as file descriptor 3:
//
//	begin     takes a worker that is idle, or starts one; sends a component.Job, {"root": …, "env": […]}, and two files for the
//	          stage's output and errors
//	success   the worker answers with a component.Done; with "stays": true it goes back to those that are idle (giveBack)
//	failure   the worker exits with the stage's exit code, which is then that of the worker: there is no answer
//	kill      the worker's process group is killed, and with it all that the stage started
//
// The bytes of a stage's outputs must not depend on which stages its worker ran before. So a worker says that it stays only if
// nothing of the stage is left in it (component/worker.go), and in doubt it ends. A stage with network, which is a fetch, has a
// worker of its own, which is killed afterwards: tokens that the fetch was given stay in no process that runs other code.

// worker is a process that runs one stage at a time, and another one after it if nothing of the first is left (spec/protocol.md).
type worker struct {
	cmd    *exec.Cmd
	dir    string // for what it needs as long as it lives
	link   *protocol.Link
	ended  chan struct{} // closed when the process has ended
	stages int
	root   string        // of the last of them
	cpu    time.Duration // of stages that succeeded
	rest   int64         // its memory when the last of them had ended, in bytes
}

// path is where stages find programs.
const path = "/usr/local/bin:/usr/bin:/bin"

// networkVariables say how this machine reaches others, and whom it trusts.
var networkVariables = []string{"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"}

// withNetwork is an environment with those of the variables that are set. The map given is not changed.
func withNetwork(env map[string]string) map[string]string {
	out := maps.Clone(env)
	if out == nil {
		out = map[string]string{}
	}
	for _, name := range networkVariables {
		if value, ok := os.LookupEnv(name); ok {
			out[name] = value
		}
	}
	return out
}

// begin has a worker begin with the stage: one that has nothing to do, or a new one. A fetch has one of its own.
// A worker is used again because starting one takes longer than many a stage. One that has not the memory left that
// the stage may take, or does not take the job, is ended, and another one begins.
func (e *Executor) begin(t executor.Task, root string, log *protocol.Log) (*worker, *protocol.Streams, error) {
	extra := e.env
	if t.Network {
		extra = withNetwork(e.env)
	}
	job := component.Job{Root: root, Env: protocol.Environment(t.Spec, protocol.Settings{
		Root: root, Home: filepath.Join(root, home), Path: path, CPUs: t.CPUs, MemoryMB: t.MemoryMB, Extra: extra,
	})}
	for {
		var w *worker
		if !t.Network {
			w = e.idle(root)
		}
		used := w != nil
		if used && !protocol.Fits(w.rest, t.MemoryMB) {
			w.kill()
			continue
		}
		if !used {
			var err error
			if w, err = e.start(); err != nil {
				return nil, nil, err
			}
		}
		out, err := w.link.Send(job, log)
		if err == nil {
			w.stages++
			w.root = root
			return w, out, nil
		}
		w.kill()
		if !used { // one that was used may have ended meanwhile
			return nil, nil, err
		}
	}
}

// idle takes a worker that has nothing to do; nil: there is none. One whose last stage had the same root is the first choice: it need not
// tell the SQL engine of another folder to spill to.
func (e *Executor) idle(root string) *worker {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.workers) == 0 {
		return nil
	}
	at := slices.IndexFunc(e.workers, func(w *worker) bool { return w.root == root })
	if at < 0 {
		at = len(e.workers) - 1
	}
	w := e.workers[at]
	e.workers = slices.Delete(e.workers, at, at+1)
	return w
}

// giveBack keeps a worker for other stages, or makes sure that nothing of it is left.
func (e *Executor) giveBack(w *worker, end end) {
	if end.done == nil || !end.done.Stays {
		w.kill()
		return
	}
	w.cpu += time.Duration(end.done.CPUMicros) * time.Microsecond
	w.rest = end.done.Rest
	e.mu.Lock()
	defer e.mu.Unlock()
	e.workers = append(e.workers, w)
}

// start starts a worker in a process group of its own. It ends with this process, and when its socket is closed.
// It gets nothing of the environment of whoever applies: results must not depend on it, and credentials in it are none
// of a stage's business.
func (e *Executor) start() (*worker, error) {
	dir, err := e.folder()
	if err != nil {
		return nil, err
	}
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	w := &worker{dir: dir, ended: make(chan struct{})}
	w.cmd = exec.Command(e.self, "worker")
	w.cmd.Dir, w.cmd.Env = "/", []string{"PATH=" + path, "TMPDIR=" + dir, "TZ=UTC", "LC_ALL=C"}
	w.cmd.ExtraFiles = []*os.File{theirs} // the first of them is file descriptor 3
	w.cmd.SysProcAttr = attributes()
	started := make(chan error, 1)
	go w.supervise(started)
	if err := <-started; err != nil {
		return nil, errors.Join(err, ours.Close(), os.RemoveAll(dir))
	}
	w.link = protocol.NewLink(ours)
	return w, nil
}

// folder makes the folder of a new worker, in memory where the system can: what lies in it is links.
func (e *Executor) folder() (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.scratch == nil {
		f, err := scratch.InMemory(scratch.Workers)
		if err != nil {
			return "", err
		}
		e.scratch = f
	}
	return os.MkdirTemp(e.scratch.Dir, "worker-")
}

// socketPair returns the two ends of a socket.
// The lock keeps a process that is started at the same moment by another goroutine from inheriting an end, which would
// keep the socket open for ever.
func socketPair() (ours *net.UnixConn, theirs *os.File, err error) {
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, nil, err
	}
	f, theirs := os.NewFile(uintptr(fds[0]), "worker"), os.NewFile(uintptr(fds[1]), "apply")
	defer f.Close() // the connection has a copy
	conn, err := net.FileConn(f)
	if err != nil {
		return nil, nil, errors.Join(err, theirs.Close())
	}
	return conn.(*net.UnixConn), theirs, nil
}

// supervise starts and waits for the process on one thread of its own: the kernel sends Pdeathsig when the thread that started
// the process ends, not when the program does, so that thread must live as long as the process.
func (w *worker) supervise(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := w.cmd.Start()
	started <- err
	if err == nil {
		_ = w.cmd.Wait() // how it ended is in ProcessState
		close(w.ended)
	}
}

// pid is that of the worker, and of its process group.
func (w *worker) pid() int { return w.cmd.Process.Pid }

// kill ends the worker, with all that is in its process group, and waits for that.
func (w *worker) kill() {
	signalGroup(w.pid(), syscall.SIGKILL)
	_ = w.link.Close() // nobody is at the other end
	<-w.ended
	_ = os.RemoveAll(w.dir) // what is left goes with the executor's folder
}

// end is how a stage ended: with success, or with its process.
type end struct {
	done                *component.Done // nil: its process has ended
	timedOut, cancelled bool
}

// await waits for the stage to end, and ends it, with all of its process group, when its time is up or ctx is done.
// The end is asked for first (SIGTERM) and taken after a grace, so that a stage can write its checkpoint. Whatever the
// stage started belongs to its process group and ends with it.
func (w *worker) await(ctx context.Context, timeout time.Duration) (e end) {
	var alarm <-chan time.Time
	if timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case d := <-w.link.Replies:
		if !d.Stays {
			signalGroup(w.pid(), syscall.SIGKILL) // children that it left
		}
		return end{done: &d}
	case <-w.ended:
		signalGroup(w.pid(), syscall.SIGKILL)
		select {
		case d := <-w.link.Replies: // the last thing that it said
			return end{done: &d}
		default:
			return end{}
		}
	case <-alarm:
		e.timedOut = true
	case <-ctx.Done():
		e.cancelled = true
	}
	signalGroup(w.pid(), syscall.SIGTERM)
	select {
	case <-w.ended:
	case <-time.After(grace):
	}
	signalGroup(w.pid(), syscall.SIGKILL)
	<-w.ended
	return e
}

// exitCode is the stage's: 128 and the signal's number for a process that a signal ended, as shells have it.
func (w *worker) exitCode(e end) int {
	if e.done != nil {
		return 0
	}
	if w.cmd.ProcessState == nil {
		return -1
	}
	if ws, ok := w.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 128 + int(ws.Signal())
	}
	return w.cmd.ProcessState.ExitCode()
}
