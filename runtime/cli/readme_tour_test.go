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
	tourFence = regexp.MustCompile("(?s)```(hcl|console)\n(.*?)```")
	fileName  = regexp.MustCompile(`^# (\S+)\n`)
)

// TestTour goes the README's tour, in a folder with its first pipeline: a block of HCL that begins with a file's name is
// that file, a console's commands print what stands there, where a line "…" stands for any lines. mistake.mlp is gone after
// the console that speaks of it.
func TestTour(t *testing.T) {
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	first, tour, found := strings.Cut(string(text), "\n## A tour of the language\n")
	if !found {
		t.Fatal("the README has no tour")
	}
	tour, _, _ = strings.Cut(tour, "\n## ")
	dir := t.TempDir()
	data, err := os.ReadFile("../../examples/churn/data/wa_churn.csv")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "data/customers.csv"), string(data))
	writeFile(t, filepath.Join(dir, "churn.mlp"), fence.FindStringSubmatch(first)[1])
	mustRun(t, dir, "init")
	mustRun(t, dir, "apply", "--auto-approve", "--executor", "process")
	for _, f := range tourFence.FindAllStringSubmatch(tour, -1) {
		if name := fileName.FindStringSubmatch(f[2]); f[1] == "hcl" && name != nil {
			writeFile(t, filepath.Join(dir, name[1]), f[2])
			continue
		}
		switch got := console(t, dir, f[2]); {
		case shows(f[2], got):
		case *update && !strings.Contains(f[2], "…\n"):
			text = []byte(strings.Replace(string(text), f[0], "```console\n"+got+"```", 1))
		default:
			t.Errorf("the README's console differs; run with -update, or see to it by hand where a line is …:\n%s", cmp.Diff(f[2], got))
		}
		os.Remove(filepath.Join(dir, "mistake.mlp"))
	}
	if *update {
		if err := os.WriteFile("../../README.md", text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// console runs the commands of a console and gives it as it is now, without what depends on the machine's speed.
func console(t *testing.T, dir, text string) string {
	t.Helper()
	var out strings.Builder
	for line := range strings.Lines(text) {
		command, found := strings.CutPrefix(line, "$ mlp ")
		if !found {
			continue
		}
		stdout, stderr, _ := run(t, dir, strings.Fields(command)...)
		printed := strings.ReplaceAll(stdout+stderr, dir+string(filepath.Separator), "")
		printed = strings.ReplaceAll(printed, "mlp -C "+dir, "mlp")
		out.WriteString(line + costLine.ReplaceAllString(printed, ""))
	}
	return out.String()
}

// shows tells whether a console's text is what was printed, but for what it leaves out.
func shows(text, printed string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(text), "…\n", "(?s:.*?)")
	return regexp.MustCompile("^" + pattern + "$").MatchString(printed)
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
