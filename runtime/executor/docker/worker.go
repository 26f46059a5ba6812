package docker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/mount"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/protocol"
)

// Workers that stay.
//
// To create, start and remove a container takes longer than a small stage's work, so built-in stages run one after another in containers
// that stay as long as the executor. Such a container has the walls of any other, and two folders bound, which never change:
//
//	<dir>      → /mlp, read-only     in/, stage.json, links to rw/out, rw/checkpoint and rw/tmp, and the socket that the worker connects to
//	<dir>/rw   → /mlp/rw
//
// What the running stage may see is moved in there before, and out again after:
//
//	begin      take a worker that is idle and has the stage's limits, or start one
//	lend       move the task's input folders to <dir>/in/<port>, and those that it writes to <dir>/rw, with links in their places for who
//	           counts what the stage writes: outputs, checkpoint, and temporary files in the task's scratch folder
//	run        a component.Job over the socket, as a process has it; a failing stage ends its container with its exit code
//	takeBack   move all back, remove what else is in <dir>/rw
//	giveBack   keep the container for other stages; or remove it, where the stage failed or left anything behind
//
// So the files of one stage are never there for another, though both run in one container. A stage has a container of its own, as
// any of an image of its own has (run.go), where its input folders are not for it alone, as data outside of the store, where its
// checkpoint has something in it, which must be found where it is if this process is killed, or where a worker cannot connect: an engine in a virtual machine sees this machine's files and not its sockets.

// worker is a container that runs one stage at a time.
type worker struct {
	id     string
	dir    string // on the host
	limits limits
	link   *protocol.Link
	ended  chan struct{} // closed when the container has ended, or nobody knows
	code   int           // its exit code, then
	lost   error         // why nobody knows, then
	stages int
	cpu    time.Duration // of stages that succeeded
	rest   int64         // its memory when the last of them had ended, in bytes
}

// limits are what a container has from its beginning. A worker takes stages of the same limits only.
type limits struct {
	memoryMB int64
	cpus     float64
}

// shelf has the workers that are idle.
type shelf struct {
	mu      sync.Mutex
	idle    []*worker
	without bool // workers cannot connect here
}

// errNoWorker: the stage is to have a container of its own.
var errNoWorker = errors.New("no worker can have this stage")

// connectTime is how long a worker may take from its start until it has connected.
const connectTime = 30 * time.Second

// shareable reports whether a task can run in a container that had other stages before, and will have others.
func (e *Executor) shareable(t executor.Task) bool {
	if t.Container != nil || t.Place == nil || len(t.Secrets) > 0 || slices.ContainsFunc(t.Inputs, func(in executor.Input) bool { return !in.Own }) {
		return false
	}
	kept, err := os.ReadDir(t.Checkpoint)
	return t.Checkpoint == "" || err == nil && len(kept) == 0
}

// inWorker runs a task in a worker.
// errNoWorker: nothing was run, and the stage can still have a container of its own.
func (e *Executor) inWorker(ctx context.Context, eng engine, t executor.Task) (executor.Result, error) {
	var none executor.Result
	log := protocol.NewLog(t.Log, t.Mask)
	w, out, back, err := e.begin(ctx, eng, t, log)
	if err != nil {
		return none, err
	}
	meter := e.measure(ctx, w.id)
	end, err := e.awaitWorker(ctx, t.Timeout, w)
	seen := meter.stop()
	out.Wait()
	var tooMuch bool
	if err == nil && end.done == nil && w.code != 0 && !end.timedOut {
		tooMuch, err = e.outOfMemory(ctx, w.id)
	}
	keep := err == nil && end.done != nil && end.done.Stays
	if !keep {
		e.remove(ctx, w.id) // before its files are taken away
	}
	clean, failed := back()
	if keep && clean {
		e.giveBack(w, end.done)
	} else {
		e.kill(ctx, w)
	}
	if err := errors.Join(err, failed); err != nil {
		return none, err
	}
	if end.cancelled {
		return none, context.Cause(ctx)
	}
	if err := log.Err(); err != nil {
		return none, fmt.Errorf("writing the log: %w", err)
	}
	if done := end.done; done != nil {
		seen.CPU, seen.PeakMemory = time.Duration(done.CPUMicros)*time.Microsecond, done.Peak
		return executor.Result{Trace: seen}, nil
	}
	result := executor.Result{ExitCode: w.code, TimedOut: end.timedOut, Trace: seen}
	switch {
	case end.timedOut:
	case tooMuch:
		result.OutOfMemory, result.MemoryMB = true, t.MemoryMB
	case protocol.Crashed(w.code) && w.stages > 1:
		return none, fmt.Errorf("%w (exit code %d)", executor.ErrWorker, w.code)
	}
	if w.stages > 1 { // the engine counts what a container takes, and the most that it had
		result.Trace.CPU, result.Trace.PeakMemory = max(0, seen.CPU-w.cpu), 0
	}
	return result, nil
}

