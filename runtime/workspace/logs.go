package workspace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/store"
)

// Journals are those of the pipeline's applies in this workspace.
func (s *Session) Journals() *engine.Journals {
	return engine.JournalsOf(s.Store, s.Log.Pipeline(), s.Log.Workspace())
}

// LogOf is what a stage printed when it last ran, also if it failed. Of an attempt that goes on, or was killed, it is
// what the journal has by now, without messages to the engine; unended says so. A stage that never ran is a Failure.
func (s *Session) LogOf(ctx context.Context, address string) (log []byte, unended bool, err error) {
	last, ran, err := s.Journals().LastRunOf(ctx, address)
	if err != nil {
		return nil, false, err
	}
	if ran && !last.Ended && last.Log == "" {
		log, err := s.linesOf(ctx, last.Apply, address)
		return log, true, err
	}
	digest := last.Log
	if digest == "" {
		if digest, err = s.recordedLog(address); err != nil {
			return nil, false, err
		}
	}
	log, err = s.Store.Get(digest)
	return log, false, err
}

// linesOf is what the journal of an apply has of a stage's log. That the apply was killed is no error here.
func (s *Session) linesOf(ctx context.Context, apply, address string) ([]byte, error) {
	var out bytes.Buffer
	for e, err := range s.Journals().Read(ctx, apply) {
		if line, ok := e.Event.(engine.StageLog); ok && line.Address == address {
			fmt.Fprintln(&out, line.Line)
		}
		if err != nil && !errors.Is(err, engine.ErrKilled) {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// recordedLog is the log of the run that made the recorded result of a stage.
// A result that another workspace computed has the log of that run.
func (s *Session) recordedLog(address string) (plan.Digest, error) {
	node, ok := s.State.Nodes[address]
	if !ok {
		return "", s.NotRecorded(address)
	}
	action, err := s.Store.Action(node.Fingerprint)
	var damaged *store.DamagedError
	if errors.As(err, &damaged) {
		return "", err
	}
	if errors.Is(err, store.ErrMissing) || err == nil && action.Log == "" {
		return "", fmt.Errorf("the log of %s is not in the store", address)
	}
	if err != nil {
		return "", err
	}
	return action.Log, nil
}

// beginsEvery is how often it is looked whether an apply that has the lock has begun to run stages.
const beginsEvery = 50 * time.Millisecond

// Follow goes through the events of the apply that runs now on this machine, from its first, until its end or that of
// ctx. An apply that is still planning, or asks, is waited for. Where there is none, the error is a Failure. The
// sequence yields an error as its last element where the apply was killed (engine.ErrKilled) or its journal cannot be
// read.
func (s *Session) Follow(ctx context.Context) (iter.Seq2[engine.Entry, error], error) {
	j := s.Journals()
	for {
		apply, err := j.Running(ctx)
		if err != nil {
			return nil, err
		}
		if apply != "" {
			return j.Follow(ctx, apply), nil
		}
		h, held, err := s.Log.Applies(ctx)
		if err != nil {
			return nil, refused(err)
		}
		if !held || h.What != "apply" {
			return nil, &Failure{Err: fmt.Errorf("no apply of %s, workspace %s, runs%s", s.Log.Pipeline(), s.Log.Workspace(), s.where()),
				Hint: s.w.Command("logs") + " lists those that ended."}
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(beginsEvery):
		}
	}
}

// where says on which machines applies are seen.
func (s *Session) where() string {
	if s.Store.IsFar() {
		return ""
	}
	return " on this machine"
}

// Events goes through the events of an apply: its id, or its number in the list of applies, of which 1 is the last.
// Numbers count from the newest, so that 1 is what somebody just did. They are read as they are asked for: a journal may
// be large.
func (s *Session) Events(ctx context.Context, run string) (iter.Seq2[engine.Entry, error], error) {
	all, err := s.Journals().List(ctx)
	if err != nil {
		return nil, err
	}
	if n, err := strconv.Atoi(run); err == nil && n >= 1 && n <= len(all) {
		run = all[n-1]
	}
	for _, apply := range all {
		if apply == run {
			return s.Journals().Read(ctx, apply), nil
		}
	}
	return nil, &Failure{Err: fmt.Errorf("there is no journal of apply %s", run), Hint: s.w.Command("logs") + " lists those that there are."}
}
