package ci_test

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/store/bucket/cloud/s3test"
)

// gitlabJob are the parts of a job of GitLab that ours have, as https://docs.gitlab.com/ci/yaml/ says.
type gitlabJob struct {
	Extends      string
	Stage, Image string
	Rules        []struct {
		If, When     string
		AllowFailure bool `yaml:"allow_failure"`
	}
	Environment   any
	ResourceGroup string                       `yaml:"resource_group"`
	IDTokens      map[string]map[string]string `yaml:"id_tokens"`
	Variables     map[string]string
	BeforeScript  []string `yaml:"before_script"`
	Script        []string
	Artifacts     struct {
		When    string
		Paths   []string
		Reports map[string]string
	}
}

// gitlab stands for the service: it starts pipelines, and gives jobs what GitLab's runner gives them.
type gitlab struct {
	*world
	stages    []string
	variables map[string]string
	jobs      map[string]*gitlabJob
	api, sts  string // URLs
	notes     []*note
	covered   covered
}

// note is a comment on a merge request.
type note struct {
	ID     int            `json:"id"`
	Body   string         `json:"body"`
	Author map[string]any `json:"author"`

	of     string // the merge request's number
	writes int
}

const (
	gitlabToken = "a-token-of-the-project"
	gitlabBot   = 77
)

func newGitLab(t *testing.T) *gitlab {
	t.Helper()
	g := &gitlab{world: newWorld(t), covered: covered{}}
	var top struct {
		Stages    []string
		Variables map[string]string
		Jobs      map[string]*gitlabJob `yaml:",inline"`
	}
	readYAML(t, "gitlab.yml", &top)
	g.stages, g.variables, g.jobs = top.Stages, top.Variables, map[string]*gitlabJob{}
	g.variables["STORE"], g.variables["AWS_REGION"] = g.store, "us-east-1"
	for name, job := range top.Jobs {
		if base := top.Jobs[job.Extends]; base != nil {
			job.Image, job.IDTokens, job.BeforeScript = base.Image, base.IDTokens, base.BeforeScript
		}
		if !strings.HasPrefix(name, ".") {
			g.jobs[name] = job
		}
	}
	g.api, g.sts = g.serve(g.routes()), g.serve(http.HandlerFunc(assume))
	return g
}

func (g *gitlab) serve(h http.Handler) string {
	server := httptest.NewServer(h)
	g.t.Cleanup(server.Close)
	return server.URL
}

