package workspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/state"
	"github.com/mlp-lang/mlp/runtime/store/bucket"
	"github.com/mlp-lang/mlp/stdlib"
)

// ReadPlan reads a plan that 'mlp plan --out' saved, and holds it to its format and its id. Whether it still fits the
// state is another question (CheckPlan).
func ReadPlan(path string) (*plan.Plan, error) {
	data, err := ReadDocument(path)
	if errors.Is(err, fs.ErrNotExist) && !IsPlanFile(path) {
		return nil, &Failure{Err: fmt.Errorf("%s is no file of a saved plan", path),
			Hint: "What has not changed does not run. A part is applied by 'mlp apply --target ADDRESS'; 'mlp plan --out plan.json' saves a plan."}
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

// SavedPlan reads a saved plan to be shown, for which neither the module nor the store is needed. Where the state is
// here that it was made against, one that says otherwise than would be planned is refused by a Failure; unchecked says
// why that was not found out, in half a sentence, and is "" where it was.
func (w *Workspace) SavedPlan(ctx context.Context, path string, vars Settings) (p *plan.Plan, unchecked string, err error) {
	if len(vars) > 0 {
		return nil, "", errVariables
	}
	if p, err = ReadPlan(path); err == nil {
		unchecked, err = w.CheckPlan(ctx, p)
	}
	return p, unchecked, err
}

var errVariables = &Failure{Err: errors.New("a saved plan has its variables and what it forces: give none"), Hint: "Plan again to change them."}

// IsPlanFile tells a saved plan from an address: no address ends so.
func IsPlanFile(arg string) bool { return strings.HasSuffix(arg, ".json") }

// SavedOptions are what was given beside a saved plan, which mostly may not be: the plan has it.
type SavedOptions struct {
	NameGiven bool // the workspace was named, and must be the plan's
	Force     []string
	Settings  Settings
	Part      bool // targets were given
	Outside   bool // how to look at what lies outside was said: --refresh or --offline
}

// ApplySaved carries out exactly what the plan in a file says, once. The module's files are not read: the plan holds
// all that is needed, and what it rests on is compared with what is there now. Workspace w becomes that of the plan.
// Results and errors are as of Session.Apply; a plan that no longer fits is a Failure that is Stale.
func (w *Workspace) ApplySaved(ctx context.Context, path string, saved SavedOptions, o ApplyOptions, by Applying) (*engine.Result, error) {
	p, err := ReadPlan(path)
	if err != nil {
		return nil, err
	}
	if err := w.fits(p, saved); err != nil {
		return nil, err
	}
	s := &Session{w: w, Pipeline: p.Pipeline}
	defer s.Close()
	if s.Recorded, err = w.readStored(ctx, p.Pipeline, false); err != nil {
		return nil, err
	}
	r, err := s.locked(ctx, o, func(ctx context.Context, held *state.Held) (*engine.Result, error) {
		part, err := s.unchanged(ctx, p)
		if err != nil {
			return nil, err
		}
		if err := by.Show(p); err != nil {
			return nil, err
		}
		if yes, err := by.Confirm(p); err != nil || !yes {
			return nil, err
		}
		return s.run(ctx, part, held, o, by)
	})
	s.tellOf(ctx, o, p, r)
	return r, err
}

// fits refuses a plan that is not for this program, workspace or command line. One that fits makes its workspace and its base those of w.
func (w *Workspace) fits(p *plan.Plan, o SavedOptions) error {
	switch {
	case p.PlannerSemantics != plan.Semantics:
		return &Failure{Stale: true, Hint: "Plan again.",
			Err: fmt.Errorf("the plan was made by an mlp that decides otherwise what runs (planner_semantics %d, here %d)", p.PlannerSemantics, plan.Semantics)}
	case p.Base.Ahead != nil:
		return &Failure{Stale: true, Err: fmt.Errorf("the plan was made on top of plan %s, and cannot be applied", p.Base.Ahead.Plan.Short()), Hint: "Apply that one, and plan again."}
	case o.NameGiven && w.Name != p.Workspace:
		return fmt.Errorf("the plan is for the workspace %s, not %s", p.Workspace, w.Name)
	case len(o.Force)+len(o.Settings) > 0:
		return errVariables
	case o.Part:
		return &Failure{Err: errors.New("a saved plan has its targets: give neither --target nor --allow-looks"), Hint: "Plan again to change them."}
	case w.Sample != "":
		return &Failure{Err: errors.New("a saved plan says what sample it is of, if it is of one: leave --sample out"), Hint: "Plan again for another."}
	case o.Outside:
		return &Failure{Err: errors.New("a saved plan says which files and versions it is of: give neither --refresh nor --offline"), Hint: "Plan again to look at them otherwise."}
	}
	if o := p.Base.Upstream; o != nil && w.Base != "" && w.Base != o.Workspace {
		return fmt.Errorf("the plan goes by the workspace %s, not %s", o.Workspace, w.Base)
	} else if o != nil {
		w.Base = o.Workspace
	} else if w.Base != "" {
		return fmt.Errorf("the plan goes by no other workspace: leave out --base")
	}
	w.Name = p.Workspace
	return nil
}

// unchanged returns the part of a saved plan that does something, having made sure that it was not applied already and
// that all it rests on is as it was. What is not is named, all of it, one line each. The lock is held.
func (s *Session) unchanged(ctx context.Context, p *plan.Plan) (*plan.Plan, error) {
	if done, err := s.appliedBefore(ctx, p); err != nil || done != nil {
		if err != nil {
			return nil, err
		}
		return nil, &Failure{Stale: true, Hint: "A plan is applied once. Plan again to see what is left to do.",
			Err: fmt.Errorf("this plan was applied already, at %s by %s (revision %d)", done.At.Format(time.RFC3339), done.By, done.Revision)}
	}
	part, err := engine.Part(p)
	if err != nil {
		return nil, err
	}
	if err := s.fetchPlanned(ctx, part); err != nil {
		return nil, err
	}
	history, err := s.Log.History(ctx)
	if err != nil {
		return nil, err
	}
	images := &Images{}
	defer images.Close()
	saved := &engine.Saved{Image: images.Version, Plan: part, Store: s.Store, State: s.State, History: history, Dir: s.w.Dir, Version: ComponentVersion, Files: s.w.Roots.Planned}
	why, err := saved.Stale(ctx)
	if err != nil {
		return nil, err
	}
	if len(why) == 0 {
		if err := s.again(ctx, p, history); err != nil {
			return nil, err
		}
	}
	if len(why) > 0 {
		return nil, &Failure{Stale: true, Hint: "Nothing was done. Plan again, and have the new plan reviewed.",
			Err: errors.New("the plan is stale:\n  " + strings.Join(render.Clean(why), "\n  "))}
	}
	return part, nil
}

// ComponentVersion is the version of a component of the standard library; false if there is none.
func ComponentVersion(kind, typ string) (int, bool) {
	c := stdlib.Component(ComponentName(kind, typ))
	if c == nil {
		return 0, false
	}
	return c.Type.Version, true
}

// applied is the mark that a plan was carried out whole. By and At are for the message to whoever tries once more.
type applied struct {
	Plan     plan.Digest `json:"plan_id"`
	Revision int64       `json:"revision"` // of the state after it
	By       string      `json:"by"`
	At       time.Time   `json:"at"`
}

// appliedKey is where the store notes that a plan was applied, by its id, such as applied/fraud/default/3fa9….json: a second apply of one file
// is refused by it.
func appliedKey(p *plan.Plan) (string, error) {
	hex, err := p.ID.Hex()
	if err != nil {
		return "", err
	}
	return "applied/" + p.Pipeline + "/" + p.Workspace + "/" + hex + ".json", nil
}

// appliedBefore returns the mark of a plan that was carried out; nil if it was not.
func (s *Session) appliedBefore(ctx context.Context, p *plan.Plan) (*applied, error) {
	key, err := appliedKey(p)
	if err != nil {
		return nil, err
	}
	data, err := bucket.Read(ctx, s.Store.Bucket(), key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("finding out whether the plan was applied: %w", err)
	}
	mark := &applied{}
	if err := json.Unmarshal(data, mark); err != nil {
		return nil, fmt.Errorf("the mark that the plan was applied cannot be read: %s: %w", s.Store.Where(key), err)
	}
	return mark, nil
}

// markApplied notes that a plan was carried out whole. A run that was stopped or failed leaves no mark: the same plan may
// finish it.
func (s *Session) markApplied(ctx context.Context, p *plan.Plan, revision int64) error {
	key, err := appliedKey(p)
	if err != nil {
		return err
	}
	data, err := json.Marshal(applied{Plan: p.ID, Revision: revision, By: UserName(), At: time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	if err := bucket.Put(ctx, s.Store.Bucket(), key, append(data, '\n')); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("noting that the plan was applied: %w", err)
	}
	return nil
}
