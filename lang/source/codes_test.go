package source

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestCodesAreExplained(t *testing.T) {
	last := ""
	for _, c := range Codes() {
		if c.Code <= last {
			t.Errorf("%s does not come after %s", c.Code, last)
		}
		last = c.Code
		if c.Cause == "" || c.Cure == "" {
			t.Errorf("%s has no cause or no cure", c.Code)
		}
	}
}

// TestCodesAreUsed holds that each code of the table is given by some package, and by its name.
func TestCodesAreUsed(t *testing.T) {
	declared, err := os.ReadFile("codes.go")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^\t(Code[A-Z]\w+)\s+= "MLP1[0-2]\d\d"`).FindAllStringSubmatch(string(declared), -1) {
		names[m[1]] = false
	}
	if got, want := len(names), len(Codes()); got != want {
		t.Errorf("%d codes declared, %d explained", got, want)
	}
	for _, dir := range []string{"..", "../../compiler/resolve"} {
		used(t, dir, names)
	}
	for name, ok := range names {
		if !ok {
			t.Errorf("%s is used nowhere", name)
		}
	}
}

func used(t *testing.T, dir string, names map[string]bool) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || e.Name() == "codes.go" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range regexp.MustCompile(`\bsource\.(Code[A-Z]\w+)`).FindAllStringSubmatch(string(text), -1) {
			names[m[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