// routes are those of the API that the jobs use: https://docs.gitlab.com/api/notes/ and https://docs.gitlab.com/api/users/.
func (g *gitlab) routes() http.Handler {
	const notes = "/api/v4/projects/12/merge_requests/{number}/notes"
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v4/user", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"id": gitlabBot})
	})
	mux.HandleFunc("GET "+notes, func(w http.ResponseWriter, r *http.Request) {
		found := []*note{}
		for _, n := range g.notes {
			if n.of == r.PathValue("number") {
				found = append(found, n)
			}
		}
		answer(w, http.StatusOK, page(w, r, found))
	})
	mux.HandleFunc("POST "+notes, func(w http.ResponseWriter, r *http.Request) {
		n := &note{ID: 500 + len(g.notes), Body: r.FormValue("body"), Author: map[string]any{"id": gitlabBot}, of: r.PathValue("number"), writes: 1}
		g.notes = append(g.notes, n)
		answer(w, http.StatusCreated, n)
	})
	mux.HandleFunc("PUT "+notes+"/{id}", func(w http.ResponseWriter, r *http.Request) {
		for _, n := range g.notes {
			if strconv.Itoa(n.ID) == r.PathValue("id") && n.Author["id"] == gitlabBot {
				n.Body = r.FormValue("body")
				n.writes++
				answer(w, http.StatusOK, n)
				return
			}
		}
		answer(w, http.StatusForbidden, map[string]string{"message": "403 Forbidden"})
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Header.Get("PRIVATE-TOKEN") != gitlabToken {
			answer(w, http.StatusUnauthorized, map[string]string{"message": "401 Unauthorized"})
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// assume answers as AWS's security token service does to who has an identity token of the project for a role:
// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
// The credentials have no session token: the server of the store, unlike Amazon's, takes none.
func assume(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/xml")
	role, named := strings.CutPrefix(r.FormValue("RoleArn"), roles)
	if r.FormValue("Action") != "AssumeRoleWithWebIdentity" || r.FormValue("WebIdentityToken") != "identity of acme/fraud for sts.amazonaws.com" || !named {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>InvalidIdentityToken</Code><Message>not of this provider</Message></Error></ErrorResponse>`)
		return
	}
	type credentials struct {
		AccessKeyId, SecretAccessKey, SessionToken, Expiration string
	}
	_ = xml.NewEncoder(w).Encode(struct { // the client may be gone
		XMLName     xml.Name    `xml:"AssumeRoleWithWebIdentityResponse"`
		Credentials credentials `xml:"AssumeRoleWithWebIdentityResult>Credentials"`
	}{Credentials: credentials{role, s3test.SecretKey, "", "2199-01-01T00:00:00Z"}})
}

// ofPull is the pipeline of a merge request, in the fork where it comes from one; GitLab checks out its head.
func (g *gitlab) ofPull(p *pull, more ...string) *gitlabRun {
	g.t.Helper()
	ref := fmt.Sprintf("refs/merge-requests/%d/head", p.number)
	head := g.git(g.bare, "rev-parse", ref)
	env := map[string]string{"CI_PIPELINE_SOURCE": "merge_request_event", "CI_MERGE_REQUEST_IID": strconv.Itoa(p.number), "CI_MERGE_REQUEST_PROJECT_ID": "12",
		"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "12", "CI_PROJECT_ID": "12", "CI_JOB_URL": "https://gitlab.localhost/acme/fraud/-/jobs/1", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main", "CI_MERGE_REQUEST_LABELS": strings.Join(p.labels, ","),
		"CI_MERGE_REQUEST_DIFF_BASE_SHA": g.git(g.bare, "merge-base", "main", head), "MLP_TOKEN": gitlabToken, "MLP_ID_TOKEN": "acme/fraud"}
	if p.fork {
		env["CI_MERGE_REQUEST_SOURCE_PROJECT_ID"], env["CI_PROJECT_ID"], env["MLP_ID_TOKEN"] = "99", "99", "bob/fraud"
		delete(env, "MLP_TOKEN")
	}
	return g.pipeline(ref, env, more...)
}

// pushed is the pipeline of a commit that became main.
func (g *gitlab) pushed(sha string, more ...string) *gitlabRun {
	g.t.Helper()
	return g.pipeline(sha, map[string]string{"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main", "MLP_ID_TOKEN": "acme/fraud"}, more...)
}

// gitlabRun is a pipeline: its jobs by name, and what is kept of them.
type gitlabRun struct {
	*gitlab
	ref  string
	env  map[string]string
	kept kept
	ran  map[string]*ranJob
}

// pipeline runs the jobs whose rules hold, stage after stage, until one fails. Manual ones run where they are named; a variable that is given with one
// stands behind it: apply PLAN_ID=….
func (g *gitlab) pipeline(ref string, env map[string]string, manual ...string) *gitlabRun {
	g.t.Helper()
	env["CI_DEFAULT_BRANCH"], env["CI_API_V4_URL"] = "main", g.api+"/api/v4"
	r := &gitlabRun{g, ref, env, kept{}, map[string]*ranJob{}}
	r.start(manual...)
	return r
}

// start runs jobs of the pipeline that did not run yet.
func (r *gitlabRun) start(manual ...string) {
	r.t.Helper()
	for _, stage := range r.stages {
		for _, name := range slices.Sorted(maps.Keys(r.gitlab.jobs)) {
			job := r.gitlab.jobs[name]
			if job.Stage != stage || r.ran[name] != nil && r.ran[name].result == "success" {
				continue
			}
			for _, rule := range job.Rules {
				at := slices.IndexFunc(manual, func(m string) bool { return m == name || strings.HasPrefix(m, name+" ") })
				if !r.holds(rule.If) || rule.When == "manual" && at < 0 {
					continue
				}
				_, given, _ := strings.Cut(cmp.Or(append(manual, "")[max(at, 0)]), " ")
				r.ran[name] = r.job(name, job, given)
				break
			}
		}
	}
}

var (
	equal   = regexp.MustCompile(`^\$(\w+) == (?:"([^"]*)"|\$(\w+))$`)
	matches = regexp.MustCompile(`^\$(\w+) =~ /(.*)/$`)
)

// holds is whether the condition of a rule is so; of GitLab's expressions it knows what the file has.
func (r *gitlabRun) holds(condition string) bool {
	for _, part := range strings.Split(condition, " && ") {
		if m := equal.FindStringSubmatch(part); m != nil {
			if r.env[m[1]] != m[2]+r.env[m[3]] {
				return false
			}
		} else if m := matches.FindStringSubmatch(part); m != nil {
			if !regexp.MustCompile(m[2]).MatchString(r.env[m[1]]) {
				return false
			}
		} else {
			r.t.Fatalf("a rule has %q, which this test does not know", part)
		}
	}
	return true
}

// want fails unless a job ended so; "" is one that did not run.
func (r *gitlabRun) want(job, result string) *ranJob {
	r.t.Helper()
	got := r.ran[job]
	if got == nil {
		got = &ranJob{}
	}
	if got.result != result {
		r.t.Fatalf("the job %s: %q, want %q\n%s", job, got.result, result, got.log)
	}
	return got
}

// installs are the lines of before_script that the test does not run.
const installs = 2

// job runs a job: before_script and script in one shell, as GitLab's runner does.
func (r *gitlabRun) job(name string, job *gitlabJob, given string) *ranJob {
	r.t.Helper()
	m, out := r.machine(), &ranJob{result: "success"}
	m.checkout(r.ref, r.variables["GIT_DEPTH"])
	maps.Copy(m.env, map[string]string{"GITLAB_CI": "true", "CI_PROJECT_DIR": m.work, "AWS_ENDPOINT_URL_STS": r.sts})
	all := maps.Clone(r.env)
	maps.Copy(all, r.variables)
	maps.Copy(all, job.Variables)
	maps.Copy(all, pairs(given))
	for variable, value := range all {
		m.env[variable] = os.Expand(value, func(of string) string { return all[of] })
	}
	for token, of := range job.IDTokens {
		m.env[token] = "identity of " + r.env[token] + " for " + of["aud"]
	}
	for _, k := range slices.Sorted(maps.Keys(r.kept)) {
		if err := r.kept.lay(k, m.work); err != nil {
			r.t.Fatal(err)
		}
	}
	lines := slices.Concat(job.BeforeScript[installs:], job.Script)
	for i := range job.BeforeScript[installs:] {
		r.covered[fmt.Sprintf("before_script/%d", i+installs)] = true
	}
	log, code := m.bash("set -eo pipefail\n"+mark(lines), nil)
	out.log = log
	for i := range lines[len(job.BeforeScript)-installs:] {
		if strings.Contains(log, fmt.Sprintf("%s%d\n", reached, len(job.BeforeScript)-installs+i)) {
			r.covered[fmt.Sprintf("%s/%d", name, i)] = true
		}
	}
	if code != 0 {
		out.result, out.log = "failure", out.log+fmt.Sprintf("exit code %d\n", code)
	}
	if out.result == "success" || job.Artifacts.When == "always" {
		if _, err := r.kept.keep(name, m.work, job.Artifacts.Paths...); err != nil {
			r.t.Fatal(err)
		}
	}
	return out
}

// reached begins a line of the log that tells that a line of the script was reached, as GitLab's logs show each.
const reached = "$ line "

func mark(lines []string) string {
	var b strings.Builder
	for i, line := range lines {
		fmt.Fprintf(&b, "echo '%s%d'\n%s\n", reached, i, line)
	}
	return b.String()
}

// steps lists all lines of all jobs.
func (g *gitlab) steps() []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(g.jobs)) {
		for i := range g.jobs[name].Script {
			all = append(all, fmt.Sprintf("%s/%d", name, i))
		}
	}
	for i := range g.jobs["plan"].BeforeScript {
		all = append(all, fmt.Sprintf("before_script/%d", i))
	}
	return all
}

// TestGitLab is the same story as TestGitHub's, by GitLab's rules. Every line of every job runs.
func TestGitLab(t *testing.T) {
	needs(t, "jq", "curl")
	g := newGitLab(t)
	first := g.pushed(g.git(g.bare, "rev-parse", "main"))
	approved := regexp.MustCompile(`PLAN_ID set to (blake3:[0-9a-f]{64})`).FindStringSubmatch(first.want("plan-merged", "success").log)
	if approved == nil {
		t.Fatalf("no digest to approve:\n%s", first.ran["plan-merged"].log)
	}
	first.want("apply", "")
	first.start("apply")
	has(t, "an apply without a digest", first.want("apply", "failure").log, "with the variable PLAN_ID")
	first.start("apply PLAN_ID=blake3:00")
	has(t, "an apply of another digest", first.want("apply", "failure").log, "and not the one that was approved", "exit code 5")
	first.start("apply PLAN_ID=" + approved[1])
	has(t, "the apply", first.want("apply", "success").log, "5 ran", "released train.model")

	seven := g.open(7, "rounds = 30")
	for i := range 120 {
		g.notes = append(g.notes, &note{ID: i, Body: "<!-- mlp:plan fraud/pr-7 -->", Author: map[string]any{"id": 5}, of: "7"})
	}
	opened := g.ofPull(seven)
	opened.want("try", "")
	opened.want("plan", "success")
	eight := g.open(8, "least = 100")
	eight.labels = []string{"risk", "mlp-try"}
	tried := g.ofPull(eight)
	tried.want("try", "success")
	tried.want("plan", "success")
	nine := g.open(9, "rounds = 50")
	nine.fork, nine.labels = true, eight.labels
	forked := g.ofPull(nine)
	forked.want("try", "")
	has(t, "the log of a fork", forked.want("plan", "success").log, "may not read the store", "`rounds`: `20 → 50`")
	seven.edit(seven.branch, "rounds = 35")
	g.ofPull(seven).want("plan", "success")
	written := map[string]*note{}
	for _, n := range g.notes {
		if n.Author["id"] == gitlabBot {
			if written[n.of] != nil {
				t.Errorf("merge request %s has two comments", n.of)
			}
			written[n.of] = n
		}
	}
	if len(written) != 2 || written["7"].writes != 2 {
		t.Fatalf("got comments %v, want one of 7, written twice, and one of 8", written)
	}
	has(t, "the comment", written["7"].Body, "params.trees of train.model 20 → 35", "## What this merge request changes in main", "`rounds`: `20 → 35`")
	has(t, "the comment of what was tried", written["8"].Body, "Merging into default runs nothing", "## What was tried", "    evaluate.holdout  ", "(https://gitlab.localhost/acme/fraud/-/jobs/1/artifacts/file/report.html)")
	if page := string(tried.kept["plan"]["report.html"]); !strings.Contains(page, "<!doctype html>") || !strings.Contains(page, "evaluate.holdout") {
		t.Errorf("the page of reports: got %.200q", page)
	}

	sha := eight.merge()
	tried.start("close")
	tried.want("close", "success")
	if list := g.clone("main").mlp("workspace", "list"); strings.Contains(list, "pr-8") {
		t.Errorf("the workspace of a closed merge request is still there:\n%s", list)
	}
	tried.ran["close"] = nil
	tried.start("close") // once more has nothing to do
	tried.want("close", "success")
	merged := g.pushed(sha)
	approved = regexp.MustCompile(`PLAN_ID set to (blake3:[0-9a-f]{64})`).FindStringSubmatch(merged.want("plan-merged", "success").log)
	merged.start("apply PLAN_ID=" + approved[1])
	has(t, "the apply of what was tried", merged.want("apply", "success").log, "0 ran", "released train.model")

	g.covered.want(t, g.steps(), map[string]string{
		"before_script/0": "installs packages of Debian, which the machine of the test has",
		"before_script/1": notRun,
	})
}
