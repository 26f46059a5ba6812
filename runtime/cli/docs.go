package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mlp-lang/mlp/compiler/render/reference"
	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
	"github.com/mlp-lang/mlp/lang/suggest"
	"github.com/mlp-lang/mlp/stdlib"
)

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

func (a *app) runDocs(kind, format, out string) error {
	ending := map[string]string{"markdown": ".md", "html": ".html"}[format]
	if ending == "" {
		return &failure{err: fmt.Errorf("--format %s is not known", format), hint: "Use markdown or html."}
	}
	catalog := stdlib.Catalog()
	if tests := schema.TestCatalog(); kind != "" && catalog.Kind(kind) == nil && tests.Kind(kind) != nil {
		catalog = tests
	}
	if kind != "" && catalog.Kind(kind) == nil {
		return unknownKind(kind, catalog)
	}
	if out == "" {
		_, err := io.WriteString(a.out, docsText(catalog, kind, format))
		return err
	}
	kinds := []string{kind}
	if kind == "" {
		for i := range catalog.Kinds {
			kinds = append(kinds, catalog.Kinds[i].Name)
		}
	}
	return a.writeDocs(catalog, kinds, format, ending, out)
}

// writeDocs writes a file for each kind; that of all kinds, named "", is the reference.
func (a *app) writeDocs(catalog *schema.Catalog, kinds []string, format, ending, out string) error {
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("making the folder %s: %w", out, err)
	}
	for _, kind := range kinds {
		text := docsText(catalog, kind, format)
		if kind == "" {
			kind = "reference"
		}
		path := filepath.Join(out, kind+ending)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return fmt.Errorf("writing %s: %w", path, err)
		}
		fmt.Fprintln(a.out, path)
	}
	return nil
}

func docsText(catalog *schema.Catalog, kind, format string) string {
	d := reference.Docs{Catalog: catalog, Kind: kind, Lists: functionTables()}
	if format == "html" {
		return d.HTML()
	}
	return d.Markdown()
}

func functionTables() []reference.FunctionsTable {
	hcl := reference.FunctionsTable{Title: "Functions in HCL", Doc: "What arguments and locals are computed with. All give the same on every machine."}
	for _, f := range expr.Functions() {
		hcl.Rows = append(hcl.Rows, reference.FunctionRow{Form: f.Form, Doc: f.Doc, Example: f.Example + " is " + f.Value})
	}
	rules := reference.FunctionsTable{Title: "Functions in rules", Doc: "What `assert` and `when` are decided with, besides operators."}
	for _, f := range rule.Functions() {
		rules.Rows = append(rules.Rows, reference.FunctionRow{Form: f.Form, Doc: f.Doc, Example: f.Example})
	}
	refused := reference.FunctionsTable{Title: "Functions that there are not", Doc: "Other languages have them; why this one does without."}
	for _, f := range expr.Refused() {
		refused.Rows = append(refused.Rows, reference.FunctionRow{Form: f.Form, Doc: f.Doc})
	}
	return []reference.FunctionsTable{hcl, rules, refused}
}

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
