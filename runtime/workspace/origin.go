package workspace

import (
	"cmp"
	"context"
	"os/exec"
	"path"
	"slices"
	"strings"

	"github.com/mlp-lang/mlp/compiler/plan"
)

// origin is where the module's folder stands in git, and the run of a CI system that this is part of, by the environment.
func (w *Workspace) origin(ctx context.Context, env func(string) string) plan.Origin {
	o := plan.Origin{Commit: commit(ctx, w.Dir), CI: ciRun(env)}
	o.Dirty = o.Commit != "" && dirty(ctx, w.Dir)
	return o
}

// commit is the checked-out revision of the folder; empty where there is none.
func commit(ctx context.Context, dir string) string {
	out, err := exec.CommandContext(ctx, "git", "-C", dir, "rev-parse", "HEAD").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// moduleEndings are those of files that a module is made of. Others that git does not know, such as a saved plan, make nothing dirty.
var moduleEndings = []string{".mlp", ".mlpvars", ".mlptest", ".lock"}

// dirty reports whether the folder, less its store, is other than its commit says.
func dirty(ctx context.Context, dir string) bool {
	out, err := exec.CommandContext(ctx, "git", "-C", dir, "status", "--porcelain", "--untracked-files=all", "-z", "--", ".", ":(exclude)"+StoreName).Output()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(strings.Split(string(out), "\x00"), func(entry string) bool {
		name, unknown := strings.CutPrefix(entry, "?? ")
		return entry != "" && (!unknown || slices.Contains(moduleEndings, path.Ext(name)))
	})
}

// ciRun is the run that a CI system's variables tell of; nil if there are none.
// The variables are those that GitHub Actions and GitLab CI document as set in every job. They are told and not trusted:
// nothing is allowed because of them.
func ciRun(env func(string) string) *plan.CI {
	switch {
	case env("GITHUB_ACTIONS") == "true" && env("GITHUB_RUN_ID") != "":
		ci := &plan.CI{System: "github", Run: env("GITHUB_RUN_ID"), Job: env("GITHUB_JOB"), Actor: env("GITHUB_ACTOR"), Ref: env("GITHUB_REF")}
		if server, repository := env("GITHUB_SERVER_URL"), env("GITHUB_REPOSITORY"); server != "" && repository != "" {
			ci.URL = server + "/" + repository + "/actions/runs/" + ci.Run
		}
		return ci
	case env("GITLAB_CI") == "true" && env("CI_PIPELINE_ID") != "":
		return &plan.CI{System: "gitlab", Run: env("CI_PIPELINE_ID"), Job: env("CI_JOB_ID"), Actor: env("GITLAB_USER_LOGIN"), Ref: env("CI_COMMIT_REF_NAME"),
			URL: cmp.Or(env("CI_JOB_URL"), env("CI_PIPELINE_URL"))}
	}
	return nil
}
