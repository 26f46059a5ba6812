package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mlp-lang/mlp/compiler/plan"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/runtime/store"
)

// TestEjected: what make makes of an ejected example, in an empty place where neither module nor store is, are the bytes that an apply recorded.
func TestEjected(t *testing.T) {
	for _, name := range []string{"churn", "demand", "diamonds", "fraud", "income", "wine"} {
		t.Run(name, func(t *testing.T) {
			dir := exampleCopy(t, name)
			mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
			ejected := filepath.Join(t.TempDir(), "ejected")
			said := mustRun(t, dir, "eject", ejected)
			if strings.Contains(said, "Nothing to compare with") {
				t.Errorf("all is recorded, and eject says otherwise:\n%s", said)
			}
			p := recordedPlan(t, dir)
			if err := os.RemoveAll(dir); err != nil {
				t.Fatal(err)
			}
			mustMake(t, ejected, "-j2", "check")
			if n := heldTo(t, p, ejected); n == 0 {
				t.Error("no output was compared")
			}
			if again := mustMake(t, ejected); strings.Contains(again, "stage --root") {
				t.Errorf("nothing changed, and stages ran again:\n%s", again)
			}
		})
	}
}

// recordedPlan is the plan of a module, everything of which is recorded.
func recordedPlan(t *testing.T, dir string) *plan.Plan {
	t.Helper()
	var p plan.Plan
	if err := json.Unmarshal([]byte(mustRun(t, dir, "plan", "--format", "json")), &p); err != nil {
		t.Fatal(err)
	}
	return &p
}

// mustMake runs make in a folder, with nothing of the environment but a path and the binary.
func mustMake(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := makeIn(t, dir, args...)
	if err != nil {
		t.Fatalf("make %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func makeIn(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("make", append([]string{"-C", dir, "MLP=" + mlp}, args...)...)
	cmd.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "TMPDIR=" + t.TempDir()}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// unnamed are the characters that the name of a target does not have.
var unnamed = strings.NewReplacer("[", ".", "]", "", `"`, "")

// heldTo compares the outputs that make made with the digests of a plan, and returns how many there are.
func heldTo(t *testing.T, p *plan.Plan, ejected string) (n int) {
	t.Helper()
	s, err := store.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, node := range p.Nodes {
		if node.Kind == "image" && node.Type == "archive" {
			continue
		}
		for _, o := range node.Outputs {
			dir := filepath.Join(ejected, "work", unnamed.Replace(node.Address), "out", o.Port)
			if o.Type == schema.FiguresPort || o.Type == schema.VerdictPort {
				dir = t.TempDir()
				text, err := os.ReadFile(filepath.Join(ejected, "work", unnamed.Replace(node.Address), "out", "metrics.json"))
				if err == nil {
					err = os.WriteFile(filepath.Join(dir, "metrics.json"), text, 0o644)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			got, err := s.PutDir(context.Background(), dir, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got != o.Digest {
				t.Errorf("%s of %s has the digest %s, recorded is %s", o.Port, node.Address, got, o.Digest)
			}
			n++
		}
	}
	return n
}

// TestEjectedStages: an edit of a file runs what rests on it and nothing else, a gate whose rules do not hold stops what waits for it, a result that is
// another than the recorded one is told, and names that make or a shell would read otherwise do no harm.
func TestEjectedStages(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"data/day=1; $a/x y#%.csv": "id,v\n1,2\n2,3\n",
		"data/day=2; $a/x y#%.csv": "id,v\n3,5\n",
		"other.csv":                "id,v\n1,1\n",
		"pipeline.mlp": `
pipeline "odd" {}
variable "least" {
  type    = number
  default = 2
}
source "csv" "rows" {
  path = "data/*/*.csv"
  column "id" { type = "bigint" }
  column "v"  { type = "double" }
}
source "csv" "other" {
  path = "other.csv"
  column "id" { type = "bigint" }
  column "v"  { type = "double" }
}
dataset "shares" {
  for_each = { eu = 0.5, us = 0.25 }
  from     = [source.rows]
  sql      = "select id, v * $value as v from rows"
  params   { value = each.value }
}
dataset "more" {
  from = [source.other]
  sql  = "select id, v from other where v > 0"
}
check "rows" {
  on = source.rows
  expect "v" { not_null = true }
  rule "enough" { assert = "table.rows >= variable.least" }
}
`,
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
	ejected := filepath.Join(t.TempDir(), "a b")
	mustRun(t, dir, "eject", ejected)
	out := mustMake(t, ejected, "check")
	if n := strings.Count(out, "stage --root"); n != 7 {
		t.Errorf("%d stages ran, want 7:\n%s", n, out)
	}
	if _, stderr, code := run(t, dir, "eject", ejected); code == 0 || !strings.Contains(stderr, "is there already") {
		t.Errorf("a folder with files was written over: %s", stderr)
	}
	rewriteFile(t, filepath.Join(ejected, "module/other.csv"), "1,1", "1,4")
	out, err := makeIn(t, ejected, "check")
	if ran := regexp.MustCompile(`stage --root work/(\S+)`).FindAllStringSubmatch(out, -1); len(ran) != 2 || ran[0][1] != "source.other" || ran[1][1] != "dataset.more" {
		t.Errorf("another other.csv ran %v, want source.other and dataset.more", ran)
	}
	if err == nil || !strings.Contains(out, "work/dataset.more/out/table/table.parquet: FAILED") {
		t.Errorf("another result passed the check:\n%s", out)
	}
	found := false
	_ = filepath.WalkDir(filepath.Join(ejected, "module/data"), func(path string, d fs.DirEntry, _ error) error {
		if strings.Contains(path, "day=1") && !d.IsDir() {
			rewriteFile(t, path, "1,2\n2,3\n", "")
			found = true
		}
		return nil
	})
	if out, err := makeIn(t, ejected); !found || err == nil || !strings.Contains(out, "check.rows does not pass") || !strings.Contains(out, "table.rows = 1") {
		t.Errorf("a check whose rule does not hold passed:\n%s", out)
	}
}

// rewriteFile replaces a text that must be in a file.
func rewriteFile(t *testing.T, path, old, new string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil && !bytes.Contains(text, []byte(old)) {
		err = fmt.Errorf("%s does not have %q", path, old)
	}
	if err == nil {
		err = os.WriteFile(path, bytes.Replace(text, []byte(old), []byte(new), 1), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
