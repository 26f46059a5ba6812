package workspace

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/plan"
)

func TestCIRun(t *testing.T) {
	for name, c := range map[string]struct {
		env  map[string]string
		want *plan.CI
	}{
		"nowhere":                 {nil, nil},
		"github says no run":      {map[string]string{"GITHUB_ACTIONS": "true"}, nil},
		"a run id and no github":  {map[string]string{"GITHUB_RUN_ID": "1"}, nil},
		"github without a server": {map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": "1"}, &plan.CI{System: "github", Run: "1"}},
		"github": {map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": "1", "GITHUB_JOB": "build", "GITHUB_ACTOR": "zoe", "GITHUB_REF": "refs/heads/main", "GITHUB_SERVER_URL": "https://g", "GITHUB_REPOSITORY": "a/b"},
			&plan.CI{System: "github", Run: "1", Job: "build", Actor: "zoe", Ref: "refs/heads/main", URL: "https://g/a/b/actions/runs/1"}},
		"gitlab": {map[string]string{"GITLAB_CI": "true", "CI_PIPELINE_ID": "7", "CI_JOB_ID": "8", "CI_JOB_URL": "https://l/8", "CI_PIPELINE_URL": "https://l/7", "GITLAB_USER_LOGIN": "zoe", "CI_COMMIT_REF_NAME": "main"},
			&plan.CI{System: "gitlab", Run: "7", Job: "8", Actor: "zoe", Ref: "main", URL: "https://l/8"}},
	} {
		got := ciRun(func(key string) string { return c.env[key] })
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestOrigin: a folder is dirty by what a module is made of, and not by its store, or by a saved plan beside it.
func TestOrigin(t *testing.T) {
	dir := t.TempDir()
	git := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@b.example"}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w := &Workspace{Dir: filepath.Join(dir, "p")}
	none := func(string) string { return "" }
	write("p/a.mlp", "1")
	if o := w.origin(t.Context(), none); o != (plan.Origin{}) {
		t.Errorf("got %v where there is no git", o)
	}
	git("init", "-q")
	git("add", ".")
	git("commit", "-qm", "x")
	is := func(what string, dirty bool) {
		t.Helper()
		if o := w.origin(t.Context(), none); o.Dirty != dirty || len(o.Commit) != 40 {
			t.Errorf("%s: got commit %q, dirty %v", what, o.Commit, o.Dirty)
		}
	}
	is("committed", false)
	write("p/.mlp/log/x.json", "{}")
	write("p/plan.json", "{}")
	write("elsewhere.mlp", "")
	is("a store, a plan, another folder's module", false)
	write("p/sub/b.mlp", "")
	is("a new file of a module", true)
	git("add", ".")
	is("added and in no commit", true)
	git("commit", "-qm", "y")
	is("committed again", false)
	write("p/a.mlp", "2")
	is("edited", true)
}
