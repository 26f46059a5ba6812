package process

import (
	"cmp"
	"context"
	"errors"
	"os/exec"
	"path/filepath"

	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/protocol"
)

// Shell opens a shell in the task's root folder, with its environment. There are no walls, as around any process; the limit of memory is told and not kept.
func (e *Executor) Shell(ctx context.Context, t executor.Task, at executor.Terminal) error {
	if t.Container != nil {
		return executor.ErrUnsupported
	}
	t.MemoryMB = cmp.Or(t.MemoryMB, executor.DefaultMemoryMB(e.memory()))
	root, err := layOut(t)
	if err != nil {
		return err
	}
	defer clearOut(root)
	cmd := exec.CommandContext(ctx, "/bin/sh")
	cmd.Dir = root
	cmd.Env = protocol.Environment(t.Spec, protocol.Settings{Root: root, Home: filepath.Join(root, home), Path: path, CPUs: t.CPUs, MemoryMB: t.MemoryMB, Extra: e.env})
	cmd.Stdin, cmd.Stdout, cmd.Stderr = at.In, at.Out, at.Err
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		return err
	}
	return nil
}
