package cli

import (
	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/runtime/workspace"
)

const rollbackHelp = `Makes the release live again that was live before, or, with --to, the one that was live in a revision of the state. Nothing runs:
the stored model is taken, with the attributes that the deployment had. 'mlp serve' follows. An apply that is running does not hinder it.

What was rolled back is held: an apply of the same files does not release it again, and plans say so, with who did it and why. Another
model is released as ever, through its gate. Where a candidate is on its way to be live, that is what is taken back and held. --lift ends the hold without that; approvals that were given for what was rolled back
count no more.

Who may, and which rules the former release must still satisfy, stands in the gate's rollback block, as it was last decided by.`

// Nobody is asked, also at a terminal: a rollback is for the minute in which production is wrong. A reason must be
// given instead.
func (a *app) rollbackCommand() *cobra.Command {
	var r workspace.Rollback
	var vars workspace.Settings
	cmd := &cobra.Command{
		Use: "rollback ADDRESS --reason TEXT", Short: "Make a release live again that was live before", Args: cobra.ExactArgs(1), Long: rollbackHelp,
		Example: "  mlp rollback deploy.scorer --reason 'refunds are declined since Monday'\n  mlp rollback deploy.scorer --to 42 --as alice --reason 'incident 311'\n  mlp rollback deploy.scorer --lift --reason 'the feed was repaired'",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.openRecorded(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer s.Close()
			r.Deploy = workspace.AddressOf(args[0])
			done, err := s.Rollback(cmd.Context(), r)
			if err != nil {
				return err
			}
			a.screen().RolledBack(r, done)
			return nil
		},
	}
	settingsFlags(cmd, &vars)
	cmd.Flags().Int64Var(&r.To, "to", 0, "what was live in this `revision`; without it, what was live before")
	cmd.Flags().BoolVar(&r.Lift, "lift", false, "hold nothing any more, and change nothing that is live")
	cmd.Flags().StringVar(&r.By, "as", workspace.UserName(), "who rolls back: a `name`")
	cmd.Flags().StringVar(&r.Reason, "reason", "", "`why`; it is recorded, and plans show it")
	return cmd
}
