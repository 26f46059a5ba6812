package cli

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// TestMistakes holds what is said of the mistakes that people make who know scikit-learn, pandas, dbt or Terraform to
// testdata/mistakes.txt, which is for reading: each mistake, and all that is printed of it. Cases stand in
// testdata/mistakes.txtar: a whole module, edits of it, and command lines in it.
func TestMistakes(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/mistakes.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range archive.Files {
		files[f.Name] = string(f.Data)
	}
	var out strings.Builder
	told := 0
	for _, c := range strings.Split(strings.TrimSpace(files["cases"]), "\n\n") {
		lines := strings.Split(c, "\n")
		dir := t.TempDir()
		module := files["pipeline.mlp"]
		args := []string{"validate"}
		for _, line := range lines[1:] {
			switch {
			case strings.HasPrefix(line, "$ mlp "):
				args = strings.Fields(strings.TrimPrefix(line, "$ mlp "))
			case strings.HasPrefix(line, "+ "):
				module += strings.TrimPrefix(line, "+ ") + "\n"
			default:
				from, to, ok := strings.Cut(line, " => ")
				if !ok || strings.Count(module, from) != 1 {
					t.Fatalf("%s: %q stands %d times in the module", lines[0], from, strings.Count(module, from))
				}
				module = strings.Replace(module, from, strings.ReplaceAll(to, `\n`, "\n"), 1)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "pipeline.mlp"), []byte(module), 0o644); err != nil {
			t.Fatal(err)
		}
		printed, code := runIn(t, dir, args...)
		if code == exitOK {
			t.Errorf("%s: nothing is told\n%s", lines[0], printed)
		}
		told++
		fmt.Fprintf(&out, "## %s\n%s\n\n%s\n", lines[0], strings.Join(lines[1:], "\n"), printed)
	}
	if told < 90 {
		t.Errorf("%d mistakes, want 90", told)
	}
	golden(t, "testdata/mistakes.txt", out.String())
}

// whatThereIs are the lists of all arguments or kinds.
var whatThereIs = regexp.MustCompile(`(?m)^  (It takes|Kinds of blocks are) (?:[^\n]+\n  )*?[^\n]+\.\n`)

// runIn runs a command line in a folder, and returns all that it prints and its exit code.
func runIn(t *testing.T, dir string, args ...string) (string, int) {
	t.Helper()
	var printed bytes.Buffer
	a := &app{out: &printed, err: &printed, in: strings.NewReader("")}
	cmd := a.root()
	cmd.SetArgs(append(args, "-C", dir))
	code := a.guarded(func() error { return cmd.ExecuteContext(context.Background()) })
	text := strings.ReplaceAll(printed.String(), dir, ".")
	return whatThereIs.ReplaceAllString(text, "  $1 …\n"), code // left out, since they grow with the language
}
