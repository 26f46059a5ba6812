// Package attempt makes attempts at one stage, the same way wherever that is: inputs by digest are laid out as folders, an executor
// runs the stage, and what it wrote is checked against its ports, looked through for secrets and stored by digest. It knows nothing
// of other stages, of order or of state: whoever has a store and an executor can make one, as the engine does for each stage that
// must run.
//
//	a, err := attempt.Open(ctx, task, options)   // inputs laid out
//	defer a.Close()
//	failure := a.Try(ctx)                        // once, or again where that may help
//	action, err := a.Finish(ctx)                 // outputs by digest; nothing is recorded yet
//	action, err = a.Record(action)               // what the fingerprint yields from now on
package attempt

// An attempt, step by step, at train.model with the input data.
//
//  1. Open makes a work folder in the store's folder for temporary files, opens the log, compares the files outside with the task (Fresh),
//     reads the secrets that the stage asks for, and lays out each input by its digest. Where an input's object is lost, Remake
//     runs the stage that made it.
//  2. Try has the executor run the stage, once, and fails it if it wrote the value of a secret where that would be recorded. What the
//     stage wrote in its checkpoint folder stays for the next attempt, and for the next apply if this one is killed.
//  3. Finish compares the files outside again, checks the outputs against the stage's ports, and stores outputs and log. The action
//     that it returns is complete, and nobody else can find it yet.
//  4. Record puts the action under the fingerprint. If another process was first with the same outputs, its action holds and
//     is returned; with other outputs, the stage is nondeterministic, which is an error. With cache = false the new action holds.
//  5. Close removes the work folder.
//
// A process that is killed before step 4 leaves objects that no record names, and no result: the stage runs again. After step 4 the
// stage's result is found by its fingerprint, whether or not a revision of the state says so.

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store"
)

// Task is what an attempt is made at. It is plain data that names no folder of any machine, but for files outside of the store.
type Task struct {
	Pipeline    string                 `json:"pipeline"`
	Workspace   string                 `json:"workspace"`
	Apply       string                 `json:"apply"`
	Node        *plan.Node             `json:"node"`
	Fingerprint plan.Digest            `json:"fingerprint"`
	Inputs      map[string]plan.Digest `json:"inputs"`           // port → directory object, or, of a plan.External, the digest that its input has
	Pushed      bool                   `json:"pushed,omitempty"` // its image is one that a stage made, which whoever makes the attempt runs it in as it is
}

// Listener is told what a stage says while it runs, one thing at a time.
type Listener interface {
	Line(text string) // of its log, messages left out, secrets masked
	Progress(done, total int)
	Warning(message string)
}

// Options are what an attempt is made with. Store, Executor and Listener are required.
type Options struct {
	Store    *store.Store
	Executor executor.Executor
	Listener Listener
	// Dir is the absolute folder that files outside and files of secrets are relative to.
	Dir string
	// Convert rewrites a table file in another format; nil: a stage that asks for another than Parquet fails.
	Convert func(ctx context.Context, from, to string, table *schema.Table, src, dst string) error
	// Unquoted reports whether messages must not quote files outside; nil: they may.
	Unquoted func(*plan.External) bool
	// Fresh fails where files outside are not what the task says; nil: there are none, or nobody changes them. A stage reads
	// them in place, so they are looked at before it runs and again after.
	Fresh func(ctx context.Context) error
	// Together is called when what the stage yields is written and is to be stored, and may wait for others to be stored at the same time;
	// nil: there are none.
	Together func(ctx context.Context)
	// Remake makes the lost objects of the node at an address again; nil: a lost input fails the attempt.
	Remake func(ctx context.Context, address string) error
	// Named is what the image of a version was called, which lies below what the node at an address made; "" or nil: that is not known.
	Named       func(address, version string) string
	ToolVersion string
	// Secret reads a secret's value; nil: from where the secret says (ReadSecret).
	Secret func(dir string, s plan.Secret) ([]byte, error)
	// KeepEach is how often what a program has in its checkpoint folder is stored while it runs, where it changed; 0: every five minutes.
	KeepEach time.Duration
	// Stored: files of code are objects of the store, as Elsewhere leaves them; else they lie in Dir.
	Stored bool
	// Rank: the attempt is one replica of a stage of several, which meets the others at Rally; nil: it is all of it. Rank 0 records the result.
	Rank  *executor.Rank
	Rally Rally
}

