package workspace

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/storeurl"
	"github.com/mlp-lang/mlp/runtime/attempt"
	"github.com/mlp-lang/mlp/runtime/executor"
	"github.com/mlp-lang/mlp/runtime/executor/beside"
	"github.com/mlp-lang/mlp/runtime/store"
	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud"
)

// AttemptOptions say what one attempt is made at, and with what.
type AttemptOptions struct {
	Store    string    // a folder that is there, or the URL of a bucket
	In       io.Reader // has the task, unless Task names it
	Task     string    // the digest of an object of the store that is the task; empty: In is read
	Outcome  string    // a file that gets the digest of an object which is the outcome; empty: none is stored
	Executor string    // as ExecutorOptions.Name
	Beside   string    // the folder that a program's container beside shares, of a stage that runs one (runtime/executor/beside); empty: Executor runs it
	Rank     string    // of a stage of several replicas: which one this is, and where rank 0 is, "2:HOST"; empty: the attempt is all of the stage
	On, Node string    // the executor and the machine that the result says it ran on; empty: those that ran it
	Threads  int
	NoEngine func(where string)
	Listener attempt.Listener
}

// Attempt makes one attempt at one stage, as a cluster does in place of an apply.
func (w *Workspace) Attempt(ctx context.Context, o AttemptOptions) (out attempt.Outcome, err error) {
	var near *beside.Executor
	if o.Beside != "" { // before all else: the program's container looks for it
		if near, err = beside.New(o.Beside); err != nil {
			return out, err
		}
		defer near.Close()
	}
	s, err := w.storeAt(ctx, o.Store)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if o.Task != "" {
		text, err := s.Get(plan.Digest(o.Task))
		if err != nil {
			return out, fmt.Errorf("reading the task: %w", err)
		}
		o.In = bytes.NewReader(text)
	}
	t, err := attempt.Read(o.In)
	if err != nil {
		return out, err
	}
	ran := attempt.Options{Store: s, Listener: o.Listener, Dir: w.Dir, Convert: Convert, ToolVersion: Version(), Stored: true}
	if near != nil {
		ran.Executor = near
		ran.Secret = func(_ string, s plan.Secret) ([]byte, error) {
			return attempt.ReadSecret(near.Secrets(), plan.Secret{Name: s.Name, File: s.Name})
		}
	} else {
		ex, err := OpenExecutor(ctx, ExecutorOptions{Name: o.Executor, Threads: o.Threads, Store: s.Root(), NoEngine: o.NoEngine})
		if err != nil {
			return out, err
		}
		defer ex.Close()
		ran.Executor = ex
	}
	if o.Rank != "" {
		if ran.Rank, ran.Rally, err = rallied(o.Rank, t); err != nil {
			return out, err
		}
	}
	if o.On != "" {
		ran.Executor = on{ran.Executor, o.On, o.Node}
	}
	out = attempt.Run(ctx, t, ran)
	if near != nil && near.Lost() { // whoever made the containers knows more
		return out, fmt.Errorf("%s: %w", t.Node.Address, beside.ErrLost)
	}
	if o.Outcome == "" {
		return out, nil
	}
	digest, err := putOutcome(context.WithoutCancel(ctx), s, out, o.Outcome) // whoever is told to end says so
	if ran.Rally != nil && err == nil {
		ran.Rally.Close(digest)
		if ran.Rank.Number > 0 { // rank 0 has been told, and the attempt is what that one says
			out.Failure = nil
		}
	}
	return out, err
}

// rallied is which replica of a task this is, and where it meets the others.
func rallied(rank string, t attempt.Task) (*executor.Rank, attempt.Rally, error) {
	number, master, ok := strings.Cut(rank, ":")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || t.Node.Container == nil || n < 0 || n >= t.Node.Container.Replicas {
		return nil, nil, fmt.Errorf("%q is no rank of %s", rank, t.Node.Address)
	}
	r := &executor.Rank{Number: n, World: t.Node.Container.Replicas, Master: master}
	rally, err := attempt.NewRally(*r, t.Fingerprint)
	return r, rally, err
}

// on is an executor within what another one made, of which results say that it ran them.
type on struct {
	executor.Executor
	name, node string
}

func (o on) Name() string { return o.name }

func (o on) Run(ctx context.Context, t executor.Task) (executor.Result, error) {
	r, err := o.Executor.Run(ctx, t)
	r.Trace.Node = cmp.Or(o.node, r.Trace.Node)
	return r, err
}

// storeAt opens a store at a place that a task came with. A folder that is not there is refused: an empty store would be made of it.
func (w *Workspace) storeAt(ctx context.Context, at string) (*store.Store, error) {
	if !strings.Contains(at, "://") {
		if _, err := os.Stat(at); err != nil {
			return nil, fmt.Errorf("opening the store: %w", err)
		}
		return store.Open(at)
	}
	u, err := storeurl.Parse(at)
	if err != nil {
		return nil, err
	}
	b, err := cloud.Open(ctx, u)
	if err != nil {
		return nil, refused(err)
	}
	return store.Over(ctx, b, w.StoreDir(), u.Place())
}

// putOutcome stores an outcome as an object and leaves its digest in a file, which is small enough for whoever passes it on.
func putOutcome(ctx context.Context, s *store.Store, out attempt.Outcome, file string) (plan.Digest, error) {
	text, err := json.Marshal(out)
	if err != nil {
		return "", err
	}
	d, err := s.PutBytes(ctx, text)
	if err != nil {
		return "", err
	}
	return d, os.WriteFile(file, []byte(d), 0o644)
}
