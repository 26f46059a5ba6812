package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/runtime/workspace"
)

// damages of a file, by what became of it.
func damages(whole []byte) map[string][]byte {
	flipped := slices.Clone(whole)
	flipped[len(flipped)/2] ^= 4
	return map[string][]byte{
		"empty": nil, "half": whole[:len(whole)/2], "zeros": make([]byte, len(whole)), "a bit": flipped,
		"nesting": bytes.Repeat([]byte("["), 1_000_000), "null": []byte("null"), "a list": []byte("[]"), "no fields": []byte("{}"),
		"a huge number": []byte(`{"format":1e999999999,"digest":1e999999999}`), "invalid UTF-8": []byte("{\"format\":1,\"\xff\":1}"),
		"a key twice": []byte(`{"format":1,"format":1,"schemas":{}}`), "an unknown key": []byte(`{"format":1,"schemata":{}}`),
		"another type": []byte(`{"format":1,"schemas":[],"digest":[],"plan_id":1,"format_version":1}`),
	}
}

// TestDamaged damages each kind of file that is read back. What is said names the file, is an error where it must be, and
// nothing is taken for what was written; caches are just made again.
func TestDamaged(t *testing.T) {
	base := t.TempDir()
	put(t, filepath.Join(base, "a.csv"), "id,y\n1,0\n2,1\n")
	put(t, filepath.Join(base, "m.mlp"), `pipeline "p" {}
source "csv" "s" { path = "a.csv" }
dataset "d" {
  from = [source.s]
  sql  = "select id from s"
}
`)
	mustRun(t, base, "init")
	mustRun(t, base, "apply", "--auto-approve", "--executor", "process")
	edit(t, filepath.Join(base, "m.mlp"), "select id", "select y")
	mustRun(t, base, "plan", "--out", filepath.Join(base, "plan.json"))
	only := func(pattern string) string {
		found, err := filepath.Glob(filepath.Join(base, workspace.StoreName, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: got %v, %v", pattern, found, err)
		}
		rel, err := filepath.Rel(base, found[len(found)-1])
		if err != nil {
			t.Fatal(err)
		}
		return rel
	}
	record := strings.TrimPrefix(strings.Fields(strings.Split(mustRun(t, base, "show", "source.s"), "fingerprint")[1])[0], "blake3:") + ".json"
	cases := []struct {
		file     string
		commands map[string]int // and their exit codes
		says     string
	}{
		{workspace.LockName, map[string]int{"validate": exitError, "plan": exitError, "show": exitOK, "explain source.s": exitError}, workspace.LockName},
		{"plan.json", map[string]int{"show plan.json": exitError, "diff plan.json": exitError, "apply plan.json --auto-approve --executor process": exitError}, "plan.json"},
		{only("log/p/default/*.json"), map[string]int{"plan": exitError, "show": exitError, "logs source.s": exitError, "apply plan.json --auto-approve --executor process": exitError}, "the state's log is damaged: "},
		{filepath.Join(workspace.StoreName, "actions", record), map[string]int{"plan": exitOK, "show": exitOK, "show source.s": exitError,
			"apply plan.json --auto-approve --executor process": exitStale}, record},
		{only("cache/answers"), map[string]int{"plan": exitOK}, ""},
		{only("journal/*/*/*.jsonl"), map[string]int{"plan": exitOK, "show": exitOK, "logs": exitOK, "logs source.s": exitOK}, ""},
	}
	plans := map[string]string{}
	for _, c := range cases {
		whole, err := os.ReadFile(filepath.Join(base, c.file))
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range damages(whole) {
			t.Run(c.file+" "+name, func(t *testing.T) {
				for command, want := range c.commands {
					dir := t.TempDir()
					if err := os.CopyFS(dir, os.DirFS(base)); err != nil {
						t.Fatal(err)
					}
					if err := os.Remove(filepath.Join(dir, c.file)); err != nil {
						t.Fatal(err)
					}
					put(t, filepath.Join(dir, c.file), string(text))
					cmd := exec.Command(mlp, strings.Fields(command)...)
					cmd.Dir = dir
					out, code := bounded(t, cmd)
					if code != want || !strings.Contains(strings.ReplaceAll(out, "\n", " "), c.says) && !strings.Contains(out, c.says) {
						t.Errorf("%s: got exit %d and %.1000s, want %d and %s", command, code, out, want, c.says)
					}
					if command == "plan" && strings.Contains(c.file, "cache") {
						if plans[c.file] == "" {
							plans[c.file] = out
						}
						if out != plans[c.file] || !strings.Contains(out, "Plan:") {
							t.Errorf("a damaged cache changes the plan: %s", out)
						}
					}
				}
			})
		}
	}
}

// TestHugePlan holds that a plan of 500 MB is refused without being read.
func TestHugePlan(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "a.mlp"), "pipeline \"p\" {}\n")
	path := filepath.Join(dir, "plan.json")
	put(t, path, "{")
	if err := os.Truncate(path, 500<<20); err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"show", "diff", "apply --auto-approve --executor process"} {
		cmd := exec.Command(mlp, append(strings.Fields(args), "plan.json")...)
		cmd.Dir = dir
		if out, code := bounded(t, cmd); code != exitError || !strings.Contains(out, "plan.json is larger than 64 MB") {
			t.Errorf("%s: got exit %d and %s", args, code, out)
		}
	}
}
