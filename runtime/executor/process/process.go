// Package process runs stages as processes of this machine: the executor where no container engine answers. It runs
// built-in components only, by the binary that it is given. A stage has a private folder, a process of a group of its own while it runs,
// and a bare environment, but is not otherwise shut in: it can reach what its user can. Processes stay and run one stage after another
// (worker.go): the same bytes as in a process for each, at a tenth of the cost.
package process

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/protocol"
	"github.com/mlp-lang/mlp/runtime/scratch"
)

// Options of the executor.
type Options struct {
	// SelfPath is the binary whose `worker` command runs built-in components; empty: the running one.
	SelfPath string
	// Env is added to each stage's environment.
	Env map[string]string
}

// Executor runs stages as processes.
type Executor struct {
	self string
	env  map[string]string

	mu      sync.Mutex
	scratch *scratch.Folder // of workers; nil: there was none yet
	workers []*worker       // that have nothing to do
}

var _ executor.Executor = (*Executor)(nil)

// New returns an executor. It fails if the binary is not there.
func New(o Options) (*Executor, error) {
	self := o.SelfPath
	if self == "" {
		path, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("finding the running binary: %w", err)
		}
		self = path
	}
	self, err := filepath.Abs(self)
	if err != nil {
		return nil, fmt.Errorf("finding the binary for stages: %w", err)
	}
	info, err := os.Stat(self)
	if err != nil {
		return nil, fmt.Errorf("finding the binary for stages: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return nil, fmt.Errorf("the binary for stages, %s, cannot be run: it is no executable file", self)
	}
	return &Executor{self: self, env: o.Env}, nil
}

// Name is "process".
func (e *Executor) Name() string { return "process" }

// Close ends the workers.
func (e *Executor) Close() error {
	for w := e.idle(); w != nil; w = e.idle() {
		w.kill()
	}
	if e.scratch == nil {
		return nil
	}
	return e.scratch.Close()
}

// Run runs one attempt.
func (e *Executor) Run(ctx context.Context, t executor.Task) (executor.Result, error) {
	if t.Container != nil {
		return executor.Result{}, fmt.Errorf("%s runs an image of its own, which needs a container engine: %w", t.Address, executor.ErrUnsupported)
	}
	if err := ctx.Err(); err != nil {
		return executor.Result{}, err
	}
	t.MemoryMB = cmp.Or(t.MemoryMB, executor.DefaultMemoryMB(machineMemory()))
	root, err := layOut(t)
	if err != nil {
		return executor.Result{}, fmt.Errorf("preparing %s: %w", t.Address, err)
	}
	defer os.RemoveAll(root)
	return e.run(ctx, t, root)
}

// layOut makes the root folder of a stage: the description, links to inputs, outputs and checkpoint, and a home. It is the task's scratch
// folder where that is not there yet, else a folder in it. Each folder that is made and removed costs a small stage a part of its
// time, the more of them the longer: a file system keeps what was removed a moment ago from being used again, and looks past it.
func layOut(t executor.Task) (string, error) {
	root, err := newRoot(t.Scratch)
	if err != nil {
		return "", err
	}
	err = errors.Join(
		protocol.WriteDescription(filepath.Join(root, protocol.DescriptionFile), t.Spec),
		os.Mkdir(filepath.Join(root, "home"), 0o700),
		link(t.Out, filepath.Join(root, "out")),
	)
	in := filepath.Join(root, "in")
	if t.In != "" {
		err = errors.Join(err, link(t.In, in))
	} else {
		err = errors.Join(err, os.Mkdir(in, 0o755))
		for _, input := range t.Inputs {
			err = errors.Join(err, link(input.Path, filepath.Join(in, input.Port)))
		}
	}
	if len(t.Secrets) > 0 {
		err = errors.Join(err, os.Mkdir(filepath.Join(root, "secrets"), 0o700))
	}
	for _, secret := range t.Secrets {
		err = errors.Join(err, os.Symlink(secret.Path, filepath.Join(root, "secrets", secret.Name)))
	}
	if t.Checkpoint != "" {
		err = errors.Join(err, link(t.Checkpoint, filepath.Join(root, "checkpoint")))
	}
	if err != nil {
		os.RemoveAll(root)
		return "", err
	}
	return root, nil
}

// newRoot makes the root folder, absolute.
func newRoot(scratch string) (string, error) {
	root, err := filepath.Abs(scratch)
	if err != nil {
		return "", err
	}
	err = os.MkdirAll(filepath.Dir(root), 0o700)
	if err == nil {
		err = os.Mkdir(root, 0o700)
	}
	if errors.Is(err, os.ErrExist) {
		return os.MkdirTemp(root, "stage-")
	}
	return root, err
}

// link makes name a symbolic link to an existing folder. Hard links to the files would cost time by their number,
// change the originals' ctime and need the same file system.
func link(folder, name string) error {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	info, err := os.Stat(folder)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is no folder", folder)
	}
	if beside := filepath.Dir(filepath.Dir(name)); filepath.Dir(folder) == beside {
		folder = filepath.Join("..", filepath.Base(folder)) // a short one lies in the inode
	}
	return os.Symlink(folder, name)
}