// Attempt is a stage being run: its folders, its log and what it is told. It is for one goroutine at a time.
type Attempt struct {
	Task
	Options
	node    *plan.Node
	work    string
	log     *log
	task    executor.Task
	number  int
	started time.Time

	secrets *secrets
	quota   *quota
	trace   executor.Trace    // of the last attempt
	kept    *store.Checkpoint // nil: the stage has a folder of this attempt's own
	busy    bool              // another apply has the stage's checkpoint
	resumed bool              // something is kept of this attempt, or of one before
	done    bool              // the stage's result is recorded
}

// Open lays out the inputs. The error is a Failure, or one that AsFailure knows.
func Open(ctx context.Context, t Task, o Options) (_ *Attempt, err error) {
	a := &Attempt{Task: t, Options: o, node: t.Node}
	defer func() {
		if err != nil {
			a.Close()
		}
	}()
	if a.work, err = o.Store.Work(); err != nil {
		return nil, err
	}
	a.log = newLog(filepath.Join(a.work, "log"), o.Listener)
	a.log.ranked = replicas(t.Node) > 1 && o.Rank == nil
	if err := a.fresh(ctx); err != nil {
		return nil, err
	}
	if err := a.openSecrets(); err != nil {
		return nil, err
	}
	if err := a.openCheckpoint(ctx); err != nil {
		return nil, err
	}
	if err := a.forgetSecrets(); err != nil {
		return nil, err
	}
	if err := a.prepare(ctx); err != nil {
		return nil, err
	}
	a.started = time.Now()
	return a, nil
}

// Close removes the attempt's folders. What the stage keeps for its next attempt stays, unless it was recorded.
func (a *Attempt) Close() {
	a.closeCheckpoint()
	if a.secrets != nil {
		_ = a.secrets.close() // what is left in memory is swept
	}
	if a.log != nil {
		a.log.close()
	}
	switch {
	case a.done && a.node.Container == nil: // a program may have left more on its folders than files, such as attributes
		a.Store.Rest(a.work)
	case a.work != "":
		_ = os.RemoveAll(a.work) // what is left is swept with the session
	}
}

// Number is that of the last attempt, from 1; 0 before the first.
func (a *Attempt) Number() int { return a.number }

// More raises the limit of memory after an attempt that needed more than it may use, and returns the one of the next, in MB; 0: it may not be raised.
func (a *Attempt) More() int64 {
	more := plan.MoreMemory(a.task.MemoryMB, a.node.MaxMemoryMB)
	if more > 0 {
		a.task.MemoryMB = more
	}
	return more
}

// fresh calls Fresh, where there is one.
func (a *Attempt) fresh(ctx context.Context) error {
	if a.Fresh == nil {
		return nil
	}
	return a.Fresh(ctx)
}

// openSecrets lays out the secrets that the stage asks for and has the log mask them, before its first line can be written.
func (a *Attempt) openSecrets() (err error) {
	handed := a.node.Secrets
	if a.node.Container != nil {
		handed = a.node.Container.Secrets
	}
	read := a.Secret
	if read == nil {
		read = ReadSecret
	}
	if a.secrets, err = openSecrets(a.Dir, handed, read); err != nil {
		return err
	}
	if m := a.secrets.mask(); m != nil {
		a.log.mask, a.task.Mask = m, m
	}
	return nil
}

// defaultTimeout is for plans that say none, so that no stage hangs for ever.
const defaultTimeout = 24 * time.Hour

// timeout is how long a stage may run.
func timeout(n *plan.Node) time.Duration {
	if n.TimeoutMS > 0 {
		return time.Duration(n.TimeoutMS) * time.Millisecond
	}
	return defaultTimeout
}