// begin has a worker begin with a task: one that is idle, or a new one. back is takeBack of what the worker was lent.
func (e *Executor) begin(ctx context.Context, eng engine, t executor.Task, log *protocol.Log) (_ *worker, _ *protocol.Streams, back func() (bool, error), err error) {
	env := protocol.Environment(t.Spec, protocol.Settings{Root: root, Home: root + "/" + tmpFolder, Path: stagePath, CPUs: t.CPUs, MemoryMB: t.MemoryMB, Extra: e.opts.Env})
	for {
		w := e.take(ctx, t)
		used := w != nil
		if !used {
			if w, err = e.start(ctx, eng, t); err != nil {
				return nil, nil, nil, err
			}
		}
		if back, err = w.lend(eng, t); err != nil {
			e.kill(ctx, w)
			if errors.Is(err, syscall.EXDEV) {
				err = e.noWorkers(err)
			}
			return nil, nil, nil, err
		}
		w.stages++
		out, err := w.link.Send(component.Job{Root: root, Env: env}, log)
		if err == nil {
			return w, out, back, nil
		}
		e.remove(ctx, w.id)
		_, failed := back()
		e.kill(ctx, w)
		if !used || failed != nil { // one that was used may have ended meanwhile
			return nil, nil, nil, errors.Join(err, failed)
		}
	}
}

// stagePath is where a stage would find programs; the image has none.
const stagePath = "/usr/local/bin:/usr/bin:/bin"

// take returns an idle worker for a task; nil: there is none. Where all that are idle have other limits, one of them ends: no more of them
// are kept than stages run at a time.
func (e *Executor) take(ctx context.Context, t executor.Task) *worker {
	w, fits := e.workers.take(limits{t.MemoryMB, t.CPUs})
	if w != nil && !fits {
		e.kill(ctx, w)
		return nil
	}
	return w
}

// take returns an idle worker that fits, else another, else nil.
func (s *shelf) take(l limits) (w *worker, fits bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.idle) == 0 {
		return nil, false
	}
	i := slices.IndexFunc(s.idle, func(w *worker) bool { return w.limits == l && protocol.Fits(w.rest, l.memoryMB) })
	at := max(i, 0)
	w = s.idle[at]
	s.idle = slices.Delete(s.idle, at, at+1)
	return w, i >= 0
}

// giveBack keeps a worker for other stages.
func (e *Executor) giveBack(w *worker, done *component.Done) {
	w.cpu += time.Duration(done.CPUMicros) * time.Microsecond
	w.rest = done.Rest
	e.workers.mu.Lock()
	defer e.workers.mu.Unlock()
	e.workers.idle = append(e.workers.idle, w)
}

