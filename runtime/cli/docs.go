package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/render/reference"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/stdlib"
)

// docsCommand needs no module and no store: it writes what this program knows of the language.
func (a *app) docsCommand() *cobra.Command {
	format, out := "markdown", ""
	cmd := &cobra.Command{
		Use: "docs [KIND]", Short: "Print the reference of the language", Args: cobra.MaximumNArgs(1),
		Long: "Writes what every kind and type of block takes and yields, with examples, and the functions of expressions and rules:\n" +
			"what this mlp knows. With a KIND, that alone. HTML is one page without scripts or requests.",
		Example: "  mlp docs train\n  mlp docs --format html > reference.html\n  mlp docs --format html --out site",
		RunE: func(_ *cobra.Command, args []string) error {
			return a.runDocs(strings.Join(args, ""), format, out)
		},
	}
	cmd.Flags().StringVar(&format, "format", format, "`markdown` or html")
	cmd.Flags().StringVar(&out, "out", "", "write a file for each kind, and one of all, to this `folder`")
	return cmd
}

// runDocs writes the reference of one kind, or of all for "", to standard output or, with out, to files in that folder,
// whose names are printed. Kinds of test files, such as "given", are a catalog of their own, and are looked in only
// where the module's language has no such kind.
func (a *app) runDocs(kind, format, out string) error {
	catalog := stdlib.Catalog()
	if tests := schema.TestCatalog(); kind != "" && catalog.Kind(kind) == nil && tests.Kind(kind) != nil {
		catalog = tests
	}
	if kind != "" && catalog.Kind(kind) == nil {
		return unknownKind(kind, catalog)
	}
	if out == "" {
		_, err := io.WriteString(a.out, reference.Text(catalog, kind, format))
		return err
	}
	wrote, err := reference.Write(catalog, kind, format, out)
	// Also after an error: what was written before it is there.
	for _, path := range wrote {
		fmt.Fprintln(a.out, path)
	}
	return err
}

// unknownKind proposes the kind that was meant, and lists all where none is near: there are few.
func unknownKind(kind string, catalog *schema.Catalog) error {
	var names []string
	for i := range catalog.Kinds {
		names = append(names, catalog.Kinds[i].Name)
	}
	hint := suggest.DidYouMean(kind, names)
	if hint == "" {
		hint = "Kinds are " + strings.Join(names, ", ") + "."
	}
	return &failure{err: fmt.Errorf("there is no kind of block %q", kind), hint: hint}
}
