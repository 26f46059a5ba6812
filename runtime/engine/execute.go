package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/component"
	"github.com/mlp-lang/mlp/runtime/executor"
)

// attempt is a stage being run: its folders, its log and what it is told.
type attempt struct {
	*run
	node   *plan.Node
	fp     plan.Digest
	work   string
	log    *stageLog
	task   executor.Task
	number int

	secrets *secrets
	quota   *quota
}

// execute runs a stage, with retries, and records its result. The error is a Failure, or one that asFailure knows.
func (r *run) execute(ctx context.Context, n *plan.Node, inputs map[string]plan.Digest, fp plan.Digest, rebuild bool) (*plan.Action, error) {
	work, err := r.Store.Temp("stage-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	a := &attempt{run: r, node: n, fp: fp, work: work}
	if a.log, err = newStageLog(filepath.Join(work, "log"), n.Address, r.emit); err != nil {
		return nil, err
	}
	defer a.log.close()
	if err := r.checkExternal(ctx, n); err != nil {
		return nil, err
	}
	var handed []plan.Secret
	if n.Container != nil {
		handed = n.Container.Secrets
	}
	if a.secrets, err = openSecrets(r.Dir, handed); err != nil {
		return nil, err
	}
	defer a.secrets.close()
	if m := a.secrets.mask(); m != nil {
		a.log.mask, a.task.Mask = m, m
	}
	checkpoint, err := r.Store.Checkpoint(fp)
	if err != nil {
		return nil, err
	}
	if checkpoint != nil {
		defer checkpoint.Release()
		a.task.Checkpoint = checkpoint.Dir
	} else { // another apply runs the same stage: what this one keeps ends with it
		a.task.Checkpoint = filepath.Join(work, "checkpoint")
	}
	if err := a.forgetSecrets(); err != nil {
		return nil, err
	}
	if err := a.prepare(ctx, inputs); err != nil {
		return nil, err
	}
	started := time.Now()
	r.journal.step(step{Step: "run", Key: "node/" + n.Address, Fingerprint: fp, Live: a.log.path})
	if err := a.try(ctx, rebuild); err != nil {
		return nil, a.failed(ctx, a.orStale(ctx, err))
	}
	action, err := a.finish(ctx, inputs, started)
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	return action, os.RemoveAll(a.task.Checkpoint)
}

// prepare lays out the inputs and describes the task.
func (a *attempt) prepare(ctx context.Context, inputs map[string]plan.Digest) error {
	timeout := defaultTimeout
	if a.node.TimeoutMS > 0 {
		timeout = time.Duration(a.node.TimeoutMS) * time.Millisecond
	}
	a.task = executor.Task{
		Pipeline: a.Plan.Pipeline, Workspace: a.Plan.Workspace, Address: a.node.Address, Fingerprint: string(a.fp),
		Apply: a.Apply, Spec: a.spec(a.node), Out: filepath.Join(a.work, "out"), Scratch: filepath.Join(a.work, "scratch"),
		Checkpoint: a.task.Checkpoint, Timeout: timeout, MemoryMB: a.node.MemoryMB, CPUs: a.node.CPUs, Log: a.log, Mask: a.task.Mask,
	}
	if c := a.node.Container; c != nil {
		a.task.Secrets = a.secrets.files
		a.task.Container = &executor.Container{ImageID: c.ImageID, Command: c.Command, Env: c.Env, Network: c.Network}
	}
	for _, in := range a.node.Inputs {
		path, err := a.layOut(ctx, in, inputs[in.Port])
		if err != nil {
			return fmt.Errorf("input %s of %s: %w", in.Port, a.node.Address, err)
		}
		a.task.Inputs = append(a.task.Inputs, executor.Input{Port: in.Port, Path: path})
	}
	var err error
	if a.quota, err = newQuota(a.Store.Root(), a.node.DiskMB, a.task.Out, a.task.Checkpoint, a.task.Scratch); err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(a.task.Checkpoint, 0o700), os.MkdirAll(a.task.Scratch, 0o700))
}