// start starts a worker with a task's limits.
func (e *Executor) start(ctx context.Context, eng engine, t executor.Task) (_ *worker, err error) {
	if e.withoutWorkers() {
		return nil, errNoWorker
	}
	w := &worker{limits: limits{t.MemoryMB, t.CPUs}, ended: make(chan struct{})}
	if w.dir, err = t.Place("container-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(w.dir) // what is left is swept with the session
		}
	}()
	rw := filepath.Join(w.dir, "rw")
	err = errors.Join(os.Mkdir(filepath.Join(w.dir, "in"), 0o755), os.Mkdir(rw, 0o755), eng.handOver(rw), os.Chmod(w.dir, 0o755))
	for _, name := range []string{"out", "checkpoint", tmpFolder} {
		err = errors.Join(err, os.Symlink("rw/"+name, filepath.Join(w.dir, name)))
	}
	if err != nil {
		return nil, err
	}
	listener, err := listen(w.dir)
	if err != nil {
		return nil, e.noWorkers(err)
	}
	defer listener.Close()
	if w.id, err = e.create(ctx, eng, t, w.dir, "", w); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			e.remove(ctx, w.id)
		}
	}()
	if err := e.api.ContainerStart(context.WithoutCancel(ctx), w.id, container.StartOptions{}); err != nil {
		return nil, engineError("starting the container", err)
	}
	go e.supervise(w)
	socket, err := w.accept(listener)
	if err != nil {
		return nil, e.noWorkers(err)
	}
	w.link = protocol.NewLink(socket)
	return w, nil
}

// withoutWorkers reports whether workers cannot connect here.
func (e *Executor) withoutWorkers() bool {
	e.workers.mu.Lock()
	defer e.workers.mu.Unlock()
	return e.workers.without
}

// noWorkers makes all further stages have containers of their own.
func (e *Executor) noWorkers(err error) error {
	e.workers.mu.Lock()
	defer e.workers.mu.Unlock()
	e.workers.without = true
	return fmt.Errorf("%w: %w", errNoWorker, err)
}

// listen makes the socket of a worker's folder. Only the one container that has the folder can connect, and whoever may enter the folder
// on the host, which is in one that no other user may enter.
func listen(dir string) (*net.UnixListener, error) {
	folder, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	// The name of a socket has at most 107 bytes, which the folder's own path may have already.
	name := fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), socketFile)
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		return nil, err
	}
	listener.SetUnlinkOnClose(false) // by that name it is not there any more
	return listener, errors.Join(os.Chmod(filepath.Join(dir, socketFile), 0o666), listener.SetDeadline(time.Now().Add(connectTime)))
}

// socketFile is the name of the socket in a worker's folder.
const socketFile = "socket"

// accept waits for the worker to connect.
func (w *worker) accept(listener *net.UnixListener) (*net.UnixConn, error) {
	over := make(chan struct{})
	defer close(over)
	go func() {
		select {
		case <-w.ended:
			_ = listener.Close() // nobody is going to connect
		case <-over:
		}
	}()
	socket, err := listener.AcceptUnix()
	return socket, errors.Join(err, os.Remove(filepath.Join(w.dir, socketFile)))
}

// supervise waits until the container has ended.
func (e *Executor) supervise(w *worker) {
	defer close(w.ended)
	ended, failed := e.api.ContainerWait(context.Background(), w.id, container.WaitConditionNotRunning)
	select {
	case r := <-ended:
		w.code = int(r.StatusCode)
		if r.Error != nil {
			w.lost = fmt.Errorf("waiting for the container: %s", r.Error.Message)
		}
	case err := <-failed:
		w.lost = engineError("waiting for the container", err)
	}
}

// kill removes the container, running or not, and what it had on the host.
func (e *Executor) kill(ctx context.Context, w *worker) {
	_ = w.link.Close() // nobody is at the other end
	e.remove(ctx, w.id)
	<-w.ended
	_ = os.RemoveAll(w.dir) // what is left is swept with the session
}

// closeWorkers removes those that are idle.
func (e *Executor) closeWorkers() {
	e.workers.mu.Lock()
	idle := e.workers.idle
	e.workers.idle = nil
	e.workers.mu.Unlock()
	var all sync.WaitGroup
	for _, w := range idle {
		all.Go(func() { e.kill(context.Background(), w) })
	}
	all.Wait()
}

