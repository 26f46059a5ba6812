package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/stdlib"
)

// readPlan reads a plan that 'mlp plan --out' saved.
func readPlan(path string) (*plan.Plan, error) {
	data, err := readDocument(path)
	if errors.Is(err, fs.ErrNotExist) && !isPlanFile(path) {
		return nil, &failure{err: fmt.Errorf("%s is no file of a saved plan", path),
			hint: "A plan is applied as a whole, and what has not changed does not run; 'mlp plan --out plan.json' saves one."}
	}
	if err != nil {
		return nil, fmt.Errorf("reading a saved plan: %w", err)
	}
	p, err := plan.Read(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return p, nil
}

// isPlanFile tells a saved plan from an address: no address ends so.
func isPlanFile(arg string) bool { return strings.HasSuffix(arg, ".json") }

// applySaved carries out exactly what a saved plan says, once. The module's files are not read: the plan holds all that
// is needed, and what it rests on is compared with what is there now.
func (a *app) applySaved(ctx context.Context, path string, workspaceGiven bool, f applyFlags) error {
	p, err := readPlan(path)
	if err != nil {
		return err
	}
	if err := a.fits(p, workspaceGiven, f); err != nil {
		return err
	}
	s := &session{app: a, pipeline: p.Pipeline}
	defer s.Close()
	if s.stored, err = a.readStored(ctx, p.Pipeline, false); err != nil {
		return err
	}
	return s.locked(ctx, func(lock *state.Lock) error {
		part, err := s.unchanged(ctx, p)
		if err != nil {
			return err
		}
		if err := a.printPlan(p, "text", false); err != nil {
			return err
		}
		if err := stopped(p, f.failOn); err != nil {
			return err
		}
		if yes, err := a.confirm(p, f); err != nil || !yes {
			return err
		}
		return s.apply(ctx, part, lock, f)
	})
}

// fits refuses a plan that is not for this program, workspace or command line.
func (a *app) fits(p *plan.Plan, workspaceGiven bool, f applyFlags) error {
	switch {
	case p.PlannerSemantics != plan.Semantics:
		return &failure{code: exitStale, hint: "Plan again.",
			err: fmt.Errorf("the plan was made by an mlp that decides otherwise what runs (planner_semantics %d, here %d)", p.PlannerSemantics, plan.Semantics)}
	case workspaceGiven && a.workspace != p.Workspace:
		return fmt.Errorf("the plan is for the workspace %s, not %s", p.Workspace, a.workspace)
	case len(f.force)+len(f.vars) > 0:
		return &failure{err: errors.New("a saved plan has its variables and what it forces: give none"), hint: "Plan again to change them."}
	}
	a.workspace = p.Workspace
	return nil
}

// unchanged returns the part of a saved plan that does something, having made sure that it was not applied already and
// that all it rests on is as it was. What is not is named.
func (s *session) unchanged(ctx context.Context, p *plan.Plan) (*plan.Plan, error) {
	if done, err := s.appliedBefore(p); err != nil || done != nil {
		if err != nil {
			return nil, err
		}
		return nil, &failure{code: exitStale, hint: "A plan is applied once. Plan again to see what is left to do.",
			err: fmt.Errorf("this plan was applied already, at %s by %s (revision %d)", done.At.Format(time.RFC3339), done.By, done.Revision)}
	}
	part, err := engine.Part(p)
	if err != nil {
		return nil, err
	}
	history, err := s.log.History(ctx)
	if err != nil {
		return nil, stateError(err)
	}
	saved := &engine.Saved{Plan: part, Store: s.store, State: s.state, History: history, Dir: s.app.dir, Version: componentVersion, Files: s.app.roots.files}
	why, err := saved.Stale(ctx)
	if err != nil {
		return nil, err
	}
	if len(why) > 0 {
		return nil, &failure{code: exitStale, hint: "Nothing was done. Plan again, and have the new plan reviewed.",
			err: errors.New("the plan is stale:\n  " + strings.Join(render.Clean(why), "\n  "))}
	}
	return part, nil
}

func componentVersion(kind, typ string) (int, bool) {
	c := stdlib.Component(componentName(kind, typ))
	if c == nil {
		return 0, false
	}
	return c.Type.Version, true
}

// applied is the mark that a plan was carried out whole.
type applied struct {
	Plan     plan.Digest `json:"plan_id"`
	Revision int64       `json:"revision"` // of the state after it
	By       string      `json:"by"`
	At       time.Time   `json:"at"`
}

func (s *session) appliedPath(p *plan.Plan) (string, error) {
	hex, err := p.ID.Hex()
	if err != nil {
		return "", err
	}
	return s.store.Path("applied", p.Pipeline, p.Workspace, hex+".json"), nil
}

// appliedBefore returns the mark of a plan that was carried out; nil if it was not.
func (s *session) appliedBefore(p *plan.Plan) (*applied, error) {
	path, err := s.appliedPath(p)
	if err != nil {
		return nil, err
	}
	data, err := readDocument(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("finding out whether the plan was applied: %w", err)
	}
	mark := &applied{}
	if err := json.Unmarshal(data, mark); err != nil {
		return nil, fmt.Errorf("the mark that the plan was applied cannot be read: %s: %w", path, err)
	}
	return mark, nil
}

// markApplied notes that a plan was carried out whole. A run that was stopped or failed leaves no mark: the same plan may
// finish it.
func (s *session) markApplied(p *plan.Plan, revision int64) error {
	path, err := s.appliedPath(p)
	if err != nil {
		return err
	}
	data, err := json.Marshal(applied{Plan: p.ID, Revision: revision, By: userName(), At: time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	if err := s.store.WriteNew(path, append(data, '\n')); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("noting that the plan was applied: %w", err)
	}
	return nil
}
