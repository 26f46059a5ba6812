package docker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"

	"github.com/mlp-lang/mlp/runtime/component/python"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/protocol"
)

const (
	// grace is how long a stage that was told to stop may take to do so, in seconds.
	grace = 2
	// patience bounds a call to the engine that must not be given up with the caller's context.
	patience = time.Minute
)

// Run runs one attempt in a container and removes the container. A command that the image doesn't have is the stage's
// failure, with exit code 127 or 126 and a message in the log, as in a shell.
//
// Without a limit of memory in the task the machine's own share of it is set, so that one stage cannot take all. A context that ends
// stops the container, and the error is the context's.
func (e *Executor) Run(ctx context.Context, t executor.Task) (_ executor.Result, err error) {
	var none executor.Result
	defer func() {
		if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			err = fmt.Errorf("running %s: %w", t.Address, err)
		}
	}()
	if err := ctx.Err(); err != nil {
		return none, err
	}
	if t.Network && t.Container == nil {
		return none, fmt.Errorf("a built-in stage with a network runs as a process: %w", executor.ErrUnsupported)
	}
	eng, err := e.engine.get(ctx, e.findEngine)
	if err != nil {
		return none, err
	}
	if t, err = absolute(t); err != nil {
		return none, err
	}
	ranked := t.Rank == nil && t.Container != nil && t.Container.Replicas > 1
	if ranked {
		t.MemoryMB = cmp.Or(t.MemoryMB, executor.DefaultMemoryMB(eng.memory)/int64(t.Container.Replicas))
	}
	t.MemoryMB = cmp.Or(t.MemoryMB, executor.DefaultMemoryMB(eng.memory))
	if t.Container != nil && t.Container.Build != nil {
		return e.build(ctx, eng, t)
	}
	if e.shareable(t) {
		result, err := e.inWorker(ctx, eng, t)
		if !errors.Is(err, errNoWorker) {
			return e.traced(ctx, eng, t, result, err)
		}
	}
	if t.Attempt > 1 {
		if err := e.removeAttempts(ctx, t); err != nil {
			return none, err
		}
	}
	if ranked {
		return e.runRanks(ctx, eng, t)
	}
	dir, err := prepare(eng, t)
	if err != nil {
		return none, err
	}
	defer os.RemoveAll(dir)
	id, err := e.create(ctx, eng, t, dir, "", nil)
	if err != nil {
		return none, err
	}
	defer e.remove(ctx, id)
	if t.Container != nil && t.Log != nil {
		t.Log = &walls{to: t.Log}
	}
	result, err := e.execute(ctx, t, id)
	return e.traced(ctx, eng, t, result, err)
}

// traced is how a task ended, with where it ran, and with a word in its log on what the stage could not know.
func (e *Executor) traced(ctx context.Context, eng engine, t executor.Task, result executor.Result, err error) (executor.Result, error) {
	result.Trace.Platform = "linux/" + eng.arch
	if err == nil && result.ExitCode != 0 && !result.TimedOut {
		eng.explain(t)
		e.explainImage(context.WithoutCancel(ctx), eng, t)
	}
	return result, err
}

// absolute is the task with all folders as the engine needs them: it mounts by paths of the host, and knows nothing of the folder that mlp was
// started in.
func absolute(t executor.Task) (executor.Task, error) {
	t.Inputs = slices.Clone(t.Inputs)
	folders := []*string{&t.Out, &t.Scratch}
	if t.Checkpoint != "" {
		folders = append(folders, &t.Checkpoint)
	}
	for i := range t.Inputs {
		folders = append(folders, &t.Inputs[i].Path)
	}
	for _, f := range folders {
		abs, err := filepath.Abs(*f)
		if err != nil {
			return t, err
		}
		*f = abs
	}
	return t, nil
}

// prepare writes what only this attempt has on the host, in a new folder of the task's scratch folder.
// The caller removes it. On an error nothing is left.
func prepare(eng engine, t executor.Task) (string, error) {
	if err := os.MkdirAll(t.Scratch, 0o700); err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp(t.Scratch, "container-")
	if err != nil {
		return "", err
	}
	tmp := filepath.Join(dir, tmpFolder)
	err = errors.Join(protocol.WriteDescription(filepath.Join(dir, protocol.DescriptionFile), t.Spec), os.Mkdir(tmp, 0o700))
	if t.Container != nil {
		err = errors.Join(err, protocol.MakeOutputFolders(t.Out, t.Spec), protocol.WriteLibrary(t.Container.Library, filepath.Join(dir, python.Folder)))
	}
	if err = errors.Join(err, eng.handOver(t.Out, t.Checkpoint, tmp)); err != nil {
		os.RemoveAll(dir)
		return "", err
	}
	return dir, nil
}

