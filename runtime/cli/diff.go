package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/diff"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/compiler/render"
	"github.com/mlp-lang/mlp/compiler/render/review"
	"github.com/mlp-lang/mlp/stdlib"
)

const diffHelp = `Compares two plans: what a change of the pipeline means, apart from what would run anyway. Layout, comments and the
order of blocks are no change.

A and B are plans saved with 'mlp plan --out' (names ending in .json), or revisions of the pipeline in git: one revision is
compared with the files in the folder; main..HEAD are both ends; main...HEAD begins where HEAD left main. Revisions are
read from git, nothing is checked out; both are planned against what is recorded now. Data that git does not hold are
the files on disk, for both.`

type comparing struct {
	vars     settings
	format   string
	detailed bool
}

func (a *app) diffCommand() *cobra.Command {
	f := comparing{format: "text"}
	cmd := &cobra.Command{
		Use: "diff A [B]", Short: "What differs between two plans, or two revisions", Long: diffHelp, Args: cobra.RangeArgs(1, 2),
		Example: "  mlp diff main\n  mlp diff main...HEAD --format markdown\n  mlp diff before.json after.json",
		RunE:    func(cmd *cobra.Command, args []string) error { return a.runDiff(cmd.Context(), args, f) },
	}
	cmd.Flags().StringVar(&f.format, "format", f.format, "`text`, markdown or json")
	cmd.Flags().BoolVar(&f.detailed, "detailed-exitcode", false, "exit with 2 if something differs")
	f.vars.flags(cmd)
	return cmd
}

func (a *app) runDiff(ctx context.Context, args []string, f comparing) error {
	if !slices.Contains([]string{"text", "markdown", "json"}, f.format) {
		return &failure{err: fmt.Errorf("--format %s is not known", f.format), hint: "Use text, markdown or json."}
	}
	from, to, err := a.sides(ctx, args)
	if err != nil {
		return err
	}
	before, err := a.sidePlan(ctx, from, f.vars)
	if err != nil {
		return err
	}
	after, err := a.sidePlan(ctx, to, f.vars)
	if err != nil {
		return err
	}
	if before.Pipeline != "" && after.Pipeline != "" && before.Pipeline != after.Pipeline && isPlanFile(from.name) {
		return fmt.Errorf("%s is of the pipeline %s, and %s of %s", from.name, before.Pipeline, to.name, after.Pipeline)
	}
	d := diff.Compare(before, after, stdlib.Catalog())
	d.Before.Name, d.After.Name = from.name, to.name
	if from.commit != "" {
		d.Before.Commit = from.commit
	}
	if to.commit != "" {
		d.After.Commit = to.commit
	}
	if err := a.printDiff(d, f.format); err != nil {
		return err
	}
	if f.detailed && !d.Empty() {
		return exitCode(exitChanges)
	}
	return nil
}

func (a *app) printDiff(d *diff.Diff, format string) error {
	switch format {
	case "json":
		return writeJSON(a.out, d)
	case "markdown":
		return review.DiffMarkdown(a.out, d)
	}
	return review.Diff(a.out, d, render.Options{Color: a.color(a.out)})
}

// comparand is one side of a comparison: a saved plan, a revision, or the files in the folder.
type comparand struct {
	name   string // as asked for
	commit string // of a revision, in full
}

// workingFiles is how the files in the folder are called.
const workingFiles = "working files"

// sides reads the arguments: two names, a range of revisions, or one to be compared with the files in the folder.
func (a *app) sides(ctx context.Context, args []string) (from, to comparand, err error) {
	names := args
	if len(args) == 1 && !isPlanFile(args[0]) {
		if x, y, ok := strings.Cut(args[0], "..."); ok {
			return a.sinceFork(ctx, orHead(x), orHead(y))
		}
		if x, y, ok := strings.Cut(args[0], ".."); ok {
			names = []string{orHead(x), orHead(y)}
		}
	}
	if from, err = a.comparand(ctx, names[0]); err != nil {
		return from, to, err
	}
	if len(names) == 1 {
		return from, comparand{name: workingFiles}, nil
	}
	to, err = a.comparand(ctx, names[1])
	return from, to, err
}

func orHead(revision string) string {
	if revision == "" {
		return "HEAD"
	}
	return revision
}

func (a *app) comparand(ctx context.Context, name string) (comparand, error) {
	if isPlanFile(name) {
		return comparand{name: name}, nil
	}
	commit, err := a.commitOf(ctx, name)
	return comparand{name: name, commit: commit}, err
}

// sinceFork compares a revision with the point where it left another.
func (a *app) sinceFork(ctx context.Context, base, branch string) (from, to comparand, err error) {
	if from, err = a.comparand(ctx, base); err != nil {
		return from, to, err
	}
	if to, err = a.comparand(ctx, branch); err != nil {
		return from, to, err
	}
	fork, err := a.git(ctx, "merge-base", from.commit, to.commit)
	if err != nil {
		return from, to, fmt.Errorf("%s and %s have no commit in common: %w", base, branch, err)
	}
	from.commit = strings.TrimSpace(string(fork))
	return from, to, nil
}

// sidePlan reads or makes the plan of one side.
func (a *app) sidePlan(ctx context.Context, c comparand, vars settings) (*plan.Plan, error) {
	switch {
	case c.commit != "":
		return a.planAt(ctx, c, vars)
	case c.name != workingFiles:
		return readPlan(c.name)
	}
	s, err := a.openToPlan(ctx, vars)
	if err != nil {
		return nil, err
	}
	p, err := s.plan(ctx, nil)
	return p, errors.Join(err, s.Close())
}