// spec is what a stage is told.
func (r *run) spec(n *plan.Node) component.Spec {
	s := component.Spec{
		Protocol: component.Protocol, Address: n.Address, Component: componentName(n), Version: n.Version,
		Config: n.Config, Seed: seed(n.Config), In: map[string]schema.Shape{}, Out: map[string]schema.Shape{},
	}
	for _, in := range n.Inputs {
		s.In[in.Port] = shape(in.Shape, "")
		if in.External != nil {
			if s.Files == nil {
				s.Files = map[string][]string{}
			}
			s.Files[in.Port] = in.External.Names()
			s.Unquoted = s.Unquoted || r.Unquoted != nil && r.Unquoted(in.External)
		}
	}
	for _, out := range n.Outputs {
		s.Out[out.Port] = shape(out.Shape, out.Type)
	}
	return s
}

func shape(s *schema.Shape, t schema.PortType) schema.Shape {
	if s == nil {
		return schema.Shape{Type: t}
	}
	out := *s
	out.Type = cmp.Or(out.Type, t)
	return out
}

func componentName(n *plan.Node) string {
	if n.Type == "" {
		return n.Kind
	}
	return n.Kind + "." + n.Type
}

// seed is the configuration's, 0 where it has none.
func seed(config json.RawMessage) int64 {
	var c struct {
		Seed float64 `json:"seed"`
	}
	if json.Unmarshal(config, &c) != nil {
		return 0
	}
	return int64(c.Seed)
}

