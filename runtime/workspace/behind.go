package workspace

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/lazyregexp"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/runtime/state"
)

// commitForm is a commit's digest as git writes it; a log may say anything, and what it says becomes an argument of git.
var commitForm = lazyregexp.New(`^[0-9a-f]{40,64}$`)

// shortCommit is how many digits of a commit are shown.
const shortCommit = 12

// behind warns where the state that a plan is made against was recorded at a commit that the checkout does not contain. A branch that was made
// before another one was merged would take back what that one changed, and its plan alone would not say so. Nothing is said where
// a clone has only the end of the history, or where the module lies in no repository.
func (s *Session) behind(ctx context.Context) (*plan.Diagnostic, error) {
	log, last := s.Log, s.State.Revision
	if up := s.State.Upstream; up != nil && s.State.Ahead {
		var err error
		if log, err = s.Log.Of(up.Workspace); err != nil {
			return nil, err
		}
		last = up.Revision
	}
	if last == 0 {
		return nil, nil
	}
	r, err := log.Revision(ctx, last)
	if err != nil {
		return nil, err
	}
	if !commitForm().MatchString(r.Commit) || contains(ctx, s.w.Dir, r.Commit) {
		return nil, nil
	}
	return &plan.Diagnostic{Severity: "warning", Code: source.CodeBehind,
		Summary: fmt.Sprintf("Workspace %s was last recorded at commit %s, which this checkout does not contain", log.Workspace(), r.Commit[:shortCommit]),
		Detail:  whoWrote(r) + " What was changed there and is not here, this plan takes back.",
		Hint:    "Merge that commit into this branch, or rebase on it, and plan again; CI checks out the merge."}, nil
}

// whoWrote says of a revision who wrote it.
func whoWrote(r *state.Revision) string {
	if r.By == "" {
		return fmt.Sprintf("It was revision %d.", r.Revision)
	}
	return fmt.Sprintf("It was revision %d, by %s.", r.Revision, r.By)
}

// contains reports whether the checkout of a folder contains a commit, or git cannot tell. A commit that a whole clone does not know was
// made elsewhere since it was fetched.
func contains(ctx context.Context, dir, commit string) bool {
	const no, unknown = 1, 128
	err := exec.CommandContext(ctx, "git", "-C", dir, "merge-base", "--is-ancestor", commit, "HEAD").Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != no && exit.ExitCode() != unknown {
		return true
	}
	if exit.ExitCode() == no {
		return false
	}
	shallow, err := exec.CommandContext(ctx, "git", "-C", dir, "rev-parse", "--is-shallow-repository").Output()
	return err != nil || strings.TrimSpace(string(shallow)) != "false"
}
