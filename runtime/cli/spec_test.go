package cli

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mlp-lang/mlp/compiler/render/reference"
	"github.com/mlp-lang/mlp/lang/source"
	"github.com/mlp-lang/mlp/stdlib"
)

var update = flag.Bool("update", false, "write golden files and the generated parts of spec/ anew")

// TestReference holds spec/kinds.md to the components that it is made of.
func TestReference(t *testing.T) {
	golden(t, "../../spec/kinds.md", reference.Reference(stdlib.Catalog()))
}

// TestErrorCodes holds spec/errors.md to the table of codes.
func TestErrorCodes(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Codes of errors and warnings\n\nStable: a code that is no longer used is not given again.\n\n| code | cause | cure |\n|---|---|---|\n")
	for _, c := range source.Codes() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", c.Code, pipes.Replace(c.Cause), pipes.Replace(c.Cure))
	}
	golden(t, "../../spec/errors.md", b.String())
}

var pipes = strings.NewReplacer("|", "\\|", "\n", " ")

// golden compares with a file, which -update writes anew.
func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is not what the code makes (go test -update writes it):\n%s", path, diff)
	}
}
