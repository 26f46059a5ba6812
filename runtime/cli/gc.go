package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/runtime/workspace"
)

const gcHelp = `Deletes results that nothing needs any more, of all pipelines and workspaces in the store, in two phases: a first run marks them, and a
run after the grace deletes those that were not used again. Applies may go on meanwhile, also on other machines where the store is in a bucket.

What is needed: what the states have now, and had within the time that the pipeline block says (keep = "90d"); every release that there ever
was, with all that it comes from; what was made within that time; and the logs of the last applies. The states' logs are never touched.`

// gcCommand deletes in two runs, of which this may be either (ledger.Collected).
func (a *app) gcCommand() *cobra.Command {
	var o workspace.Collect
	format := ""
	cmd := &cobra.Command{
		Use: "gc", Short: "Delete results that nothing needs any more", Long: gcHelp, Args: cobra.NoArgs,
		Example: "  mlp gc --dry-run\n  mlp gc\n  mlp gc --keep-days 30 --grace 24h",
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Tell = a.told
			done, err := a.Collect(cmd.Context(), o)
			if err != nil {
				return err
			}
			if format == "json" {
				return writeJSON(a.out, done)
			}
			return done.Garbage(a.out)
		},
	}
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "say what is not needed, by block; mark and delete nothing")
	cmd.Flags().Var(&o.Keep, "keep-days", "keep what was in use or made within so `many` days, whatever pipelines say (default: as keep in their blocks, else 90)")
	cmd.Flags().DurationVar(&o.Grace, "grace", 24*time.Hour, "how long what is marked may still be used again; below 1h no apply may run")
	cmd.Flags().StringVar(&format, "format", "text", "`text` or json")
	return cmd
}
