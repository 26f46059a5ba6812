package cli

import (
	"context"
	"fmt"

	"github.com/mlp-lang/mlp/compiler/render/ledger"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

// requirementsArgument is what `mlp show` takes in place of an address to show the trace. No address is one word.
const requirementsArgument = "requirements"

// showRequirements prints the trace from each requirement to the blocks and rules that verify it, and their last
// verdicts. Requirements stand in the module's text, so unlike other commands that show, this one needs a module
// without mistakes.
func (a *app) showRequirements(ctx context.Context, vars workspace.Settings, format string) error {
	s, err := a.Open(ctx, vars)
	if err != nil {
		return err
	}
	defer s.Close()
	all, err := s.Requirements()
	if err != nil {
		return err
	}
	if format == "json" {
		return writeJSON(a.out, all)
	}
	if len(all) == 0 {
		fmt.Fprintln(a.out, "The module states no requirements: problem blocks do.")
		return nil
	}
	return ledger.Requirements(a.out, all)
}
