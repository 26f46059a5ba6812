package workspace

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mlp-lang/mlp/compiler/diff"
	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/stdlib"
)

// Diff compares two plans: two files of saved plans, or two revisions in git, or one revision with the files in the folder,
// as in "main", "main..HEAD" and "main...HEAD". Revisions are planned against what is recorded now.
func (w *Workspace) Diff(ctx context.Context, args []string, vars Settings) (*diff.Diff, error) {
	from, to, err := w.sides(ctx, args)
	if err != nil {
		return nil, err
	}
	if len(vars) > 0 && IsPlanFile(from.name) && IsPlanFile(to.name) {
		return nil, errVariables
	}
	before, err := w.sidePlan(ctx, from, vars)
	if err != nil {
		return nil, err
	}
	after, err := w.sidePlan(ctx, to, vars)
	if err != nil {
		return nil, err
	}
	if before.Pipeline != "" && after.Pipeline != "" && before.Pipeline != after.Pipeline && IsPlanFile(from.name) {
		return nil, fmt.Errorf("%s is of the pipeline %s, and %s of %s", from.name, before.Pipeline, to.name, after.Pipeline)
	}
	d := diff.Compare(before, after, stdlib.Catalog())
	d.Before.Name, d.After.Name = from.name, to.name
	if from.commit != "" {
		d.Before.Commit = from.commit
	}
	if to.commit != "" {
		d.After.Commit = to.commit
	}
	return d, nil
}

// comparand is one side of a comparison: a saved plan, a revision, or the files in the folder. Which it is shows in the
// fields: with a commit, a revision; else by the name.
type comparand struct {
	name   string // as asked for
	commit string // of a revision, in full
}

// workingFiles is how the files in the folder are called.
const workingFiles = "working files"

// sides reads the arguments: two names, a range of revisions, or one to be compared with the files in the folder.
//
//	main               main and the files in the folder
//	main HEAD          both, and so main..HEAD, main.. and ..HEAD with HEAD for what is left out
//	main...HEAD        the point where HEAD left main, and HEAD
//	a.json b.json      two saved plans
func (w *Workspace) sides(ctx context.Context, args []string) (from, to comparand, err error) {
	names := args
	if len(args) == 1 && !IsPlanFile(args[0]) {
		if x, y, ok := strings.Cut(args[0], "..."); ok {
			return w.sinceFork(ctx, orHead(x), orHead(y))
		}
		if x, y, ok := strings.Cut(args[0], ".."); ok {
			names = []string{orHead(x), orHead(y)}
		}
	}
	if from, err = w.comparand(ctx, names[0]); err != nil {
		return from, to, err
	}
	if len(names) == 1 {
		return from, comparand{name: workingFiles}, nil
	}
	to, err = w.comparand(ctx, names[1])
	return from, to, err
}

// orHead is HEAD for the empty end of a range, as in "main..".
func orHead(revision string) string {
	if revision == "" {
		return "HEAD"
	}
	return revision
}

// comparand is one side of a diff: a file of a plan, or a commit of which a plan is made.
func (w *Workspace) comparand(ctx context.Context, name string) (comparand, error) {
	if IsPlanFile(name) {
		return comparand{name: name}, nil
	}
	commit, err := w.commitOf(ctx, name)
	return comparand{name: name, commit: commit}, err
}

// sinceFork compares a revision with the point where it left another, as three dots do in git diff: what others did on
// main meanwhile is no change of the branch.
func (w *Workspace) sinceFork(ctx context.Context, base, branch string) (from, to comparand, err error) {
	if from, err = w.comparand(ctx, base); err != nil {
		return from, to, err
	}
	if to, err = w.comparand(ctx, branch); err != nil {
		return from, to, err
	}
	fork, err := w.git(ctx, "merge-base", from.commit, to.commit)
	if err != nil {
		return from, to, fmt.Errorf("%s and %s have no commit in common: %w", base, branch, err)
	}
	from.commit = strings.TrimSpace(string(fork))
	return from, to, nil
}

// sidePlan reads or makes the plan of one side. A saved plan that says otherwise than would be planned is refused.
func (w *Workspace) sidePlan(ctx context.Context, c comparand, vars Settings) (*plan.Plan, error) {
	switch {
	case c.commit != "":
		return w.planAt(ctx, c, vars)
	case c.name != workingFiles:
		p, _, err := w.SavedPlan(ctx, c.name, nil)
		return p, err
	}
	s, err := w.OpenToPlan(ctx, vars)
	if err != nil {
		return nil, err
	}
	p, err := s.Plan(ctx, nil)
	return p, errors.Join(err, s.Close())
}
