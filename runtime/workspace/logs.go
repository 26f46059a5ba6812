package workspace

import (
	"errors"
	"fmt"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/store"
)

// LogOf is what a stage printed when it last ran, also if it failed.
func (s *Session) LogOf(address string) ([]byte, error) {
	digest, err := s.lastLog(address)
	if err != nil {
		return nil, err
	}
	return s.Store.Get(digest)
}

// lastLog is the log of the last attempt at a stage: of a failure since, or else of the recorded run.
func (s *Session) lastLog(address string) (plan.Digest, error) {
	last, ran, err := engine.LastRunOf(s.Store, s.Log.Pipeline(), s.Log.Workspace(), address)
	if err != nil {
		return "", err
	}
	if ran && last.Log != "" {
		return last.Log, nil
	}
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
