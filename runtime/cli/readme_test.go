package cli

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var (
	readmeFence  = regexp.MustCompile("(?s)```(hcl|console|)\n(.*?)```")
	fileName     = regexp.MustCompile(`^# (\S+)\n`)
	secondsShown = regexp.MustCompile(`[0-9.]+ s\b`)
	// Results that end together are recorded in one revision, so how many revisions an apply makes is the machine's.
	revisionShown = regexp.MustCompile(`\brevision [0-9]+`)
)

// readme is the README as its reader goes through it, in one folder, from the top to the end of its tour.
type readme struct {
	t    *testing.T
	dir  string
	text string
}

// TestReadme does what the README tells its reader to, in its order, and holds each number that stands there: the first
// pipeline is applied, the change that the README speaks of planned and held back, and taken back again; then comes the
// tour. In the tour a block of HCL that begins with a file's name is that file, and a console's commands print what
// stands there, where a line "…" stands for any lines. mistake.mlp is gone after the console that speaks of it.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("../../examples/churn/data/wa_churn.csv")
	if err != nil {
		t.Fatal(err)
	}
	r := &readme{t: t, dir: t.TempDir(), text: string(text)}
	writeFile(t, filepath.Join(r.dir, "data/customers.csv"), string(data))
	first, tour, found := strings.Cut(r.text, "\n## A tour of the language\n")
	if !found {
		t.Fatal("the README has no tour")
	}
	r.first(first)
	tour, _, _ = strings.Cut(tour, "\n## ")
	r.tour(tour)
	if *update {
		if err := os.WriteFile("../../README.md", []byte(r.text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// first goes through the first screen: a pipeline, the plan of a change, what its apply says.
func (r *readme) first(text string) {
	r.t.Helper()
	blocks := readmeFence.FindAllStringSubmatch(text, 3)
	if len(blocks) < 3 {
		r.t.Fatalf("got %d fenced blocks, want a pipeline, a plan and what an apply says", len(blocks))
	}
	pipeline, gate := blocks[0][2], blocks[2][2]
	writeFile(r.t, filepath.Join(r.dir, "churn.mlp"), pipeline)
	mustRun(r.t, r.dir, "init")
	mustRun(r.t, r.dir, "apply", "--auto-approve", "--executor", "process")
	changed := strings.Replace(pipeline, "trees = 100", "trees = 200", 1)
	if changed == pipeline {
		r.t.Fatal("there is no trees = 100 in the first pipeline")
	}
	writeFile(r.t, filepath.Join(r.dir, "churn.mlp"), changed)
	r.compare(blocks[1], mustRun(r.t, r.dir, "plan"))
	_, stderr, code := run(r.t, r.dir, "apply", "--auto-approve", "--executor", "process")
	if code != exitGate || !strings.Contains(stderr, strings.TrimSpace(gate)) {
		r.t.Errorf("got exit code %d and\n%s\nwant %d and\n%s", code, stderr, exitGate, gate)
	}
	writeFile(r.t, filepath.Join(r.dir, "churn.mlp"), pipeline)
	mustRun(r.t, r.dir, "apply", "--auto-approve", "--executor", "process")
}

func (r *readme) tour(text string) {
	r.t.Helper()
	for _, block := range readmeFence.FindAllStringSubmatch(text, -1) {
		if name := fileName.FindStringSubmatch(block[2]); block[1] == "hcl" && name != nil {
			writeFile(r.t, filepath.Join(r.dir, name[1]), block[2])
			continue
		}
		r.compare(block, r.console(block[2]))
		os.Remove(filepath.Join(r.dir, "mistake.mlp"))
	}
}

// console runs the commands of a console and gives it as it is now.
func (r *readme) console(text string) string {
	r.t.Helper()
	var out strings.Builder
	for line := range strings.Lines(text) {
		command, found := strings.CutPrefix(line, "$ mlp ")
		if !found {
			continue
		}
		stdout, stderr, _ := run(r.t, r.dir, strings.Fields(command)...)
		printed := strings.ReplaceAll(stdout+stderr, r.dir+string(filepath.Separator), "")
		out.WriteString(line + strings.ReplaceAll(printed, "mlp -C "+r.dir, "mlp"))
	}
	return out.String()
}

// compare holds a block to what is printed, but for secondsShown and revisionShown.
func (r *readme) compare(block []string, printed string) {
	r.t.Helper()
	masked := func(text string) string {
		return revisionShown.ReplaceAllString(secondsShown.ReplaceAllString(text, "# s"), "revision #")
	}
	want, got := masked(block[2]), masked(printed)
	pattern := strings.ReplaceAll(regexp.QuoteMeta(want), "…\n", "(?s:.*?)")
	switch {
	case regexp.MustCompile("^" + pattern + "$").MatchString(got):
	case *update && !strings.Contains(block[2], "…\n"):
		r.text = strings.Replace(r.text, block[0], "```"+block[1]+"\n"+printed+"```", 1)
	default:
		r.t.Errorf("the README shows something else; run with -update, or see to it by hand where a line is …:\n%s", cmp.Diff(want, got))
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
