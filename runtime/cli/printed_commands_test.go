package cli

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// withValue finds a command line that is put together for somebody to copy, among these commands.
func withValue() *regexp.Regexp {
	var names []string
	for _, c := range (&app{}).root().Commands() {
		names = append(names, c.Name())
	}
	return regexp.MustCompile(`\bmlp (` + strings.Join(names, "|") + `) [^'"]*%[sqv]`)
}

// TestPrintedCommandsAreWhole holds every text of the program: a command line with a value in it selects what it works on, so it is
// made by Workspace.Command, or render.Command where the reader has a folder of his own, and never written out.
func TestPrintedCommandsAreWhole(t *testing.T) {
	files, commands := 0, withValue()
	for _, room := range []string{"../../compiler", "../../runtime", "../../lang", "../../stdlib"} {
		err := filepath.WalkDir(room, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			files++
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, path, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				lit, ok := n.(*ast.BasicLit)
				if !ok || lit.Kind != token.STRING {
					return true
				}
				if text, err := strconv.Unquote(lit.Value); err == nil && commands.MatchString(text) && !strings.Contains(text, "--workspace %s") {
					t.Errorf("%s: %q has no workspace", set.Position(lit.Pos()), text)
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 300 {
		t.Errorf("only %d files were looked through", files)
	}
}

// TestFormatsAreKnown holds every command that has --format to the values that shells complete and that are refused otherwise.
func TestFormatsAreKnown(t *testing.T) {
	var walk func(*cobra.Command)
	walk = func(c *cobra.Command) {
		if c.Flag("format") != nil && c.HasParent() && c.Name() != "help" {
			if len(formatsOf[c.Name()]) == 0 {
				t.Errorf("%s has --format, and nothing says what it takes", c.CommandPath())
			}
			if _, completes := c.GetFlagCompletionFunc("format"); !completes {
				t.Errorf("%s --format is not completed", c.CommandPath())
			}
		}
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	walk((&app{}).root())
}
