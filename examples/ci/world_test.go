// Package ci_test runs the workflows: each step's text is taken out of the YAML and run by bash, with the variables that the CI would set, against a
// bare git repository, a real server of the S3 protocol, and a small server that speaks the routes of the CI's API that the steps use.
package ci_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/s3test"
)

// roles begins the names of roles, as both files have them. The server of the store has users with the rest of the names.
const roles = "arn:aws:iam::111122223333:role/"

// pipelineDir is where the workflows look for the pipeline, as both files have it.
const pipelineDir = "pipelines/fraud"

// world is what stands around a CI: the repository that all push to, and the store.
type world struct {
	t     *testing.T
	bare  string // the repository
	store string // its URL
	s3    *s3test.Server
	bin   string // mlp
}

// needs skips the test where a program is missing that runners of CI systems have, or fails it where MLP_REQUIRE_CI_TOOLS is set.
func needs(t *testing.T, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			if os.Getenv("MLP_REQUIRE_CI_TOOLS") != "" {
				t.Fatal(err)
			}
			t.Skipf("%v: apt-get install %s", err, p)
		}
	}
}

// newWorld has the pipeline of testdata on the branch main, and nothing recorded.
func newWorld(t *testing.T) *world {
	t.Helper()
	mlp := os.Getenv("MLP_BIN")
	if mlp == "" {
		t.Skip("MLP_BIN names no binary of mlp; `make test` builds one and does")
	}
	mlp, err := filepath.Abs(mlp)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, bare: filepath.Join(t.TempDir(), "repository.git"), s3: s3test.Start(t, "models"), bin: mlp}
	w.store = w.s3.URL("models/fraud")
	policy, err := os.ReadFile("policy.json")
	if err != nil {
		t.Fatal(err)
	}
	w.s3.Policy(t, "models", strings.ReplaceAll(string(policy), roles, ""), "mlp-read", "mlp-try", "mlp-apply")
	w.git("", "init", "--quiet", "--bare", "--initial-branch", "main", w.bare)
	c := w.clone("main")
	if err := os.CopyFS(filepath.Join(c.dir, pipelineDir), os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	c.push("main", "Begin")
	return w
}

// git runs git in a folder, and returns what it printed.
func (w *world) git(dir string, args ...string) string {
	w.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_AUTHOR_NAME=ann", "GIT_AUTHOR_EMAIL=ann@example.org", "GIT_COMMITTER_NAME=ann", "GIT_COMMITTER_EMAIL=ann@example.org")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// clone is what somebody has of the repository.
type clone struct {
	*world
	dir string
}

// clone clones a branch of the repository; in a new one there is none yet.
func (w *world) clone(branch string) *clone {
	c := &clone{w, w.t.TempDir()}
	w.git("", "clone", "--quiet", "file://"+w.bare, c.dir)
	if w.git(c.dir, "branch", "--remotes", "--list", "origin/"+branch) != "" {
		w.git(c.dir, "checkout", "--quiet", branch)
	} else {
		w.git(c.dir, "checkout", "--quiet", "-B", branch)
	}
	return c
}

// set gives variables of the pipeline other values, one a line, in a file of their own: rounds = 30.
func (c *clone) set(line string) {
	c.t.Helper()
	name, _, _ := strings.Cut(line, " ")
	path := filepath.Join(c.dir, pipelineDir, "default.mlpvars")
	data, err := os.ReadFile(path)
	if err != nil {
		c.t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	found := false
	for i := range lines {
		if strings.HasPrefix(lines[i], name+" ") {
			lines[i], found = line, true
		}
	}
	if !found {
		c.t.Fatalf("no variable %s is set in %s", name, data)
	}
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

// push commits all and pushes it, and returns the commit.
func (c *clone) push(branch, message string) string {
	c.t.Helper()
	c.git(c.dir, "add", "--all")
	c.git(c.dir, "commit", "--quiet", "--allow-empty", "--message", message)
	c.git(c.dir, "push", "--quiet", "origin", "HEAD:refs/heads/"+branch)
	return c.git(c.dir, "rev-parse", "HEAD")
}

// pull is a pull request, or merge request.
type pull struct {
	*world
	number int
	branch string
	fork   bool
	labels []string
}

// open makes a branch of main with a variable set anew and opens a pull request of it.
func (w *world) open(number int, line string) *pull {
	p := &pull{world: w, number: number, branch: fmt.Sprintf("change-%d", number)}
	p.edit("main", line)
	return p
}

// edit sets a variable on a branch and pushes that to the pull request's.
func (p *pull) edit(from, line string) {
	p.t.Helper()
	c := p.clone(from)
	c.set(line)
	c.push(p.branch, "Set "+line)
	p.publish()
}

// publish keeps the pull request's refs as the service does: its head, and its merge with main. They must merge.
func (p *pull) publish() {
	p.t.Helper()
	c := p.clone("main")
	p.git(c.dir, "fetch", "--quiet", "origin", p.branch)
	p.git(c.dir, "push", "--quiet", "--force", "origin", fmt.Sprintf("FETCH_HEAD:refs/pull/%d/head", p.number), fmt.Sprintf("FETCH_HEAD:refs/merge-requests/%d/head", p.number))
	p.git(c.dir, "merge", "--quiet", "--no-ff", "--message", fmt.Sprintf("Merge pull request %d", p.number), "FETCH_HEAD")
	p.git(c.dir, "push", "--quiet", "--force", "origin", fmt.Sprintf("HEAD:refs/pull/%d/merge", p.number))
}

// merge merges it into main, and returns the commit.
func (p *pull) merge() string {
	p.t.Helper()
	p.publish()
	c := p.clone("main")
	p.git(c.dir, "fetch", "--quiet", "origin", fmt.Sprintf("refs/pull/%d/merge", p.number))
	p.git(c.dir, "merge", "--quiet", "--ff-only", "FETCH_HEAD")
	return c.push("main", "After the merge")
}

// mlp runs mlp in the clone, as somebody at home would, and returns what it printed.
func (c *clone) mlp(args ...string) string {
	c.t.Helper()
	out, code := c.exits(args...)
	if code != 0 {
		c.t.Fatalf("mlp %s: exit code %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// exits is mlp with its exit code.
func (c *clone) exits(args ...string) (string, int) {
	c.t.Helper()
	cmd := exec.Command(c.bin, append([]string{"-C", filepath.Join(c.dir, pipelineDir), "--store", c.store}, args...)...)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		c.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// has fails unless a text has all of these parts.
func has(t *testing.T, what, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%s does not say %q:\n%s", what, part, text)
		}
	}
}
