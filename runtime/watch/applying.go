package watch

import (
	"context"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/runtime/engine"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// applying carries plans out that nobody is shown: what happens is in the journal ('mlp logs').
type applying struct {
	o    *Options
	stop context.Context
}

// apply applies a part of the module with data as they are now, if that may be. When ctx ends no new stage is started, and what runs is let finish and is recorded. Nil without an error: there
// was nothing to do.
func (o *Options) apply(ctx context.Context, s *workspace.Session, part workspace.Part, may func(*plan.Plan) error) (*engine.Result, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.Refresh, s.Look, s.Part = true, true, part
	return s.ApplyIf(context.WithoutCancel(ctx), o.applyOptions(), applying{o, ctx}, may)
}

// applyOptions are those of an apply by the watcher.
func (o *Options) applyOptions() workspace.ApplyOptions {
	a := o.Apply
	a.By, a.Round = o.By, true
	return a
}

func (a applying) Show(*plan.Plan) error { return nil }

// Confirm goes on unless there is nothing to do.
func (a applying) Confirm(p *plan.Plan) (bool, error) { return !review.Count(p).Nothing(), nil }
func (a applying) NoEngine(string)                    {}
func (a applying) Event(engine.Event)                 {}
func (a applying) End()                               {}

func (a applying) Begin(ctx context.Context) (stop, kill context.Context) {
	if a.o.Kill != nil {
		return a.stop, a.o.Kill
	}
	return a.stop, ctx
}

func (a applying) ExitCode(r *engine.Result, err error) int {
	if err != nil {
		return engine.ExitError
	}
	return r.ExitCode()
}
