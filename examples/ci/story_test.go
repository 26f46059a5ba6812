package ci_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

// TestStory is how a team works with one store: Ann and Bob at their machines and the CI, three pull requests, a rollback, and garbage. The README beside
// it tells it. What was tried is not run again by the merge, what did not move is not run again by anybody, and nobody frees a lock.
func TestStory(t *testing.T) {
	needs(t, "jq", "gh")
	g := newGitHub(t)
	g.applied(g.git(g.bare, "rev-parse", "main"), "5 ran")

	// Ann and Bob clone. Neither has run anything, and neither has to.
	ann, bob := g.clone("main"), g.clone("main")
	for _, c := range []*clone{ann, bob} {
		has(t, "the plan at home", c.mlp("plan"), "nothing to do, 5 cached")
	}

	// Ann wants more trees, Bob leaves out old customers and has it tried. A third one wants yet other trees.
	one, two := g.open(1, "rounds = 30"), g.open(2, "least = 100")
	two.labels = []string{"mlp-try"}
	g.event("opened", one).want("plan", "success")
	g.event("opened", two).want("plan", "success")
	three := g.open(3, "rounds = 60")
	g.event("opened", three).want("plan", "success")
	has(t, "the comment of the first", g.api.of(1)[0].Body, "1 to run, 1 may run, 3 cached")
	has(t, "the comment of the second", g.api.of(2)[0].Body, "Merging into default runs nothing")
	has(t, "the comment of the third", g.api.of(3)[0].Body, "params.trees of train.model 20 → 60")

	// Ann's is merged. Bob's is tried anew on what main is now, and says what moved.
	g.applied(one.merge(), "2 ran")
	g.event("closed", one).want("close", "success")
	ann.git(ann.dir, "pull", "--quiet")
	has(t, "the plan of who pulled", ann.mlp("plan"), "nothing to do, 5 cached")
	has(t, "the plan of who did not pull", bob.mlp("plan"), "30 → 20", "which this checkout does not contain")
	two.publish()
	g.event("synchronize", two).want("plan", "success")
	has(t, "the comment of the second", g.api.of(2)[0].Body, "Merging into default runs nothing")

	// Production misbehaves: Bob rolls back, at home and without a commit. What is on main is held, and the plans of pull requests say so.
	has(t, "the rollback", bob.mlp("rollback", "deploy.scorer", "--reason", "too many calls"), "deploy.scorer")
	has(t, "the plan of main", ann.mlp("plan"), "held")
	g.event("synchronize", two).want("plan", "success")
	has(t, "the comment of the second", g.api.of(2)[0].Body, "release would change")

	// Bob's is another candidate, and goes live: with the results of the try, so that nothing runs.
	g.applied(two.merge(), "0 ran")
	g.event("closed", two).want("close", "success")

	// The third is of the same line as the first: its author sets it anew on main.
	c := g.clone("main")
	c.set("rounds = 60")
	c.git(c.dir, "push", "--quiet", "--force", "origin", "HEAD:refs/heads/"+three.branch)
	c.push(three.branch, "Set rounds = 60")
	three.publish()
	g.event("synchronize", three).want("plan", "success")
	if comments := g.api.of(3); len(comments) != 1 || comments[0].writes != 2 {
		t.Errorf("got %d comments of the third, want one that was written twice", len(comments))
	}
	has(t, "the comment of the third", g.api.of(3)[0].Body, "params.trees of train.model 30 → 60")
	g.applied(three.merge(), "2 ran")
	g.event("closed", three).want("close", "success")

	home := g.clone("main")
	has(t, "the plan in the end", home.mlp("plan"), "nothing to do, 5 cached")
	if list := home.mlp("workspace", "list"); strings.Contains(list, "pr-") {
		t.Errorf("workspaces of closed pull requests are there:\n%s", list)
	}
	var history []struct{ Revision int64 }
	if err := json.Unmarshal([]byte(home.mlp("history", "--format", "json")), &history); err != nil {
		t.Fatal(err)
	}
	for i, r := range history {
		if r.Revision != int64(i+1) {
			t.Errorf("revision %d of the log is number %d", i+1, r.Revision)
		}
	}
	has(t, "the store", home.mlp("store", "verify"), "all is as it was written")
	g.collected(home)
}

// applied has the workflow plan and apply a commit of main, and wants that said.
func (g *github) applied(sha, ran string) {
	g.t.Helper()
	r := g.pushed(sha)
	r.want("plan-merged", "success")
	has(g.t, "the apply", r.want("apply", "success").log, ran)
}

// collected collects garbage, after which everything still is as it was planned and can be read.
func (g *github) collected(c *clone) {
	g.t.Helper()
	c.mlp("gc", "--keep-days", "0", "--grace", "0s")
	has(g.t, "the store after gc", c.mlp("store", "verify"), "all is as it was written")
	has(g.t, "the plan after gc", g.clone("main").mlp("plan", "--refresh"), "nothing to do, 5 cached")
	c.mlp("show", "deploy.scorer", "--save", filepath.Join(c.t.TempDir(), "model"))
}
