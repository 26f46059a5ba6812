// Package beside runs a program in a container beside this process: of a pod, whose containers share a folder, and nothing else. One container has
// an image of somebody's own and no rights; in it a small part of mlp waits (Wait), starts the program and says how it ended. The other one has
// credentials, inputs and outputs, and asks (Executor).
//
//	install DIR      in an init container: the folder, with this binary in it
//	run DIR          in the program's container, which has it as /mlp/…: Wait
//	New(ctx, dir)    in ours
package beside

// What is where, in the folder that both see:
//
//	root/            the root of the stage protocol, which the program has as /mlp, read-only
//	root/out         to write, as /mlp/out
//	root/checkpoint  to write, as /mlp/checkpoint
//	made/            layers that lie over the image, of which made/opt/mlp is /opt/mlp
//	run/mlp          this binary, which starts the program
//	run/socket       where who runs the program is asked
//
// Containers have mounts of root and so on before there is anything in them: what is laid out is moved into folders that are there, and never in
// the place of them.
//
// The program's user could talk to the socket itself. All that it can say there is how the program ended, and with which log.

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/component/python"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/protocol"
)

// Names in the folder.
const (
	RootFolder = "root"
	MadeFolder = "made"
	RunFolder  = "run"
	Binary     = "mlp"
	socket     = "socket"
)

// Over is the one folder that layers over an image may have files in.
const Over = "/opt/mlp"

// Executor asks for one program.
type Executor struct {
	dir      string
	listener *net.UnixListener
	asked    atomic.Bool
	lost     atomic.Bool
}

var _ executor.Executor = (*Executor)(nil)

// New takes the folder that Install made, and listens. Whoever waits in the program's container finds it from now on.
func New(dir string) (*Executor, error) {
	at := filepath.Join(dir, RunFolder, socket)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: at, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("waiting for the program's container: %w", err)
	}
	return &Executor{dir: dir, listener: l}, nil
}

// Name is "beside".
func (e *Executor) Name() string { return "beside" }

// Close stops listening.
func (e *Executor) Close() error { return e.listener.Close() }

// Lost reports whether Run ended with ErrLost.
func (e *Executor) Lost() bool { return e.lost.Load() }

// Secrets is the folder of secrets, which the containers have both mounted.
func (e *Executor) Secrets() string { return filepath.Join(e.dir, RootFolder, "secrets") }

// ErrLost: the program's container ended and did not say how. Whoever runs the containers knows.
var ErrLost = errors.New("the container of the program ended without a word")

// Run has the program run once. There is one container of it, so that another attempt is ErrUnsupported, as is a built-in component.
func (e *Executor) Run(ctx context.Context, t executor.Task) (executor.Result, error) {
	var none executor.Result
	if t.Container == nil {
		return none, fmt.Errorf("%s runs no program: %w", t.Address, executor.ErrUnsupported)
	}
	if err := ctx.Err(); err != nil {
		return none, err
	}
	if e.asked.Swap(true) {
		return none, fmt.Errorf("%s: its container has run a program already: %w", t.Address, executor.ErrUnsupported)
	}
	back, err := e.layOut(t)
	if err == nil {
		var result executor.Result
		if result, err = e.run(ctx, t); err == nil {
			return result, back()
		}
	}
	return none, errors.Join(err, back())
}

// run asks for the program and sees it to its end.
func (e *Executor) run(ctx context.Context, t executor.Task) (executor.Result, error) {
	var none executor.Result
	conn, err := e.accept(ctx)
	if err != nil {
		return none, err
	}
	link := protocol.NewLink(conn)
	defer link.Close()
	log := protocol.NewLog(t.Log, t.Mask)
	out, err := link.Send(component.Job{Root: mount, Command: t.Container.Command, Closed: !t.Container.Network && t.Rank == nil, Env: protocol.Environment(t.Spec, protocol.Settings{
		Root: mount, Home: "/tmp", CPUs: t.CPUs, MemoryMB: t.MemoryMB, Extra: t.Container.Env, Rank: t.Rank,
	})}, log)
	if err != nil {
		e.lost.Store(true)
		return none, fmt.Errorf("%s: %w: %w", t.Address, ErrLost, err)
	}
	result, err := await(ctx, t, link)
	e.lost.Store(errors.Is(err, ErrLost))
	out.Wait()
	result.Trace.Platform = runtime.GOOS + "/" + runtime.GOARCH
	result.Trace.Node, _ = os.Hostname()
	return result, errors.Join(err, log.Err())
}

// mount is where a program has the root of the protocol.
const mount = "/mlp"

// accept waits for the program's container. Its image may have to be pulled first, which takes as long as it takes.
func (e *Executor) accept(ctx context.Context) (*net.UnixConn, error) {
	defer context.AfterFunc(ctx, func() { _ = e.listener.SetDeadline(time.Now()) })()
	conn, err := e.listener.AcceptUnix()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return conn, err
}

// longest is how much longer than its grace a program that is to end may take to say so.
const longest = 30 * time.Second

