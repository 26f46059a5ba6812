// Package ci_test holds the workflows to what they rest on: they are YAML, their scripts are shell, the commands and flags
// in them are those of mlp, and the comment is made once and then updated.
package ci_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// scripts are the shell scripts of a workflow by the job and step that they are of.
func scripts(t *testing.T, file string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := yaml.Unmarshal(data, &doc); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	out := map[string]string{}
	if jobs, ok := doc["jobs"].(map[string]any); ok { // GitHub
		for name, job := range jobs {
			for i, s := range job.(map[string]any)["steps"].([]any) {
				step := s.(map[string]any)
				if run, ok := step["run"].(string); ok {
					out[fmt.Sprintf("%s/%d %v", name, i, step["name"])] = run
				} else if _, ok := step["uses"].(string); !ok {
					t.Errorf("%s: step %d of %s neither runs nor uses anything", file, i, name)
				}
			}
		}
		return out
	}
	for name, v := range doc {
		job, _ := v.(map[string]any)
		for _, part := range []string{"before_script", "script", "after_script"} {
			if lines, ok := job[part].([]any); ok {
				for _, line := range lines {
					out[name+"/"+part] += line.(string) + "\n"
				}
			}
		}
	}
	return out
}

func TestScriptsAreShell(t *testing.T) {
	for file, want := range map[string]int{"github.yml": 10, "gitlab.yml": 5} {
		all := scripts(t, file)
		if len(all) != want {
			t.Errorf("%s: got %d scripts, want %d", file, len(all), want)
		}
		for name, script := range all {
			cmd := exec.Command("bash", "-n")
			cmd.Stdin = strings.NewReader(script)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %s: %s", file, name, out)
			}
			if strings.Contains(script, "${{") {
				t.Errorf("%s: %s: an expression is put into the script; what others wrote must come by env", file, name)
			}
		}
	}
}

var (
	call = regexp.MustCompile(`\bmlp -C "\$PIPELINE" (?:--workspace \w+ )?([a-z]+)(.*)`)
	flag = regexp.MustCompile(`--[a-z-]+`)
)

func TestCommandsAndFlagsAreKnown(t *testing.T) {
	mlp := os.Getenv("MLP_BIN")
	if mlp == "" {
		t.Skip("MLP_BIN names no binary of mlp; `make test` builds one and does")
	}
	for _, file := range []string{"github.yml", "gitlab.yml"} {
		calls := 0
		for name, script := range scripts(t, file) {
			for _, m := range call.FindAllStringSubmatch(script, -1) {
				calls++
				help, err := exec.Command(mlp, m[1], "--help").CombinedOutput()
				if err != nil {
					t.Fatalf("%s: %s: mlp %s: %s", file, name, m[1], help)
				}
				for _, f := range flag.FindAllString(m[2], -1) {
					if !strings.Contains(string(help), f+" ") {
						t.Errorf("%s: %s: mlp %s has no %s", file, name, m[1], f)
					}
				}
			}
		}
		if calls < 4 {
			t.Errorf("%s: got %d calls of mlp, want 4 or more", file, calls)
		}
	}
}

// gh stands for GitHub's program: it keeps one comment in a file, and notes what it was asked.
const gh = `#!/bin/sh
echo "$@" >> "$DIR/calls"
case "$*" in
*--jq*) [ -f "$DIR/comment" ] && head -n 1 "$DIR/comment" | grep -qxF "$MARKER" && echo 77 ;;
*) cp plan.md "$DIR/comment" ;;
esac
exit 0
`

func TestCommentIsUpdatedInPlace(t *testing.T) {
	var script string
	for name, s := range scripts(t, "github.yml") {
		if strings.HasSuffix(name, " Comment") {
			script = s
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "gh"), []byte(gh), 0o755); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"--method POST repos/o/r/issues/5/comments ", "--method PATCH repos/o/r/issues/comments/77 "} {
		plan := fmt.Sprintf("<!-- mlp:plan fraud/default -->\n## Plan %d\n", i)
		if err := os.WriteFile(filepath.Join(dir, "plan.md"), []byte(plan), 0o644); err != nil {
			t.Fatal(err)
		}
		os.Remove(filepath.Join(dir, "calls"))
		cmd := exec.Command("bash", "-eo", "pipefail", "-c", script)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "DIR="+dir, "GITHUB_REPOSITORY=o/r", "PR=5")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		calls, err := os.ReadFile(filepath.Join(dir, "calls"))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(calls), want) || strings.Count(string(calls), "--method") != 1 {
			t.Errorf("run %d: got %s, want one call with %q", i, calls, want)
		}
		if got, _ := os.ReadFile(filepath.Join(dir, "comment")); string(got) != plan {
			t.Errorf("run %d: the comment is %q, want %q", i, got, plan)
		}
	}
}
