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
	"runtime"
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
	self   string
	env    map[string]string
	memory func() int64 // of the machine, in bytes

	mu      sync.Mutex
	scratch *scratch.Folder // of workers; nil: there was none yet
	workers []*worker       // that have nothing to do
}

var _ executor.Executor = (*Executor)(nil)

// New returns an executor. It fails if the binary is not there.
// It is looked for here, so that a wrong path is told before an apply begins, and not by its first stage.
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
	return &Executor{self: self, env: o.Env, memory: sync.OnceValue(machineMemory)}, nil
}

// Name is "process".
func (e *Executor) Name() string { return "process" }

// Machine is what this machine has.
func (e *Executor) Machine(context.Context) (memoryMB int64, cpus float64) {
	return e.memory() >> 20, float64(runtime.NumCPU())
}

// Close ends the workers.
func (e *Executor) Close() error {
	for w := e.idle(""); w != nil; w = e.idle("") {
		w.kill()
	}
	if e.scratch == nil {
		return nil
	}
	return e.scratch.Close()
}

// Run runs one attempt.
// A stage that says no limit of memory has the share of the machine that executor.DefaultMemoryMB gives: the same on the
// same machine, whatever ran before. The folders of the attempt are emptied in any case; what it wrote to its outputs is
// the caller's.
func (e *Executor) Run(ctx context.Context, t executor.Task) (executor.Result, error) {
	if t.Container != nil {
		return executor.Result{}, fmt.Errorf("%s runs an image of its own, which needs a container engine: %w", t.Address, executor.ErrUnsupported)
	}
	if err := ctx.Err(); err != nil {
		return executor.Result{}, err
	}
	t.MemoryMB = cmp.Or(t.MemoryMB, executor.DefaultMemoryMB(e.memory()))
	root, err := layOut(t)
	if err != nil {
		return executor.Result{}, fmt.Errorf("preparing %s: %w", t.Address, err)
	}
	defer clearOut(root)
	return e.run(ctx, t, root)
}

// home is the folder in a stage's root that its HOME and TMPDIR are.
const home = "home"

// layOut makes the root folder of a stage: the description, links to inputs, outputs and checkpoint, and a home. It is the task's scratch
// folder, where what an earlier task left is used if it is the same: a folder that is made and removed costs a small stage a part of its
// time.
func layOut(t executor.Task) (root string, err error) {
	if root, err = filepath.Abs(t.Scratch); err != nil {
		return "", err
	}
	links := map[string]string{"out": t.Out}
	if t.In != "" {
		links["in"] = t.In
	}
	if t.Checkpoint != "" {
		links["checkpoint"] = t.Checkpoint
	}
	err = os.MkdirAll(root, 0o700)
	for _, name := range []string{"in", "out", "checkpoint"} {
		at := filepath.Join(root, name)
		switch folder, ok := links[name]; {
		case err != nil:
		case ok:
			err = link(folder, at)
		default:
			err = os.RemoveAll(at)
		}
	}
	err = errors.Join(err, scratch.Emptied(filepath.Join(root, home)), protocol.WriteDescription(filepath.Join(root, protocol.DescriptionFile), t.Spec))
	if in := filepath.Join(root, "in"); t.In == "" {
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
	if err != nil {
		os.RemoveAll(root)
		return "", err
	}
	return root, nil
}

// clearOut takes out of a root folder what was of the stage. Links to folders, the description and an empty home stay for the next.
// What a stage left behind must not be seen by the next one, which could then depend on what ran before it.
func clearOut(root string) {
	entries, err := os.ReadDir(root)
	for _, e := range entries {
		at := filepath.Join(root, e.Name())
		switch name := e.Name(); {
		case name == home && e.IsDir():
			err = errors.Join(err, scratch.Emptied(at))
		case name == protocol.DescriptionFile && e.Type().IsRegular():
		case e.Type() == os.ModeSymlink && (name == "in" || name == "out" || name == "checkpoint"):
		default:
			err = errors.Join(err, os.RemoveAll(at))
		}
	}
	if err != nil {
		_ = os.RemoveAll(root) // what is left goes with the attempt's folders
	}
}

// link makes name a symbolic link to an existing folder, unless it is that. Hard links to the files would cost time by their number,
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
	if now, err := os.Readlink(name); err == nil && now == folder {
		return nil
	}
	return errors.Join(os.RemoveAll(name), os.Symlink(folder, name))
}
