package workspace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/planner"
	"github.com/mlp-lang/mlp/lang/address"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/stdlib"
)

// What a watcher needs of a session besides plans and applies.

// Record writes events into the state as one revision, of whoever they say that does it. The session's state is that of after.
func (s *Session) Record(ctx context.Context, by string, events ...plan.Event) error {
	after, err := s.Log.As(by, "").On(UserName(), HostName()).From(s.w.origin(ctx, os.Getenv)).Append(ctx, s.State, events)
	if err == nil {
		s.State = after
	}
	return err
}

// When decides the condition of a retraining on what is recorded, with the results of the figures that it reads; nil where it has none.
func (s *Session) When(ctx context.Context, retrain string) (*plan.Rule, map[string]plan.Digest, error) {
	return planner.When(s.Module, s.State, retrain, s.Library.rules, readActions(ctx, s.Store, s.State))
}

// Command is a command of this workspace, for people to copy.
func (s *Session) Command(rest string) string { return s.w.Command(rest) }

// IsLocked reports whether an error is that somebody else applies.
func IsLocked(err error) bool {
	var locked *state.LockedError
	return errors.As(err, &locked)
}

// NotHolding are the rules that hold something back, with the figures that they read.
func NotHolding(rules []plan.Rule) []string { return notHolding(rules) }

// Monitors are the addresses of the module's monitors, of those that are named, all in order.
func (s *Session) Monitors(named []string) ([]string, error) {
	if s.Module == nil {
		return nil, &Failure{Err: errors.New("a module that cannot be read has no monitors"), Hint: s.w.Command("validate") + " tells what is wrong with it."}
	}
	var all, out []string
	for _, at := range sortedKeys(s.Module.Blocks) {
		if b := s.Module.Blocks[at]; b.TypeSpec.Version > 0 && b.TypeSpec.Body.Attr("schedule") != nil {
			all = append(all, at)
		}
	}
	if len(all) == 0 {
		return nil, &Failure{Err: errors.New("the module has no monitor"), Hint: "'mlp docs monitor' shows how one is written."}
	}
	for _, name := range named {
		found, err := s.meant(AddressOf(name))
		if err != nil {
			return nil, err
		}
		for _, at := range found {
			if !slices.Contains(all, at) {
				return nil, &Failure{Err: fmt.Errorf("%s is no monitor", at), Hint: "Monitors are " + strings.Join(all, ", ") + "."}
			}
			out = append(out, at)
		}
	}
	if len(named) == 0 {
		return all, nil
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// Retrainings are the blocks that say when something is trained again, as they were last applied, sorted.
func Retrainings(st *plan.State) []string {
	catalog := stdlib.Catalog()
	return slices.DeleteFunc(sortedKeys(st.Policies), func(at string) bool {
		kind := catalog.Kind(address.Kind(at))
		return kind == nil || !kind.Retrains
	})
}
