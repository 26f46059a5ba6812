package ci_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/s3test"
)

// The parts of a workflow of GitHub that ours has, as
// https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax says.
type workflow struct {
	Env  map[string]string
	Jobs map[string]*githubJob
}

type githubJob struct {
	Name, If, Needs string
	Permissions     map[string]string
	Env, Outputs    map[string]string
	Steps           []*githubStep
}

type githubStep struct {
	ID, Name, If, Uses, Run string
	With, Env               map[string]string
	ContinueOnError         bool `yaml:"continue-on-error"`
}

// title is how a step is listed: by its name, or by the action without its version.
func (s *githubStep) title() string {
	if s.Name != "" {
		return s.Name
	}
	action, _, _ := strings.Cut(s.Uses, "@")
	return action
}

// steps lists all steps of the workflow.
func (w *workflow) steps() []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(w.Jobs)) {
		for _, s := range w.Jobs[name].Steps {
			all = append(all, name+"/"+s.title())
		}
	}
	return all
}

// github stands for the service: it starts the workflow at events, and gives steps what GitHub's runner gives them.
type github struct {
	*world
	workflow
	api     *githubAPI
	covered covered
	between func(job string, k kept) // called before a job with the artifacts of the run; nil: nothing
}

func newGitHub(t *testing.T) *github {
	t.Helper()
	g := &github{world: newWorld(t), covered: covered{}}
	readYAML(t, "github.yml", &g.workflow)
	g.api = newGitHubAPI(t)
	g.Env["STORE"], g.Env["REGION"] = g.store, "us-east-1" // what the server calls its own
	return g
}

// event is that something was done to a pull request: opened, synchronize, closed.
func (g *github) event(action string, p *pull) *githubRun {
	g.t.Helper()
	ref, from, login := fmt.Sprintf("refs/pull/%d/merge", p.number), "acme/fraud", "ann"
	if p.fork {
		from, login = "bob/fraud", "bob"
	}
	labels := []any{}
	for _, l := range p.labels {
		labels = append(labels, map[string]any{"name": l})
	}
	return g.run(!p.fork, map[string]any{"event_name": "pull_request", "ref": ref, "sha": g.git(g.bare, "rev-parse", ref), "base_ref": "main",
		"event": map[string]any{"action": action, "pull_request": map[string]any{"number": strconv.Itoa(p.number), "labels": labels, "user": map[string]any{"login": login},
			"head": map[string]any{"repo": map[string]any{"full_name": from}}, "base": map[string]any{"ref": "main"}}}})
}

// pushed is that a commit became main.
func (g *github) pushed(sha string) *githubRun {
	g.t.Helper()
	return g.run(true, map[string]any{"event_name": "push", "ref": "refs/heads/main", "sha": sha, "base_ref": "", "event": map[string]any{}})
}

// githubRun is a run of the workflow. In one of a fork nothing is trusted: no identity tokens, and a token that reads.
type githubRun struct {
	*github
	trusted bool
	context map[string]any // github.*
	kept    kept
	jobs    map[string]*ranJob
}

// ranJob is a job that ran, or was skipped.
type ranJob struct {
	name         string // as people see it
	result       string // success, failure, or skipped
	outputs      map[string]any
	log, summary string
}

func (g *github) run(trusted bool, context map[string]any) *githubRun {
	g.t.Helper()
	context["repository"], context["token"] = "acme/fraud", g.api.token(trusted)
	r := &githubRun{g, trusted, context, kept{}, map[string]*ranJob{}}
	for len(r.jobs) < len(g.Jobs) {
		for _, name := range slices.Sorted(maps.Keys(g.Jobs)) {
			if needs := g.Jobs[name].Needs; r.jobs[name] == nil && (needs == "" || r.jobs[needs] != nil) {
				r.jobs[name] = r.job(name)
			}
		}
	}
	return r
}

// want fails unless a job ended so, and returns it.
func (r *githubRun) want(job, result string) *ranJob {
	r.t.Helper()
	if got := r.jobs[job]; got.result != result {
		r.t.Fatalf("the job %s: %s, want %s\n%s", job, got.result, result, got.log)
	}
	return r.jobs[job]
}