// try makes attempts until one succeeds or another would not help. Three budgets: the stage's own for exit code 75, the
// engine's for faults that are not the stage's, none for what would only happen again.
func (a *attempt) try(ctx context.Context, rebuild bool) error {
	own, engine := a.node.Retries, engineRetries
	wait := a.Backoff
	for {
		a.number++
		a.emit(StageStarted{Address: a.node.Address, Attempt: a.number, Rebuild: rebuild})
		failure := a.once(ctx)
		if failure == nil {
			return nil
		}
		failure.Attempts = a.number
		switch {
		case ctx.Err() != nil:
			return failure
		case failure.Kind == ExitFailure && failure.ExitCode == component.ExitRetry && own > 0:
			own--
		case failure.passing && engine > 0:
			engine--
		default:
			return failure
		}
		a.emit(StageRetried{Address: a.node.Address, Attempt: a.number, Why: failure.Summary, Wait: wait})
		if !sleep(ctx, wait) {
			return failuref(KilledFailure, "killed while waiting for another attempt")
		}
		wait *= 2
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// once makes one attempt with an empty output folder.
func (a *attempt) once(ctx context.Context) *Failure {
	if err := errors.Join(os.RemoveAll(a.task.Out), os.MkdirAll(a.task.Out, 0o700)); err != nil {
		return failuref(StoreFailure, "preparing the output folder: %v", err)
	}
	a.log.begin(a.number)
	t := a.task
	t.Attempt = a.number
	running, cancel := context.WithCancelCause(ctx)
	go a.quota.watch(running, cancel)
	res, err := a.Executor.Run(running, t)
	over := context.Cause(running) == errOverQuota
	cancel(nil)
	switch {
	case ctx.Err() != nil:
		return failuref(KilledFailure, "killed")
	case over || a.quota.exceeded():
		return a.quota.failure(a.node.Address)
	case errors.Is(err, executor.ErrImage):
		return failuref(ImageFailure, "%v", err)
	case err != nil:
		return engineFailure(err)
	case res.OutOfMemory:
		return a.outOfMemory(res.MemoryMB)
	case res.TimedOut:
		return failuref(TimeoutFailure, "%s did not end within its time-out of %v", a.node.Address, t.Timeout)
	case res.ExitCode != 0:
		return a.exited(res.ExitCode)
	}
	return a.keptSecret()
}

// keptSecret fails a stage that wrote a secret down where it would be recorded.
func (a *attempt) keptSecret() *Failure {
	for _, dir := range []string{a.task.Out, a.task.Checkpoint} {
		file, secret, err := a.secrets.leaked(dir)
		if err != nil {
			return failuref(StoreFailure, "looking for secrets in what %s wrote: %v", a.node.Address, err)
		}
		if file != "" {
			f := failuref(SecretFailure, "%s wrote the value of secret.%s down", a.node.Address, secret)
			f.Detail = "Nothing of this attempt is kept: outputs and checkpoints are stored, for everybody to read."
			return f
		}
	}
	return nil
}

// forgetSecrets removes a checkpoint that holds the value of a secret, or cannot be looked through. An apply that was killed may
// have left one.
func (a *attempt) forgetSecrets() error {
	if len(a.secrets.files) == 0 {
		return nil
	}
	file, _, err := a.secrets.leaked(a.task.Checkpoint)
	if file == "" && (err == nil || errors.Is(err, os.ErrNotExist)) {
		return nil
	}
	if err := os.RemoveAll(a.task.Checkpoint); err != nil {
		return fmt.Errorf("removing a checkpoint that holds a secret: %w", err)
	}
	return nil
}

func engineFailure(err error) *Failure {
	f := &Failure{Kind: EngineFailure, Summary: err.Error(), passing: errors.Is(err, executor.ErrUnavailable)}
	if f.passing {
		f.Detail = "What is recorded is kept: apply again when the engine is back."
	}
	return f
}

func (a *attempt) outOfMemory(mb int64) *Failure {
	f := failuref(MemoryFailure, "%s needed more memory than it may use, %d MB", a.node.Address, mb)
	f.Detail = "The limit is the block's memory_mb."
	if a.node.MemoryMB == 0 {
		f.Detail = "The block has no memory_mb: the limit is three quarters of the machine's memory."
	}
	return f
}

// exited says a stage's own failure in its own words, where it left any.
func (a *attempt) exited(code int) *Failure {
	f := &Failure{Kind: ExitFailure, ExitCode: code}
	f.Summary, f.Detail = a.log.lastError()
	if f.Summary == "" {
		f.Summary = fmt.Sprintf("%s ended with exit code %d", a.node.Address, code)
	}
	return f
}

// orStale tells of the files that were read, if they are not as the plan knew them: then what the stage found in them
// says nothing about what was planned.
func (a *attempt) orStale(ctx context.Context, err error) error {
	var f, stale *Failure
	if !errors.As(err, &f) || f.Kind != ExitFailure || !errors.As(a.checkExternal(ctx, a.node), &stale) {
		return err
	}
	stale.Detail = strings.TrimSpace(stale.Detail + "\nThe stage said: " + f.Summary)
	return stale
}

// failed completes a failure with the log.
func (a *attempt) failed(ctx context.Context, err error) error {
	f := asFailure(err)
	f.Tail = a.log.tail()
	f.Attempts = a.number
	_ = a.forgetSecrets() // what cannot be removed now is looked through before it is used again
	digest, err := a.Store.PutFile(context.WithoutCancel(ctx), a.log.path)
	if err == nil {
		f.Log = digest
	}
	a.journal.step(step{Step: "failed", Key: "node/" + a.node.Address, Fingerprint: a.fp, Log: f.Log, Message: f.Summary})
	return f
}

// finish takes the outputs of a stage that succeeded and records them.
func (a *attempt) finish(ctx context.Context, inputs map[string]plan.Digest, started time.Time) (*plan.Action, error) {
	duration := time.Since(started)
	if err := a.checkExternal(ctx, a.node); err != nil {
		return nil, err
	}
	outputs, figures, err := a.collect(ctx)
	if err != nil {
		return nil, err
	}
	log, err := a.Store.PutFile(ctx, a.log.path)
	if err != nil {
		return nil, err
	}
	a.journal.step(step{Step: "uploaded", Key: "node/" + a.node.Address, Fingerprint: a.fp, Log: log})
	action := plan.Action{
		Fingerprint: a.fp, Definition: a.node.Definition, Address: a.node.Address,
		Component: fmt.Sprintf("%s@%d", componentName(a.node), a.node.Version), Inputs: inputs, Outputs: outputs,
		Figures: figures, Warnings: a.log.warnings(), Log: log, Platform: a.platform, Executor: a.Executor.Name(),
		ToolVersion: a.ToolVersion, StartedAt: started.UTC().Truncate(time.Millisecond), DurationMS: duration.Milliseconds(),
	}
	if a.node.NoCache {
		return &action, a.Store.ReplaceAction(action)
	}
	return a.Store.PutAction(action)
}