// prepare lays out the inputs and describes the task.
func (a *Attempt) prepare(ctx context.Context) error {
	a.task = executor.Task{
		Pipeline: a.Pipeline, Workspace: a.Workspace, Address: a.node.Address, Fingerprint: string(a.Fingerprint),
		Apply: a.Apply, Spec: Describe(a.node, a.Unquoted), Out: filepath.Join(a.work, "out"), Scratch: filepath.Join(a.work, "scratch"), Place: a.Store.Temp,
		Checkpoint: a.task.Checkpoint, Timeout: timeout(a.node), MemoryMB: cmp.Or(a.node.MemoryMB, a.node.MaxMemoryMB), CPUs: a.node.CPUs, Resources: a.node.Resources, Log: a.log, Mask: a.task.Mask,
	}
	a.task.Rank = a.Rank
	a.task.Secrets, a.task.Network = a.secrets.files, a.node.Fetches()
	if a.node.Container != nil {
		if err := a.container(ctx); err != nil {
			return err
		}
	}
	if err := a.emptyIn(); err != nil {
		return err
	}
	for _, in := range a.node.Inputs {
		if in.External != nil && in.External.Remote || isImage(a.node, in) {
			continue // the stage gets it, or runs in it
		}
		path, err := a.layOut(ctx, in, a.Inputs[in.Port])
		if err != nil {
			return fmt.Errorf("input %s of %s: %w", in.Port, a.node.Address, err)
		}
		a.task.Inputs = append(a.task.Inputs, executor.Input{Port: in.Port, Path: path, Own: path == a.own(in)})
	}
	if !slices.ContainsFunc(a.task.Inputs, func(in executor.Input) bool { return !in.Own }) && len(a.task.Inputs) > 0 {
		a.task.In = filepath.Join(a.work, "in")
	}
	var err error
	if a.quota, err = newQuota(a.Store.Root(), a.node.DiskMB, a.task.Out, a.task.Checkpoint, a.task.Scratch); err != nil {
		return err
	}
	return os.MkdirAll(a.task.Checkpoint, 0o700)
}

// Try makes one attempt with an empty output folder; nil: the stage succeeded, and Finish takes its outputs.
func (a *Attempt) Try(ctx context.Context) *Failure {
	a.number++
	f := a.once(ctx)
	if f != nil {
		f.Attempts = a.number
	}
	return f
}

// once runs the stage one time, into an empty output folder. Its order of causes is that of certainty: a run that was
// stopped, or that broke a limit, also ends with an exit code, which says less.
func (a *Attempt) once(ctx context.Context) *Failure {
	if err := a.emptyOut(); err != nil {
		return Failuref(StoreFailure, "preparing the output folder: %v", err)
	}
	a.log.begin(a.number)
	t := a.task
	t.Attempt = a.number
	running, cancel := context.WithCancelCause(ctx)
	go a.quota.watch(running, cancel)
	kept := a.keepOn(running)
	res, err := a.Executor.Run(running, t)
	a.trace = res.Trace
	over := context.Cause(running) == errOverQuota
	cancel(nil)
	a.resumed = <-kept || a.resumed
	switch {
	case ctx.Err() != nil || errors.Is(err, context.Canceled): // the latter: the executor was told to end it
		return Failuref(KilledFailure, "killed")
	case over || a.quota.exceeded():
		return a.quota.failure(a.node.Address)
	case errors.Is(err, executor.ErrImage):
		return Failuref(ImageFailure, "%v", err)
	case err != nil:
		return engineFailure(err)
	case res.OutOfMemory:
		return ofRanks(a.outOfMemory(res.MemoryMB), res.Ranks)
	case res.TimedOut:
		return ofRanks(Failuref(TimeoutFailure, "%s did not end within its time-out of %v", a.node.Address, t.Timeout), res.Ranks)
	case res.ExitCode != 0:
		return ofRanks(a.exited(res.ExitCode, res.Ranks.First()), res.Ranks)
	case res.Ranks != nil && res.Ranks.Wrote != "":
		return strayOutput(a.node.Address, res.Ranks.Wrote)
	}
	if f := a.wroteAsRank(); f != nil {
		return f
	}
	return a.keptSecret()
}

// emptyIn leaves in the folder of inputs none but those that are to be laid out there, empty where they are.
func (a *Attempt) emptyIn() error {
	in := filepath.Join(a.work, "in")
	entries, err := os.ReadDir(in)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if !slices.ContainsFunc(a.node.Inputs, func(i plan.Input) bool { return i.Port == e.Name() && i.External == nil && !isImage(a.node, i) }) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(in, e.Name())))
		}
	}
	return err
}

// emptyOut leaves in the output folder an empty folder for each port that is one.
func (a *Attempt) emptyOut() error {
	var ports []string
	for _, out := range a.node.Outputs {
		if !isFigures(out.Type) {
			ports = append(ports, out.Port)
		}
	}
	return scratch.Only(a.task.Out, ports...)
}

// keptSecret fails a stage that wrote a secret down where it would be recorded.
func (a *Attempt) keptSecret() *Failure {
	for _, dir := range []string{a.task.Out, a.task.Checkpoint} {
		file, secret, err := a.secrets.leaked(dir)
		if err != nil {
			return Failuref(StoreFailure, "looking for secrets in what %s wrote: %v", a.node.Address, err)
		}
		if file != "" {
			f := Failuref(SecretFailure, "%s wrote the value of secret.%s down", a.node.Address, secret)
			f.Detail = "Nothing of this attempt is kept: outputs and checkpoints are stored, for everybody to read."
			return f
		}
	}
	return nil
}