// job runs a job if its condition holds.
func (r *githubRun) job(name string) *ranJob {
	r.t.Helper()
	j, out := r.Jobs[name], &ranJob{result: "success", outputs: map[string]any{}}
	s := scope{vars: map[string]any{"github": r.context, "needs": map[string]any{}}, succeeded: true}
	if of := r.jobs[j.Needs]; of != nil {
		s.vars["needs"] = map[string]any{j.Needs: map[string]any{"outputs": of.outputs, "result": of.result}}
		s.succeeded = of.result == "success"
	}
	if out.name = s.filled(r.t, j.Name); !s.condition(r.t, j.If) {
		out.result = "skipped"
		return out
	}
	if r.between != nil {
		r.between(name, r.kept)
	}
	g := &githubRunner{githubRun: r, machine: r.machine(), job: j, out: out, steps: map[string]any{}}
	maps.Copy(g.env, map[string]string{"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "acme/fraud", "GITHUB_BASE_REF": r.context["base_ref"].(string), "GITHUB_WORKSPACE": g.work,
		"GH_HOST": "github.localhost", "HTTP_PROXY": r.api.url, "NO_PROXY": "127.0.0.1"}) // gh asks that host for api.github.localhost
	for _, env := range []map[string]string{r.Env, j.Env} {
		for name, value := range env {
			g.env[name] = s.filled(r.t, value)
		}
	}
	s.succeeded = true
	for _, step := range j.Steps {
		s.vars["env"], s.vars["steps"] = anyOf(g.env), g.steps
		if !s.condition(r.t, step.If) {
			continue
		}
		r.covered[name+"/"+step.title()] = true
		if err := g.step(s, step); err != nil && !step.ContinueOnError {
			s.succeeded, out.result = false, "failure"
			out.log += fmt.Sprintf("\t%v\n", err)
		}
	}
	for name, text := range j.Outputs {
		out.outputs[name] = s.filled(r.t, text)
	}
	return out
}

// githubRunner runs the steps of a job on a machine.
type githubRunner struct {
	*githubRun
	*machine
	job   *githubJob
	out   *ranJob
	steps map[string]any // by id, with outputs
}

// step runs a step, with the files that GitHub takes variables, outputs and the summary from.
func (g *githubRunner) step(s scope, step *githubStep) error {
	env, with := map[string]string{}, map[string]string{}
	for name, text := range step.Env {
		env[name] = s.filled(g.machine.t, text)
	}
	for name, text := range step.With {
		with[name] = s.filled(g.machine.t, text)
	}
	g.out.log += step.title() + "\n"
	if step.Uses != "" {
		action, _, _ := strings.Cut(step.Uses, "@")
		if action == "actions/upload-artifact" {
			g.steps[step.ID] = map[string]any{"outputs": map[string]any{"artifact-url": "https://github.localhost/acme/fraud/actions/runs/1/artifacts/" + with["name"]}}
		}
		return g.action(action, with)
	}
	if step.title() == "Install mlp" {
		return nil // listed in notRun
	}
	files := map[string]string{}
	for _, name := range []string{"GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"} {
		files[name] = filepath.Join(g.home, name)
		if err := os.WriteFile(files[name], nil, 0o644); err != nil {
			return err
		}
	}
	maps.Copy(env, files)
	said, code := g.bash(step.Run, env, "-e") // as GitHub does where no shell is named
	g.out.log += indented(said) + "\n"
	texts := map[string]string{}
	for name, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		texts[name] = string(data)
	}
	maps.Copy(g.env, pairs(texts["GITHUB_ENV"]))
	g.steps[step.ID] = map[string]any{"outputs": anyOf(pairs(texts["GITHUB_OUTPUT"]))}
	g.out.summary += texts["GITHUB_STEP_SUMMARY"]
	if code != 0 {
		return fmt.Errorf("exit code %d", code)
	}
	return nil
}

// action does what an action does, as far as steps after it need it.
func (g *githubRunner) action(name string, with map[string]string) error {
	switch name {
	case "actions/setup-go": // mlp is there
		return nil
	case "actions/checkout":
		ref, depth := g.context["ref"].(string), with["fetch-depth"]
		if with["ref"] != "" {
			ref = "refs/heads/" + with["ref"]
		}
		if depth == "" {
			depth = "1"
		}
		g.checkout(ref, depth)
		return nil
	case "aws-actions/configure-aws-credentials":
		role, named := strings.CutPrefix(with["role-to-assume"], roles)
		if !named || !g.trusted || g.job.Permissions["id-token"] != "write" {
			return fmt.Errorf("no identity token for %q is given to this job", with["role-to-assume"])
		}
		maps.Copy(g.env, map[string]string{"AWS_ACCESS_KEY_ID": role, "AWS_SECRET_ACCESS_KEY": s3test.SecretKey, "AWS_REGION": with["aws-region"]})
		return nil
	case "actions/upload-artifact":
		n, err := g.kept.keep(with["name"], g.work, strings.Fields(with["path"])...)
		if n == 0 && err == nil && with["if-no-files-found"] != "ignore" {
			err = fmt.Errorf("no files found: %s", with["path"])
		}
		return err
	case "actions/download-artifact":
		return g.kept.lay(with["name"], g.work)
	case "github/codeql-action/upload-sarif":
		data, err := os.ReadFile(filepath.Join(g.work, with["sarif_file"]))
		var report struct{ Version string }
		if err == nil {
			err = json.Unmarshal(data, &report)
		}
		if err == nil && report.Version != "2.1.0" {
			err = fmt.Errorf("SARIF %q", report.Version)
		}
		return err
	}
	return fmt.Errorf("this test does not know the action %s", name)
}

// pairs are the lines NAME=VALUE of a file that a step wrote for GitHub.
func pairs(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok {
			all[name] = value
		}
	}
	return all
}

func anyOf(in map[string]string) map[string]any {
	out := map[string]any{}
	for name, value := range in {
		out[name] = value
	}
	return out
}
