package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/render/ledger"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

const historyHelp = `Lists what was recorded, when, by whom, of which commit and in which CI run, the last first. The revisions of one apply stand in
one line; with an address each revision that touched it has its own, with versions of code and data.

'mlp show ADDRESS --at REVISION' shows what was recorded then, 'mlp plan --at REVISION' what the files would change of it.`

// JSON has every revision, the oldest first; the text has the last first, and joins those of one apply.
func (a *app) historyCommand() *cobra.Command {
	format := ""
	var vars workspace.Settings
	cmd := &cobra.Command{
		Use: "history [ADDRESS]", Short: "What was recorded, when and by whom", Long: historyHelp, Args: cobra.MaximumNArgs(1),
		Example: "  mlp history\n  mlp history deploy.scorer\n  mlp history --format json",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.openRecorded(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer s.Close()
			only := ""
			if len(args) > 0 {
				only = workspace.AddressOf(args[0])
			}
			all, err := s.History(cmd.Context(), only)
			switch {
			case err != nil:
				return err
			case format == "json":
				return writeJSON(a.out, all)
			case len(all) == 0:
				fmt.Fprintln(a.out, "Nothing is recorded yet.")
				return nil
			}
			title := only
			if title == "" {
				title = fmt.Sprintf("%s · workspace %s", s.Pipeline, a.Name)
			}
			return ledger.History(a.out, title, all, only != "")
		},
	}
	settingsFlags(cmd, &vars)
	cmd.Flags().StringVar(&format, "format", "text", "`text` or json")
	return cmd
}

// atFlag adds --at, which counts where it was given.
func atFlag(cmd *cobra.Command, at *int64) {
	cmd.Flags().Int64Var(at, "at", 0, "as of this `revision` of the state; 0 is before the first. 'mlp history' lists them")
	cmd.Flag("at").DefValue = "the last"
}
