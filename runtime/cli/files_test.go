package cli

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mlp-lang/mlp/runtime/workspace"
)

// readsAll is a pipeline of what a pattern means.
func readsAll(pattern, body string) string {
	return fmt.Sprintf("pipeline \"p\" {}\nsource \"csv\" \"s\" {\n  path = %q\n%s\n}\ndataset \"d\" {\n  from = [source.s]\n  sql  = \"select count(*) as n from s\"\n}\n", pattern, body)
}

const declaredID = "  column \"id\" { type = \"bigint\" }"

// executors are those that stages can run in here.
func executors(t *testing.T) []string {
	t.Helper()
	if !engineAnswers(t) {
		t.Log("SKIPPED: containers; no engine answers")
		return []string{"process"}
	}
	return []string{"process", "docker"}
}

// TestStrangeData holds that what has the name of data and cannot be read is told, wherever it is met: left out, it would
// make another table.
func TestStrangeData(t *testing.T) {
	cases := []struct {
		name, want string
		make       func(t *testing.T, path string)
	}{
		{"a link to nowhere", "data/x.csv is a link to a file that is not there", func(t *testing.T, path string) { symlink(t, "nowhere", path) }},
		{"a link to itself", "data/x.csv is a link that cannot be followed", func(t *testing.T, path string) { symlink(t, "x.csv", path) }},
		{"a pipe", "data/x.csv is a pipe", func(t *testing.T, path string) {
			if err := syscall.Mkfifo(path, 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		{"a link to a device", "data/x.csv is a pipe, socket or device", func(t *testing.T, path string) { symlink(t, "/dev/zero", path) }},
	}
	for _, c := range cases {
		for _, body := range []string{"", declaredID} {
			for _, pattern := range []string{"data/**/*.csv", "data/x.csv"} {
				t.Run(c.name+" "+pattern, func(t *testing.T) {
					dir := t.TempDir()
					put(t, filepath.Join(dir, "m.mlp"), readsAll(pattern, body))
					if err := os.Mkdir(filepath.Join(dir, "data"), 0o700); err != nil {
						t.Fatal(err)
					}
					put(t, filepath.Join(dir, "data", "a.csv"), "id\n1\n")
					symlink(t, "..", filepath.Join(dir, "data", "loop"))
					c.make(t, filepath.Join(dir, "data", "x.csv"))
					for _, args := range [][]string{{"plan"}, {"apply", "--auto-approve", "--executor", "process"}} {
						out, code := bounded(t, exec.Command(mlp, append([]string{"-C", dir}, args...)...))
						if code != exitError || !strings.Contains(out, c.want) || !strings.Contains(out, "m.mlp:3:") {
							t.Errorf("%v: got exit %d and %s, want %d and %s", args, code, out, exitError, c.want)
						}
					}
				})
			}
		}
	}
}

// TestLinkedData holds that files which are links out of their folder, as version control of data leaves them, are read by
// all executors alike, and that loops of folders end.
func TestLinkedData(t *testing.T) {
	tables := map[string]recorded{}
	for _, executor := range executors(t) {
		dir, elsewhere := t.TempDir(), t.TempDir()
		put(t, filepath.Join(dir, "m.mlp"), readsAll("data/**/*.csv", declaredID))
		if err := os.MkdirAll(filepath.Join(dir, "data", "sub"), 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{filepath.Join(dir, "data", "a.csv"): "id\n1\n", filepath.Join(elsewhere, "b.csv"): "id\n2\n"} {
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		symlink(t, filepath.Join(elsewhere, "b.csv"), filepath.Join(dir, "data", "sub", "b.csv"))
		symlink(t, "../..", filepath.Join(dir, "data", "sub", "loop"))
		mustRun(t, dir, "apply", "--auto-approve", "--executor", executor)
		if log := mustRun(t, dir, "logs", "source.s"); !strings.Contains(log, "read 2 rows from 2 files") {
			t.Errorf("%s: got %s", executor, log)
		}
		tables[executor] = results(t, dir)["source.s"]
	}
	if got, ok := tables["docker"]; ok && (got.Fingerprint != tables["process"].Fingerprint || got.Outputs["table"] != tables["process"].Outputs["table"]) {
		t.Errorf("containers and processes differ: %v", tables)
	}
}

// TestLaterData holds that a saved plan is stale once a file came that its path matches: what would be made is of older data than
// what is there. A plan made anew reads both.
func TestLaterData(t *testing.T) {
	for _, executor := range executors(t) {
		dir := t.TempDir()
		put(t, filepath.Join(dir, "m.mlp"), readsAll("*.csv", declaredID))
		for _, name := range []string{"a.csv", "b.csv"} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("id\n1\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			if name == "a.csv" {
				mustRun(t, dir, "plan", "--out", filepath.Join(dir, "plan.json"))
			}
		}
		_, stderr, code := run(t, dir, "apply", filepath.Join(dir, "plan.json"), "--auto-approve", "--executor", executor)
		if code != exitStale || !strings.Contains(stderr, "source.s: its data changed: b.csv was added") {
			t.Errorf("%s: got exit code %d and %s", executor, code, stderr)
		}
		mustRun(t, dir, "apply", "--auto-approve", "--executor", executor)
		if log := mustRun(t, dir, "logs", "source.s"); !strings.Contains(log, "read 2 rows from 2 files") {
			t.Errorf("%s: got %s", executor, log)
		}
	}
}

// TestManyFiles holds 10,000 files of a source, and a module of 10,000 files with a source each: they work.
func TestManyFiles(t *testing.T) {
	t.Parallel()
	const n = 10_000
	dir := t.TempDir()
	put(t, filepath.Join(dir, "m.mlp"), readsAll("data/*.csv", ""))
	if err := os.Mkdir(filepath.Join(dir, "data"), 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		put(t, filepath.Join(dir, "data", fmt.Sprintf("%d.csv", i)), fmt.Sprintf("id\n%d\n", i))
	}
	for _, args := range [][]string{{"init"}, {"plan"}, {"apply", "--auto-approve", "--executor", "process"}, {"plan"}} {
		if out, code := bounded(t, exec.Command(mlp, append([]string{"-C", dir}, args...)...)); code != exitOK {
			t.Fatalf("%v: got exit %d and %s", args, code, out)
		}
	}
	if log := mustRun(t, dir, "logs", "source.s"); !strings.Contains(log, "read 10000 rows from 10000 files") {
		t.Errorf("got %s", log)
	}
	dir = t.TempDir()
	put(t, filepath.Join(dir, "m.mlp"), "pipeline \"p\" {}\n")
	for i := range n {
		put(t, filepath.Join(dir, fmt.Sprintf("f%d.mlp", i)), fmt.Sprintf("source \"csv\" \"s%d\" {\n  path = \"%d.csv\"\n%s\n}\n", i, i, declaredID))
		put(t, filepath.Join(dir, fmt.Sprintf("%d.csv", i)), fmt.Sprintf("id\n%d\n", i))
	}
	for args, want := range map[string]string{"validate": "10001 blocks in 10001 files", "plan": "Plan: 10000 to run"} {
		if out, code := bounded(t, exec.Command(mlp, "-C", dir, args)); code != exitOK || !strings.Contains(out, want) {
			t.Errorf("%s: got exit %d and %.2000s, want %s", args, code, out, want)
		}
	}
}

// nobody is the user that may not read what root keeps for itself.
const nobody = 65534

// TestUnreadable runs mlp as somebody who may not read or write what is there: each is told by its name. Root may read
// all, so where the tests run as root mlp is run as another user.
func TestUnreadable(t *testing.T) {
	folder := func(t *testing.T) string { // others may pass through
		dir := t.TempDir()
		if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	own := folder(t) // mlp itself may lie where others cannot reach it
	binary := filepath.Join(own, "mlp")
	if err := os.Link(mlp, binary); err != nil {
		text, readErr := os.ReadFile(mlp)
		if err := errors.Join(readErr, os.WriteFile(binary, text, 0o755)); err != nil {
			t.Fatal(err)
		}
	}
	cases := []struct {
		name, shut string // what may not be read
		args, want string
	}{
		{"a module's file", "m.mlp", "validate", "m.mlp cannot be read"},
		{"a folder", ".", "validate", "/001"},
		{"data", "data/a.csv", "plan", "data/a.csv: permission denied"},
		{"a folder of data", "data/sub", "plan", "data/sub: permission denied"},
		{"the store", workspace.StoreName, "plan", workspace.StoreName},
		{"the store, to write to", workspace.StoreName, "apply --auto-approve --executor process", workspace.StoreName},
		{"pins", workspace.LockName, "plan", workspace.LockName + ": permission denied"},
		{"a plan", "plan.json", "show DIR/plan.json", "plan.json: permission denied"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := folder(t)
			if err := errors.Join(os.MkdirAll(filepath.Join(dir, "data", "sub"), 0o755), os.Mkdir(filepath.Join(dir, workspace.StoreName), 0o755)); err != nil {
				t.Fatal(err)
			}
			for name, text := range map[string]string{"m.mlp": readsAll("data/**/*.csv", declaredID), "data/a.csv": "id\n1\n", workspace.LockName: `{"format":1}`, "plan.json": "{}"} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			shut := filepath.Join(dir, c.shut)
			info, err := os.Stat(shut)
			if err := errors.Join(err, os.Chmod(shut, 0)); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.Chmod(shut, info.Mode()) }) // or it could not be removed
			cmd := exec.Command(binary, append([]string{"-C", dir}, strings.Fields(strings.ReplaceAll(c.args, "DIR", dir))...)...)
			cmd.Dir = own
			if os.Getuid() == 0 {
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
			}
			if out, code := bounded(t, cmd); code != exitError || !strings.Contains(out, c.want) || !strings.Contains(out, "ermission denied") {
				t.Errorf("got exit %d and %s, want %d and %s", code, out, exitError, c.want)
			}
		})
	}
}
