package cli

import (
	"context"
	"fmt"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// savedPlan reads a plan to be shown. Where it could not be held against what would be planned, such as on a laptop
// that has the file alone, a line on standard error says so: what is shown then rests on the word of whoever sent the
// file.
func (a *app) savedPlan(ctx context.Context, path string, vars workspace.Settings) (*plan.Plan, error) {
	p, unchecked, err := a.SavedPlan(ctx, path, vars)
	if err == nil && unchecked != "" {
		fmt.Fprintf(a.err, "Shown as it stands, and not compared with what would be planned: %s.\n", unchecked)
	}
	return p, err
}
