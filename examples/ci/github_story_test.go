package ci_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
)

var pinned = regexp.MustCompile(`@[0-9a-f]{40} # (v\d+)\.\d+\.\d+`)

// TestGitHubSyntax holds the workflow to GitHub's syntax, its expressions to what there is where they stand, and the inputs of actions to those
// they have. Actions are pinned by commit, with the version behind it.
func TestGitHubSyntax(t *testing.T) {
	data, err := os.ReadFile("github.yml")
	if err != nil {
		t.Fatal(err)
	}
	if uses, pins := strings.Count(string(data), "uses:"), len(pinned.FindAll(data, -1)); uses != pins || uses == 0 {
		t.Errorf("%d of %d actions are pinned", pins, uses)
	}
	linter, err := actionlint.NewLinter(io.Discard, &actionlint.LinterOptions{})
	if err != nil {
		t.Fatal(err)
	}
	found, err := linter.Lint("mlp.yml", pinned.ReplaceAll(data, []byte("@$1")), nil) // inputs are known by version
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range found {
		t.Errorf("github.yml:%d:%d: %s", e.Line, e.Column, e.Message)
	}
}

// notRun are the steps of the workflows that the tests do not run, and why.
var notRun = "builds mlp from the network for minutes; the machine of the test has the binary that is tested"

// TestGitHub is the story of a repository: what is on main is applied; one pull request changes the model, is pushed to again and merged; another is
// tried in a workspace meanwhile; a fork may not read the store. Every step of the workflow runs.
func TestGitHub(t *testing.T) {
	needs(t, "jq", "gh")
	g := newGitHub(t)
	first := g.pushed(g.git(g.bare, "rev-parse", "main"))
	first.want("plan-merged", "success")
	has(t, "the summary of the first plan", first.jobs["plan-merged"].summary, "1 release would change", "This is plan `blake3:")
	has(t, "the name of the job that waits for approval", first.want("apply", "success").name, "apply blake3:")
	// A commit that changes nothing is not applied, and nobody is asked.
	g.pushed(g.clone("main").push("main", "Change nothing")).want("apply", "skipped")

	seven := g.open(7, "rounds = 30")
	for i := range 40 {
		g.api.say(7, fmt.Sprintf("<!-- mlp:plan fraud/pr-7 -->\nIs it %d?", i)) // who quotes the plan's comment is not it
	}
	opened := g.event("opened", seven)
	opened.want("try", "skipped")
	opened.want("plan", "success")
	has(t, "the summary", opened.jobs["plan"].summary, "against default", "## What this pull request changes in main")
	comments := g.api.of(7)
	if len(comments) != 1 {
		t.Fatalf("got %d comments, want 1", len(comments))
	}
	has(t, "the comment", comments[0].Body, "<!-- mlp:plan fraud/pr-7 -->\n", "params.trees of train.model 20 → 30", "## What this pull request changes in main", "`rounds`: `20 → 30`")

	eight := g.open(8, "least = 100")
	eight.labels = []string{"mlp-try"}
	tried := g.event("labeled", eight)
	tried.want("try", "success")
	tried.want("plan", "success")
	has(t, "the comment of what was tried", g.api.of(8)[0].Body, "Merging into default runs nothing", "## What was tried", "    evaluate.holdout  ", "(https://github.localhost/acme/fraud/actions/runs/1/artifacts/report)")
	if page := string(tried.kept["report"]["report.html"]); !strings.Contains(page, "<!doctype html>") || !strings.Contains(page, "evaluate.holdout") {
		t.Errorf("the page of reports: got %.200q", page)
	}
	if strings.Contains(comments[0].Body, "What was tried") {
		t.Error("the comment of what was not tried tells of reports")
	}
	has(t, "the workspaces", g.clone("main").mlp("workspace", "list"), "pr-8", "goes by default")

	nine := g.open(9, "rounds = 50")
	nine.fork = true
	forked := g.event("opened", nine)
	forked.want("plan", "success")
	has(t, "the summary of a fork", forked.jobs["plan"].summary, "This pull request may not read the store", "`rounds`: `20 → 50`")
	if strings.Contains(forked.jobs["plan"].summary, "mlp:plan") || len(g.api.of(9)) != 0 {
		t.Error("a plan was shown that knows of nothing, or a fork commented")
	}

	seven.edit(seven.branch, "rounds = 35")
	g.event("synchronize", seven).want("plan", "success")
	if again := g.api.of(7); len(again) != 1 || again[0].writes != 2 {
		t.Fatalf("got %d comments, want the one of before, updated", len(again))
	}
	has(t, "the comment", g.api.of(7)[0].Body, "params.trees of train.model 20 → 35")

	// Merged. Somebody puts another plan in the place of the one that was approved, and has it refused; then that one is applied.
	sha := seven.merge()
	g.event("closed", seven).want("close", "success")
	other := g.clone("main")
	other.set("rounds = 60")
	other.mlp("plan", "--out", filepath.Join(other.dir, "plan.json"))
	g.between = func(job string, k kept) {
		if job == "apply" {
			if _, err := k.keep("plan", other.dir, "plan.json"); err != nil {
				t.Fatal(err)
			}
		}
	}
	has(t, "the apply of another plan", g.pushed(sha).want("apply", "failure").log, "and not the one that was approved", "exit code 5")
	g.between = nil
	merged := g.pushed(sha)
	has(t, "the apply", merged.want("apply", "success").log, "released train.model", "2 ran")

	// The other one moved on with main, and is planned anew; after its merge its workspace is gone.
	eight.publish()
	g.event("synchronize", eight).want("plan", "success")
	has(t, "the comment", g.api.of(8)[0].Body, "Merging into default runs nothing")
	sha = eight.merge()
	g.event("closed", eight).want("close", "success")
	if list := g.clone("main").mlp("workspace", "list"); strings.Contains(list, "pr-8") {
		t.Errorf("the workspace of a closed pull request is still there:\n%s", list)
	}
	has(t, "the apply of what was tried", g.pushed(sha).want("apply", "success").log, "released train.model", "0 ran")
	has(t, "the store", g.clone("main").mlp("store", "verify"), "all is as it was written")

	listed := map[string]string{}
	for _, step := range g.steps() {
		if strings.HasSuffix(step, "/Install mlp") {
			listed[step] = notRun
			delete(g.covered, step)
		}
	}
	g.covered.want(t, g.steps(), listed)
}
