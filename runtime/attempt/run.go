package attempt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// Outcome is what became of one attempt: an action, or a failure.
type Outcome struct {
	Action  *plan.Action `json:"action,omitempty"` // what the fingerprint yields from now on; of a rank, what its replica came to
	Failure *Failure     `json:"failure,omitempty"`
	// Again: the failure is not the stage's own, and another attempt may not meet it.
	Again bool `json:"again,omitempty"`
}

// Read reads a task and checks it, for it comes from elsewhere: its definition is that of its node, its fingerprint that of the
// definition and the inputs, and each input is an object of the store. So whatever a task says, its result is recorded under the
// fingerprint that it has, and no string of it leads out of the attempt's own folders.
func Read(r io.Reader) (Task, error) {
	var t Task
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&t); err != nil {
		return Task{}, fmt.Errorf("reading a task: %w", err)
	}
	if err := t.check(); err != nil {
		return Task{}, fmt.Errorf("reading a task: %w", err)
	}
	return t, nil
}

// check holds a task from elsewhere to its own digests, before anything of it is run: the definition to the node, the
// fingerprint to definition and inputs. So a record can only be made under the fingerprint of what was run.
func (t Task) check() error {
	if t.Node == nil {
		return errors.New("it has no node")
	}
	if err := t.Node.WellFormed(); err != nil {
		return err
	}
	definition, err := t.Node.Define()
	if err != nil {
		return err
	}
	if definition != t.Node.Definition {
		return fmt.Errorf("%q is defined otherwise than its digest says", t.Node.Address)
	}
	if len(t.Inputs) != len(t.Node.Inputs) {
		return fmt.Errorf("%q has %d inputs, and the task names %d", t.Node.Address, len(t.Node.Inputs), len(t.Inputs))
	}
	for _, in := range t.Node.Inputs {
		if isCode(in) {
			if digest, err := plan.ExternalDigest(in.External.Files); err != nil || digest != t.Inputs[in.Port] {
				return errors.Join(err, fmt.Errorf("input %q of %q: its digest is not that of its files", in.Port, t.Node.Address))
			}
			continue
		}
		if in.External != nil && !in.External.Remote {
			return fmt.Errorf("input %q of %q is files outside of the store, which only the machine has that planned", in.Port, t.Node.Address)
		}
		if _, err := t.Inputs[in.Port].Hex(); err != nil {
			return fmt.Errorf("input %q of %q: %w", in.Port, t.Node.Address, err)
		}
		if in.External != nil && t.Inputs[in.Port] != plan.VersionDigest(in.External.Version) {
			return fmt.Errorf("input %q of %q: its digest is not that of the version %q", in.Port, t.Node.Address, in.External.Version)
		}
	}
	if t.Fingerprint != plan.Fingerprint(definition, t.Inputs) {
		return fmt.Errorf("the fingerprint of %q is not that of its definition and inputs", t.Node.Address)
	}
	return nil
}

// Run makes one attempt and puts its outcome into the store: objects and the record of what the fingerprint yields, or the log of a
// failure.
func Run(ctx context.Context, t Task, o Options) Outcome {
	defer o.Store.Claim(t.Fingerprint)()
	a, err := Open(ctx, t, o)
	if err != nil {
		return Outcome{Failure: AsFailure(err)}
	}
	defer a.Close()
	action, err := a.whole(ctx)
	if err != nil {
		f := a.Fail(ctx, err)
		return Outcome{Failure: f, Again: f.Passing}
	}
	return Outcome{Action: action}
}

// whole tries, finishes and records: what the engine does in three steps, for whoever runs a single task.
func (a *Attempt) whole(ctx context.Context) (*plan.Action, error) {
	if a.Rally != nil {
		return a.replica(ctx)
	}
	if f := a.Try(ctx); f != nil {
		return nil, f
	}
	action, err := a.Finish(ctx)
	if err != nil {
		return nil, err
	}
	return a.Record(action)
}
