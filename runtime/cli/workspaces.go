package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/runtime/view"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

const workspacesHelp = `A workspace is a state of its own: what ran last, which gates passed, what is live. All workspaces of a store share its results.

A pull request has one that goes by production's: 'mlp apply --workspace pr-42 --base default' compares with what default has live, decides gates
by that, and records in pr-42 alone. What was applied there need not run after the merge.

  mlp workspace list             all of this pipeline, and what each has live that its base has not
  mlp workspace promote pr-42    apply the module to the base of pr-42, if nothing has to run for that
  mlp workspace remove pr-42     forget it, when the pull request is closed`

const promoteHelp = `Applies the module in the workspace that NAME goes by, if nothing has to run for it: every stage must have the result that was recorded in NAME.
Gates and approvals are those of the base. What has moved since is named, and then nothing is done.`

const removeHelp = `Forgets what is recorded in the workspace: its revisions, journals and releases. Results stay in the store, for other workspaces that have them too.
A workspace in which an apply goes on is refused, unless --wait waits for its end.`

// workspaceCommand has the commands that look after workspaces; without a word behind it prints its help.
func (a *app) workspaceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "workspace", Short: "Look after workspaces, such as those of pull requests", Long: workspacesHelp, Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(c, args)
			}
			return c.Help()
		},
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(a.listWorkspaces(), a.promoteWorkspace(), a.removeWorkspace())
	return cmd
}

// listWorkspaces is of all workspaces, so a --workspace beside it is refused rather than not read.
func (a *app) listWorkspaces() *cobra.Command {
	format := ""
	cmd := &cobra.Command{
		Use: "list", Short: "List the workspaces of the pipeline", Args: cobra.NoArgs, Example: "  mlp workspace list\n  mlp workspace list --format json",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := unread(cmd, "a list of all", "workspace"); err != nil {
				return err
			}
			s, err := a.openRecorded(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer s.Close()
			all, err := s.ListWorkspaces(cmd.Context())
			if err != nil {
				return err
			}
			if format == "json" {
				return writeJSON(a.out, all)
			}
			return a.screen().Workspaces(all)
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "`text` or json")
	return cmd
}

// promoteWorkspace asks before it applies, as apply does.
func (a *app) promoteWorkspace() *cobra.Command {
	f := applyFlags{executor: "auto"}
	cmd := &cobra.Command{
		Use: "promote NAME", Short: "Apply to the base what a workspace has", Long: promoteHelp, Args: cobra.ExactArgs(1), Example: "  mlp workspace promote pr-42",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(workspace.CheckName(args[0]), unread(cmd, "a workspace that is promoted by its name", "workspace")); err != nil {
				return err
			}
			return a.promote(cmd.Context(), args[0], f)
		},
	}
	settingsFlags(cmd, &f.vars)
	cmd.Flags().BoolVar(&f.approve, "auto-approve", false, "do not ask")
	return cmd
}

// promote opens the workspace twice: to read which base it is promoted to, and then that base, as an apply to it. The base
// takes over what the other has only if nothing would have to run for it; what has moved since is named, and nothing is
// done.
func (a *app) promote(ctx context.Context, from string, f applyFlags) error {
	if err := a.checkApply(f); err != nil {
		return err
	}
	recorded, err := a.openRecorded(ctx, f.vars)
	if err != nil {
		return err
	}
	into, err := recorded.PromotedTo(ctx, from)
	if err := errors.Join(err, recorded.Close()); err != nil {
		return err
	}
	a.Name = into
	s, err := a.Open(ctx, f.vars)
	if err != nil {
		return err
	}
	defer s.Close()
	s.Look = true
	by := &applying{app: a, flags: f, view: view.NewRun(a.screen())}
	result, err := s.Promote(ctx, from, a.applyOptions(f), by)
	if err != nil || result == nil {
		return err
	}
	return by.outcome(result, nil)
}

// removeWorkspace forgets the state and leaves the results, which others may rest on; `mlp gc` finds those that nothing
// rests on any more.
func (a *app) removeWorkspace() *cobra.Command {
	force, f := false, applyFlags{}
	cmd := &cobra.Command{
		Use: "remove NAME", Short: "Forget what is recorded in a workspace", Long: removeHelp, Args: cobra.ExactArgs(1), Example: "  mlp workspace remove pr-42",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := errors.Join(workspace.CheckName(args[0]), unread(cmd, "a workspace that is removed by its name", "workspace")); err != nil {
				return err
			}
			a.Name = args[0]
			s, err := a.openRecorded(cmd.Context(), nil)
			if err != nil {
				return err
			}
			defer s.Close()
			if err := s.RemoveWorkspace(cmd.Context(), force, a.applyOptions(f)); err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.out, "Workspace %s is forgotten. Its results stay in the store for others.\n", render.Line(args[0]))
			return err
		},
	}
	cmd.Flags().BoolVar(&f.wait, "wait", false, "wait until no apply goes on in the workspace")
	cmd.Flags().BoolVar(&force, "force", false, "also where it goes by no other workspace and has something live")
	return cmd
}