// lend moves a task's folders to where the worker sees them. takeBack moves them back; it reports whether nothing else was where
// the stage could write to. Folders are renamed and not copied, which takes no time and needs one file system for both places:
// another one is syscall.EXDEV, and the stage has a container of its own.
func (w *worker) lend(eng engine, t executor.Task) (takeBack func() (clean bool, err error), err error) {
	rw := filepath.Join(w.dir, "rw")
	var lent []loan
	takeBack = func() (bool, error) {
		var errs []error
		for _, l := range slices.Backward(lent) {
			errs = append(errs, l.undo())
		}
		left, err := os.ReadDir(rw)
		return len(left) == 0, errors.Join(append(errs, err, empty(t.Scratch))...)
	}
	if err := os.MkdirAll(t.Scratch, 0o700); err != nil {
		return nil, err
	}
	all := []loan{{t.Out, filepath.Join(rw, "out"), true}, {t.Scratch, filepath.Join(rw, tmpFolder), true}}
	if t.Checkpoint != "" {
		all = append(all, loan{t.Checkpoint, filepath.Join(rw, "checkpoint"), true})
	}
	for _, in := range t.Inputs {
		all = append(all, loan{in.Path, filepath.Join(w.dir, "in", in.Port), false})
	}
	err = errors.Join(protocol.WriteDescription(filepath.Join(w.dir, protocol.DescriptionFile), t.Spec), eng.handOver(t.Out, t.Checkpoint, t.Scratch))
	for _, l := range all {
		if err == nil {
			err = l.do()
		}
		if err != nil {
			_, failed := takeBack()
			return nil, errors.Join(err, failed)
		}
		lent = append(lent, l)
	}
	return takeBack, nil
}

// empty removes what is in a folder.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}

// loan is a folder that is elsewhere for a while.
type loan struct {
	from, to string
	link     bool // stands in its place meanwhile
}

// do moves the folder away. After an error it is where it was.
func (l loan) do() error {
	if err := os.Rename(l.from, l.to); err != nil || !l.link {
		return err
	}
	if err := os.Symlink(l.to, l.from); err != nil {
		return errors.Join(err, os.Rename(l.to, l.from))
	}
	return nil
}

// undo moves the folder back, over the link that stood for it.
func (l loan) undo() error {
	var err error
	if l.link {
		err = os.Remove(l.from)
	}
	return errors.Join(err, os.Rename(l.to, l.from))
}

// workerEnd is how a stage ended: with success, or with its container.
type workerEnd struct {
	done                *component.Done // nil: its container has ended
	timedOut, cancelled bool
}

// awaitWorker waits for the stage to end, and ends the container when the stage's time is up or ctx is done.
func (e *Executor) awaitWorker(ctx context.Context, timeout time.Duration, w *worker) (end workerEnd, err error) {
	var alarm <-chan time.Time
	if timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case d := <-w.link.Replies:
		return workerEnd{done: &d}, nil
	case <-w.ended:
		select {
		case d := <-w.link.Replies: // the last thing that it said
			return workerEnd{done: &d}, nil
		default:
			return workerEnd{}, w.lost
		}
	case <-alarm:
		end.timedOut = true
	case <-ctx.Done():
		end.cancelled = true
	}
	if err := e.stop(context.WithoutCancel(ctx), w.id); err != nil {
		return end, err
	}
	<-w.ended
	return end, w.lost
}

// workerConfig describes the container of a worker that a task is the first one of.
func (e *Executor) workerConfig(t executor.Task, eng engine, image, dir string) (*container.Config, *container.HostConfig) {
	first := t
	first.Spec = component.Spec{}
	c, h := e.config(first, eng, image, "")
	c.Entrypoint = []string{"/" + binaryPath, "worker", root + "/" + socketFile}
	c.Env = []string{"PATH=" + stagePath, "HOME=/tmp", "TMPDIR=/tmp", "TZ=UTC", "LC_ALL=C"} // what it keeps open outlives a stage's folders
	delete(c.Labels, labelAddress)
	delete(c.Labels, labelFingerprint)
	delete(c.Labels, labelAttempt)
	h.Mounts = []mount.Mount{
		{Type: mount.TypeBind, Source: dir, Target: root, ReadOnly: true},
		{Type: mount.TypeBind, Source: filepath.Join(dir, "rw"), Target: root + "/rw"},
	}
	return c, h
}