// await waits for the end, and asks for it when the time is up or ctx has ended.
func await(ctx context.Context, t executor.Task, link *protocol.Link) (r executor.Result, err error) {
	var alarm <-chan time.Time
	if t.Timeout > 0 {
		timer := time.NewTimer(t.Timeout)
		defer timer.Stop()
		alarm = timer.C
	}
	gone, stopped := link.Gone, ctx.Done()
	for {
		select {
		case d := <-link.Replies:
			r.ExitCode, r.Trace.CPU, r.Trace.PeakMemory = d.ExitCode, time.Duration(d.CPUMicros)*time.Microsecond, d.Peak
			if d.Told && !r.TimedOut {
				return r, errors.Join(ctx.Err(), fmt.Errorf("%s: its container was told to end: %w", t.Address, context.Canceled))
			}
			if d.OutOfMemory && !r.TimedOut {
				r.OutOfMemory, r.MemoryMB = true, t.MemoryMB
			}
			return r, ctx.Err()
		case <-gone: // what it said last may have come before
			gone = nil
			if len(link.Replies) == 0 {
				return r, errors.Join(ctx.Err(), fmt.Errorf("%s: %w", t.Address, ErrLost))
			}
			continue
		case <-alarm:
			r.TimedOut = stopped != nil
		case <-stopped:
		}
		if stopped == nil { // it was told before
			return r, errors.Join(ctx.Err(), fmt.Errorf("%s: %w", t.Address, ErrLost))
		}
		stopped, alarm = nil, time.After(grace+longest)
		_ = link.Stop() // else it has ended
	}
}

// layOut puts the task's folders where the program has them, and returns what puts them back.
func (e *Executor) layOut(t executor.Task) (back func() error, err error) {
	root := filepath.Join(e.dir, RootFolder)
	var undo []func() error
	back = func() (err error) {
		for _, u := range undo {
			err = errors.Join(err, u())
		}
		return err
	}
	for name, folder := range map[string]string{"out": t.Out, "checkpoint": t.Checkpoint} {
		if folder == "" {
			continue
		}
		at := filepath.Join(root, name)
		if err := moveAll(folder, at); err != nil {
			return back, err
		}
		// Whoever looks at how much is written follows the link.
		if err := errors.Join(os.Remove(folder), os.Symlink(at, folder)); err != nil {
			return back, err
		}
		undo = append(undo, func() error { return errors.Join(os.Remove(folder), os.Mkdir(folder, 0o755), moveAll(at, folder)) })
	}
	for _, in := range t.Inputs {
		at := filepath.Join(root, "in", in.Port)
		if !in.Own {
			if err := os.CopyFS(at, os.DirFS(in.Path)); err != nil {
				return back, err
			}
			undo = append(undo, func() error { return os.RemoveAll(at) })
			continue
		}
		if err := os.Rename(in.Path, at); err != nil {
			return back, err
		}
		undo = append(undo, func() error { return os.Rename(at, in.Path) })
	}
	description, library := filepath.Join(root, protocol.DescriptionFile), filepath.Join(root, python.Folder)
	undo = append(undo, func() error { return errors.Join(os.RemoveAll(description), os.RemoveAll(library)) })
	err = errors.Join(protocol.WriteDescription(description, t.Spec), protocol.MakeOutputFolders(filepath.Join(root, "out"), t.Spec),
		protocol.WriteLibrary(t.Container.Library, library), e.secrets(t.Secrets))
	if made := t.Container.Made; err == nil && made != nil {
		for _, layer := range made.Layers {
			err = errors.Join(err, unpack(filepath.Join(made.Dir, layer), filepath.Join(e.dir, MadeFolder)))
		}
	}
	return back, err
}

// secrets are in the program's container already, from where they come; this one has the values to look for them in what the program writes.
func (e *Executor) secrets(all []executor.Secret) error {
	for _, s := range all {
		if _, err := os.Stat(filepath.Join(e.Secrets(), s.Name)); err != nil {
			return fmt.Errorf("secret.%s is not in the program's container: %w", s.Name, executor.ErrUnsupported)
		}
	}
	return nil
}

// moveAll moves what is in a folder into another one.
func moveAll(from, to string) error {
	entries, err := os.ReadDir(from)
	for _, entry := range entries {
		err = errors.Join(err, os.Rename(filepath.Join(from, entry.Name()), filepath.Join(to, entry.Name())))
	}
	return err
}

// unpack lays a layer out below a folder, as it would lie in the image: files and folders below Over, of modes of their own and the time 0.
func unpack(layer, to string) error {
	f, err := os.Open(layer)
	if err != nil {
		return err
	}
	defer f.Close()
	root, err := os.OpenRoot(to)
	if err != nil {
		return err
	}
	defer root.Close()
	for t := tar.NewReader(f); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = unpackEntry(root, t, h)
		}
		if err != nil {
			return fmt.Errorf("laying %s over the image: %w", filepath.Base(layer), err)
		}
	}
}

func unpackEntry(root *os.Root, from io.Reader, h *tar.Header) error {
	name := strings.TrimPrefix(path.Clean("/"+h.Name), "/")
	above := strings.HasPrefix(Over+"/", "/"+name+"/") // "opt", which is there
	if !above && !strings.HasPrefix("/"+name, Over+"/") || strings.HasPrefix(path.Base(name), ".wh.") {
		return fmt.Errorf("%q lies outside of %s, the one folder that a layer may have files in where there is no container engine: %w", h.Name, Over, executor.ErrUnsupported)
	}
	switch {
	case above:
		return nil
	case h.Typeflag == tar.TypeDir:
		return root.MkdirAll(name, 0o755)
	case h.Typeflag != tar.TypeReg:
		return fmt.Errorf("%q is neither file nor folder: %w", h.Name, executor.ErrUnsupported)
	}
	w, err := root.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, os.FileMode(h.Mode)&0o777)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, from)
	return errors.Join(err, w.Chmod(os.FileMode(h.Mode)&0o777), w.Close(), root.Chtimes(name, time.Unix(0, 0), h.ModTime))
}
