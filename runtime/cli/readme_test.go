package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var fence = regexp.MustCompile("(?s)```(?:hcl)?\n(.*?)```")

// TestReadme runs what the README's first screen shows: the pipeline, the plan of the change it speaks of, and the gate
// that holds the release back.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := fence.FindAllStringSubmatch(string(text), 3)
	if len(blocks) < 3 {
		t.Fatalf("got %d fenced blocks, want a pipeline, a plan and what an apply says", len(blocks))
	}
	pipeline, plan, gate := blocks[0][1], blocks[1][1], blocks[2][1]
	dir := t.TempDir()
	data, err := os.ReadFile("../../examples/churn/data/wa_churn.csv")
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, content string) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("data/customers.csv", string(data))
	write("churn.mlp", pipeline)
	mustRun(t, dir, "init")
	mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
	write("churn.mlp", strings.Replace(pipeline, "trees = 100", "trees = 200", 1))
	got := costLine.ReplaceAllString(mustRun(t, dir, "plan"), "")
	if diff := cmp.Diff(plan, got); diff != "" {
		t.Errorf("the plan that the README shows is another one now:\n%s", diff)
	}
	_, stderr, code := run(t, dir, "apply", "--auto-approve", "--executor", "process")
	if code != exitGate || !strings.Contains(stderr, strings.TrimSpace(gate)) {
		t.Errorf("got exit code %d and\n%s\nwant %d and\n%s", code, stderr, exitGate, gate)
	}
}