// forgetSecrets removes a checkpoint that holds the value of a secret, or cannot be looked through. An apply that was killed may
// have left one.
func (a *Attempt) forgetSecrets() error {
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

// orStale tells of the files that were read, if they are not as the plan knew them: then what the stage found in them
// says nothing about what was planned.
func (a *Attempt) orStale(ctx context.Context, f *Failure) *Failure {
	var stale *Failure
	if f.Kind != ExitFailure || !errors.As(a.fresh(ctx), &stale) {
		return f
	}
	stale.Detail = strings.TrimSpace(stale.Detail + "\nThe stage said: " + f.Summary)
	return stale
}

// Fail returns the failure that is reported when the stage is not tried again: err, with the log's last lines, the digest of the
// whole log and the number of attempts. Where the stage exited with an error and files outside have changed since the plan, the change is the failure:
// what the stage found in other files says nothing of the plan.
func (a *Attempt) Fail(ctx context.Context, err error) *Failure {
	f := a.orStale(ctx, AsFailure(err))
	f.Tail = a.log.tail()
	f.Attempts = a.number
	if err := a.forgetSecrets(); err == nil { // else it is looked through before it is used again
		f.Detail = strings.TrimSpace(f.Detail + "\n" + a.push(ctx))
	}
	var digest plan.Digest
	err = a.Store.Together(context.WithoutCancel(ctx), func(b *store.Batch) (err error) {
		digest, err = a.log.put(b)
		return err
	})
	if err == nil {
		f.Log = digest
	}
	return f
}

// Finish checks and stores the outputs of a stage that succeeded, its report and its log. What it returns is not recorded yet.
func (a *Attempt) Finish(ctx context.Context) (plan.Action, error) {
	duration := time.Since(a.started)
	if err := a.fresh(ctx); err != nil {
		return plan.Action{}, err
	}
	var outputs map[string]plan.Digest
	var figures json.RawMessage
	var digest, report plan.Digest
	err := a.Store.Together(ctx, func(b *store.Batch) (err error) {
		if a.Rank == nil || a.Rank.Number == 0 {
			if outputs, figures, err = a.collect(ctx, b); err != nil {
				return err
			}
			if report, err = a.storeReport(b); err != nil {
				return err
			}
		}
		digest, err = a.log.put(b)
		if err == nil && a.Together != nil {
			a.Together(ctx)
		}
		return err
	})
	if err != nil {
		return plan.Action{}, err
	}
	return plan.Action{
		Fingerprint: a.Fingerprint, Definition: a.node.Definition, Address: a.node.Address,
		Component: fmt.Sprintf("%s@%d", componentName(a.node), a.node.Version), Inputs: a.Inputs, Outputs: outputs,
		Figures: figures, Warnings: a.log.warnings(), Log: digest, Report: report, Executor: a.Executor.Name(),
		Platform: cmp.Or(a.trace.Platform, platform), Node: a.trace.Node, CPUMS: a.trace.CPU.Milliseconds(), PeakMemory: a.trace.PeakMemory,
		ToolVersion: a.ToolVersion, StartedAt: a.started.UTC().Truncate(time.Millisecond), DurationMS: duration.Milliseconds(),
	}, nil
}

// platform is this machine's, "linux/amd64".
const platform = runtime.GOOS + "/" + runtime.GOARCH

// Record makes an action what its fingerprint yields, and removes what the stage kept for further attempts. It returns the record that
// holds, which is an earlier one where there is one.
func (a *Attempt) Record(action plan.Action) (*plan.Action, error) {
	recorded := &action
	var err error
	if a.node.NoCache {
		err = a.Store.ReplaceAction(action)
	} else {
		recorded, err = a.Store.PutAction(action)
		// A stage that was asked to run again, and yields the same, has its log and what it took of now.
		forced := slices.ContainsFunc(a.node.Causes, func(c plan.Cause) bool { return c.Kind == plan.ForcedCause })
		if err == nil && forced && recorded.StartedAt.Before(action.StartedAt) && maps.Equal(recorded.Outputs, action.Outputs) {
			recorded, err = &action, a.Store.ReplaceAction(action)
		}
	}
	if err != nil {
		return nil, err
	}
	a.done = true
	if a.kept == nil {
		return recorded, scratch.Emptied(a.task.Checkpoint)
	}
	if a.resumed {
		_ = a.Store.Forget(context.Background(), a.Fingerprint) // what stays is collected when it is old
	}
	return recorded, os.RemoveAll(a.task.Checkpoint)
}
