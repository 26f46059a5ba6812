package attempt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/component/image"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/scratch"
	"github.com/mlp-lang/mlp/runtime/store"
)

// Remote is an attempt that is made elsewhere, as a whole: whoever runs there calls Run. The task goes there as an object of the store, and the
// outcome comes back as one. Its methods are those of Attempt; what is recorded was recorded there.
type Remote struct {
	Task
	Options
	remote executor.Remote
	work   string
	log    *log
	number int
	began  time.Time
	action *plan.Action
}

// Elsewhere prepares an attempt that is made elsewhere: it sees to it that the objects of its inputs are in the store. The options' executor
// is an executor.Remote.
func Elsewhere(ctx context.Context, t Task, o Options) (_ *Remote, err error) {
	r := &Remote{Task: t, Options: o}
	var ok bool
	if r.remote, ok = o.Executor.(executor.Remote); !ok {
		return nil, fmt.Errorf("%s makes no attempts elsewhere", o.Executor.Name())
	}
	for _, in := range t.Node.Inputs {
		if err := sendInput(ctx, t, o, in); err != nil {
			return nil, fmt.Errorf("input %s of %s: %w", in.Port, t.Node.Address, err)
		}
	}
	if r.work, err = o.Store.Work(); err != nil {
		return nil, err
	}
	r.log = newLog(filepath.Join(r.work, "log"), o.Listener)
	r.log.ranked = replicas(t.Node) > 1
	return r, nil
}

// sendInput sees to it that an input is in the store: an object of another stage, which is made again if it is lost, or files of code. An image is
// had by its name.
func sendInput(ctx context.Context, t Task, o Options, in plan.Input) error {
	switch {
	case isCode(in):
		return storeCode(ctx, o.Store, o.Dir, in.External)
	case in.External != nil && in.External.Remote:
		return nil
	}
	here := func() error { return o.Store.Present(map[string]plan.Digest{in.Port: t.Inputs[in.Port]}) }
	remake := func() error { return o.Remake(ctx, in.From) }
	if o.Remake == nil || in.From == "" {
		remake = here
	}
	return WithObject(here, remake)
}

// Whole is the attempt at a task, as whoever makes it elsewhere is asked for it; without the digest of the task and a log. Where the image of a program is one that a
// stage made, the store is asked what it lies on.
func Whole(s *store.Store, t Task) (executor.Whole, error) {
	w := executor.Whole{
		Pipeline: t.Pipeline, Workspace: t.Workspace, Address: t.Node.Address, Fingerprint: string(t.Fingerprint), Apply: t.Apply,
		Timeout: timeout(t.Node), MemoryMB: t.Node.MemoryMB, CPUs: t.Node.CPUs, Resources: t.Node.Resources,
	}
	c := t.Node.Container
	if c == nil {
		return w, nil
	}
	p := &executor.Program{Network: c.Network, Replicas: replicas(t.Node)}
	w.Program = p
	for _, s := range c.Secrets {
		p.Secrets = append(p.Secrets, s.Name)
	}
	in, version := t.Node.Input(plan.ImagePort), ""
	if in.External != nil {
		p.Image, version = in.External.Root, in.External.Version
	} else {
		p.Made = true
		if t.Inputs[plan.ImagePort] == "" {
			return w, nil
		}
		text, err := s.ReadFile(t.Inputs[plan.ImagePort], imageFile)
		if err != nil {
			return w, err
		}
		m, err := image.Parse(text)
		if err != nil {
			return w, err
		}
		version, p.Whole = m.Base, m.Base == "" || m.Config != nil
		if p.Platform = m.Platform; version == "" {
			return w, nil
		}
	}
	p.ImageID, p.Platform = plan.ImageID(version), plan.ImagePlatform(version)
	return w, nil
}

// Number is that of the last attempt, from 1; 0 before the first.
func (r *Remote) Number() int { return r.number }

// More raises the limit of memory, as Attempt.More does.
func (r *Remote) More() int64 {
	more := plan.MoreMemory(r.Node.MemoryMB, r.Node.MaxMemoryMB)
	if more > 0 {
		same := *r.Node
		same.MemoryMB, r.Node = more, &same
	}
	return more
}

// Try makes one attempt; nil: the stage succeeded, and its result is recorded.
func (r *Remote) Try(ctx context.Context) *Failure {
	r.number++
	r.began = time.Now()
	f := r.once(ctx)
	if f != nil {
		f.Attempts = r.number
		r.keep(ctx, f)
	}
	return f
}

// push puts an image that a stage made where the executor's nodes can pull it, if there is such a place, and has the program run in that; false: there is none, or its
// image was made by no stage.
func (r *Remote) push(ctx context.Context, p *executor.Program) (bool, error) {
	pusher, ok := r.remote.(executor.Pusher)
	if p == nil || !p.Made || !ok {
		return false, nil
	}
	dir := filepath.Join(r.work, "image")
	if err := scratch.Bare(dir); err != nil {
		return false, err
	}
	digest := r.Inputs[plan.ImagePort]
	if err := r.Store.Materialize(ctx, digest, dir); err != nil {
		return false, err
	}
	m, err := readMade(dir)
	if err != nil {
		return false, err
	}
	reference, err := pusher.Push(ctx, &executor.Made{Dir: dir, Base: m.Base, Layers: m.Layers, Digest: string(digest), Platform: m.Platform, Config: m.Config}, p.ImageID)
	if err != nil || reference == "" {
		return false, err
	}
	p.Image, p.Made, p.Whole = reference, false, false
	return true, nil
}

