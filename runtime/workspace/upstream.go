package workspace

import (
	"context"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/suggest"
)

// goBy makes the state that is planned against that of the workspace's upstream: the one that was named, else the one that the workspace went
// by when it was last applied. A workspace without either stands alone, and nothing changes.
//
// In a pull request of a pipeline whose production is the workspace default, `mlp plan --workspace pr-17 --base default` so compares with what is
// live: State is that of default with what pr-17 has recorded laid over it, and Own is what pr-17 has recorded itself. Stages that the
// change does not touch are cached, although pr-17 never ran them.
func (w *Workspace) goBy(ctx context.Context, r *Recorded) error {
	name := w.Base
	if name == "" && r.State.Upstream != nil {
		name = r.State.Upstream.Workspace
	}
	switch {
	case name == "":
		return nil
	case name == w.Name:
		return &Failure{Err: fmt.Errorf("the workspace %s cannot go by itself", w.Name), Hint: "Name the workspace of the pull request with --workspace, and that of production with --base."}
	}
	w.goesBy = name
	log, err := r.Log.Of(name)
	if err != nil {
		return err
	}
	of, err := log.Load(ctx)
	if err != nil {
		return fmt.Errorf("workspace %s: %w", name, err)
	}
	if of.Sample != "" {
		return &Failure{Err: fmt.Errorf("--base %s: that workspace is of a %s, and nothing can go by it", name, plan.SampleName(of.Sample)), Hint: "A base is where production is: results of all rows."}
	}
	if of.Revision == 0 {
		if err := nothingIn(ctx, r, name); err != nil {
			return err
		}
	}
	r.Own, r.State = r.State, r.Log.Onto(r.State, of)
	return nil
}

// nothingIn refuses to go by a workspace in which nothing is recorded, where others have something: its name may be mistyped. The first pull
// request of a pipeline, before anything was applied, may go by what is not there yet.
func nothingIn(ctx context.Context, r *Recorded, name string) error {
	there, err := r.Log.Workspaces(ctx)
	if err != nil {
		return err
	}
	var alone []string
	for _, other := range there {
		log, err := r.Log.Of(other)
		if err != nil {
			return err
		}
		if st, err := log.Load(ctx); err == nil && st.Upstream == nil && other != r.Log.Workspace() {
			alone = append(alone, other)
		}
	}
	if len(alone) == 0 {
		return nil
	}
	hint := strings.TrimSpace(suggest.DidYouMean(name, alone) + " Something is recorded in: " + strings.Join(alone, ", ") + ".")
	return &Failure{Err: fmt.Errorf("--base %s: nothing is recorded in that workspace", name), Hint: hint}
}