// create creates the container of a task, or of a worker that the task is the first one of. Dir is the folder on the host that the
// container has beside the task's; on is the network of ranks that it is on, empty: none. The built-in image may have been removed since it was found: then it is loaded again, once.
func (e *Executor) create(ctx context.Context, eng engine, t executor.Task, dir, on string, w *worker) (string, error) {
	if c := t.Container; c != nil {
		image, err := e.imageOf(ctx, c, t.Log)
		if err != nil {
			return "", err
		}
		return e.createFrom(ctx, eng, t, dir, image, on, w)
	}
	image, err := e.image.get(ctx, e.findImage)
	if err != nil {
		return "", err
	}
	id, err := e.createFrom(ctx, eng, t, dir, image, on, w)
	if !errors.Is(err, executor.ErrImage) {
		return id, err
	}
	forget(&e.image, image)
	if image, err = e.image.get(ctx, e.findImage); err != nil {
		return "", err
	}
	return e.createFrom(ctx, eng, t, dir, image, on, w)
}

// createFrom creates a container of an image, once it is known that the engine sees this machine's files.
func (e *Executor) createFrom(ctx context.Context, eng engine, t executor.Task, dir, image, on string, w *worker) (string, error) {
	if _, err := e.binds.get(ctx, func(ctx context.Context) (struct{}, error) {
		return struct{}{}, e.probeBinds(ctx, image, dir)
	}); err != nil {
		return "", err
	}
	config, host := e.config(t, eng, image, dir)
	if w != nil {
		config, host = e.workerConfig(t, eng, image, dir)
	}
	if on != "" {
		onNetwork(on, t, config, host)
	}
	return e.createContainer(ctx, config, host)
}

// createContainer sees the call through even if ctx ends meanwhile, for an unknown id could not be removed.
func (e *Executor) createContainer(ctx context.Context, c *container.Config, h *container.HostConfig) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	created, err := e.api.ContainerCreate(ctx, c, h, endpoint(c, h), nil, "")
	switch {
	case err == nil:
		return created.ID, nil
	case cerrdefs.IsNotFound(err):
		return "", fmt.Errorf("%w: %s", executor.ErrImage, c.Image)
	case errors.Is(err, context.DeadlineExceeded):
		return "", fmt.Errorf("creating a container: %w: no answer within %v", executor.ErrUnavailable, patience)
	}
	return "", engineError("creating a container", err)
}

// execute starts the container and sees it to its end.
// It returns after the log's end has come, so that the result stands behind every line. A stage that was cancelled has no result.
func (e *Executor) execute(ctx context.Context, t executor.Task, id string) (executor.Result, error) {
	var none executor.Result
	log, err := e.attach(ctx, id, t)
	if err != nil {
		return none, err
	}
	defer log.close()
	// Cancelling the start would leave open whether the container runs; it takes a moment only.
	if err := e.api.ContainerStart(context.WithoutCancel(ctx), id, container.StartOptions{}); err != nil {
		return startFailure(t, err)
	}
	meter := e.measure(ctx, id)
	end, err := e.await(ctx, t.Timeout, id)
	trace := meter.stop()
	if err != nil {
		return none, err
	}
	if err := log.finish(); err != nil {
		return none, err
	}
	if end.cancelled {
		return none, context.Cause(ctx)
	}
	result := executor.Result{ExitCode: end.code, TimedOut: end.timedOut, Trace: trace}
	if end.code != 0 && !end.timedOut {
		if result.OutOfMemory, err = e.outOfMemory(ctx, id); result.OutOfMemory {
			result.MemoryMB = t.MemoryMB
		}
	}
	return result, err
}

// startFailure tells a command that the image does not have from the engine's own troubles.
// Engines say it in words alone. Of a built-in stage the binary is known to be there, and every failure is the engine's.
func startFailure(t executor.Task, err error) (executor.Result, error) {
	text := err.Error()
	code := 0
	switch {
	case t.Container == nil:
	case strings.Contains(text, "could not select device driver"):
		return executor.Result{}, fmt.Errorf("the engine hands out no GPUs, which the block's gpus ask for: install NVIDIA's container toolkit where it runs: %w (%s)", executor.ErrUnsupported, text)
	case strings.Contains(text, "executable file not found"), strings.Contains(text, "no such file or directory"):
		code = 127
	case strings.Contains(text, "permission denied"), strings.Contains(text, "exec format error"):
		code = 126
	}
	if code == 0 {
		return executor.Result{}, engineError("starting the container", err)
	}
	summary := fmt.Sprintf("the image cannot run the command %q", t.Container.Command)
	message, err := json.Marshal(map[string]string{"mlp": "error", "summary": summary, "detail": text})
	if err != nil {
		return executor.Result{}, err
	}
	if t.Log != nil {
		fmt.Fprintf(t.Log, "error: %s: %s\n%s\n", summary, text, message)
	}
	return executor.Result{ExitCode: code}, nil
}

// outOfMemory asks whether the kernel killed any process of an ended container for want of memory: the exit code alone, 137, is that of any
// process that is killed.
func (e *Executor) outOfMemory(ctx context.Context, id string) (bool, error) {
	c, err := e.api.ContainerInspect(context.WithoutCancel(ctx), id)
	if err != nil {
		return false, engineError("asking why the container failed", err)
	}
	return c.State != nil && c.State.OOMKilled, nil
}

// remove removes the container, running or not. If the engine is gone it can't; Cleanup does so the next time.
func (e *Executor) remove(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	_ = e.api.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
}
