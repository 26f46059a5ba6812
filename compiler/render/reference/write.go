package reference

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/mlp-lang/mlp/lang/expr"
	"github.com/mlp-lang/mlp/lang/rule"
	"github.com/mlp-lang/mlp/lang/schema"
)

// Text is the reference of one kind, or of all with the functions of expressions and rules if kind is empty; as markdown or html.
func Text(catalog *schema.Catalog, kind, format string) string {
	d := Docs{Catalog: catalog, Kind: kind, Lists: functionTables()}
	if format == "html" {
		return d.HTML()
	}
	return d.Markdown()
}

// Write writes a file of one kind to a folder; of all, if kind is empty, one each, and "reference" with everything.
// Files that are there are replaced, and the folder is made if need be. It returns the paths of what was written, also
// with an error.
func Write(catalog *schema.Catalog, kind, format, dir string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the folder %s: %w", dir, err)
	}
	kinds := []string{kind}
	if kind == "" {
		for i := range catalog.Kinds {
			kinds = append(kinds, catalog.Kinds[i].Name)
		}
	}
	var wrote []string
	for _, kind := range kinds {
		name := kind + map[string]string{"markdown": ".md", "html": ".html"}[format]
		if kind == "" {
			name = "reference" + name
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(Text(catalog, kind, format)), 0o644); err != nil {
			return wrote, fmt.Errorf("writing %s: %w", path, err)
		}
		wrote = append(wrote, path)
	}
	return wrote, nil
}

// functionTables are the functions of expressions, those of rules, and those of other languages that there are not.
func functionTables() []FunctionsTable {
	hcl := FunctionsTable{Title: "Functions in HCL", Doc: "What arguments and locals are computed with. All give the same on every machine."}
	for _, f := range expr.Functions() {
		hcl.Rows = append(hcl.Rows, FunctionRow{Form: f.Form, Doc: f.Doc, Example: f.Example + " is " + f.Value})
	}
	rules := FunctionsTable{Title: "Functions in rules", Doc: "What `assert` and `when` are decided with, besides operators."}
	for _, f := range rule.Functions() {
		rules.Rows = append(rules.Rows, FunctionRow{Form: f.Form, Doc: f.Doc, Example: f.Example})
	}
	refused := FunctionsTable{Title: "Functions that there are not", Doc: "Other languages have them; why this one does without."}
	for _, f := range expr.Refused() {
		refused.Rows = append(refused.Rows, FunctionRow{Form: f.Form, Doc: f.Doc})
	}
	return []FunctionsTable{hcl, rules, refused}
}
