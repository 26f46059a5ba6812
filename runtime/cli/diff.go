package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/diff"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/runtime/workspace"
)

const diffHelp = `Compares two plans: what a change of the pipeline means, apart from what would run anyway. Layout, comments and the
order of blocks are no change.

A and B are plans saved with 'mlp plan --out' (names ending in .json), or revisions of the pipeline in git: one revision is
compared with the files in the folder; main..HEAD are both ends; main...HEAD begins where HEAD left main. Revisions are
read from git, nothing is checked out; both are planned against what is recorded now. Data that git does not hold are
the files on disk, for both.`

// comparing are the flags of 'mlp diff'.
type comparing struct {
	vars     workspace.Settings
	format   string
	detailed bool
}

// diffCommand compares two plans without making anything run. Its arguments are files, revisions of git, or a range of
// two.
func (a *app) diffCommand() *cobra.Command {
	f := comparing{format: "text"}
	cmd := &cobra.Command{
		Use: "diff A [B]", Short: "What differs between two plans, or two revisions", Long: diffHelp, Args: cobra.RangeArgs(1, 2),
		Example: "  mlp diff main\n  mlp diff main...HEAD --format markdown\n  mlp diff before.json after.json",
		RunE:    func(cmd *cobra.Command, args []string) error { return a.runDiff(cmd.Context(), args, f) },
	}
	cmd.Flags().StringVar(&f.format, "format", f.format, "`text`, markdown or json")
	cmd.Flags().BoolVar(&f.detailed, "detailed-exitcode", false, "exit with 2 if something differs")
	settingsFlags(cmd, &f.vars)
	return cmd
}

// runDiff compares and prints. With --detailed-exitcode the code is 2 if the plans differ, as 'git diff --exit-code'
// has 1.
func (a *app) runDiff(ctx context.Context, args []string, f comparing) error {
	d, err := a.Diff(ctx, args, f.vars)
	if err != nil {
		return err
	}
	if err := a.printDiff(d, f.format); err != nil {
		return err
	}
	if f.detailed && !d.Empty() {
		return exitCode(exitChanges)
	}
	return nil
}

// printDiff writes text for any format but json and markdown: others were refused before.
func (a *app) printDiff(d *diff.Diff, format string) error {
	switch format {
	case "json":
		return writeJSON(a.out, d)
	case "markdown":
		return review.DiffMarkdown(a.out, d)
	}
	return review.Diff(a.out, d, render.Options{Color: a.color(a.out)})
}