// keep stores what was seen of the log of an attempt that left none, with those of the attempts before.
func (r *Remote) keep(ctx context.Context, f *Failure) {
	if f.Log != "" {
		return
	}
	f.Tail = r.log.tail()
	var digest plan.Digest
	err := r.Store.Together(context.WithoutCancel(ctx), func(b *store.Batch) (err error) {
		digest, err = r.log.put(b)
		return err
	})
	if err == nil {
		f.Log = digest
	}
}

func (r *Remote) once(ctx context.Context) *Failure {
	whole, err := Whole(r.Store, r.Task)
	if err != nil {
		return Failuref(ImageFailure, "reading which image %s runs in: %v", r.Node.Address, err)
	}
	task := r.Task
	if task.Pushed, err = r.push(ctx, whole.Program); err != nil {
		return Failuref(ImageFailure, "pushing the image that %s runs in: %v", r.Node.Address, err)
	}
	text, err := json.Marshal(task)
	if err != nil {
		return Failuref(StoreFailure, "writing the task of %s: %v", r.Node.Address, err)
	}
	at, err := r.Store.PutBytes(ctx, text)
	if err != nil {
		return AsFailure(err)
	}
	r.log.begin(r.number)
	whole.Task, whole.Log = string(at), r.log
	ended, err := r.remote.Attempt(ctx, whole)
	switch {
	case ctx.Err() != nil:
		return Failuref(KilledFailure, "killed")
	case errors.Is(err, executor.ErrImage):
		return Failuref(ImageFailure, "%v", err)
	case err != nil:
		return engineFailure(err)
	case ended.Outcome != "":
		f := r.befell(r.take(plan.Digest(ended.Outcome)), ended)
		if f == nil || !ended.OutOfMemory { // else that of another replica was, and rank 0 could not see it
			return f
		}
		told := r.outOfMemory(ended)
		told.Log, told.Tail = f.Log, f.Tail
		return told
	case r.recorded():
		return nil
	case ended.OutOfMemory:
		return r.outOfMemory(ended)
	case ended.TimedOut:
		return Failuref(TimeoutFailure, "%s did not end in time: %s", r.Node.Address, ended.Why)
	case ended.Image:
		return Failuref(ImageFailure, "the image that %s was to run in cannot be had: %s", r.Node.Address, ended.Why)
	}
	if ended.Fault != "" {
		return faultFailure(r.Node.Address, ended)
	}
	f := Failuref(EngineFailure, "%s left no outcome: %s", r.Node.Address, ended.Why)
	f.Passing = ended.Again
	return f
}

func (r *Remote) outOfMemory(ended executor.Ended) *Failure {
	f := Failuref(MemoryFailure, "%s needed more memory than it may use, %d MB: %s", r.Node.Address, r.Node.MemoryMB, ended.Why)
	f.Detail = "The limit is the block's memory_mb, raised up to its max_memory_mb; without them it goes by what the stage had when it last ran."
	return f
}

// befell is the failure that an outcome tells of. Where it was told to end, nobody here told it so: then the failure is what befell it, with its
// own log. So it is where something befell it and it failed, in whatever way: what a stage makes of a signal to end says nothing of the stage.
func (r *Remote) befell(f *Failure, ended executor.Ended) *Failure {
	if f == nil || f.Kind != KilledFailure && ended.Fault == "" {
		return f
	}
	if ended.Fault == "" {
		ended.Fault, ended.Again, ended.Why = executor.Deleted, true, "its pod was told to end"
	}
	told := faultFailure(r.Node.Address, ended)
	told.Log, told.Tail = f.Log, f.Tail
	return told
}

// take reads the outcome of an attempt. It is held to the task: it comes from elsewhere.
func (r *Remote) take(digest plan.Digest) *Failure {
	text, err := r.Store.Get(digest)
	if err != nil {
		return Failuref(StoreFailure, "reading the outcome of %s: %v", r.Node.Address, err)
	}
	var out Outcome
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	switch err := dec.Decode(&out); {
	case err != nil:
		return Failuref(EngineFailure, "the outcome of %s cannot be read, the image may have another mlp: %v", r.Node.Address, err)
	case out.Failure != nil:
		out.Failure.Passing = out.Again
		return out.Failure
	case out.Action == nil || out.Action.Fingerprint != r.Fingerprint:
		return Failuref(EngineFailure, "the outcome of %s is not of its task", r.Node.Address)
	}
	r.action = out.Action
	return nil
}

// recorded reports whether the store has the stage's result although the attempt left no outcome, as where its machine was lost just then. A
// record from before the attempt does not count.
func (r *Remote) recorded() bool {
	a, err := r.Store.Action(r.Fingerprint)
	if err != nil || a.StartedAt.Before(r.began.Add(-clocksDiffer)) {
		return false
	}
	r.action = a
	return true
}

// clocksDiffer is how far clocks of two machines may be apart (spec/store.md).
const clocksDiffer = 5 * time.Second

// Finish returns what the attempt recorded.
func (r *Remote) Finish(context.Context) (plan.Action, error) {
	if r.action == nil {
		return plan.Action{}, errors.New("there is no result")
	}
	for _, w := range r.action.Warnings { // those of mlp's own were in no log that was followed
		r.log.addWarning(w)
	}
	return *r.action, nil
}

// Record returns the action: the store has it.
func (r *Remote) Record(a plan.Action) (*plan.Action, error) { return &a, nil }

// Fail returns the failure that is reported, with the log of its attempt: the whole one where it left an outcome, else what was seen of it.
func (r *Remote) Fail(ctx context.Context, err error) *Failure {
	f := AsFailure(err)
	f.Attempts = r.number
	r.keep(ctx, f)
	return f
}

// Close removes the folder that the log was in.
func (r *Remote) Close() {
	r.log.close()
	_ = os.RemoveAll(r.work) // what is left is swept with the session
}
