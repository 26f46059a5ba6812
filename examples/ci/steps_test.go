package ci_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// readYAML reads a workflow into v.
func readYAML(t *testing.T, file string, v any) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err == nil {
		err = yaml.Unmarshal(data, v)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// covered notes which steps of a workflow ran, and holds that to all that it has.
type covered map[string]bool

// want fails for each step that did not run and is not listed with why, and for each listed that ran or is not there.
func (c covered) want(t *testing.T, all []string, listed map[string]string) {
	t.Helper()
	for _, step := range all {
		if _, excused := listed[step]; !c[step] && !excused {
			t.Errorf("the step %q did not run in this test, nor is it listed with why", step)
		}
	}
	for _, step := range slices.Sorted(maps.Keys(listed)) {
		if c[step] || !slices.Contains(all, step) {
			t.Errorf("the step %q is listed as one that does not run, and ran or is not there", step)
		}
	}
}

// machine is a runner of a CI, fresh for each job.
type machine struct {
	*world
	work string // the folder that the repository is checked out to, and steps begin in
	home string
	env  map[string]string
}

// machine sets up a runner on which mlp is installed, and nothing of this process's environment but for the programs.
func (w *world) machine() *machine {
	w.t.Helper()
	m := &machine{world: w, work: filepath.Join(w.t.TempDir(), "work"), home: w.t.TempDir(), env: map[string]string{}}
	bin := filepath.Join(m.home, "bin")
	if err := errors.Join(os.Mkdir(m.work, 0o755), os.Mkdir(bin, 0o755), os.Symlink(w.bin, filepath.Join(bin, "mlp"))); err != nil {
		w.t.Fatal(err)
	}
	maps.Copy(m.env, map[string]string{"PATH": bin + ":" + os.Getenv("PATH"), "HOME": m.home, "TMPDIR": m.home, "CI": "true", "GIT_CONFIG_GLOBAL": os.DevNull,
		"AWS_CONFIG_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true", "NO_COLOR": "1"})
	return m
}

// bash runs a script in the machine's folder as the CI does, with more variables than the machine's, and returns what it printed and its exit code.
func (m *machine) bash(script string, env map[string]string, flags ...string) (string, int) {
	m.t.Helper()
	file := filepath.Join(m.home, "script.sh")
	if err := os.WriteFile(file, []byte(script), 0o644); err != nil {
		m.t.Fatal(err)
	}
	all := maps.Clone(m.env)
	maps.Copy(all, env)
	cmd := exec.Command("bash", append(flags, file)...)
	cmd.Dir = m.work
	for _, name := range slices.Sorted(maps.Keys(all)) {
		cmd.Env = append(cmd.Env, name+"="+all[name])
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		m.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// checkout clones a ref as CI systems do: no branch, and of the history as much as is asked for, 0 for all.
func (m *machine) checkout(ref string, depth string) {
	m.t.Helper()
	m.git(m.work, "init", "--quiet")
	m.git(m.work, "remote", "add", "origin", "file://"+m.bare)
	if depth == "0" {
		m.git(m.work, "fetch", "--quiet", "origin")
		m.git(m.work, "fetch", "--quiet", "origin", ref)
	} else {
		m.git(m.work, "fetch", "--quiet", "--depth", depth, "origin", ref)
	}
	m.git(m.work, "checkout", "--quiet", "--detach", "FETCH_HEAD")
}

// kept are the artifacts of one run of a CI, by name and path.
type kept map[string]map[string][]byte

// keep takes files of a folder, those that are there, and returns how many.
func (k kept) keep(name, dir string, paths ...string) (int, error) {
	k[name] = map[string][]byte{}
	for _, path := range paths {
		data, err := os.ReadFile(filepath.Join(dir, path))
		switch {
		case err == nil:
			k[name][path] = data
		case !errors.Is(err, os.ErrNotExist):
			return 0, err
		}
	}
	return len(k[name]), nil
}

// lay puts an artifact's files to a folder.
func (k kept) lay(name, dir string) error {
	if k[name] == nil {
		return fmt.Errorf("no artifact %q", name)
	}
	for path, data := range k[name] {
		if err := os.WriteFile(filepath.Join(dir, path), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// indented is a text as a log shows it below the name of a step.
func indented(text string) string {
	return "\t" + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n\t")
}
