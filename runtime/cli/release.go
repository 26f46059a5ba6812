package cli

import (
	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/render/ledger"
	"github.com/mlp-lang/mlp/runtime/view"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

const releaseHelp = `What deployments have live, and the releases that are on their way to be: with a canary, a shadow or blue_green in its deploy block a release that follows
another is served beside it, and takes over by the steps that are recorded here. 'mlp serve' follows each of them.

  mlp release list                                        what is live, and what is on its way
  mlp release show deploy.scorer                          one deployment, with who moved what, when and why
  mlp release promote deploy.scorer --reason 'no errors'  to the next step; from the last one it is live
  mlp release pause deploy.scorer --reason 'a look'       no step until 'mlp release resume'
  mlp release abort deploy.scorer --reason 'slow'         only the live model answers; the candidate is held, as by a rollback

Nothing runs, and an apply that is running does not hinder it. What is live already is taken back by 'mlp rollback'.`

func (a *app) releaseCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "release", Short: "See and move the releases of deployments", Long: releaseHelp, Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(c, args)
			}
			return c.Help()
		},
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(a.listReleases(), a.showRelease(),
		a.moveRelease(workspace.PromoteRollout, "Give a candidate more of the rows, or make it live"), a.moveRelease(workspace.PauseRollout, "Keep a candidate at its step"),
		a.moveRelease(workspace.ResumeRollout, "Let a paused candidate go on"), a.moveRelease(workspace.AbortRollout, "Take a candidate away, and hold it"))
	return cmd
}

func (a *app) listReleases() *cobra.Command {
	format := ""
	var vars workspace.Settings
	cmd := &cobra.Command{
		Use: "list", Short: "List what deployments have live, and what is on its way", Args: cobra.NoArgs, Example: "  mlp release list",
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := a.openRecorded(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer s.Close()
			if format == "json" {
				return writeJSON(a.out, s.State.Releases)
			}
			return a.screen().Releases(s.State.Releases)
		},
	}
	settingsFlags(cmd, &vars)
	cmd.Flags().StringVar(&format, "format", "text", "`text` or json")
	return cmd
}

func (a *app) showRelease() *cobra.Command {
	var vars workspace.Settings
	var servers []string
	cmd := &cobra.Command{
		Use: "show ADDRESS", Short: "One deployment, with who moved what, when and why", Args: cobra.ExactArgs(1), Example: "  mlp release show deploy.scorer\n  mlp release show deploy.scorer --server http://127.0.0.1:8080",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.openRecorded(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer s.Close()
			address := workspace.AddressOf(args[0])
			if err := a.showOne(cmd.Context(), s, address, "text", ""); err != nil {
				return err
			}
			all, err := s.History(cmd.Context(), address)
			if err != nil {
				return err
			}
			if err := ledger.History(a.out, "\nits revisions", all, true); err != nil {
				return err
			}
			return a.screen().Seen(cmd.Context(), s, address, servers)
		},
	}
	settingsFlags(cmd, &vars)
	cmd.Flags().StringArrayVar(&servers, "server", nil, "also what this `mlp serve` has seen of a canary: its URL (may be repeated, counts add up)")
	return cmd
}

// moveRelease is a command for one of the moves. As for a rollback, nobody is asked, and a reason must be given.
func (a *app) moveRelease(do workspace.RolloutAction, short string) *cobra.Command {
	m := workspace.RolloutMove{Do: do}
	var vars workspace.Settings
	cmd := &cobra.Command{
		Use: string(do) + " ADDRESS --reason TEXT", Short: short, Args: cobra.ExactArgs(1), Example: "  mlp release " + string(do) + " deploy.scorer --reason '" + view.MoveReasons[do] + "'",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := a.openRecorded(cmd.Context(), vars)
			if err != nil {
				return err
			}
			defer s.Close()
			m.Deploy = workspace.AddressOf(args[0])
			done, err := s.MoveRollout(cmd.Context(), m)
			if err != nil {
				return err
			}
			return a.screen().Moved(m, done)
		},
	}
	settingsFlags(cmd, &vars)
	if do == workspace.PromoteRollout {
		cmd.Flags().BoolVar(&m.Whole, "all", false, "to be live now, past all steps")
	}
	cmd.Flags().StringVar(&m.By, "as", workspace.UserName(), "who does it: a `name`")
	cmd.Flags().StringVar(&m.Reason, "reason", "", "`why`; it is recorded, and shown")
	return cmd
}
