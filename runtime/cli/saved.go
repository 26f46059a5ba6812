package cli

import (
	"context"
	"fmt"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// savedPlan reads a plan to be shown.
func (a *app) savedPlan(ctx context.Context, path string, vars workspace.Settings) (*plan.Plan, error) {
	p, unchecked, err := a.SavedPlan(ctx, path, vars)
	if err == nil && unchecked != "" {
		fmt.Fprintf(a.err, "Shown as it stands, and not compared with what would be planned: %s.\n", unchecked)
	}
	return p, err
}
