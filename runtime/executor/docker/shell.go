package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"

	"github.com/mlp-lang/mlp/runtime/executor"
)

// shell is what every image that has one has it as.
const shell = "/bin/sh"

// Shell opens a shell in a container that is that of the task but for its command.
func (e *Executor) Shell(ctx context.Context, t executor.Task, at executor.Terminal) error {
	if t.Container == nil {
		return fmt.Errorf("%s: the image of built-in components has no shell; with --executor process there is one: %w", t.Address, executor.ErrUnsupported)
	}
	if t.Container.Build != nil {
		return fmt.Errorf("%s builds an image, and runs in none; open a shell in a stage that runs in it: %w", t.Address, executor.ErrUnsupported)
	}
	eng, err := e.engine.get(ctx, e.findEngine)
	if err != nil {
		return err
	}
	if t, err = absolute(t); err != nil {
		return err
	}
	if t.Container.Replicas > 1 {
		t.Rank = &executor.Rank{World: 1, Master: "127.0.0.1"} // a script that goes by its rank can be tried
	}
	t.MemoryMB = cmp.Or(t.MemoryMB, executor.DefaultMemoryMB(eng.memory))
	dir, err := prepare(eng, t)
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	image, err := e.imageOf(ctx, t.Container, t.Log)
	if err != nil {
		return err
	}
	config, host := e.config(t, eng, image, dir)
	config.Entrypoint, config.OpenStdin, config.StdinOnce, config.AttachStdin, config.Tty = []string{shell}, true, true, true, at.Raw != nil
	if at.Raw != nil {
		config.Env = append(config.Env, "TERM=xterm")
	}
	id, err := e.createContainer(ctx, config, host)
	if err != nil {
		return err
	}
	defer e.remove(ctx, id)
	return e.converse(ctx, id, t, at)
}

// converse starts the container and hands its shell to the terminal, until it ends.
func (e *Executor) converse(ctx context.Context, id string, t executor.Task, at executor.Terminal) error {
	conn, err := e.api.ContainerAttach(ctx, id, container.AttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
	if err != nil {
		return engineError("opening the shell", err)
	}
	defer conn.Close()
	if err := e.api.ContainerStart(context.WithoutCancel(ctx), id, container.StartOptions{}); err != nil {
		if result, _ := startFailure(t, err); result.ExitCode != 0 {
			return fmt.Errorf("%s: its image has no %s: %w", t.Address, shell, executor.ErrUnsupported)
		}
		return engineError("starting the shell", err)
	}
	if at.Raw != nil {
		restore, err := at.Raw()
		if err != nil {
			return err
		}
		defer restore()
		sized, stop := context.WithCancel(ctx)
		defer stop()
		go e.fit(sized, id, at)
	}
	go func() {
		_, _ = io.Copy(conn.Conn, at.In)
		_ = conn.CloseWrite()
	}()
	told := make(chan error, 1)
	go func() { told <- show(conn, at) }()
	if _, err := e.await(ctx, 0, id); err != nil {
		return err
	}
	select {
	case err := <-told:
		return err
	case <-time.After(patience):
		return errors.New("reading from the shell: its end did not come")
	}
}

// show copies what the shell says: one stream from a terminal, else two in frames.
func show(conn types.HijackedResponse, at executor.Terminal) error {
	var err error
	if at.Raw != nil {
		_, err = io.Copy(at.Out, conn.Reader)
	} else {
		_, err = stdcopy.StdCopy(at.Out, at.Err, conn.Reader)
	}
	return err
}

// fit keeps the container's terminal as large as the one before it.
func (e *Executor) fit(ctx context.Context, id string, at executor.Terminal) {
	width, height := 0, 0
	for ctx.Err() == nil {
		if w, h := at.Size(); w != width || h != height {
			width, height = w, h
			_ = e.api.ContainerResize(ctx, id, container.ResizeOptions{Width: uint(w), Height: uint(h)})
		}
		select {
		case <-ctx.Done():
		case <-time.After(fitEvery):
		}
	}
}

// fitEvery is the time between two looks at the terminal's size.
const fitEvery = 300 * time.Millisecond
